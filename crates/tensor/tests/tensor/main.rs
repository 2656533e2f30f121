//! The crate from outside, one program: each file linked on its own would take its time again.

mod common;
mod device;
mod factors;
mod gradients;
mod layers;
mod selection_time;
mod session;
mod spectra;
mod spectra_gpu;
mod training;
mod twins;
