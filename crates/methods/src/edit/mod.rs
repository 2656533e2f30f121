//! What an export does to one matrix.

mod names;

pub use names::{factor_names, factor_shapes, slice_name, to_file_order};
