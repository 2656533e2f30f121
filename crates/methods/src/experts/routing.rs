//! What routers decided for a text, token by token: plain data, and what is counted from it.

use serde::{Deserialize, Serialize};

use super::Balance;
use crate::bytes::{F32s, U32s};

/// Routing of one text: for every token and every mixture the experts it was sent to, their weights and what they gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Routing {
    /// What people call the text.
    pub text: String,
    /// Decoder blocks that hold a mixture, ascending; their places here are the layers below.
    pub blocks: U32s,
    /// Experts of a layer.
    pub experts: u32,
    /// Experts a token is sent to.
    pub per_token: u32,
    /// The text as token numbers.
    pub tokens: U32s,
    /// Experts chosen, `[tokens, layers, per_token]`, the largest weight first.
    pub chosen: U32s,
    /// Their gate weights, as they are multiplied with the outputs.
    pub weights: F32s,
    /// Gate weight times the Euclidean norm of the expert's output.
    pub norms: F32s,
    /// Entropy of the router's softmax over all experts, divided by that of an even one, `[tokens, layers]`: 0 certain, 1 undecided.
    pub entropy: F32s,
}

/// What is counted of each expert of each layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Tokens that were sent to it.
    #[default]
    Count,
    /// Mean gate weight of those tokens; NaN where there are none.
    Weight,
    /// Mean gate-weighted output norm of those tokens (REAP's measure); NaN where there are none.
    Norm,
}

impl Routing {
    /// Mixtures.
    pub fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Tokens.
    pub fn length(&self) -> usize {
        self.tokens.len()
    }

    /// Places in [`chosen`](Self::chosen) of a token in a layer.
    fn places(&self, token: usize, layer: usize) -> std::ops::Range<usize> {
        let k = self.per_token as usize;
        let at = (token * self.layers() + layer) * k;
        at.min(self.chosen.len())..(at + k).min(self.chosen.len())
    }

    /// Experts of a token in a layer with their gate weights, the largest first.
    pub fn path(&self, token: usize, layer: usize) -> impl Iterator<Item = (u32, f32)> {
        self.places(token, layer).map(|i| (self.chosen[i], self.weights[i]))
    }

    /// Layers × experts over the first `upto` tokens, row-major.
    pub fn grid(&self, measure: Measure, upto: usize) -> Vec<f64> {
        let (layers, experts) = (self.layers(), self.experts as usize);
        let mut counts = vec![0.0; layers * experts];
        let mut sums = vec![0.0; layers * experts];
        for token in 0..upto.min(self.length()) {
            for layer in 0..layers {
                for i in self.places(token, layer) {
                    let at = layer * experts + (self.chosen[i] as usize).min(experts.saturating_sub(1));
                    counts[at] += 1.0;
                    sums[at] += f64::from(if measure == Measure::Norm { self.norms[i] } else { self.weights[i] });
                }
            }
        }
        match measure {
            Measure::Count => counts,
            _ => counts.iter().zip(&sums).map(|(n, s)| if *n > 0.0 { s / n } else { f64::NAN }).collect(),
        }
    }

    /// Tokens that chose both of two experts of a layer, `[experts, experts]`; the diagonal counts each expert alone.
    pub fn together(&self, layer: usize) -> Vec<f64> {
        let experts = self.experts as usize;
        let mut out = vec![0.0; experts * experts];
        for token in 0..self.length() {
            for i in self.places(token, layer) {
                for j in self.places(token, layer) {
                    out[self.chosen[i] as usize * experts + self.chosen[j] as usize] += 1.0;
                }
            }
        }
        out
    }

    /// The same over what chance would give, c_ij · T / (c_i · c_j), and NaN on the diagonal and where an expert was never chosen: above 1 they come together
    /// more often than two independent ones.
    pub fn lift(&self, layer: usize) -> Vec<f64> {
        let (experts, tokens) = (self.experts as usize, self.length() as f64);
        let both = self.together(layer);
        (0..experts * experts)
            .map(|at| {
                let (i, j) = (at / experts, at % experts);
                let alone = both[i * experts + i] * both[j * experts + j];
                if i == j || alone == 0.0 { f64::NAN } else { both[at] * tokens / alone }
            })
            .collect()
    }

