//! The crate from outside, one program: each file linked on its own would take its time again.

mod calibrated;
mod ear;
mod experts;
mod invariants;
mod rescaling;
mod runs;
mod urban;
