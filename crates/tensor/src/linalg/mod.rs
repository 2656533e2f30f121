//! Linear algebra: singular values on both devices, truncated factors, Cholesky.
//!
//! `bidiagonalise` is the routine on the device; `census`, `load`, `column`, `left`, `row` and `right` are its kernels' twins, one
//! file beside one under `shaders/linalg`. Everything else is `f64` on the CPU.

pub mod bidiagonal;
pub mod bidiagonalise;
pub mod census;
pub mod cholesky;
pub mod column;
pub mod element;
pub mod factors;
pub mod gram;
pub mod left;
pub mod load;
pub mod right;
pub mod row;
pub mod singular;
pub mod state;
pub mod triangle;
pub mod tridiagonal;

pub use bidiagonalise::Bidiagonalise;
pub use cholesky::Cholesky;
pub use factors::{Decomposition, Factors, low_rank_product, reconstruction_error};
pub use singular::{Singular, singular_values, singular_values_cpu, singular_values_cpu_f64};
