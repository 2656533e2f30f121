//! What the tests of the whole share: where the repository, the shared inputs and the fixtures are, a page under test, and conformance cases.

pub mod browser;
pub mod fixtures;
pub mod memory;
pub mod places;
