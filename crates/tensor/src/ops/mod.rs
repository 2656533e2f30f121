//! The operations, one file each in the folder of its family, beside one kernel of the same name under `shaders/`.

pub mod plan;

use crate::op::Sample;

/// Every operation and its samples: one line each. The tests of law 1 walk this list.
pub const ALL: &[(&str, fn() -> Vec<Sample>)] = &[];
