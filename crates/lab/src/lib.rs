//! The engine: what is open, what runs, its events and results, and the protocol that every face (page, command line) speaks.

pub mod protocol;
