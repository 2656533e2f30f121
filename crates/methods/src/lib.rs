//! The papers' methods: one file each, and the registry. Nothing here knows a screen, a thread or a file.

pub mod bytes;
pub mod method;
pub mod report;

pub use method::{Card, Inputs, Knob, MethodError, Sink};
pub use report::{Event, Report};
