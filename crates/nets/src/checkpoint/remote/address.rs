//! From what a person types or pastes to the addresses of files.

use super::fault::{Fault, Problem};

/// The Hugging Face Hub.
pub const HUB: &str = "https://huggingface.co";
/// Hosts whose links have the Hub's form.
const HUB_HOSTS: [&str; 4] = ["huggingface.co", "www.huggingface.co", "hf.co", "hf-mirror.com"];
/// Ways in which a Hub link names a file or a folder.
const VERBS: [&str; 4] = ["blob", "resolve", "raw", "tree"];

/// Where a checkpoint is to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A repository on the Hub or a mirror of it.
    Hub {
        /// `https://huggingface.co`.
        endpoint: String,
        /// `owner/name`; old ones have a name only.
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// Folder or file inside; empty for the top.
        path: String,
    },
    /// One file, or a folder where it ends in `/`.
    Url(String),
}

/// The host of an address, for messages.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

impl Address {
    /// Reads a Hub id (`owner/name`, `owner/name@revision`, either with `/folder/file`), a link to the Hub (`blob`, `tree`, `raw` and `resolve`
    /// alike) or any http address. `endpoint` is the Hub to use for ids, [`HUB`] or a mirror.
    ///
    /// # Errors
    /// [`Problem::Address`] says what is wrong with it.
    pub fn parse(text: &str, endpoint: &str) -> Result<Self, Fault> {
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        let endpoint = endpoint.trim_end_matches('/');
        let bad = |why: &str| Fault { problem: Problem::Address { why: why.into() }, host: host(endpoint).into(), hub: true };
        if text.is_empty() {
            return Err(bad("There is nothing in it."));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad("There is a space or a line break in it."));
        }
        if let Some(id) = text.strip_prefix("hf://") {
            return hub_id(id.strip_prefix("models/").unwrap_or(id), endpoint).map_err(|why| bad(&why));
        }
        match text.split_once("://") {
            Some(("http" | "https", _)) => link(text, endpoint).map_err(|why| bad(&why)),
            Some((scheme, _)) => Err(bad(&format!("Addresses begin with https:// or http://, not with {scheme}://."))),
            None if HUB_HOSTS.iter().any(|h| text.strip_prefix(h).is_some_and(|r| r.starts_with('/'))) => link(&format!("https://{text}"), endpoint).map_err(|why| bad(&why)),
            None => hub_id(text, endpoint).map_err(|why| bad(&why)),
        }
    }

    /// The address of a file beside or below this one.
    pub(super) fn file(&self, path: &str) -> String {
        match self {
            Self::Hub { endpoint, repo, revision, .. } => format!("{endpoint}/{repo}/resolve/{}/{}", encode(revision, false), encode(path, true)),
            Self::Url(url) => match url.split_once(['?', '#']) {
                _ if path.is_empty() => url.clone(),
                Some((front, _)) => format!("{}{}", folder_of(front), encode(path, true)),
                None => format!("{}{}", folder_of(url), encode(path, true)),
            },
        }
    }

    /// The address of a small file beside the weights: `tokenizer.json`.
    pub fn beside(&self, name: &str) -> String {
        match self {
            Self::Hub { path, .. } => {
                let folder = if path.ends_with(".safetensors") || path.ends_with(".json") { path.rsplit_once('/').map_or("", |(f, _)| f) } else { path.trim_end_matches('/') };
                self.file(&if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
            }
            Self::Url(_) => self.file(name),
        }
    }

    /// In the shortest form that [`parse`](Self::parse) reads back: what a link or a record holds.
    pub fn text(&self) -> String {
        match self {
            Self::Hub { endpoint, repo, revision, path } => {
                let tail = if path.is_empty() { String::new() } else { format!("/{path}") };
                // The short form is what people type, and nobody types a space inside it.
                if endpoint == HUB && repo.contains('/') && !path.contains(char::is_whitespace) {
                    let at = if revision == "main" { String::new() } else { format!("@{revision}") };
                    return format!("{repo}{at}{tail}");
                }
                format!("{endpoint}/{repo}/resolve/{}{}", encode(revision, false), if path.is_empty() { String::new() } else { format!("/{}", encode(path, true)) })
            }
            Self::Url(url) => url.clone(),
        }
    }

    /// What people call it: the repository's name, or the file's or its folder's.
    pub fn name(&self) -> String {
        match self {
            Self::Hub { repo, .. } => repo.rsplit('/').next().unwrap_or(repo).to_owned(),
            Self::Url(url) => {
                let path = url.split(['?', '#']).next().unwrap_or(url);
                let path = path.split_once("://").map_or(path, |(_, r)| r).trim_end_matches('/');
                decode(path.rsplit('/').next().unwrap_or(path))
            }
        }
    }
}

