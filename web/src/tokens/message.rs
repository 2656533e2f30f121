//! What the page asks of the tokenizer.

use espalier_methods::bytes::U32s;
use espalier_methods::calibration::Corpus;
use serde::{Deserialize, Serialize};

/// A question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ask {
    /// Comes back with the answer.
    pub id: u32,
    /// What.
    pub what: What,
}

/// Kinds of question. All but the first are about the tokenizer that was given last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum What {
    /// Takes a tokenizer: the text of a `tokenizer.json`, or `None` for bytes; refused where it has more words than the model.
    Tokenizer {
        /// The file's text.
        json: Option<String>,
        /// Rows of the model's embedding, where they are known.
        vocabulary: Option<u32>,
    },
    /// A text as token numbers.
    Corpus {
        /// What to call it.
        name: String,
        /// Each line is a JSON object.
        lines: bool,
        /// The text.
        text: String,
    },
    /// Token numbers of a prompt, with what the tokenizer always puts in front.
    Encode {
        /// The text.
        text: String,
    },
    /// The tokens of a text one by one.
    View {
        /// The text.
        text: String,
    },
    /// Texts of token numbers.
    Decode {
        /// Several lists.
        ids: Vec<U32s>,
    },
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Of which question.
    pub id: u32,
    /// What came out, or why nothing did.
    pub told: Result<Told, String>,
}

/// Kinds of answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    /// The tokenizer is there, with so many words.
    Ready {
        /// Words.
        words: u32,
    },
    /// A text as token numbers.
    Corpus(Corpus),
    /// Token numbers.
    Ids(U32s),
    /// The tokens of a text: number, word, and where its bytes end.
    View(Vec<(u32, String, u32)>),
    /// Texts.
    Texts(Vec<String>),
}
