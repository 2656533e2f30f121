//! The eigenvalue spectral density of one matrix: the distribution of λ = σ², the bulk that a random matrix of its shape would have, the power-law
//! tail over a start that can be moved, and below it what each start would give.

use espalier_methods::report::{Axis, Tail};
use espalier_methods::spectra::tail::fit_from;

use super::axes::{Inner, x_axis, y_axis};
use super::scale::{Scale, extent};
use super::scene::{Anchor, Scene, Seg, crisp, stroke};
use super::table::Table;

/// What one start of the tail gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Eigenvalues in the tail.
    pub count: u32,
    /// λ_min.
    pub from: f64,
    /// α.
    pub alpha: f64,
    /// Its standard error.
    pub sigma: f64,
    /// Kolmogorov–Smirnov distance.
    pub distance: f64,
}

/// Starts that are tried at most: a curve of so many points is smooth at any width of a figure.
const TRIED: usize = 160;
/// The least tail that is called a fit (`spectra::tail::LEAST` is about all eigenvalues; two values fit any power).
const SHORT: usize = 5;

/// What a start over the `count` largest eigenvalues gives.
pub fn start(values: &[f64], floor: f64, count: usize) -> Option<Start> {
    match fit_from(values, floor, count)? {
        Tail::Fit { alpha, sigma, xmin, distance, count } => Some(Start { count, from: xmin, alpha, sigma, distance }),
        _ => None,
    }
}

/// What the starts give, the shortest tail first; at most 160 of them, evenly over the counts.
pub fn starts(values: &[f64], floor: f64) -> Vec<Start> {
    let n = values.iter().take_while(|s| **s > floor && **s > 0.0).count();
    let step = n.div_ceil(TRIED).max(1);
    (SHORT..=n).step_by(step).filter_map(|count| start(values, floor, count)).collect()
}

/// Density of the eigenvalues λ of a random matrix of shape `[m, n]` whose elements have variance `variance` (Marchenko and Pastur 1967), over the
/// min(m, n) eigenvalues of the smaller Gram matrix: √((λ₊ − λ)(λ − λ₋)) / (2π·s²·N·λ), λ± = s²(√M ± √N)².
pub fn random_density(shape: [f64; 2], variance: f64, lambda: f64) -> f64 {
    let (most, least) = (shape[0].max(shape[1]), shape[0].min(shape[1]));
    let [low, high] = random_range(shape, variance);
    if lambda <= low || lambda >= high || lambda <= 0.0 {
        return 0.0;
    }
    debug_assert!(most >= least);
    ((high - lambda) * (lambda - low)).sqrt() / (2.0 * std::f64::consts::PI * variance * least * lambda)
}

/// λ₋ and λ₊.
pub fn random_range(shape: [f64; 2], variance: f64) -> [f64; 2] {
    let (a, b) = (shape[0].sqrt(), shape[1].sqrt());
    [variance * (a - b).powi(2), variance * (a + b).powi(2)]
}

/// A laid out density.
#[derive(Clone, Debug, PartialEq)]
pub struct Esd {
    /// Size in pixels.
    pub size: [f64; 2],
    /// Singular values, descending.
    pub values: Vec<f64>,
    /// Values at or under it count as zero.
    pub floor: f64,
    /// `[out, in]`.
    pub shape: [f64; 2],
    /// The start as it stands; `None` where there is no fit.
    pub now: Option<Start>,
    /// The start that the method chose.
    pub best: Option<Start>,
    /// All starts.
    pub starts: Vec<Start>,
}

/// Room of the lower panel.
const LOWER: f64 = 0.34;

impl Esd {
    fn lambdas(&self) -> impl Iterator<Item = f64> {
        self.values.iter().filter(|s| **s > self.floor && **s > 0.0).map(|s| s * s)
    }

    fn variance(&self) -> f64 {
        self.values.iter().map(|s| s * s).sum::<f64>() / (self.shape[0] * self.shape[1]).max(1.0)
    }

    fn inner(&self) -> [Inner; 2] {
        let whole = Inner::of(self.size[0], self.size[1]);
        let cut = whole.bottom - (whole.bottom - whole.top) * LOWER;
        [Inner { bottom: cut - 12.0, ..whole }, Inner { top: cut + 8.0, ..whole }]
    }

    /// The shared axis of λ. It begins where a hundredth of the values lies to the left: a few eigenvalues near zero would squeeze all others.
    pub fn x(&self) -> Scale {
        let n = self.lambdas().count();
        let low = self.lambdas().nth(n - n.div_ceil(100).min(n)).unwrap_or(1.0);
        let high = self.lambdas().next().unwrap_or(10.0).max(random_range(self.shape, self.variance())[1]);
        let [upper, _] = self.inner();
        Scale::log([low / 1.1, high * 1.3], upper.x())
    }

