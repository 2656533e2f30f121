//! Learning rates over time.

/// How the rate falls after the warm-up.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// It does not.
    Constant,
    /// Half a cosine to `floor` · rate at the last of `total` steps; stays there (Loshchilov and Hutter, *SGDR*, 2017, without restarts).
    Cosine {
        /// Steps in all.
        total: u32,
        /// Share of the rate that is left at the end.
        floor: f64,
    },
    /// A straight line to `floor` · rate at the last of `total` steps.
    Linear {
        /// Steps in all.
        total: u32,
        /// Share of the rate that is left at the end.
        floor: f64,
    },
    /// Times `factor` at each of these steps.
    Drops {
        /// Steps from which the next factor holds, ascending.
        at: Vec<u32>,
        /// What the rate is multiplied by.
        factor: f64,
    },
}

/// A learning rate over steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The rate after the warm-up.
    pub rate: f64,
    /// Steps of a straight climb from rate / warmup to rate.
    pub warmup: u32,
    /// What follows.
    pub shape: Shape,
}

impl Schedule {
    /// The same rate for ever.
    pub fn constant(rate: f64) -> Self {
        Self { rate, warmup: 0, shape: Shape::Constant }
    }

    /// The rate of a step, counted from 0.
    pub fn at(&self, step: u32) -> f64 {
        if step < self.warmup {
            return self.rate * f64::from(step + 1) / f64::from(self.warmup);
        }
        let after = |total: u32| f64::from(step - self.warmup) / f64::from(total.saturating_sub(self.warmup).max(1));
        self.rate
            * match &self.shape {
                Shape::Constant => 1.0,
                Shape::Cosine { total, floor } => floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * after(*total).min(1.0)).cos()),
                Shape::Linear { total, floor } => floor + (1.0 - floor) * (1.0 - after(*total).min(1.0)),
                Shape::Drops { at, factor } => factor.powi(at.iter().filter(|&&a| step >= a).count() as i32),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_formulas() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let cosine = Schedule { rate: 2.0, warmup: 4, shape: Shape::Cosine { total: 14, floor: 0.1 } };
        near(cosine.at(0), 0.5);
        near(cosine.at(3), 2.0);
        near(cosine.at(4), 2.0);
        near(cosine.at(9), 2.0 * 0.55);
        near(cosine.at(14), 0.2);
        near(cosine.at(99), 0.2);
        let line = Schedule { rate: 1.0, warmup: 0, shape: Shape::Linear { total: 4, floor: 0.0 } };
        near(line.at(1), 0.75);
        near(line.at(4), 0.0);
        let drops = Schedule { rate: 1.0, warmup: 0, shape: Shape::Drops { at: vec![2, 5], factor: 0.1 } };
        near(drops.at(1), 1.0);
        near(drops.at(2), 0.1);
        near(drops.at(7), 0.01);
        // A total inside the warm-up does not divide by zero.
        near(Schedule { rate: 1.0, warmup: 9, shape: Shape::Linear { total: 3, floor: 0.5 } }.at(10), 0.5);
    }
}
