//! The page: screens, figures, what they are drawn with, and the bridge to the worker.

pub mod app;
pub mod figures;
pub mod plot;
pub mod screens;
pub mod teach;
pub mod tokens;
pub mod worker;
