//! What attention needs: positions turned into angles, and the shares of the keys.

mod attend;
mod rope;

pub use attend::{Attend, MOST_HEAD};
pub use rope::Rope;

pub(super) use attend::samples as attend_samples;
pub(super) use rope::samples as rope_samples;
