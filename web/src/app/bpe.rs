//! Byte-level byte-pair encoding, as the bundled checkpoints' `tokenizer.json` has it: small enough to be part of the page. Other checkpoints' texts are taken byte by byte here.

use std::collections::BTreeMap;

use serde_json::Value;

/// One token: its number, and the part of the text that it stands for.
pub type Token = (u32, String);

/// A tokenizer.
#[derive(Debug, Default)]
pub struct Bpe {
    /// Number of each byte.
    bytes: Vec<u32>,
    /// Two neighbours to their rank and what they become; empty: one token a byte.
    merges: BTreeMap<(u32, u32), (u32, u32)>,
}

/// The letter that stands for a byte in `tokenizer.json`: itself where it can be printed, else one from 256 on, in order.
fn letter(byte: u8) -> char {
    let plain = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    if plain(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !plain(*b)).count() as u32;
    char::from_u32(256 + before).unwrap_or(' ')
}

impl Bpe {
    /// One token a byte.
    pub fn of_bytes() -> Self {
        Self { bytes: (0..256).collect(), merges: BTreeMap::new() }
    }

    /// Reads a `tokenizer.json` of that kind.
    ///
    /// # Errors
    /// What of it is of another kind.
    pub fn read(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let kind = |path: &str| json.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        if kind("/model/type") != "BPE" || kind("/pre_tokenizer/type") != "ByteLevel" || !json["normalizer"].is_null() {
            return Err("only byte-level byte-pair encoding is read here".into());
        }
        let number = |word: &str| json["model"]["vocab"].get(word).and_then(Value::as_u64).map(|n| n as u32);
        let bytes: Option<Vec<u32>> = (0..=255u8).map(|b| number(&letter(b).to_string()).or(Some(u32::MAX))).collect();
        let mut merges = BTreeMap::new();
        for (rank, merge) in json["model"]["merges"].as_array().into_iter().flatten().enumerate() {
            let pair = match merge {
                Value::String(s) => s.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())),
                Value::Array(v) => v.first().and_then(Value::as_str).zip(v.get(1).and_then(Value::as_str)).map(|(a, b)| (a.to_owned(), b.to_owned())),
                _ => None,
            };
            let known = pair.and_then(|(a, b)| Some(((number(&a)?, number(&b)?), number(&format!("{a}{b}"))?)));
            let (pair, whole) = known.ok_or_else(|| format!("merge {rank} names a word that is not there"))?;
            merges.entry(pair).or_insert((rank as u32, whole));
        }
        Ok(Self { bytes: bytes.unwrap_or_default(), merges })
    }

    /// A text as tokens. Bytes that the vocabulary lacks are left out.
    pub fn encode(&self, text: &str) -> Vec<Token> {
        let mut known: BTreeMap<&str, Vec<(u32, usize)>> = BTreeMap::new();
        let mut out = Vec::new();
        for piece in pieces(text) {
            let cut = known.entry(piece).or_insert_with(|| self.cut(piece));
            let mut at = 0;
            for (id, length) in cut.iter() {
                let part = String::from_utf8_lossy(&piece.as_bytes()[at..at + length]).into_owned();
                out.push((*id, part));
                at += length;
            }
        }
        out
    }

    /// Tokens of one piece with their lengths in bytes: the pair of lowest rank is joined first.
    fn cut(&self, piece: &str) -> Vec<(u32, usize)> {
        let mut parts: Vec<(u32, usize)> = piece.bytes().map(|b| (self.bytes.get(usize::from(b)).copied().unwrap_or(u32::MAX), 1)).collect();
        loop {
            let pairs = parts.windows(2).enumerate().filter_map(|(i, w)| Some((self.merges.get(&(w[0].0, w[1].0))?, i)));
            let Some(((_, whole), i)) = pairs.min_by_key(|((rank, _), i)| (*rank, *i)) else { break };
            parts[i] = (*whole, parts[i].1 + parts[i + 1].1);
            parts.remove(i + 1);
        }
        parts.retain(|p| p.0 != u32::MAX);
        parts
    }
}

/// What a character counts as when a text is cut into pieces.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Letter,
    Number,
    Space,
    Other,
}

fn sort(c: char) -> Sort {
    if c.is_whitespace() {
        Sort::Space
    } else if c.is_alphabetic() {
        Sort::Letter
    } else if c.is_numeric() {
        Sort::Number
    } else {
        Sort::Other
    }
}

/// GPT-2's pieces: contractions, words with the space before them, numbers, signs, and the rest of the space.
fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(first(rest));
        out.push(piece);
        rest = after;
    }
    out
}

/// Bytes of the first piece.
fn first(text: &str) -> usize {
    if let Some(end) = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].iter().find(|c| text.starts_with(**c)) {
        return end.len();
    }
    let skip = usize::from(text.starts_with(' '));
    let run = |from: usize, kind: Sort| text[from..].find(|c: char| sort(c) != kind).map_or(text.len(), |n| from + n);
    match text[skip..].chars().next().map(sort) {
        Some(kind) if kind != Sort::Space => run(skip, kind),
        _ => {
            let end = run(0, Sort::Space);
            // The last space belongs to the word behind it.
            let last = text[..end].char_indices().next_back().map_or(0, |(i, _)| i);
            if end < text.len() && last > 0 { last } else { end }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_of_the_published_pattern() {
        assert_eq!(pieces("I'll go,  now\n\nNow 12th 'tis"), ["I", "'ll", " go", ",", " ", " now", "\n", "\n", "Now", " 12", "th", " '", "tis"]);
        assert_eq!(pieces("a  "), ["a", "  "]);
        assert_eq!(pieces("été\u{a0}là"), ["été", "\u{a0}", "là"]);
    }

    #[test]
    fn the_bundled_tokenizer_cuts_as_its_own_library_does() {
        let text = std::fs::read_to_string("../assets/checkpoints/shakespeare-moe/tokenizer.json").unwrap();
        let bpe = Bpe::read(&text).unwrap();
        let tokens = bpe.encode("Now is the winter of our discontent\nMade glorious summer by this sun of York;");
        assert_eq!(tokens.iter().map(|t| t.1.as_str()).collect::<String>(), "Now is the winter of our discontent\nMade glorious summer by this sun of York;");
        // By Hugging Face's tokenizers 0.22 on the same file.
        let wanted: Vec<u32> = WANTED.split(' ').map(|n| n.parse().unwrap()).collect();
        assert_eq!(tokens.iter().map(|t| t.0).collect::<Vec<_>>(), wanted);
        assert!(Bpe::read("{}").is_err());
        assert_eq!(Bpe::of_bytes().encode("ab").iter().map(|t| t.0).collect::<Vec<_>>(), [97, 98]);
    }

    const WANTED: &str = "47 299 328 269 265 264 406 302 415 278 271 68 277 85 341 200 46 342 70 304 77 272 74 430 401 78 78 274 416 365 401 79 302 222 58 272 76 28";
}
