//! Page.

pub mod worker;
