//! What can go wrong between here and a server, each with its own words and advice.

/// A failure of the network or of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub problem: Problem,
    /// The server.
    pub host: String,
    /// It is the Hugging Face Hub, where some answers mean more.
    pub hub: bool,
}

/// Failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text is no address.
    Address {
        /// What is wrong with it.
        why: String,
    },
    /// No network.
    Offline,
    /// The server forbids pages of other origins to read.
    NoCors,
    /// No answer.
    Unreachable {
        /// The system's words.
        why: String,
    },
    /// The connection broke again and again.
    Cut {
        /// Bytes that had come of those asked for.
        got: u64,
        /// Bytes asked for.
        wanted: u64,
        /// The system's words.
        why: String,
    },
    /// 404.
    NotFound,
    /// 401.
    Private,
    /// 403.
    Forbidden,
    /// 416.
    RangeRefused,
    /// 429, or 503 with a time to wait.
    Busy {
        /// Seconds to wait, where the server said.
        after: Option<u64>,
    },
    /// 5xx.
    Server {
        /// Status.
        status: u16,
    },
    /// Any other status.
    Status {
        /// Status.
        status: u16,
    },
    /// 200 where a range was asked for, and the whole is too much.
    NoRanges {
        /// Bytes of the whole, where the server said.
        size: Option<u64>,
    },
    /// The length is nowhere to be had.
    NoLength,
    /// Another range than the one asked for.
    WrongRange {
        /// First byte asked for.
        asked: u64,
        /// First byte given.
        given: u64,
    },
    /// Nothing in the repository or folder can be opened.
    NothingThere {
        /// Names of what is there, as far as that is known.
        files: Vec<String>,
    },
    /// The index is no index, or names files outside its folder.
    Index {
        /// What is wrong with it.
        why: String,
    },
}

/// A size for a sentence, decimal.
fn size(n: u64) -> String {
    match n {
        n if n >= 1_000_000_000 => format!("{:.1} GB", n as f64 / 1e9),
        n if n >= 1_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        n => format!("{n} bytes"),
    }
}

impl Fault {
    /// What happened, to head a message; `file` is the file's name.
    pub fn what(&self, file: &str) -> String {
        let host = &self.host;
        match &self.problem {
            Problem::Address { .. } => format!("“{file}” is not an address that can be opened"),
            Problem::Offline => format!("{file} was not fetched: this computer is offline"),
            Problem::NoCors => format!("{file} was not fetched: {host} does not let other pages read its files"),
            Problem::Unreachable { .. } => format!("{file} was not fetched: {host} does not answer"),
            Problem::Cut { .. } => format!("{file} came only in part: the connection to {host} broke"),
            Problem::NotFound => format!("{file} is not on {host}"),
            Problem::Private => format!("{file} is not public"),
            Problem::Forbidden => format!("{host} does not give {file} away"),
            Problem::RangeRefused => format!("{file} is not what it was, or not readable in parts"),
            Problem::Busy { .. } => format!("{file} was not fetched: {host} asks to wait"),
            Problem::Server { status } => format!("{file} was not fetched: {host} has a fault of its own ({status})"),
            Problem::Status { status } => format!("{file} was not fetched: {host} answered with status {status}"),
            Problem::NoRanges { .. } => format!("{file} was not fetched: {host} gives files only whole"),
            Problem::NoLength => format!("{file} was not opened: {host} does not say how long it is"),
            Problem::WrongRange { .. } => format!("{file} was not read: {host} gave other bytes than were asked for"),
            Problem::NothingThere { .. } => format!("{file} holds no safetensors file that can be opened"),
            Problem::Index { .. } => format!("{file} cannot be used as an index of shards"),
        }
    }

