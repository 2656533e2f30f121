//! What crosses between page and worker: the engine's protocol, and the browser's own objects beside it.

use espalier_lab::protocol::{Command, Reply, Slot};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::wire::{Packed, Sealed};

/// A browser object (a `File`, a `Blob`) that passes through unchanged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handle(#[serde(with = "serde_wasm_bindgen::preserve")] pub JsValue);

/// From the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToLab {
    /// Opens local files.
    Files {
        /// Comes back in [`FromLab::Settled`].
        ticket: u32,
        /// Which of the two that can be open.
        slot: Slot,
        /// Each a `File`.
        files: Vec<Handle>,
    },
    /// Opens files on the page's own server.
    Bundled {
        /// Comes back in [`FromLab::Settled`].
        ticket: u32,
        /// Which of the two that can be open.
        slot: Slot,
        /// Name for people.
        name: String,
        /// Addresses, relative to the page.
        urls: Vec<String>,
    },
    /// Opens what lies under a Hub id or an address.
    Address {
        /// Comes back in [`FromLab::Settled`].
        ticket: u32,
        /// Which of the two that can be open.
        slot: Slot,
        /// As typed or pasted.
        address: String,
        /// The Hub or a mirror of it; `None` for the Hub.
        endpoint: Option<String>,
    },
    /// What the workers before this one did, each step of the record as its text.
    Done(Vec<String>),
    /// A request to the engine.
    Command(Packed<Command>),
}

/// From the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromLab {
    /// The worker has started.
    Alive,
    /// An opening came to its end.
    Settled {
        /// Which.
        ticket: u32,
        /// Whether it is what is open now.
        ok: bool,
    },
    /// The engine has multiplied two matrices, and announces its device next.
    Multiplied,
    /// A step of the record, for the worker that may have to take this one's place.
    Noted(String),
    /// The engine's answer. The page opens it where the code that understands it has come.
    Reply(Sealed<Reply>),
    /// The bytes of a finished export (a `Blob`); the engine's own `Exported` follows.
    Exported {
        /// Job.
        job: u32,
        /// The file.
        blob: Handle,
        /// What to call it.
        name: String,
    },
    /// The last words of a worker that is about to end.
    Panicked {
        /// The panic's message and place.
        message: String,
    },
}
