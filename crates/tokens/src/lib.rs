//! From texts to token numbers and back: Hugging Face's `tokenizer.json`, and bytes for checkpoints without one.
//!
//! A crate of its own, beside the spine and used by faces only: the tokenizers' code weighs more than the whole rest of a page's worker, so the page fetches
//! it as a module of its own when a text is first tokenized, and the methods see token numbers only.

use tokenizers::Tokenizer;

/// What turns texts into numbers.
pub enum Tokens {
    /// As `tokenizer.json` says.
    File(Box<Tokenizer>),
    /// One number a byte.
    Bytes,
}

/// Why a tokenizer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    /// The file is not one.
    #[error("tokenizer.json could not be read: {0}; take the file of that name from the model's folder")]
    File(String),
    /// A text that it cannot take.
    #[error("the text could not be tokenized: {0}")]
    Text(String),
    /// Numbers that it cannot turn back.
    #[error("the tokens could not be turned into text: {0}")]
    Numbers(String),
    /// It knows more words than the model.
    #[error("the tokenizer has {words} words, the model {vocabulary}: they do not belong together; take the tokenizer.json from the model's own folder")]
    Mismatch {
        /// Words of the tokenizer.
        words: usize,
        /// Rows of the model's embedding.
        vocabulary: usize,
    },
}

/// One token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u32,
    /// How the tokenizer writes it.
    pub word: String,
    /// Bytes of the text that it stands for.
    pub range: (usize, usize),
}

impl Tokens {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokensError::File`] with the parser's words.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TokensError> {
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| TokensError::File(e.to_string()))?;
        // Files may ask for cutting and padding; windows are cut here by nobody but the sampler.
        tokenizer.with_truncation(None).map_err(|e| TokensError::File(e.to_string()))?;
        tokenizer.with_padding(None);
        Ok(Self::File(Box::new(tokenizer)))
    }

    /// How many words it knows.
    pub fn words(&self) -> usize {
        match self {
            Self::File(t) => t.get_vocab_size(true),
            Self::Bytes => 256,
        }
    }

    /// Whether every number it gives has a row in an embedding of `vocabulary` rows.
    ///
    /// # Errors
    /// [`TokensError::Mismatch`].
    pub fn fits(&self, vocabulary: usize) -> Result<(), TokensError> {
        let largest = match self {
            Self::File(t) => t.get_vocab(true).into_values().max().map_or(0, |m| m as usize + 1),
            Self::Bytes => 256,
        };
        if largest <= vocabulary { Ok(()) } else { Err(TokensError::Mismatch { words: largest, vocabulary }) }
    }

    /// Token numbers of a text. With `special`, the tokenizer puts in front and behind what it always does (a beginning token).
    ///
    /// # Errors
    /// [`TokensError::Text`].
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, TokensError> {
        Ok(match self {
            Self::File(t) => t.encode_fast(text, special).map_err(|e| TokensError::Text(e.to_string()))?.get_ids().to_vec(),
            Self::Bytes => text.bytes().map(u32::from).collect(),
        })
    }

    /// The tokens of a text one by one, for looking at.
    ///
    /// # Errors
    /// [`TokensError::Text`].
    pub fn view(&self, text: &str) -> Result<Vec<Token>, TokensError> {
        match self {
            Self::Bytes => Ok(text.bytes().enumerate().map(|(i, b)| Token { id: u32::from(b), word: char::from(b).escape_default().to_string(), range: (i, i + 1) }).collect()),
            Self::File(t) => {
                let e = t.encode(text, false).map_err(|e| TokensError::Text(e.to_string()))?;
                let all = e.get_ids().iter().zip(e.get_tokens()).zip(e.get_offsets());
                Ok(all.map(|((id, word), range)| Token { id: *id, word: word.clone(), range: *range }).collect())
            }
        }
    }

    /// The text of token numbers, special tokens left out.
    ///
    /// # Errors
    /// [`TokensError::Numbers`].
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokensError> {
        match self {
            Self::File(t) => t.decode(ids, true).map_err(|e| TokensError::Numbers(e.to_string())),
            Self::Bytes => {
                let bytes: Vec<u8> = ids.iter().filter_map(|i| u8::try_from(*i).ok()).collect();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_go_there_and_back(text in ".*") {
            let ids = Tokens::Bytes.encode(&text, true).unwrap();
            prop_assert_eq!(Tokens::Bytes.decode(&ids).unwrap(), text);
        }
    }

    fn bundled() -> Tokens {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/checkpoints/shakespeare-llama/tokenizer.json");
        Tokens::from_json(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn the_bundled_tokenizer_goes_there_and_back() {
        let t = bundled();
        let text = "To be, or not to be: that is the question.\nWhether 'tis nobler…";
        let ids = t.encode(text, false).unwrap();
        assert!(ids.len() < text.len() && ids.iter().all(|i| (*i as usize) < t.words()));
        assert_eq!(t.decode(&ids).unwrap(), text);
        let view = t.view(text).unwrap();
        assert_eq!(view.iter().map(|v| v.id).collect::<Vec<_>>(), ids);
        assert!(view.windows(2).all(|w| w[0].range.0 <= w[1].range.0));
    }

    #[test]
    fn what_is_no_tokenizer_and_what_does_not_belong_is_named() {
        assert!(matches!(Tokens::from_json(b"{}"), Err(TokensError::File(_))));
        let t = bundled();
        assert_eq!(t.fits(512), Ok(()));
        assert!(t.fits(500).unwrap_err().to_string().contains("500"));
        assert!(Tokens::Bytes.fits(100).is_err());
    }
}
