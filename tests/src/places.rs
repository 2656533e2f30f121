//! Folders that tests read.

use std::path::{Path, PathBuf};

/// The repository's top folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Real inputs that are not part of the repository: `ESPALIER_SHARED`, by default `../shared` beside it. Missing is a failure, not a
/// skip: a test that quietly does nothing proves nothing.
pub fn shared() -> PathBuf {
    let path = std::env::var_os("ESPALIER_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    assert!(path.is_dir(), "the shared inputs are missing: {} is not a folder; set ESPALIER_SHARED to where they are", path.display());
    path
}

/// The folder of fixtures: `ESPALIER_FIXTURES`, by default `fixtures` of the shared inputs.
pub fn fixtures() -> PathBuf {
    let path = std::env::var_os("ESPALIER_FIXTURES").map_or_else(|| shared().join("fixtures"), PathBuf::from);
    assert!(path.is_dir(), "the fixtures are missing: {} is not a folder; set ESPALIER_FIXTURES to where they are", path.display());
    path
}
