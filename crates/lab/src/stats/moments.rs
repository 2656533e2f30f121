//! First pass over a tensor: what must be known before bins, moments about the mean and selected values can be counted.

use super::select::{Key, key};

/// Elements summed at a time: a block stays in the cache for its second loop.
const BLOCK: usize = 4096;

/// Counts, extremes, mean and variance of the finite values, and how many values share each upper half of their sort key.
pub struct Moments {
    pub elements: u64,
    pub zeros: u64,
    pub nan: u64,
    pub infinite: u64,
    pub min: f32,
    pub max: f32,
    pub mean: f64,
    /// Σ (w − mean)².
    pub spread: f64,
    /// Σ w².
    pub squares: f64,
    /// Finite values by the upper 16 bits of their sort key.
    pub upper: Vec<u64>,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            elements: 0,
            zeros: 0,
            nan: 0,
            infinite: 0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            mean: 0.0,
            spread: 0.0,
            squares: 0.0,
            upper: vec![0; 1 << 16],
        }
    }
}

impl Moments {
    /// Takes the next values.
    pub fn add(&mut self, values: &[f32]) {
        values.chunks(BLOCK).for_each(|block| self.block(block));
    }

    /// Finite values.
    pub fn finite(&self) -> u64 {
        self.elements - self.nan - self.infinite
    }

    /// Population standard deviation of the finite values; 0 where there are none.
    pub fn std(&self) -> f64 {
        match self.finite() {
            0 => 0.0,
            n => (self.spread / n as f64).sqrt(),
        }
    }

    /// One block: two loops over it, then its mean and spread are joined to the others' (Chan, Golub and LeVeque 1979), so that
    /// no difference of large sums is ever taken.
    fn block(&mut self, block: &[f32]) {
        let before = self.finite();
        self.elements += block.len() as u64;
        let (mut sum, mut n) = (0.0f64, 0u64);
        for &v in block {
            if !v.is_finite() {
                if v.is_nan() { self.nan += 1 } else { self.infinite += 1 }
                continue;
            }
            n += 1;
            sum += f64::from(v);
            self.zeros += u64::from(v == 0.0);
            self.min = self.min.min(v);
            self.max = self.max.max(v);
            let Key { upper, .. } = key(v);
            self.upper[upper as usize] += 1;
        }
        if n == 0 {
            return;
        }
        let mean = sum / n as f64;
        let (mut spread, mut squares) = (0.0, 0.0);
        for &v in block.iter().filter(|v| v.is_finite()) {
            let v = f64::from(v);
            spread += (v - mean) * (v - mean);
            squares += v * v;
        }
        let total = (before + n) as f64;
        let gap = mean - self.mean;
        self.spread += spread + gap * gap * (before as f64) * (n as f64) / total;
        self.mean += gap * n as f64 / total;
        self.squares += squares;
    }
}
