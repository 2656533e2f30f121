//! What the tests of the whole share: where the repository, the shared inputs and the fixtures are, and a page under test.

pub mod browser;
pub mod places;
