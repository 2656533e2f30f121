//! The dedicated worker that holds the engine, and the bridge by which the page talks to it.
//!
//! The page uses [`client`] only. The worker's own parts (byte sources, the export's sink, the engine's host) are used by `bin/worker` and `bin/worker-whole`.

pub mod blob_sink;
pub mod blob_source;
pub mod capture;
pub mod client;
pub mod codec;
pub mod disk;
pub mod fetch;
pub mod host;
pub mod lab_worker;
pub mod message;
pub mod pool;
pub mod pool_member;
pub mod program;
pub mod wire;

pub use client::{Client, FromWorker};
