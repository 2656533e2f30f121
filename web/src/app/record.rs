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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every matrix of the bundled Llama: seven linears in each of five blocks, embedding and head.
    #[test]
    fn the_record_that_ships_reads_and_is_whole() {
        let record = Record::bundled();
        assert_eq!(record.spectra.len(), 5 * 7 + 2);
        for s in &record.spectra {
            assert_eq!(s.values.len() as u32, s.shape[0].min(s.shape[1]), "{}", s.tensor);
            assert!(s.values.windows(2).all(|w| w[0] >= w[1]), "{}", s.tensor);
            let energy: f64 = s.values.iter().map(|v| v * v).sum();
            // Six digits a value.
            assert!((energy.sqrt() / s.frobenius - 1.0).abs() < 1e-5, "{}", s.tensor);
        }
    }
}
