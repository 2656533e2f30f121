//! The engine, driven natively by a face made for tests.

mod calibrated;
mod city;
mod common;
mod engine;
mod export;
mod gpu;
mod pool;
mod protocol;
mod record;
mod stats;
mod thin;
