//! From a text to a corpus, with whatever turns texts into token numbers.

use serde_json::Value;

use super::{Corpus, Example, example};

/// Why a text is no corpus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError<E> {
    /// A line of a `.jsonl` text.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The tokenizer's own.
    #[error(transparent)]
    Tokens(#[from] E),
}

/// A plain text is one document; each line of a text of JSON lines is a document (`text`) or a question.
///
/// # Errors
/// A line that is not JSON or lacks the fields of a question, and those of `encode`.
pub fn corpus<E>(name: &str, text: &str, lines: bool, encode: impl Fn(&str) -> Result<Vec<u32>, E>) -> Result<Corpus, TextError<E>> {
    let mut corpus = Corpus { bytes: text.len() as f64, name: name.into(), ..Corpus::default() };
    if !lines {
        corpus.documents.push(encode(text)?.into());
        return Ok(corpus);
    }
    for (i, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let bad = |why: String| TextError::Line { line: i + 1, why };
        let row: Value = serde_json::from_str(line).map_err(|e| bad(e.to_string()))?;
        if let Some(t) = row.get("text").and_then(Value::as_str) {
            corpus.documents.push(encode(t)?.into());
            continue;
        }
        let row = example(name, &row).ok_or_else(|| bad("it has neither a `text` nor the fields of a question".into()))?;
        corpus.examples.push(Example {
            zero: encode(&row.prompt)?.into(),
            single: encode(&format!("{}{}", row.prompt, row.answer))?.into(),
            reasoned: row.reasoned.as_ref().map(|r| encode(&format!("{}{r}", row.prompt))).transpose()?.unwrap_or_default().into(),
            steps: row.steps(),
        });
    }
    Ok(corpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_documents_or_questions_and_bad_ones_are_named() {
        let bytes = |t: &str| Ok::<_, std::convert::Infallible>(t.bytes().map(u32::from).collect());
        let text = "{\"text\": \"ab\"}\n\n{\"question\": \"q\", \"answer\": \"a\", \"reasons\": \"r. s.\"}\n";
        let c = corpus("x", text, true, bytes).unwrap();
        assert_eq!((c.documents.len(), c.examples.len(), c.tokens()), (1, 1, 2 + "Question: q\nAnswer: a".len()));
        assert!(c.examples[0].reasoned.len() > c.examples[0].single.len());
        assert_eq!(corpus("x", "ab", false, bytes).unwrap().stream(), [97, 98]);
        let error = |t: &str| corpus("x", t, true, bytes).unwrap_err();
        assert!(matches!(error("{\"text\": \"ab\"}\n{"), TextError::Line { line: 2, .. }));
        assert!(error("{\"a\": 1}").to_string().starts_with("line 1: it has neither"));
    }
}
