//! Fewer points, same picture: per pixel column the first, lowest, highest and last point of a curve (M4; Jugel et al., VLDB 2014).
//!
//! Columns are those of the screen, after the logarithm, so that a log axis keeps its shape; but points are compared as values, and only those that stay are brought
//! to pixels: of ten thousand that saves most logarithms.

use super::scale::Scale;

/// A polyline in pixels; NaN breaks it.
pub type Pixels = Vec<[f64; 2]>;

/// Keeps, for every pixel column, at most four points. The picture at one pixel a column is the same as that of all points.
///
/// `points` must go in one direction of x (rising or falling); where one has no place on the axes the line breaks, and one NaN point says so.
pub fn m4(points: impl IntoIterator<Item = [f64; 2]>, [x, y]: [&Scale; 2]) -> Pixels {
    let mut out = Pixels::new();
    let mut column: Option<Column> = None;
    for p in points {
        let placed = x.has(p[0]) && y.has(p[1]);
        match &mut column {
            Some(c) if placed && c.from <= p[0] && p[0] < c.to => c.take(p),
            _ => {
                if let Some(c) = column.take() {
                    c.flush(&mut out, [x, y]);
                }
                if placed {
                    column = Some(Column::new(p, x));
                } else if out.last().is_some_and(|l| !l[0].is_nan()) {
                    out.push([f64::NAN; 2]);
                }
            }
        }
    }
    if let Some(c) = column {
        c.flush(&mut out, [x, y]);
    }
    if out.last().is_some_and(|l| l[0].is_nan()) {
        out.pop();
    }
    out
}

struct Column {
    /// Where it begins on the axis.
    from: f64,
    /// Where the next one begins.
    to: f64,
    n: usize,
    first: (usize, [f64; 2]),
    low: (usize, [f64; 2]),
    high: (usize, [f64; 2]),
    last: (usize, [f64; 2]),
}

impl Column {
    fn new(p: [f64; 2], x: &Scale) -> Self {
        let (e, at) = ((0, p), x.at(p[0]).floor());
        Self { from: x.value(at), to: x.value(at + 1.0), n: 1, first: e, low: e, high: e, last: e }
    }

    fn take(&mut self, p: [f64; 2]) {
        let e = (self.n, p);
        if p[1] < self.low.1[1] {
            self.low = e;
        }
        if p[1] > self.high.1[1] {
            self.high = e;
        }
        self.last = e;
        self.n += 1;
    }

    fn flush(self, out: &mut Pixels, [x, y]: [&Scale; 2]) {
        let mut four = [self.first, self.low, self.high, self.last];
        // First and last stand where they are; the two between them may have to change places.
        if four[1].0 > four[2].0 {
            four.swap(1, 2);
        }
        let mut seen = usize::MAX;
        for (i, p) in four {
            if i != seen {
                out.push([x.at(p[0]), y.at(p[1])]);
                seen = i;
            }
        }
    }
}

/// Indices of about `most` samples of `n`, denser at the start: enough for a small panel with a steep head. First and last are kept.
pub fn thin(n: usize, most: usize) -> Vec<usize> {
    if n <= most || most < 2 {
        return (0..n).collect();
    }
    let mut out: Vec<usize> = (0..most)
        .map(|i| {
            let t = i as f64 / (most - 1) as f64;
            // Half logarithmic, half linear: both a log and a linear x axis keep their bends.
            let lin = t * (n - 1) as f64;
            let log = (n as f64).powf(t) - 1.0;
            ((lin + log) / 2.0).round() as usize
        })
        .collect();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pixel for each unit.
    const SAME: Scale = Scale { domain: [0.0, 1.0], range: [0.0, 1.0], log: false };

    fn noise(n: usize) -> Vec<[f64; 2]> {
        (0..n)
            .map(|i| {
                let h = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                [i as f64 * 300.0 / n as f64, h as f64 / 1e5]
            })
            .collect()
    }

    #[test]
    fn every_column_keeps_its_ends_and_extremes() {
        let all = noise(10_000);
        let few = m4(all.clone(), [&SAME; 2]);
        assert!(few.len() <= 4 * 300, "{}", few.len());
        for c in 0..300 {
            let of = |v: &[[f64; 2]]| v.iter().filter(|p| p[0].floor() == f64::from(c)).copied().collect::<Vec<_>>();
            let (a, b) = (of(&all), of(&few));
            let low = |v: &[[f64; 2]]| v.iter().map(|p| p[1]).fold(f64::INFINITY, f64::min);
            let high = |v: &[[f64; 2]]| v.iter().map(|p| p[1]).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(low(&a), low(&b));
            assert_eq!(high(&a), high(&b));
            assert_eq!(a.first(), b.first());
            assert_eq!(a.last(), b.last());
        }
        assert!(few.windows(2).all(|w| w[0][0] <= w[1][0]));
    }

    #[test]
    fn few_points_pass_untouched_and_breaks_stay() {
        let p = vec![[0.0, 1.0], [5.0, 2.0], [9.0, 0.0]];
        assert_eq!(m4(p.clone(), [&SAME; 2]), p);
        let broken = m4(vec![[0.0, 1.0], [f64::NAN, 0.0], [f64::NAN, 0.0], [3.0, 1.0], [4.0, f64::NAN]], [&SAME; 2]);
        assert_eq!(broken.len(), 3);
        assert!(broken[1][0].is_nan());
        assert!(m4(Vec::new(), [&SAME; 2]).is_empty());
    }

    #[test]
    fn thinning_keeps_both_ends_and_the_head() {
        let t = thin(2048, 64);
        assert_eq!(t[0], 0);
        assert_eq!(*t.last().unwrap(), 2047);
        assert!(t.len() <= 64 && t.windows(2).all(|w| w[0] < w[1]));
        assert!(t[1] <= 20);
        assert_eq!(thin(3, 64), [0, 1, 2]);
    }
}
