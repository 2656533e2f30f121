//! Random draws one after the other, from the stateless generator: the same on every machine.

use espalier_tensor::random::Stream;

/// A place in a stream.
pub(in super::super) struct Dice {
    stream: Stream,
    next: u32,
}

impl Dice {
    /// Draws of one purpose: different `purpose`s of a seed have nothing to do with each other.
    pub fn new(seed: u64, purpose: u32) -> Self {
        Self { stream: Stream::new(seed, 0x00c1_7e00 ^ purpose), next: 0 }
    }

    /// A number of [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.next += 1;
        f64::from(self.stream.uniform(self.next - 1))
    }

    /// A number of [−1, 1).
    pub fn both(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// An integer below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.next += 1;
        self.stream.below(self.next - 1, bound.max(1) as u32) as usize
    }

    /// About normal, mean 0 and deviation 1: twelve even draws, without a logarithm that machines may round differently.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// An index with these chances, which need not sum to 1.
    pub fn choose(&mut self, chances: &[f64]) -> usize {
        let mut rest = self.unit() * chances.iter().sum::<f64>();
        for (i, c) in chances.iter().enumerate() {
            rest -= c;
            if rest < 0.0 {
                return i;
            }
        }
        chances.len().saturating_sub(1)
    }
}
