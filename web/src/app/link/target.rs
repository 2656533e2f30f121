//! What a link wants open, and what the page says of it.

/// Where a checkpoint comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One that comes with the page.
    Bundled(String),
    /// A Hub id (`owner/name`, `owner/name@revision`) or an address, as typed.
    Remote {
        /// Id or address.
        address: String,
        /// SHA-256 of the headers, hex; empty if unknown.
        sha: String,
    },
    /// Files of the visitor's own: nothing of them is in a link but this.
    Local {
        /// Name for people.
        name: String,
        /// Bytes of all files.
        size: f64,
        /// SHA-256 of the headers, hex.
        sha: String,
    },
}

impl Target {
    /// Its name for people.
    pub fn name(&self) -> &str {
        match self {
            Self::Bundled(name) | Self::Local { name, .. } => name,
            Self::Remote { address, .. } => address,
        }
    }

    /// SHA-256 of the headers, where the link knows it.
    pub fn sha(&self) -> Option<&str> {
        match self {
            Self::Bundled(_) => None,
            Self::Remote { sha, .. } | Self::Local { sha, .. } => Some(sha).filter(|s| !s.is_empty()).map(String::as_str),
        }
    }

    /// Whether a checkpoint with these headers is the one that is meant. The hash in a link may be shortened, but not below eight digits.
    pub fn is(&self, header_hash: &str) -> bool {
        self.sha().is_none_or(|sha| sha.len() >= 8 && header_hash.starts_with(sha))
    }

    /// Whether both mean the same place to read from; hashes are not compared where one of them is unknown.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bundled(a), Self::Bundled(b)) => a == b,
            (Self::Remote { address: a, .. }, Self::Remote { address: b, .. }) => a == b,
            (Self::Local { sha: a, .. }, Self::Local { sha: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// A header's hash as people compare it: `a41f 09c2`.
pub fn short(sha: &str) -> String {
    let head: String = sha.chars().take(8).collect();
    match head.char_indices().nth(4) {
        Some((i, _)) => format!("{} {}", &head[..i], &head[i..]),
        None => head,
    }
}
