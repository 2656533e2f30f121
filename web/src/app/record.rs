//! The finished example: results computed before the page was built and shown before anything is loaded.

use std::rc::Rc;

use espalier_methods::report::{Spectrum, Tail};

/// As the build script packs `assets/records/shakespeare-llama.json`; it says how.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/record.bin"));

/// Results of one bundled checkpoint. `cargo xtask assets` writes them from the command line's own output.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the checkpoint.
    pub checkpoint: String,
    /// How the spectra were computed.
    pub route: String,
    /// Spectra of its matrices, in file order; their values are right to four digits.
    pub spectra: Vec<Rc<Spectrum>>,
}

impl Record {
    /// The one that comes with the page, unpacked when it is first asked for.
    pub fn bundled() -> Rc<Self> {
        thread_local!(static UNPACKED: Rc<Record> = Reader(PACKED).record().expect("the build script has just packed it").into());
        UNPACKED.with(Rc::clone)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    fn short(&mut self) -> Option<usize> {
        Some(self.take(2)?.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    fn whole(&mut self) -> Option<u32> {
        Some(self.take(4)?.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
    }

    /// To six digits, which is what was written.
    fn float(&mut self) -> Option<f64> {
        Some(digits(f64::from(f32::from_bits(self.whole()?)), 6))
    }

    fn text(&mut self) -> Option<String> {
        let n = self.short()?;
        String::from_utf8(self.take(n)?.to_vec()).ok()
    }

    fn record(mut self) -> Option<Record> {
        let (checkpoint, route) = (self.text()?, self.text()?);
        let mut spectra = Vec::new();
        for _ in 0..self.short()? {
            spectra.push(Rc::new(self.spectrum(&route)?));
        }
        Some(Record { checkpoint, route, spectra })
    }

    fn spectrum(&mut self, route: &str) -> Option<Spectrum> {
        let tensor = self.text()?;
        let slice = self.whole()?.checked_sub(1);
        let shape = [self.whole()?, self.whole()?];
        let numerical_rank = self.whole()?;
        let energy_ranks = [self.whole()?, self.whole()?, self.whole()?];
        let count = self.whole()?;
        let [floor, stable_rank, effective_rank, nuclear, frobenius, random_edge] = self.floats()?;
        let [alpha, sigma, xmin, distance] = self.floats()?;
        let tail = match self.take(1)? {
            [0] => Tail::Fit { alpha, sigma, xmin, distance, count },
            [1] => Tail::TooFew { count },
            _ => Tail::Flat { count },
        };
        let values = self.values()?.into();
        Some(Spectrum { tensor, slice, shape, values, floor, route: route.to_owned(), stable_rank, effective_rank, numerical_rank, energy_ranks, nuclear, frobenius, tail, random_edge })
    }

    fn floats<const N: usize>(&mut self) -> Option<[f64; N]> {
        let mut out = [0.0; N];
        for v in &mut out {
            *v = self.float()?;
        }
        Some(out)
    }

    fn values(&mut self) -> Option<Vec<f64>> {
        let [first, last] = self.floats()?;
        let n = self.short()?;
        let range = (first / last).ln();
        let (high, low) = (self.take(n)?, self.take(n)?);
        let mut step = 0;
        let mut value = |(h, l): (&u8, &u8)| {
            step += u32::from(*h) << 8 | u32::from(*l);
            digits(first * (-range * f64::from(step) / 65535.0).exp(), 5)
        };
        Some(high.iter().zip(low).map(&mut value).collect())
    }
}

/// Rounded to so many digits.
fn digits(v: f64, n: i32) -> f64 {
    if v == 0.0 {
        return v;
    }
    let places = n - 1 - v.abs().log10().floor() as i32;
    // Powers of ten up to 22 are exact; beyond that a digit of the sixth is of no concern.
    if places >= 0 { (v * 10f64.powi(places)).round() / 10f64.powi(places) } else { (v / 10f64.powi(-places)).round() * 10f64.powi(-places) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../assets/records/shakespeare-llama.json")).unwrap()
    }

    /// Every matrix of the bundled Llama: seven linears in each of five blocks, embedding and head.
    #[test]
    fn the_record_that_ships_reads_and_is_whole() {
        let record = Record::bundled();
        assert_eq!(record.spectra.len(), 5 * 7 + 2);
        for s in &record.spectra {
            assert_eq!(s.values.len() as u32, s.shape[0].min(s.shape[1]), "{}", s.tensor);
            assert!(s.values.windows(2).all(|w| w[0] >= w[1]), "{}", s.tensor);
            let energy: f64 = s.values.iter().map(|v| v * v).sum();
            // Half a step of the packing and half a unit of the fifth digit: see below.
            assert!((energy.sqrt() / s.frobenius - 1.0).abs() < 1.5e-4, "{}", s.tensor);
        }
    }

    #[test]
    fn packing_changes_no_more_than_it_says() {
        let (record, json) = (Record::bundled(), original());
        assert_eq!(record.checkpoint, json["checkpoint"]);
        for (s, j) in record.spectra.iter().zip(json["spectra"].as_array().unwrap()) {
            let mut written = serde_json::to_value(&**s).unwrap();
            let (got, was) = (written["values"].take(), &j["values"]);
            let range = (s.values[0] / s.values[s.values.len() - 1]).ln();
            // Half a step of the logarithm, half a unit of the fifth digit, and what σ₁ and σ_min themselves were rounded by.
            let bound = range / 65535.0 / 2.0 + 5e-5 + 1e-6;
            for (a, b) in got.as_array().unwrap().iter().zip(was.as_array().unwrap()) {
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                assert!((a / b - 1.0).abs() <= bound, "{}: {a} for {b}", s.tensor);
            }
            let mut rest = j.clone();
            rest["values"] = serde_json::Value::Null;
            same(&written, &rest);
        }
    }

    /// Equal, numbers to six digits.
    fn same(a: &serde_json::Value, b: &serde_json::Value) {
        match (a, b) {
            (serde_json::Value::Object(x), serde_json::Value::Object(y)) => {
                assert_eq!(x.keys().collect::<Vec<_>>(), y.keys().collect::<Vec<_>>());
                x.values().zip(y.values()).for_each(|(p, q)| same(p, q));
            }
            (serde_json::Value::Number(x), serde_json::Value::Number(y)) => {
                let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
                assert!((x - y).abs() <= 5e-6 * y.abs(), "{x} for {y}");
            }
            _ => assert_eq!(a, b),
        }
    }
}
