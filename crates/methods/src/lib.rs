//! The papers' methods: one file each, and the registry. Nothing here knows a screen, a thread or a file.

pub mod allocation;
pub mod bytes;
pub mod calibration;
pub mod closeup;
pub mod condense;
pub mod config;
pub mod cost;
pub mod diff;
pub mod edit;
pub mod experts;
pub mod figures;
pub mod findings;
pub mod generate;
pub mod kept;
pub mod layerwise;
pub mod magnitude;
pub mod method;
pub mod own;
pub mod perplexity;
pub mod pool;
pub mod prune;
pub mod recipe;
pub mod registry;
pub mod report;
pub mod rescaling;
pub mod sensitivity;
pub mod spectra;
pub mod rules;
pub mod study;
pub mod text;
pub mod training;
pub mod urban;
pub mod welore;
pub mod work;

pub use method::{Card, Inputs, Knob, MethodError, Sink};
pub use espalier_tensor::order;
pub use registry::METHODS;
pub use report::{Event, Report};

/// What a matrix is called where one name is needed: its tensor's name, and for a slice of a fused tensor `name#3`.
pub fn key(tensor: &str, slice: Option<u32>) -> String {
    slice.map_or_else(|| tensor.to_owned(), |i| format!("{tensor}#{i}"))
}
