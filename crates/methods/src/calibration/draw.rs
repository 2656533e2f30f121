//! Which windows of a text calibrate: the published samplers.

use serde::{Deserialize, Serialize};

use super::{Corpus, PythonRandom};
use crate::config::bad;
use crate::method::MethodError;

/// Where windows begin and what fills them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A random place of a random document that is long enough (C4, Pile, OSCAR, RedPajama); of one stream a random place (WikiText-2).
    #[default]
    Windows,
    /// One question without its answer, padded on the left.
    Zero,
    /// One question with its answer, padded on the left.
    Single,
    /// Questions with answers behind one another until the window is full.
    InContext,
    /// The same with reasons before the answers.
    ChainOfThought,
}

/// How many windows of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What fills a window.
    pub format: Format,
    /// Windows.
    pub samples: usize,
    /// Tokens a window.
    pub length: usize,
    /// Seed.
    pub seed: u64,
    /// Of a window of a document, only so many tokens are text; the rest is padding on the left.
    pub text_length: Option<usize>,
    /// Exactly so many questions, padded instead of cut out of a longer row.
    pub in_context: Option<usize>,
    /// Only questions whose reasons have so many steps.
    pub steps: Option<u32>,
}

/// The windows, and where in each the text begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Windows of one length.
    pub windows: Vec<Vec<u32>>,
    /// Tokens of padding at the front of each.
    pub padding: Vec<usize>,
}

/// Where numbers come from.
pub trait Draw {
    /// A number between two, both included.
    fn between(&mut self, low: u64, high: u64) -> u64;
}

impl Draw for PythonRandom {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        Self::between(self, low, high)
    }
}

impl Calibration {
    /// Pads on the left to `length`; of what is longer the last `length` tokens stay, as a negative padding does in the published code.
    fn pad(&mut self, tokens: &[u32], length: usize, pad: u32) {
        let padding = length.saturating_sub(tokens.len());
        let mut window = vec![pad; padding];
        window.extend(&tokens[tokens.len().saturating_sub(length)..]);
        self.windows.push(window);
        self.padding.push(padding);
    }

    fn whole(&mut self, window: &[u32]) {
        self.windows.push(window.to_vec());
        self.padding.push(0);
    }
}

/// Draws with Python's generator of the recipe's seed.
///
/// # Errors
/// As [`windows_of`].
pub fn draw(corpus: &Corpus, recipe: &Recipe) -> Result<Calibration, MethodError> {
    windows_of(corpus, recipe, &mut PythonRandom::new(recipe.seed))
}

/// Draws windows.
///
/// # Errors
/// A text that is too short for one window, a format that the text does not have.
pub fn windows_of(corpus: &Corpus, recipe: &Recipe, random: &mut dyn Draw) -> Result<Calibration, MethodError> {
    let mut out = Calibration::default();
    if recipe.length < 2 {
        return Err(bad("length", "a window has at least two tokens, one to see and one to predict"));
    }
    if recipe.format == Format::Windows {
        windows(corpus, recipe, random, &mut out)?;
    } else {
        questions(corpus, recipe, random, &mut out)?;
    }
    Ok(out)
}

fn windows(corpus: &Corpus, recipe: &Recipe, random: &mut dyn Draw, out: &mut Calibration) -> Result<(), MethodError> {
    let text = recipe.text_length.unwrap_or(recipe.length).min(recipe.length);
    let longest = corpus.documents.iter().map(|d| d.len()).max().unwrap_or(0);
    if longest <= text {
        let why = format!("windows of {text} tokens need a document of more than that; the longest of “{}” has {longest}: take shorter windows or a longer text", corpus.name);
        return Err(bad("length", why));
    }
    let one = corpus.documents.len() == 1;
    for _ in 0..recipe.samples {
        let document = loop {
            // A single stream is not drawn.
            let i = if one { 0 } else { random.between(0, corpus.documents.len() as u64 - 1) as usize };
            if corpus.documents[i].len() > text {
                break &corpus.documents[i];
            }
        };
        let start = random.between(0, (document.len() - text - 1) as u64) as usize;
        out.pad(&document[start..start + text], recipe.length, corpus.pad);
    }
    Ok(())
}

fn questions(corpus: &Corpus, recipe: &Recipe, random: &mut dyn Draw, out: &mut Calibration) -> Result<(), MethodError> {
    let reasoned = recipe.format == Format::ChainOfThought;
    let usable = corpus.examples.iter().filter(|e| !reasoned || !e.reasoned.is_empty()).filter(|e| recipe.steps.is_none_or(|s| e.steps == s)).count();
    if usable == 0 {
        let what = if reasoned { "questions with reasons" } else { "questions and answers" };
        return Err(bad("format", format!("“{}” holds no {what} of that kind; take the format windows, or a .jsonl file with such rows", corpus.name)));
    }
    let last = corpus.examples.len() as u64 - 1;
    for _ in 0..recipe.samples {
        match recipe.format {
            Format::Zero => out.pad(&corpus.examples[random.between(0, last) as usize].zero, recipe.length, corpus.pad),
            Format::Single => out.pad(&corpus.examples[random.between(0, last) as usize].single, recipe.length, corpus.pad),
            _ => {
                let mut row: Vec<u32> = Vec::new();
                let mut tries = 0;
                while row.len() <= recipe.length && recipe.in_context.is_none_or(|k| tries < k) {
                    let e = &corpus.examples[random.between(0, last) as usize];
                    // A rejected draw uses up a try, as in the published code.
                    tries += 1;
                    if recipe.steps.is_some_and(|s| e.steps != s) {
                        continue;
                    }
                    row.extend(if reasoned && !e.reasoned.is_empty() { e.reasoned.iter() } else { e.single.iter() });
                }
                if recipe.in_context.is_some() {
                    out.pad(&row, recipe.length, corpus.pad);
                } else {
                    let start = random.between(0, (row.len() - recipe.length - 1) as u64) as usize;
                    out.whole(&row[start..start + recipe.length]);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(format: Format) -> Recipe {
        Recipe { format, samples: 3, length: 8, seed: 1, text_length: None, in_context: None, steps: None }
    }

    #[test]
    fn windows_are_cuts_of_documents_that_are_long_enough() {
        let documents = vec![vec![9; 4].into(), (0..20).collect::<Vec<u32>>().into()];
        let corpus = Corpus { documents, ..Default::default() };
        let c = draw(&corpus, &recipe(Format::Windows)).unwrap();
        for w in &c.windows {
            assert!(w.windows(2).all(|p| p[1] == p[0] + 1) && w.len() == 8);
        }
        assert_eq!(c, draw(&corpus, &recipe(Format::Windows)).unwrap(), "same seed, same windows");
    }

    #[test]
    fn short_texts_and_missing_questions_are_named() {
        let corpus = Corpus { name: "a".into(), documents: vec![vec![1; 8].into()], ..Default::default() };
        assert!(draw(&corpus, &recipe(Format::Windows)).unwrap_err().to_string().contains("longest"));
        assert!(draw(&corpus, &recipe(Format::Zero)).unwrap_err().to_string().contains("format"));
    }

    #[test]
    fn what_is_too_long_keeps_its_end() {
        let mut c = Calibration::default();
        c.pad(&[1, 2, 3], 2, 0);
        c.pad(&[1], 2, 7);
        assert_eq!((c.windows, c.padding), (vec![vec![2, 3], vec![7, 1]], vec![0, 1]));
    }
}
