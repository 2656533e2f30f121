//! The dedicated worker that holds the engine, and the bridge by which the page talks to it.
//!
//! The page uses [`client`] only. The worker's own parts (byte sources, the export's writer, the engine's host) are used by `bin/worker`.

pub mod capture;
pub mod client;
pub mod codec;
pub mod lab_worker;
pub mod message;

pub use client::{Client, FromWorker};
