//! The engine: what is open, what runs, its events and results, and the protocol that every face (page, command line) speaks.

mod device;
mod engine;
mod estimate;
mod export;
mod export_kept;
mod export_pruned;
mod export_thin;
mod fault;
pub mod host;
mod jobs;
mod kept;
mod more;
pub mod protocol;
pub mod record;
mod repertoire;
mod replay;
mod selftest;
mod speeds;
pub mod stats;
pub mod summary;
#[cfg(not(target_arch = "wasm32"))]
pub mod threads;

pub use espalier_tensor::error::NoAdapter;
pub use device::first_product;
pub use engine::Engine;
pub use fault::no_gpu;
pub use host::Host;
pub use protocol::Fault;
pub use repertoire::{Repertoire, needs_whole};
