//! Other formats, known by their first bytes, so that a wrong file is named for what it is.

/// What a file is instead of safetensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// No bytes at all.
    Empty,
    /// Python pickle (`.bin`, `.pt`, `.pth` of old).
    Pickle,
    /// Zip archive: what `torch.save` writes today.
    TorchZip,
    /// NumPy archive.
    Npz,
    /// One NumPy array.
    Npy,
    /// llama.cpp's format.
    Gguf,
    /// A web page: an error page, a login page, a "blob" link.
    Html,
    /// JSON text.
    Json,
    /// The pointer that git-lfs leaves in place of a file.
    LfsPointer,
    /// HDF5 (Keras).
    Hdf5,
    /// gzip.
    Gzip,
    /// Other text.
    Text,
}

/// How many bytes [`sniff`] wants.
pub const SNIFF: u64 = 512;

/// Names the format that begins with `head` (the whole file, if it is shorter than [`SNIFF`]), if it is a known one. `name` tells an
/// `.npz` from a `torch.save` archive: both are zip.
pub fn sniff(name: &str, head: &[u8]) -> Option<Foreign> {
    if head.is_empty() {
        return Some(Foreign::Empty);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        // An archive of NumPy's has an entry NAME.npy first; one of torch's has a folder with data.pkl.
        let entry = head.get(30..).unwrap_or_default();
        let npz = name.to_ascii_lowercase().ends_with(".npz") || contains(entry, b".npy");
        return Some(if npz { Foreign::Npz } else { Foreign::TorchZip });
    }
    if head.starts_with(b"\x93NUMPY") {
        return Some(Foreign::Npy);
    }
    if head.starts_with(b"GGUF") || head.starts_with(b"ggml") || head.starts_with(b"lmgg") || head.starts_with(b"tjgg") {
        return Some(Foreign::Gguf);
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some(Foreign::Hdf5);
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Some(Foreign::Gzip);
    }
    // Protocol byte 2 to 5; the first opcode after it is one of those a pickle can begin with.
    if let [0x80, 2..=5, op, ..] = head
        && matches!(op, 0x8a | b'}' | b']' | b'(' | b'c' | b'X' | 0x95 | b'K' | b'M' | b'N' | 0x88 | 0x89 | b'G' | b'U' | b')' | b'q' | 0x8c)
    {
        return Some(Foreign::Pickle);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"version https://git-lfs") {
        return Some(Foreign::LfsPointer);
    }
    let lower: Vec<u8> = text.iter().take(64).map(u8::to_ascii_lowercase).collect();
    if [&b"<!doctype"[..], b"<html", b"<head", b"<body", b"<?xml", b"<!--", b"<script"].iter().any(|p| lower.starts_with(p)) {
        return Some(Foreign::Html);
    }
    if matches!(text.first(), Some(b'{' | b'[')) && looks_like_text(text) {
        return Some(Foreign::Json);
    }
    looks_like_text(head).then_some(Foreign::Text)
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|w| w == needle)
}

/// No byte that text does not have.
fn looks_like_text(head: &[u8]) -> bool {
    head.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..)) && !head.iter().any(|b| *b >= 0x80)
        || std::str::from_utf8(head).is_ok_and(|t| !t.chars().any(|c| c.is_control() && !c.is_ascii_whitespace()))
}

impl Foreign {
    /// With its article, for a sentence: `a pickle`.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Empty => "an empty file",
            Self::Pickle => "a pickle",
            Self::TorchZip => "a PyTorch archive (a zip with a pickle inside)",
            Self::Npz => "a NumPy archive",
            Self::Npy => "a NumPy array",
            Self::Gguf => "a GGUF file",
            Self::Html => "a web page",
            Self::Json => "JSON text",
            Self::LfsPointer => "a git-lfs pointer",
            Self::Hdf5 => "an HDF5 file",
            Self::Gzip => "a gzip archive",
            Self::Text => "plain text",
        }
    }

    /// Why it cannot be read, in a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::Empty => "It has no bytes.",
            Self::Pickle | Self::TorchZip => "A pickle is a program that runs when it is loaded, so it is not opened here.",
            Self::Npz | Self::Npy => "NumPy's formats are not read here.",
            Self::Gguf => "GGUF holds weights in llama.cpp's packed block types, which are not read here.",
            Self::Html => "The link led to a page about the file, or to an error or login page, and that page was saved.",
            Self::Json => "Weights lie in a .safetensors file; JSON beside it is a configuration, an index or a tokenizer.",
            Self::LfsPointer => "It is the line of text that git keeps in place of the real file until git-lfs fetches it.",
            Self::Hdf5 => "Keras' format is not read here.",
            Self::Gzip => "Safetensors files are not compressed.",
            Self::Text => "Its first bytes are readable text; a safetensors file begins with a binary length.",
        }
    }

    /// What to do, in a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Empty => "Download or copy the file again.",
            Self::Pickle | Self::TorchZip => {
                "Convert it where you trust it: safetensors.torch.save_file(torch.load(path, weights_only=True), \"model.safetensors\")."
            }
            Self::Npz | Self::Npy => "Convert it with safetensors.numpy.save_file(dict(numpy.load(path)), \"model.safetensors\").",
            Self::Gguf => "Take the original safetensors checkpoint that it was made from.",
            Self::Html => "Use the download link: on the Hugging Face Hub an address with /resolve/ instead of /blob/.",
            Self::Json => "Choose the .safetensors file as well.",
            Self::LfsPointer => "Run git lfs pull in the folder, or download the file itself.",
            Self::Hdf5 => "Load it in Keras and save the weights with the safetensors library.",
            Self::Gzip => "Unpack it first.",
            Self::Text => "Choose the .safetensors file, or download it again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let zip = |entry: &[u8]| [&b"PK\x03\x04"[..], &[0; 26], entry].concat();
        for (name, head, want) in [
            ("pytorch_model.bin", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46".to_vec(), Foreign::Pickle),
            ("x.pkl", b"\x80\x04\x95\x10\x00\x00\x00\x00".to_vec(), Foreign::Pickle),
            ("x.pt", zip(b"archive/data.pkl"), Foreign::TorchZip),
            ("x.npz", zip(b"w"), Foreign::Npz),
            ("renamed", zip(b"weight.npy"), Foreign::Npz),
            ("x.npy", b"\x93NUMPY\x01\x00".to_vec(), Foreign::Npy),
            ("x.gguf", b"GGUF\x03\x00\x00\x00".to_vec(), Foreign::Gguf),
            ("model.safetensors", b"\n<!DOCTYPE html><html>".to_vec(), Foreign::Html),
            ("model.safetensors", b"\xef\xbb\xbf <HTML lang=en>".to_vec(), Foreign::Html),
            ("model.safetensors", b"{\"error\":\"Repository not found\"}".to_vec(), Foreign::Json),
            ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid".to_vec(), Foreign::LfsPointer),
            ("model.h5", b"\x89HDF\r\n\x1a\n".to_vec(), Foreign::Hdf5),
            ("x.tgz", b"\x1f\x8b\x08".to_vec(), Foreign::Gzip),
            ("README.md", b"# Model".to_vec(), Foreign::Text),
            ("x", Vec::new(), Foreign::Empty),
        ] {
            assert_eq!(sniff(name, &head), Some(want), "{name}");
        }
        assert_eq!(sniff("x", &[0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3]), None);
    }
}
