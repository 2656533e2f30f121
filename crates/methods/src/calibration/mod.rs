//! Calibration data: texts as token numbers, the windows that are drawn from them, and the formats of questions and answers.
//!
//! Tokenizing happens outside (a tokenizer is a module of its own); here everything is token numbers. The draws are those of
//! abx393/llm-pruning-calibration-data (specification prune §8), Python's random numbers included, so that the same seed gives the same windows.

mod corpus;
mod draw;
mod python_random;
mod sources;
mod text;

pub use corpus::{Corpus, Example, OWN};
pub use draw::{Calibration, Draw, Format, Recipe, draw, windows_of};
pub use python_random::PythonRandom;
pub use sources::{Row, SOURCES, example};
pub use text::{TextError, corpus};
