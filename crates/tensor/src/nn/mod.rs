//! Layers: plain structs that hold the keys of their parameters.

mod linear;

pub use linear::Linear;
