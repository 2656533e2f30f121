//! The whole view in the address: what is open, where the visitor is, and every setting, so that a reload or a link restores the picture.
//!
//! `#v=1&page=rank&open=shakespeare-llama&seed=7&tensor=…&s=…`: keys that people may read and write, and one packed key, `s`, for
//! what nobody would type (bars, filters, zooms, the runs whose results are shown). Every key may be missing. This part is pure: it knows
//! texts and states, no browser.

pub mod base64;
pub mod lesson;
pub mod packed;
mod read;
pub mod target;
mod write;

use crate::app::state::{Asked, Edit, Place, Views};
use espalier_lab::protocol::DeviceChoice;

pub use lesson::Lesson;
pub use target::Target;

/// Version that this page writes. A link of a higher one is read as far as its keys are known.
pub const VERSION: u32 = 1;

/// A link that has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Where to go.
    pub place: Option<Place>,
    /// What must be open.
    pub target: Option<Target>,
    /// Seed.
    pub seed: Option<u64>,
    /// Device.
    pub device: Option<DeviceChoice>,
    /// Name of the selected tensor, `name#slice` where it holds several matrices.
    pub tensor: Option<String>,
    /// What a lesson holds or hides.
    pub lesson: Lesson,
    /// The packed part as it stands in the address: its kind, then its text.
    pub packed: Option<String>,
    /// What the packed part says, once it has been unpacked.
    pub rest: Option<String>,
    /// Runs to do instead of the packed part's: a record's.
    pub runs: Option<Vec<Asked>>,
    /// What could not be read, one sentence each.
    pub notes: Vec<String>,
}

/// What the packed part holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rest {
    /// Rank and Prune; the selection is only its block.
    pub edit: Edit,
    /// How figures and lists are looked at.
    pub views: Views,
    /// Settings of the Map, its city among them, where they are not the page's own.
    pub city: Option<Box<espalier_methods::urban::calliper::Config>>,
    /// Runs whose results are shown, in their order.
    pub runs: Vec<Asked>,
}

impl Link {
    /// Reads an address's hash, with or without its `#`.
    pub fn read(hash: &str) -> Self {
        read::read(hash.trim_start_matches('#'))
    }

    /// Reads a packed part that is not deflated. False where it is, or where it cannot be read.
    pub fn unpack_plain(&mut self) -> bool {
        let plain = self.packed.as_deref().and_then(|p| p.strip_prefix('j')).and_then(base64::decode);
        self.rest = plain.and_then(|b| String::from_utf8(b).ok()).filter(|t| t.len() <= packed::LONGEST);
        self.rest.is_some()
    }

    /// True where it asks for nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub use write::write;

/// Percent-encoding of everything but letters, digits and what a fragment may hold unread: `- . _ ~ / : @ ,`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~/:@,".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// The reverse; what is not valid stays as it is.
pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten().and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(bytes[i]));
        i += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
