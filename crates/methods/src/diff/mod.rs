//! Two checkpoints compared, tensor by tensor: what pruning, factoring or fine-tuning changed.
//!
//! Not in the registry, because it needs two checkpoints; everything else is as with a method.

mod figures;
mod pair;
mod run;

pub use run::{CARD, Config, run};
