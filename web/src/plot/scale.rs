//! From values to pixels and back.

/// A linear or logarithmic axis that maps `domain` to `range`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Values at both ends.
    pub domain: [f64; 2],
    /// Pixels at both ends; the second may be the smaller one (y axes).
    pub range: [f64; 2],
    /// Logarithmic; the domain is positive then.
    pub log: bool,
}

impl Scale {
    /// A linear axis. An empty domain is widened, so that a constant lies in the middle.
    pub fn linear(domain: [f64; 2], range: [f64; 2]) -> Self {
        let [a, b] = finite(domain, [0.0, 1.0]);
        let domain = if a == b { [a - widen(a), b + widen(b)] } else { [a, b] };
        Self { domain, range, log: false }
    }

    /// A logarithmic axis. Ends that are not positive are moved to the other end's neighbourhood.
    pub fn log(domain: [f64; 2], range: [f64; 2]) -> Self {
        let [mut a, mut b] = finite(domain, [1.0, 10.0]);
        if b <= 0.0 {
            (a, b) = (1.0, 10.0);
        }
        if a <= 0.0 {
            a = b / 1e3;
        }
        if a == b {
            (a, b) = (a / 2.0, b * 2.0);
        }
        Self { domain: [a, b], range, log: true }
    }

    /// Either, as a switch has it.
    pub fn new(log: bool, domain: [f64; 2], range: [f64; 2]) -> Self {
        if log { Self::log(domain, range) } else { Self::linear(domain, range) }
    }

    /// Whether a value has a place on this axis at all.
    pub fn has(&self, v: f64) -> bool {
        v.is_finite() && (!self.log || v > 0.0)
    }

    /// Pixel of a value; NaN where the value has no place (≤ 0 on a log axis).
    pub fn at(&self, v: f64) -> f64 {
        let [a, b] = self.domain;
        let [c, d] = self.range;
        let t = if self.log {
            if v <= 0.0 {
                return f64::NAN;
            }
            (v / a).ln() / (b / a).ln()
        } else {
            (v - a) / (b - a)
        };
        c + t * (d - c)
    }

    /// Pixel of a value, kept within the range: for marks that must not leave the plot.
    pub fn clamped(&self, v: f64) -> f64 {
        let p = self.at(v);
        let [c, d] = self.range;
        if p.is_nan() { c } else { p.clamp(c.min(d), c.max(d)) }
    }

    /// Value at a pixel.
    pub fn value(&self, pixel: f64) -> f64 {
        let [a, b] = self.domain;
        let [c, d] = self.range;
        let t = if c == d { 0.0 } else { (pixel - c) / (d - c) };
        if self.log { a * (b / a).powf(t) } else { a + t * (b - a) }
    }

    /// Length of the axis in pixels.
    pub fn span(&self) -> f64 {
        (self.range[1] - self.range[0]).abs()
    }
}

fn widen(a: f64) -> f64 {
    if a == 0.0 { 1.0 } else { a.abs() * 0.5 }
}

fn finite(d: [f64; 2], otherwise: [f64; 2]) -> [f64; 2] {
    match d {
        [a, b] if a.is_finite() && b.is_finite() => if a <= b { [a, b] } else { [b, a] },
        _ => otherwise,
    }
}

/// Smallest and largest finite value (positive ones only for a log axis); `None` where there is none.
pub fn extent(values: impl IntoIterator<Item = f64>, log: bool) -> Option<[f64; 2]> {
    values.into_iter().filter(|v| v.is_finite() && (!log || *v > 0.0)).fold(None, |e, v| match e {
        None => Some([v, v]),
        Some([a, b]) => Some([f64::min(a, v), f64::max(b, v)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back() {
        for s in [Scale::linear([-2.0, 6.0], [10.0, 410.0]), Scale::log([0.01, 100.0], [300.0, 0.0])] {
            for i in 0..=10 {
                let p = s.range[0] + (s.range[1] - s.range[0]) * f64::from(i) / 10.0;
                assert!((s.at(s.value(p)) - p).abs() < 1e-9);
            }
            assert!((s.at(s.domain[0]) - s.range[0]).abs() < 1e-12);
        }
    }

    #[test]
    fn a_log_axis_has_no_place_for_zero() {
        let s = Scale::log([1.0, 10.0], [0.0, 1.0]);
        assert!(s.at(0.0).is_nan() && s.at(-1.0).is_nan());
        assert!(!s.has(0.0) && s.has(3.0));
        assert_eq!(s.clamped(0.0), 0.0);
    }

    #[test]
    fn odd_domains_still_make_an_axis() {
        for s in [Scale::linear([3.0, 3.0], [0.0, 10.0]), Scale::linear([f64::NAN, 1.0], [0.0, 10.0]), Scale::log([0.0, 0.0], [0.0, 10.0]), Scale::log([0.0, 5.0], [0.0, 10.0]), Scale::log([2.0, 2.0], [0.0, 10.0])] {
            assert!(s.domain[0] < s.domain[1], "{s:?}");
            assert!(s.at(s.domain[1]).is_finite());
        }
    }

    #[test]
    fn extents_leave_out_what_cannot_be_drawn() {
        assert_eq!(extent([3.0, f64::NAN, -1.0, 0.0], false), Some([-1.0, 3.0]));
        assert_eq!(extent([3.0, f64::INFINITY, -1.0, 0.0], true), Some([3.0, 3.0]));
        assert_eq!(extent([], false), None);
    }
}
