//! Teaching beside the live tool: lessons whose steps are done with the tool's own controls, and the shaders as they were written.

mod experts;
pub mod lessons;
pub mod reader;
pub mod strip;
mod study;
pub mod twin;
