//! The Map: a city, what is learnt of it, and what can be asked of what was learnt.

mod charts;
mod controls;
mod encoder;
mod export;
mod import;
mod layer;
mod painter;
mod probes;
mod query;
mod say;
mod scatter;
mod screen;
mod selection;
mod surface;
mod view;

pub use screen::MapScreen;