fn folder_of(url: &str) -> &str {
    url.rfind('/').map_or(url, |i| &url[..=i])
}

/// `owner/name[@revision][/path]`.
fn hub_id(id: &str, endpoint: &str) -> Result<Address, String> {
    let id = id.trim_matches('/');
    let (front, revision) = match id.split_once('@') {
        Some((front, rest)) if front.matches('/').count() <= 1 => (front, Some(rest)),
        Some(_) => return Err("The revision stands behind the repository's name: owner/name@revision/folder/file.".into()),
        None => (id, None),
    };
    let (repo, mut path) = match revision {
        Some(_) => (front.to_owned(), String::new()),
        None => {
            let mut parts = front.splitn(3, '/');
            let repo = [parts.next(), parts.next()].into_iter().flatten().collect::<Vec<_>>().join("/");
            (repo, parts.next().unwrap_or_default().to_owned())
        }
    };
    let mut name = "main".to_owned();
    if let Some(rest) = revision {
        // Only these two kinds of revision have slashes of their own.
        let own = if rest.starts_with("refs/") { 3 } else { 1 };
        let mut parts = rest.splitn(own + 1, '/');
        name = parts.by_ref().take(own).collect::<Vec<_>>().join("/");
        path = parts.next().unwrap_or_default().to_owned();
    }
    checked(endpoint, repo, decode(&name), path)
}

fn checked(endpoint: &str, repo: String, revision: String, path: String) -> Result<Address, String> {
    let plain = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) && !s.starts_with('.') && !s.contains("..");
    let parts: Vec<&str> = repo.split('/').collect();
    if let Some(part) = parts.iter().find(|p| !plain(p)) {
        return Err(format!("“{part}” cannot be the name of an owner or a model: they are made of letters, digits, -, _ and single dots."));
    }
    if parts.len() == 1 && [".safetensors", ".json", ".bin", ".gguf", ".pt"].iter().any(|e| repo.ends_with(e)) {
        return Err("That is the name of a file, without the place where it lies.".into());
    }
    if parts[0] == "datasets" || parts[0] == "spaces" {
        return Err(format!("{} are not models.", parts[0]));
    }
    if revision.is_empty() || !revision.split('/').all(plain) {
        return Err(format!("“{revision}” cannot be a branch, tag or commit."));
    }
    inside(&path)?;
    Ok(Address::Hub { endpoint: endpoint.into(), repo, revision, path: path.trim_end_matches('/').into() })
}

/// A path that stays in its folder.
pub(super) fn inside(path: &str) -> Result<(), String> {
    let fine = !path.starts_with('/') && !path.contains('\\') && !path.contains("://") && path.split('/').all(|p| p != "..");
    if fine { Ok(()) } else { Err(format!("The path {} leads out of its folder.", crate::checkpoint::error::short(path))) }
}

/// A pasted link.
fn link(url: &str, endpoint: &str) -> Result<Address, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.is_empty() || authority.contains('@') {
        return Err("There is no host in it, or a login, which is not sent.".into());
    }
    let plain_path = path.split(['?', '#']).next().unwrap_or_default();
    let parts: Vec<&str> = plain_path.split('/').filter(|p| !p.is_empty()).collect();
    // GitHub's pages of files, too, have a plain file behind them.
    if authority == "github.com"
        && let [owner, repo, "blob" | "raw", rest @ ..] = &parts[..]
    {
        return Ok(Address::Url(format!("https://raw.githubusercontent.com/{owner}/{repo}/{}", rest.join("/"))));
    }
    let hub = HUB_HOSTS.contains(&authority) || host(endpoint) == authority;
    let verb = parts.iter().take(3).position(|p| VERBS.contains(p)).filter(|i| (1..=2).contains(i));
    match verb {
        // Any host with links of this form is a mirror of the Hub.
        Some(i) if hub || i == 2 && parts.get(i).is_some_and(|v| matches!(*v, "blob" | "resolve")) => {
            let base = if authority == "hf.co" { HUB.to_owned() } else { format!("{scheme}://{authority}") };
            let revision = parts.get(i + 1).map_or_else(|| "main".into(), |r| decode(r));
            let path: Vec<String> = parts.iter().skip(i + 2).map(|p| decode(p)).collect();
            checked(&base, parts[..i].join("/"), revision, path.join("/"))
        }
        _ if hub && parts.first() == Some(&"models") => Err("That is a page of the Hub, not a model.".into()),
        _ if hub && (1..=2).contains(&parts.len()) => {
            let base = if authority == "hf.co" { HUB.to_owned() } else { format!("{scheme}://{authority}") };
            checked(&base, parts.join("/"), "main".into(), String::new())
        }
        _ if hub => Err("The Hub has no file or folder under such an address.".into()),
        _ => {
            let url = url.split('#').next().unwrap_or(url);
            Ok(Address::Url(if parts.is_empty() && !url.contains('?') && !url.ends_with('/') { format!("{url}/") } else { url.to_owned() }))
        }
    }
}

