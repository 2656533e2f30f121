//! Where metres fall on the screen: north is up.

/// What is looked at, and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The place in the middle, in metres.
    pub centre: [f64; 2],
    /// Pixels a metre.
    pub scale: f64,
}

/// Pixels a metre at most and at least.
const SCALES: [f64; 2] = [1e-5, 20.0];

impl Camera {
    /// The whole extent (left, low, right, high): `fill` cuts what does not fit the shape of the screen, else a margin is left.
    pub fn fit([left, low, right, high]: [f64; 4], size: [f64; 2], fill: bool) -> Self {
        let spans = [(right - left).max(1.0), (high - low).max(1.0)];
        let ratios = [size[0] / spans[0], size[1] / spans[1]];
        let scale = if fill { ratios[0].max(ratios[1]) } else { 0.94 * ratios[0].min(ratios[1]) };
        Self { centre: [0.5 * (left + right), 0.5 * (low + high)], scale: scale.clamp(SCALES[0], SCALES[1]) }
    }

    /// A place as pixels from the upper left.
    pub fn screen(&self, size: [f64; 2], [x, y]: [f64; 2]) -> [f64; 2] {
        [0.5 * size[0] + (x - self.centre[0]) * self.scale, 0.5 * size[1] - (y - self.centre[1]) * self.scale]
    }

    /// Pixels as a place.
    pub fn world(&self, size: [f64; 2], [x, y]: [f64; 2]) -> [f64; 2] {
        [self.centre[0] + (x - 0.5 * size[0]) / self.scale, self.centre[1] - (y - 0.5 * size[1]) / self.scale]
    }

    /// Larger or smaller by a factor; the place under `at` stays there.
    pub fn zoomed(&self, size: [f64; 2], at: [f64; 2], factor: f64) -> Self {
        let scale = (self.scale * factor).clamp(SCALES[0], SCALES[1]);
        let held = self.world(size, at);
        let centre = [held[0] - (at[0] - 0.5 * size[0]) / scale, held[1] + (at[1] - 0.5 * size[1]) / scale];
        Self { centre, scale }
    }

    /// Moved so that what was at a pixel is `by` pixels further.
    pub fn panned(&self, by: [f64; 2]) -> Self {
        Self { centre: [self.centre[0] - by[0] / self.scale, self.centre[1] + by[1] / self.scale], ..*self }
    }

    /// A round length in metres that is at most `most` pixels long, and how it is written.
    pub fn bar(&self, most: f64) -> (f64, String) {
        let longest = most / self.scale;
        let power = 10f64.powf(longest.log10().floor());
        let metres = [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|m| *m <= longest * (1.0 + 1e-9)).unwrap_or(power);
        let words = if metres >= 1000.0 { format!("{} km", metres / 1000.0) } else { format!("{metres} m") };
        (metres, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [f64; 2] = [800.0, 600.0];

    #[test]
    fn there_and_back() {
        let c = Camera::fit([0.0, 0.0, 6400.0, 4800.0], SIZE, true);
        assert_eq!(c.scale, 0.125);
        for p in [[0.0, 0.0], [6400.0, 4800.0], [1234.5, 77.0]] {
            let back = c.world(SIZE, c.screen(SIZE, p));
            assert!((back[0] - p[0]).abs() < 1e-9 && (back[1] - p[1]).abs() < 1e-9);
        }
        // North is up.
        assert!(c.screen(SIZE, [0.0, 4800.0])[1] < c.screen(SIZE, [0.0, 0.0])[1]);
        // All at one place, and nothing at all, can be looked at.
        assert!(Camera::fit([5.0, 5.0, 5.0, 5.0], SIZE, false).scale <= 20.0);
    }

    #[test]
    fn zooming_holds_what_is_under_the_pointer_and_panning_moves_it() {
        let c = Camera { centre: [100.0, 200.0], scale: 0.5 };
        let at = [123.0, 456.0];
        let held = c.world(SIZE, at);
        let z = c.zoomed(SIZE, at, 1.7).screen(SIZE, held);
        assert!((z[0] - at[0]).abs() < 1e-9 && (z[1] - at[1]).abs() < 1e-9);
        let p = c.panned([10.0, -4.0]).screen(SIZE, held);
        assert!((p[0] - at[0] - 10.0).abs() < 1e-9 && (p[1] - at[1] + 4.0).abs() < 1e-9);
        assert!(c.zoomed(SIZE, at, 1e9).scale <= 20.0);
    }

    #[test]
    fn the_scale_bar_is_round() {
        let bar = |scale: f64| Camera { centre: [0.0; 2], scale }.bar(150.0).1;
        assert_eq!([bar(0.15), bar(0.14), bar(1.0), bar(0.003)], ["1 km", "1 km", "100 m", "50 km"]);
        assert_eq!(bar(0.31), "200 m");
    }
}
