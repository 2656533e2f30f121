//! Layers: plain structs that hold the keys of their parameters, and functions of values. All are composed of operations, so that each has a kernel, a twin and a
//! gradient by theirs.

mod attention;
mod batch_norm;
mod gate;
mod linear;
mod pool;

pub use attention::RelativeAttention;
pub use batch_norm::{BatchNorm, Moments, Running};
pub use gate::{Gate, gated};
pub use linear::{Linear, masked};
pub use pool::{global_mean, max_pool, mean_pool};