    /// Why, in a sentence.
    pub fn why(&self) -> String {
        match &self.problem {
            Problem::Address { why } | Problem::Index { why } => why.clone(),
            Problem::Offline => "The browser or the system says that there is no network.".into(),
            Problem::NoCors => "The server answers, but without the header Access-Control-Allow-Origin, so the browser keeps the bytes from this page.".into(),
            Problem::Unreachable { why } => format!("The connection failed ({}): the name may be wrong, the server down, or something between blocks it.", why.trim_end_matches('.')),
            Problem::Cut { got, wanted, why } => format!("After {got} of {wanted} bytes it broke for the last of several times ({}).", why.trim_end_matches('.')),
            Problem::NotFound if self.hub => "The Hub has no such file in this repository and revision (404).".into(),
            Problem::NotFound => "The server says that there is nothing at this address (404).".into(),
            Problem::Private if self.hub => "The Hub answers so (401) for repositories that are private or gated, and for names that do not exist.".into(),
            Problem::Private => "The server wants a login (401), and this page has none and sends none.".into(),
            Problem::Forbidden if self.hub => "The Hub refuses (403): the repository is gated, and its licence must be accepted by an account first.".into(),
            Problem::Forbidden => "The server refuses (403): the link may have run out, or is meant for another page or account.".into(),
            Problem::RangeRefused => "The server says that the file has no such bytes (416): it has become shorter, or it cannot give parts.".into(),
            Problem::Busy { after: Some(s) } => format!("It has had too many requests from here and wants {s} s of quiet."),
            Problem::Busy { after: None } => "It has had too many requests from here (429), also after some waiting.".into(),
            Problem::Server { .. } => "The request was tried several times and failed each time on the server's side.".into(),
            Problem::Status { .. } => "That is none of the answers that a file server gives to such a request.".into(),
            Problem::NoRanges { size: Some(n) } => format!("It answered a request for a part with the whole file, {}; that much is not pulled unasked.", size(*n)),
            Problem::NoRanges { size: None } => "It answered a request for a part with the whole file, of unknown size; the transfer was stopped.".into(),
            Problem::NoLength => "It gave a part without a total in Content-Range, and no Content-Length to a request for the headers.".into(),
            Problem::WrongRange { asked, given } => format!("Bytes from {asked} on were asked for; those from {given} on came."),
            Problem::NothingThere { files } if files.is_empty() => "There is neither model.safetensors nor an index of shards.".into(),
            Problem::NothingThere { files } => format!("There is neither model.safetensors nor an index of shards, only {}.", crate::checkpoint::error::list(files)),
        }
    }

    /// What to do now.
    pub fn advice(&self) -> String {
        let download = "Download the file with a browser or the huggingface_hub command line and drop it here.";
        match &self.problem {
            Problem::Address { .. } => "Give a Hub id (owner/name, owner/name@revision, owner/name/folder/file.safetensors) or an https:// address of a .safetensors file.".into(),
            Problem::Offline => "Connect and try again; what is open stays open, and files on this computer can be opened without a network.".into(),
            Problem::NoCors => format!("{download} Or ask the host to send that header; the Hub and most static hosts do."),
            Problem::Unreachable { .. } => "Check the address and the connection, and whether a blocker or a proxy stops it, then try again.".into(),
            Problem::Cut { .. } | Problem::Server { .. } => "Try again in a while; bytes that have come are not asked for twice.".into(),
            Problem::NotFound if self.hub => "Check the name, the revision and the folder against the repository's Files page.".into(),
            Problem::NotFound => "Check the address, capital letters included.".into(),
            Problem::Private | Problem::Forbidden if self.hub => format!("Check the spelling of owner/name. For a private or gated repository: {}", lower(download)),
            Problem::Private | Problem::Forbidden => format!("{download} A fresh link may also do."),
            Problem::RangeRefused => "Open the address again; if that does not help, download the file and drop it here.".into(),
            Problem::Busy { after: Some(s) } => format!("Wait {s} s, then try again."),
            Problem::Busy { after: None } => "Wait some minutes, then try again.".into(),
            Problem::Status { .. } => "Open the address in a browser tab and see what it says.".into(),
            Problem::NoRanges { .. } | Problem::NoLength | Problem::WrongRange { .. } => download.into(),
            Problem::NothingThere { .. } => "Give the whole path of one .safetensors file; a repository with .bin or .gguf files only must be converted first.".into(),
            Problem::Index { .. } => "Give the address of one .safetensors file, or another revision of the repository.".into(),
        }
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}
