//! Colour maps as tables of 256 colours, made for the ground they lie on.
//!
//! Sequential: viridis, or cividis, always *further from the ground = more*; the low 40 % fades into the ground, so that quiet stays quiet.
//! Diverging: red–blue with exact zero in the middle, blue negative; on a dark ground the middle is the sheet, not white.

use super::theme::{Rgb, Theme};

/// 256 colours from least to most.
pub type Lut = [Rgb; 256];

/// Sequential maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sequential {
    /// The usual one.
    #[default]
    Viridis,
    /// Made for colour-vision deficiency (Nuñez, Anderton and Renslow 2018).
    Cividis,
}

/// Table of a sequential map.
pub fn sequential(map: Sequential, theme: Theme) -> Lut {
    let gradient = match map {
        Sequential::Viridis => colorous::VIRIDIS,
        Sequential::Cividis => colorous::CIVIDIS,
    };
    let ground = theme.rgb("ground");
    table(|t| {
        let place = if theme == Theme::Dark { 0.06 + 0.94 * t } else { 0.96 * (1.0 - t) };
        let c = gradient.eval_continuous(place);
        // From 12 % of the colour at zero to all of it at 42 % and above.
        mix(ground, [c.r, c.g, c.b], 0.12 + 0.88 * (t / 0.42).min(1.0))
    })
}

/// Table of the diverging map, −1 at index 0, zero between 127 and 128, +1 at 255.
pub fn diverging(theme: Theme) -> Lut {
    let middle = theme.rgb("sheet");
    table(|t| {
        let v = 2.0 * t - 1.0;
        // colorous runs from red (0) to blue (1).
        let side = |strength: f64| {
            let c = colorous::RED_BLUE.eval_continuous(0.5 - 0.5 * v.signum() * strength);
            [c.r, c.g, c.b]
        };
        match theme {
            Theme::Light => side(v.abs()),
            // On dark the ends must be light: from the sheet through the strong hues to the pale ones.
            Theme::Dark => mix(middle, side(0.92 - 0.6 * v.abs()), (v.abs() / 0.45).min(1.0)),
        }
    })
}

/// Colour of `value` in a map over `low`…`high`; `None` for NaN.
pub fn pick(lut: &Lut, value: f64, low: f64, high: f64) -> Option<Rgb> {
    if value.is_nan() {
        return None;
    }
    let t = if high > low { (value - low) / (high - low) } else { 0.5 };
    // f64 to usize saturates, so that infinities take the ends.
    Some(lut[((t * 256.0).floor().max(0.0) as usize).min(255)])
}

/// Linear mixture in sRGB: `t` = 0 gives `a`.
pub fn mix(a: Rgb, b: Rgb, t: f64) -> Rgb {
    let f = |i: usize| (f64::from(a[i]) + (f64::from(b[i]) - f64::from(a[i])) * t).round().clamp(0.0, 255.0) as u8;
    [f(0), f(1), f(2)]
}

fn table(f: impl Fn(f64) -> Rgb) -> Lut {
    std::array::from_fn(|i| f(i as f64 / 255.0))
}

#[cfg(test)]
mod tests {
    use super::super::theme::contrast;
    use super::*;

    #[test]
    fn more_is_further_from_the_ground() {
        for theme in [Theme::Light, Theme::Dark] {
            for map in [Sequential::Viridis, Sequential::Cividis] {
                let lut = sequential(map, theme);
                let ground = theme.rgb("ground");
                assert!(contrast(lut[0], ground) < 1.4, "quiet stays quiet");
                assert!(contrast(lut[255], ground) > 7.0);
                let c: Vec<f64> = lut.iter().map(|x| contrast(*x, ground)).collect();
                assert!(c.windows(16).all(|w| w[15] > w[0]), "rises, {map:?} {theme:?}");
            }
        }
    }

    #[test]
    fn the_diverging_middle_is_neutral_and_the_sides_are_blue_and_red() {
        for theme in [Theme::Light, Theme::Dark] {
            let lut = diverging(theme);
            let neutral = |[r, g, b]: Rgb| r.abs_diff(b) < 14 && r.abs_diff(g) < 14;
            assert!(neutral(lut[127]) && neutral(lut[128]), "{theme:?} {:?} {:?}", lut[127], lut[128]);
            assert!(lut[40][2] > lut[40][0], "negative is blue");
            assert!(lut[215][0] > lut[215][2], "positive is red");
            assert!(contrast(lut[0], theme.rgb("sheet")) > 5.0 && contrast(lut[255], theme.rgb("sheet")) > 5.0);
        }
    }

    #[test]
    fn picking_clamps_and_leaves_out_nan() {
        let lut = sequential(Sequential::Viridis, Theme::Light);
        assert_eq!(pick(&lut, -5.0, 0.0, 1.0), Some(lut[0]));
        assert_eq!(pick(&lut, f64::INFINITY, 0.0, 1.0), Some(lut[255]));
        assert_eq!(pick(&lut, 1.0, 0.0, 1.0), Some(lut[255]));
        assert_eq!(pick(&lut, f64::NAN, 0.0, 1.0), None);
        assert_eq!(pick(&lut, 3.0, 3.0, 3.0), Some(lut[128]));
    }
}
