//! Masks of what is smallest, and their use. A mask is 1 where an element is to go.
//!
//! All orders are those of [`By`]: of magnitudes or of values, −0 equal to +0, NaN last. Of equal elements the one with the lower index
//! (in a row: the lower column) comes first, so a mask is the same to the bit on every device.

mod apply_mask;
mod k_smallest;
mod n_of_m;
mod order_statistic;
mod row_smallest;

pub use super::order::By;
pub use apply_mask::ApplyMask;
pub use k_smallest::{KSmallest, Ties};
pub use n_of_m::NOfM;
pub use order_statistic::OrderStatistic;
pub use row_smallest::RowSmallest;

pub(super) use apply_mask::samples as apply_mask_samples;
pub(super) use k_smallest::samples as k_smallest_samples;
pub(super) use n_of_m::samples as n_of_m_samples;
pub(super) use order_statistic::samples as order_statistic_samples;
pub(super) use row_smallest::samples as row_smallest_samples;

use crate::tape::NotDifferentiable;

/// Why no mask has a gradient.
fn no_gradient<T>(op: &'static str) -> Result<T, NotDifferentiable> {
    Err(NotDifferentiable { op, why: "which elements are smallest is flat where it has a slope at all" })
}
