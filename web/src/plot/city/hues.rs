//! Colours of points: the embedding's plane as hue and strength at one lightness, classes as far apart as they go.

use crate::plot::color::{Lut, pick};
use crate::plot::theme::{Rgb, Theme};

/// A colour of OKLCH (Ottosson 2020): lightness, chroma, hue in radians.
pub fn oklch(lightness: f64, chroma: f64, hue: f64) -> Rgb {
    let (a, b) = (chroma * hue.cos(), chroma * hue.sin());
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ];
    linear.map(|v| {
        let v = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
        (v.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

fn lightness(theme: Theme) -> f64 {
    if theme == Theme::Dark { 0.72 } else { 0.56 }
}

/// Strength of colour at the edge of the plane.
const CHROMA: f64 = 0.15;

/// Radius that 95 of 100 points of a plane lie within; 0 for none.
pub fn radius(plane: &[f32]) -> f64 {
    let mut far: Vec<f32> = plane.chunks_exact(2).step_by(plane.len() / 8000 + 1).map(|p| p[0].hypot(p[1])).filter(|r| r.is_finite()).collect();
    far.sort_unstable_by(f32::total_cmp);
    far.get(far.len() * 95 / 100).map_or(0.0, |r| f64::from(*r))
}

/// Colour of a place of the plane whose radius is known: hue is the direction, strength the distance from the middle.
pub fn of_plane([x, y]: [f64; 2], radius: f64, theme: Theme) -> Rgb {
    let strength = if radius > 0.0 { (x.hypot(y) / radius).min(1.0) } else { 0.0 };
    oklch(lightness(theme), CHROMA * strength, y.atan2(x))
}

/// Colours of all points of a plane.
pub fn embedding(plane: &[f32], theme: Theme) -> Vec<[u8; 4]> {
    let radius = radius(plane);
    plane.chunks_exact(2).map(|p| solid(of_plane([f64::from(p[0]), f64::from(p[1])], radius, theme))).collect()
}

/// Colour of class `i` of `n`: hues at even distances, every second a little lighter, so that neighbours part in grey, too.
pub fn class(i: u32, n: usize, theme: Theme) -> Rgb {
    let step = if i % 2 == 0 { -0.05 } else { 0.05 };
    oklch(lightness(theme) + step, CHROMA, 0.4 + std::f64::consts::TAU * f64::from(i) / n.max(1) as f64)
}

/// Colours of values over a fixed range; NaN is left out.
pub fn values(values: &[f32], range: [f64; 2], lut: &Lut) -> Vec<[u8; 4]> {
    values.iter().map(|v| pick(lut, f64::from(*v), range[0], range[1]).map_or([0; 4], solid)).collect()
}

/// With full opacity.
pub fn solid([r, g, b]: Rgb) -> [u8; 4] {
    [r, g, b, 255]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::theme::contrast;

    #[test]
    fn grey_is_grey_and_every_hue_stands_out_from_the_sheet() {
        let [r, g, b] = oklch(0.56, 0.0, 1.0);
        assert!(r.abs_diff(g) <= 1 && g.abs_diff(b) <= 1);
        for theme in [Theme::Light, Theme::Dark] {
            for k in 0..24 {
                let t = f64::from(k) / 24.0 * std::f64::consts::TAU;
                let c = contrast(of_plane([t.cos(), t.sin()], 1.0, theme), theme.rgb("sheet"));
                assert!(c >= 3.0, "{theme:?} {k} {c}");
            }
            for k in 0..10 {
                assert!(contrast(class(k, 10, theme), theme.rgb("sheet")) >= 3.0, "{theme:?} {k}");
            }
        }
    }

    #[test]
    fn a_plane_without_spread_is_grey_and_nothing_breaks() {
        assert_eq!(radius(&[]), 0.0);
        let all = embedding(&[0.0; 8], Theme::Light);
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|c| *c == all[0] && c[0].abs_diff(c[2]) <= 1));
    }
}
