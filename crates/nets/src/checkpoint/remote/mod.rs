//! Checkpoints on a server, read by HTTP ranges: the Hugging Face Hub, its mirrors, any static host.
//!
//! Everything that can be decided without a browser is decided here, over the small [`Fetch`] trait: which addresses a text stands for, how a
//! file's length is found, what a server that ignores ranges, refuses, hurries or breaks off gets for an answer. A face brings the trait.

mod address;
mod client;
mod fault;
mod fetch;
mod find;
mod source;

pub use address::{Address, HUB};
pub use fault::{Fault, Problem};
pub use fetch::{Answer, Ask, Fetch, Head, Trouble};
pub use find::{Found, find};
pub use source::{FIRST, RemoteSource, SMALL, Told};
