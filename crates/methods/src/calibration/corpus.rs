//! Texts as token numbers: plain serde data.

use serde::{Deserialize, Serialize};

use crate::bytes::U32s;

/// Name of the text that the open model writes itself; see [`crate::own`].
pub const OWN: &str = "model-text";

/// One question with its answer, each form tokenized as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The prompt without an answer.
    pub zero: U32s,
    /// Prompt and answer.
    pub single: U32s,
    /// Prompt, reasoning and answer; empty where there is no reasoning.
    pub reasoned: U32s,
    /// Steps of the reasoning, as the published filter counts them: how often ". " is in it.
    pub steps: u32,
}

/// A tokenized text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Corpus {
    /// What people call it.
    pub name: String,
    /// Documents. One that is a single stream is one document.
    pub documents: Vec<U32s>,
    /// Questions and answers, where it consists of such.
    pub examples: Vec<Example>,
    /// Token that windows are padded with.
    pub pad: u32,
    /// Bytes of the text.
    pub bytes: f64,
}

impl Corpus {
    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        self.documents.iter().map(|d| d.len()).sum::<usize>() + self.examples.iter().map(|e| e.single.len()).sum::<usize>()
    }

    /// All documents behind one another.
    pub fn stream(&self) -> Vec<u32> {
        self.documents.iter().flat_map(|d| d.iter().copied()).collect()
    }
}
