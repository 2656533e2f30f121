//! The crate from outside, one program: each file linked on its own would take its time again.

mod bad_input;
mod corpus;
mod families;
mod fuzz;
mod models;
mod reading;
mod remote;
mod several_files;
mod shared;
mod writing;
