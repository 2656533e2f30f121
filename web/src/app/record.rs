//! The finished example: results computed before the page was built and shown before anything is loaded.

use std::rc::Rc;

use espalier_methods::report::Spectrum;
use serde::{Deserialize, Serialize};

/// Results of one bundled checkpoint. `cargo xtask assets` writes it from the command line's own output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the checkpoint.
    pub checkpoint: String,
    /// How the spectra were computed.
    pub route: String,
    /// Spectra of its matrices, in file order.
    pub spectra: Vec<Rc<Spectrum>>,
}

impl Record {
    /// The one that comes with the page.
    pub fn bundled() -> Self {
        serde_json::from_str(include_str!("../../../assets/records/shakespeare-llama.json")).expect("the record is written by `cargo xtask assets` from this very type")
    }
}