/// Percent-encoding of everything that is not plain; slashes stay where `slashes`.
fn encode(path: &str, slashes: bool) -> String {
    let mut out = String::with_capacity(path.len());
    for b in path.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(b as char),
            b'/' if slashes => out.push('/'),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok())).flatten();
        match hex {
            Some(b) => {
                out.push(b);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(repo: &str, revision: &str, path: &str) -> Address {
        Address::Hub { endpoint: HUB.into(), repo: repo.into(), revision: revision.into(), path: path.into() }
    }

    #[test]
    fn ids_and_links_of_every_kind_are_understood() {
        for (text, want) in [
            ("Qwen/Qwen2-0.5B", hub("Qwen/Qwen2-0.5B", "main", "")),
            ("  Qwen/Qwen2-0.5B@v1.0 ", hub("Qwen/Qwen2-0.5B", "v1.0", "")),
            ("hf://a/b@3f2a/unet/x.safetensors", hub("a/b", "3f2a", "unet/x.safetensors")),
            ("a/b@refs/pr/3/model.safetensors", hub("a/b", "refs/pr/3", "model.safetensors")),
            ("a/b/sub/folder", hub("a/b", "main", "sub/folder")),
            ("gpt2", hub("gpt2", "main", "")),
            ("https://huggingface.co/a/b", hub("a/b", "main", "")),
            ("huggingface.co/a/b", hub("a/b", "main", "")),
            ("https://hf.co/a/b/tree/dev/unet", hub("a/b", "dev", "unet")),
            ("https://huggingface.co/a/b/blob/main/model.safetensors", hub("a/b", "main", "model.safetensors")),
            ("https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/x%20y.safetensors?download=true", hub("a/b", "refs/pr/1", "x y.safetensors")),
            ("https://huggingface.co/gpt2/blob/main/model.safetensors", hub("gpt2", "main", "model.safetensors")),
            ("https://github.com/o/r/blob/main/a.safetensors", Address::Url("https://raw.githubusercontent.com/o/r/main/a.safetensors".into())),
            ("http://localhost:8000/m.safetensors#x", Address::Url("http://localhost:8000/m.safetensors".into())),
            ("http://mirror:8000/a/b/blob/main/m.safetensors", Address::Hub { endpoint: "http://mirror:8000".into(), repo: "a/b".into(), revision: "main".into(), path: "m.safetensors".into() }),
            ("http://localhost:8000", Address::Url("http://localhost:8000/".into())),
        ] {
            let found = Address::parse(text, HUB).unwrap_or_else(|e| panic!("{text}: {e:?}"));
            assert_eq!(found, want, "{text}");
            assert_eq!(Address::parse(&found.text(), HUB).unwrap(), found, "{text}: its own text is read back");
        }
    }

    #[test]
    fn links_become_addresses_of_bytes() {
        let a = Address::parse("https://huggingface.co/a/b/blob/refs%2Fpr%2F1/x y.safetensors".replace(' ', "%20").as_str(), HUB).unwrap();
        let Address::Hub { path, .. } = &a else { panic!() };
        assert_eq!(a.file(path), "https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/x%20y.safetensors");
        let u = Address::parse("https://x.org/models/m.safetensors?sig=1", HUB).unwrap();
        assert_eq!(u.file(""), "https://x.org/models/m.safetensors?sig=1");
        assert_eq!(u.file("config.json"), "https://x.org/models/config.json");
        let mirror = Address::parse("a/b", "http://127.0.0.1:9/").unwrap();
        assert_eq!(mirror.file("model.safetensors"), "http://127.0.0.1:9/a/b/resolve/main/model.safetensors");
        assert_eq!((u.name(), mirror.name()), ("m.safetensors".into(), "b".into()));
    }

    #[test]
    fn what_is_no_address_is_said() {
        for (text, word) in [
            ("", "nothing"),
            ("two words", "space"),
            ("ftp://a/b", "ftp"),
            ("model.safetensors", "name of a file"),
            ("a/b/../../etc", "out of its folder"),
            ("datasets/squad", "not models"),
            ("a/b@", "cannot be a branch"),
            ("a/b/c@d", "behind the repository"),
            ("a b/c", "space"),
            ("ä/b", "owner"),
            ("https://user:pw@host/x", "login"),
            ("https://huggingface.co/a/b/discussions/3", "no file"),
        ] {
            let e = Address::parse(text, HUB).expect_err(text);
            assert!(e.why().contains(word), "{text}: {}", e.why());
        }
    }
}
