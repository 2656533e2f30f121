//! What a link wants open, and what the page says of it.

/// Where a checkpoint comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One that comes with the page.
    Bundled(String),
    /// A repository of the Hub: `owner/name`, and the revision if it is not `main`.
    Hub {
        /// `owner/name`.
        id: String,
        /// Branch, tag or commit.
        revision: String,
        /// SHA-256 of the headers, hex; empty if unknown.
        sha: String,
    },
    /// An address.
    Url {
        /// Address.
        url: String,
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
            Self::Hub { id, .. } => id,
            Self::Url { url, .. } => url.rsplit('/').next().unwrap_or(url),
        }
    }

    /// SHA-256 of the headers, where the link knows it.
    pub fn sha(&self) -> Option<&str> {
        match self {
            Self::Bundled(_) => None,
            Self::Hub { sha, .. } | Self::Url { sha, .. } | Self::Local { sha, .. } => Some(sha).filter(|s| !s.is_empty()).map(String::as_str),
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
            (Self::Hub { id: a, revision: r, .. }, Self::Hub { id: b, revision: s, .. }) => a == b && r == s,
            (Self::Url { url: a, .. }, Self::Url { url: b, .. }) => a == b,
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