    /// How evenly a layer's tokens fall on its experts.
    pub fn balance(&self, layer: usize, upto: usize) -> Balance {
        let experts = self.experts as usize;
        let counts = self.grid(Measure::Count, upto);
        Balance::of(&counts[layer * experts..(layer + 1) * experts])
    }

    /// Share of its choices that an expert gets here less its share in `other`, layers × experts: what one text wakes more than the other.
    pub fn difference(&self, other: &Self) -> Vec<f64> {
        let share = |r: &Self| {
            let choices = (r.length() * r.per_token as usize).max(1) as f64;
            r.grid(Measure::Count, usize::MAX).into_iter().map(move |n| n / choices).collect::<Vec<f64>>()
        };
        share(self).iter().zip(share(other)).map(|(a, b)| a - b).collect()
    }

    /// Jensen–Shannon divergence in nats of a layer's loads under two texts: 0 the same experts, ln 2 no expert in common.
    pub fn specialisation(&self, other: &Self, layer: usize) -> f64 {
        let experts = self.experts as usize;
        let load = |r: &Self| {
            let counts = r.grid(Measure::Count, usize::MAX);
            let row = counts[layer * experts..(layer + 1) * experts].to_vec();
            let sum: f64 = row.iter().sum::<f64>().max(1.0);
            row.into_iter().map(move |n| n / sum).collect::<Vec<f64>>()
        };
        let term = |a: f64, m: f64| if a > 0.0 { a * (a / m).ln() } else { 0.0 };
        load(self).into_iter().zip(load(other)).map(|(a, b)| { let m = f64::midpoint(a, b); (term(a, m) + term(b, m)) / 2.0 }).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Routing {
        Routing {
            text: "t".into(),
            blocks: vec![1, 2].into(),
            experts: 3,
            per_token: 2,
            tokens: vec![5, 6].into(),
            chosen: vec![0, 1, 2, 0, 1, 0, 2, 1].into(),
            weights: vec![0.6, 0.2, 0.5, 0.3, 0.7, 0.1, 0.4, 0.4].into(),
            norms: vec![6.0, 2.0, 5.0, 3.0, 7.0, 1.0, 4.0, 4.0].into(),
            entropy: vec![0.5; 4].into(),
        }
    }

    #[test]
    fn counts_weights_and_norms_are_those_of_the_choices() {
        let r = two();
        assert_eq!(r.grid(Measure::Count, usize::MAX), [2.0, 2.0, 0.0, 1.0, 1.0, 2.0]);
        let w = r.grid(Measure::Weight, usize::MAX);
        assert!((w[0] - 0.35).abs() < 1e-7 && w[2].is_nan() && (w[5] - 0.45).abs() < 1e-7, "{w:?}");
        assert_eq!(r.grid(Measure::Norm, 1)[..2], [6.0, 2.0], "only the first token so far");
        assert_eq!(r.path(1, 0).collect::<Vec<_>>(), [(1, 0.7), (0, 0.1)]);
    }

    #[test]
    fn pairs_and_differences() {
        let r = two();
        assert_eq!(r.together(0), [2.0, 2.0, 0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(r.lift(0)[1], 1.0);
        assert!(r.lift(0)[0].is_nan() && r.lift(0)[2].is_nan());
        assert!(r.difference(&r).iter().all(|d| *d == 0.0) && r.specialisation(&r, 0) == 0.0);
        let mut other = r.clone();
        other.chosen = vec![2, 2, 2, 0, 2, 2, 2, 1].into();
        assert!((r.specialisation(&other, 0) - 2f64.ln()).abs() < 1e-12, "nothing in common");
        assert_eq!(r.difference(&other)[..3], [0.5, 0.5, -1.0]);
    }
}