    /// Bins of equal width in ln λ: edges and density.
    pub fn bins(&self) -> Vec<([f64; 2], f64)> {
        let x = self.x();
        let n = self.lambdas().count();
        let bins = ((n as f64).sqrt() * 1.8).clamp(6.0, 60.0) as usize;
        let step = (x.domain[1] / x.domain[0]).ln() / bins as f64;
        let mut counts = vec![0u32; bins];
        for l in self.lambdas() {
            let i = ((l / x.domain[0]).ln() / step).floor();
            if i >= 0.0 && (i as usize) < bins {
                counts[i as usize] += 1;
            }
        }
        let edge = |i: usize| x.domain[0] * (step * i as f64).exp();
        counts.iter().enumerate().map(|(i, c)| ([edge(i), edge(i + 1)], f64::from(*c) / n.max(1) as f64 / (edge(i + 1) - edge(i)))).collect()
    }

    fn y(&self, bins: &[([f64; 2], f64)]) -> Scale {
        let [upper, _] = self.inner();
        let [low, high] = extent(bins.iter().map(|b| b.1), true).unwrap_or([0.1, 1.0]);
        Scale::log([low / 2.5, high * 2.0], upper.y())
    }

    /// Number of eigenvalues from a pixel on: where a drag puts the start.
    pub fn count_at(&self, px: f64) -> usize {
        let least = self.x().value(px);
        let n = self.lambdas().count();
        self.lambdas().take_while(|l| *l >= least).count().clamp(SHORT.min(n), n)
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.size[0], self.size[1]);
        let (x, bins) = (self.x(), self.bins());
        let y = self.y(&bins);
        let [upper, lower] = self.inner();
        let axis = |name: &str, log| Axis { name: name.into(), unit: String::new(), log };
        y_axis(&mut s, upper, &y, &axis("density of λ", true));
        for ([a, b], density) in bins.iter().filter(|b| b.1 > 0.0) {
            let top = y.clamped(*density);
            s.rect([x.at(*a), top, x.at(*b) - x.at(*a) - 0.6, upper.bottom - top], "ink-3");
        }
        s.hair_h(upper.x(), upper.bottom, stroke("edge", 1.0));
        self.random(&mut s, &x, &y);
        self.starts(&mut s, &x, lower);
        x_axis(&mut s, lower, &x, &axis("λ = σ²", true));
        if let Some(now) = self.now {
            // The fitted density, as high as its share of all eigenvalues.
            let share = f64::from(now.count) / self.lambdas().count().max(1) as f64;
            let fitted = |l: f64| share * (now.alpha - 1.0) / now.from * (l / now.from).powf(-now.alpha);
            let line: Vec<_> = (0..=60)
                .map(|i| now.from * (x.domain[1] / now.from).powf(f64::from(i) / 60.0))
                .map(|l| [x.at(l), y.at(fitted(l))])
                .filter(|p| p[0] >= upper.left && p[1] <= upper.bottom)
                .collect();
            s.curve(&line, stroke("leaf", 2.0));
            let px = crisp(x.clamped(now.from));
            s.hair_v(px, [upper.top, lower.bottom], stroke("cut", 1.2));
            let foot = lower.bottom;
            s.shape(vec![Seg::M(px - 5.0, foot + 9.0), Seg::L(px - 5.0, foot + 4.0), Seg::L(px, foot - 1.0), Seg::L(px + 5.0, foot + 4.0), Seg::L(px + 5.0, foot + 9.0), Seg::Z], "cut");
        }
        s
    }

    fn random(&self, s: &mut Scene, x: &Scale, y: &Scale) {
        let variance = self.variance();
        let [low, high] = random_range(self.shape, variance);
        if high <= 0.0 {
            return;
        }
        let from = low.max(x.domain[0]);
        let points: Vec<_> = (1..80)
            .map(|i| from * (high / from).powf(f64::from(i) / 80.0))
            .map(|l| [x.at(l), y.at(random_density(self.shape, variance, l))])
            .map(|p| if p[1].is_nan() || p[1] > y.range[0] || p[1] < y.range[1] { [f64::NAN; 2] } else { p })
            .collect();
        s.curve(&points, stroke("ghost", 1.6));
        if let Some(p) = points.iter().rev().find(|p| !p[0].is_nan()) {
            s.text(p[0] - 4.0, y.range[1] + 9.0, "random matrix", Anchor::End).halo();
        }
    }

    fn starts(&self, s: &mut Scene, x: &Scale, lower: Inner) {
        let axis = Axis { name: "α and D by start".into(), unit: String::new(), log: false };
        let most = self.starts.iter().map(|t| t.alpha).fold(2.0, f64::max).min(12.0);
        let a = Scale::linear([1.0, most], lower.y());
        let d = Scale::linear([0.0, self.starts.iter().map(|t| t.distance).fold(0.1, f64::max)], lower.y());
        y_axis(s, lower, &a, &axis);
        let curve = |of: &dyn Fn(&Start) -> f64| self.starts.iter().map(|t| [x.at(t.from), of(t)]).filter(|p| p[0] >= lower.left).collect::<Vec<_>>();
        s.curve(&curve(&|t| d.clamped(t.distance)), stroke("ink-3", 1.0));
        s.curve(&curve(&|t| a.clamped(t.alpha)), stroke("leaf", 1.6));
        if let Some(best) = self.best {
            s.hair_v(x.clamped(best.from), [lower.top, lower.bottom], stroke("ghost", 1.0).dashed(2.0, 2.0));
            let (px, right) = (x.clamped(best.from), x.clamped(best.from) > lower.right - 50.0);
            s.text(if right { px - 4.0 } else { px + 4.0 }, lower.top + 9.0, "least D", if right { Anchor::End } else { Anchor::Start }).halo();
        }
        if let Some(now) = self.now {
            s.ring([x.clamped(now.from), d.clamped(now.distance)], 3.0, "ink-3");
            s.ring([x.clamped(now.from), a.clamped(now.alpha)], 3.4, "leaf");
        }
    }

    /// What is seen, in words.
    pub fn sentence(&self) -> String {
        use super::number::{count, number, sig};
        let n = self.lambdas().count();
        let (Some(now), Some(best)) = (self.now, self.best) else {
            return if n < espalier_methods::spectra::tail::LEAST {
                format!("Only {} eigenvalues over zero: too few for a tail, so none is fitted.", n)
            } else {
                "All eigenvalues are equal but for rounding: there is no tail to fit.".into()
            };
        };
        let tail = format!("From λ = {} on, {} of {} eigenvalues fall as λ^−{} (±{}); the fit is off by D = {} at most", number(now.from), count(f64::from(now.count)), count(n as f64), sig(now.alpha, 3), sig(now.sigma, 2), sig(now.distance, 2));
        let few = if now.count < 20 { " So short a tail says little about α." } else { "" };
        if now.count == best.count {
            return format!("{tail}, the least of all starts.{few}");
        }
        format!("{tail}. The start with the least D, {}, gives α = {} over {}.{few}", sig(best.distance, 2), sig(best.alpha, 3), count(f64::from(best.count)))
    }

    /// The numbers behind it: every start that was tried.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["λ_min", "eigenvalues in the tail", "α", "standard error of α", "D"]);
        for s in &self.starts {
            t.push([s.from, f64::from(s.count), s.alpha, s.sigma, s.distance]);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_density_is_one_in_all_and_ends_at_the_methods_edge() {
        for shape in [[40.0, 160.0], [160.0, 40.0], [300.0, 301.0]] {
            let [low, high] = random_range(shape, 0.3);
            // In t with λ = mid − half·cos t the square root at both ends is smooth.
            let (mid, half, n) = ((low + high) / 2.0, (high - low) / 2.0, 20_000);
            let sum: f64 = (0..n)
                .map(|i| {
                    let t = (f64::from(i) + 0.5) / f64::from(n) * std::f64::consts::PI;
                    random_density(shape, 0.3, mid - half * t.cos()) * half * t.sin() * std::f64::consts::PI / f64::from(n)
                })
                .sum();
            assert!((sum - 1.0).abs() < 1e-4, "{shape:?}: {sum}");
            let energy = 0.3 * shape[0] * shape[1];
            let edge = espalier_methods::spectra::random_edge([shape[0] as u32, shape[1] as u32], energy);
            assert!((edge * edge / high - 1.0).abs() < 1e-12);
        }
    }

    fn esd(n: usize) -> Esd {
        // λ from a pure power law of exponent 3 at fixed quantiles.
        let values: Vec<f64> = (0..n).map(|i| ((i as f64 + 0.5) / n as f64).powf(-0.25)).collect();
        let starts = starts(&values, 0.0);
        let best = starts.iter().copied().min_by(|a, b| a.distance.total_cmp(&b.distance));
        Esd { size: [360.0, 280.0], shape: [n as f64, n as f64], floor: 0.0, now: best, best, starts, values }
    }

    #[test]
    fn a_power_law_shows_its_exponent_from_every_start() {
        let e = esd(400);
        for s in e.starts.iter().filter(|s| s.count > 100) {
            assert!((s.alpha - 3.0).abs() < 0.15, "{s:?}");
        }
        assert!(e.sentence().contains("the least of all starts"));
        let total: f64 = e.bins().iter().map(|([a, b], d)| d * (b - a)).sum();
        assert!(total > 0.98 && total <= 1.0 + 1e-12, "all values but a hundredth lie in a bin: {total}");
    }

    #[test]
    fn the_start_follows_the_pointer_and_stays_among_the_values() {
        let e = esd(400);
        let x = e.x();
        for s in &e.starts {
            let got = e.count_at(x.at(s.from * (1.0 - 1e-9)));
            assert_eq!(got, s.count as usize);
        }
        assert_eq!((e.count_at(-1e3), e.count_at(1e4)), (400, SHORT));
    }

    #[test]
    fn too_few_and_nothing_are_said_plainly() {
        let few = Esd { now: None, best: None, starts: Vec::new(), values: vec![2.0, 1.0], ..esd(20) };
        assert!(few.sentence().starts_with("Only 2 eigenvalues"));
        let none = Esd { values: Vec::new(), ..few.clone() };
        assert!(none.scene().marks.len() > 2 && few.scene().marks.len() > 2);
        assert!(Esd { values: vec![1.0; 20], ..few }.sentence().contains("no tail"));
    }
}
