//! Which point the pointer means.

/// Index of the point nearest to `x` in rising `xs`, by binary search; `None` where there is none. Ties go to the lower index.
pub fn nearest(xs: &[f64], x: f64) -> Option<usize> {
    nearest_by(xs.len(), |i| xs[i], x)
}

/// The same over any rising sequence, in screen space for instance: `at(i)` is the pixel of point `i`.
pub fn nearest_by(len: usize, at: impl Fn(usize) -> f64, x: f64) -> Option<usize> {
    if len == 0 || x.is_nan() {
        return None;
    }
    let (mut low, mut high) = (0, len);
    while low < high {
        let mid = (low + high) / 2;
        if at(mid) < x { low = mid + 1 } else { high = mid }
    }
    Some(match low {
        0 => 0,
        i if i == len => len - 1,
        i if (x - at(i - 1)).abs() <= (at(i) - x).abs() => i - 1,
        i => i,
    })
}

/// A corner of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom right.
    BottomRight,
}

/// The corner of a `width` × `height` plot where a box of `size` hides the fewest points of `curve`, and never the point `at`.
pub fn free_corner(width: f64, height: f64, size: [f64; 2], at: [f64; 2], curve: impl Iterator<Item = [f64; 2]> + Clone) -> Corner {
    use Corner::{BottomLeft, BottomRight, TopLeft, TopRight};
    let inside = |c: Corner, p: [f64; 2]| {
        let left = matches!(c, TopLeft | BottomLeft);
        let top = matches!(c, TopLeft | TopRight);
        (if left { p[0] <= size[0] } else { p[0] >= width - size[0] }) && (if top { p[1] <= size[1] } else { p[1] >= height - size[1] })
    };
    [TopRight, BottomLeft, TopLeft, BottomRight]
        .into_iter()
        .min_by_key(|&c| usize::from(inside(c, at)) * 1_000_000 + curve.clone().filter(|p| inside(c, *p)).count())
        .unwrap_or(TopRight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_agrees_with_looking_at_all() {
        let xs: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.37).powi(2)).collect();
        for k in 0..500 {
            let x = f64::from(k) * 12.3 - 40.0;
            let slow = (0..xs.len()).min_by(|&a, &b| (xs[a] - x).abs().total_cmp(&(xs[b] - x).abs())).unwrap();
            assert_eq!(nearest(&xs, x), Some(slow));
        }
        assert_eq!(nearest(&[], 1.0), None);
        assert_eq!(nearest(&[1.0, 2.0], f64::NAN), None);
    }

    #[test]
    fn the_readout_never_covers_its_point() {
        for at in [[5.0, 5.0], [95.0, 5.0], [5.0, 95.0], [95.0, 95.0], [50.0, 50.0]] {
            let c = free_corner(100.0, 100.0, [40.0, 40.0], at, std::iter::once([5.0, 5.0]));
            let hidden = match c {
                Corner::TopLeft => at[0] <= 40.0 && at[1] <= 40.0,
                Corner::TopRight => at[0] >= 60.0 && at[1] <= 40.0,
                Corner::BottomLeft => at[0] <= 40.0 && at[1] >= 60.0,
                Corner::BottomRight => at[0] >= 60.0 && at[1] >= 60.0,
            };
            assert!(!hidden);
            assert_ne!(c, Corner::TopLeft, "a curve lies there");
        }
    }
}
