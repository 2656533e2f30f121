//! Linear algebra: singular values on both devices, truncated factors, Cholesky.

pub mod bidiagonal;
pub mod element;
pub mod gram;
pub mod singular;
pub mod triangle;
pub mod tridiagonal;

pub use singular::{Singular, singular_values_cpu, singular_values_cpu_f64};
