//! What every method that trains shares: a run that can be played, paused and stepped, and a run saved as safetensors.

mod control;
mod saved;

pub use control::Control;
pub(crate) use saved::{SEED, STEP};
pub use saved::{read_run, write_run};
