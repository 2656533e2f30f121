//! The Map: a city, what is learnt of it, and what can be asked of what was learnt.

mod charts;
mod controls;
mod drawing;
mod encoder;
mod export;
mod import;
mod layer;
mod modes;
mod painter;
mod pointers;
mod probes;
mod query;
mod readout;
mod say;
mod scatter;
mod screen;
mod selection;
mod stage;
mod surface;
mod view;

pub use screen::MapScreen;
