//! Hexagons over a city: which points fall into which, and how they are drawn.

use super::camera::Camera;
use espalier_methods::order;
use crate::plot::scene::{Paint, Scene, Seg};
use crate::plot::theme::Rgb;

/// Points of one hexagon.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Its middle, in metres.
    pub at: [f64; 2],
    /// Indices of its points, ascending.
    pub points: Vec<u32>,
}

/// One hexagon with its colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its middle, in metres.
    pub at: [f64; 2],
    /// Colour.
    pub color: Rgb,
    /// Share of its full size, from 0 to 1.
    pub size: f64,
}

const ROOT: f64 = 1.732_050_807_568_877_2;

/// A round width of hexagons, in metres, of which about 36 lie side by side over an extent.
pub fn across([left, low, right, high]: [f64; 4]) -> f64 {
    let wanted = ((right - left).max(high - low) / 36.0).max(1e-3);
    let power = 10f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|m| *m >= wanted * 0.75).unwrap_or(power)
}

/// The points of each hexagon, `across` metres from side to side, corners up; rows from low to high. Of `of` only, where that is not empty; places that are no numbers are left out.
pub fn bins(places: &[f32], across: f64, of: &[u32]) -> Vec<Bin> {
    let radius = across / ROOT;
    let all = (places.len() / 2) as u32;
    let mut keyed: Vec<([i64; 2], u32)> = Vec::new();
    let mut add = |i: u32| {
        let Some([x, y]) = places.get(2 * i as usize..2 * i as usize + 2).map(|p| [f64::from(p[0]), f64::from(p[1])]) else {
            return;
        };
        if x.is_finite() && y.is_finite() {
            keyed.push((hexagon([(ROOT / 3.0 * x - y / 3.0) / radius, 2.0 / 3.0 * y / radius]), i));
        }
    };
    if of.is_empty() {
        (0..all).for_each(add)
    } else {
        of.iter().for_each(|i| add(*i))
    }
    order::by(&mut keyed, |a, b| (a.0[1], a.0[0], a.1).cmp(&(b.0[1], b.0[0], b.1)));
    let mut out: Vec<Bin> = Vec::new();
    let mut last = None;
    for (key, i) in keyed {
        if last != Some(key) {
            let [q, r] = key.map(|v| v as f64);
            out.push(Bin { at: [radius * ROOT * (q + 0.5 * r), radius * 1.5 * r], points: Vec::new() });
            last = Some(key);
        }
        if let Some(bin) = out.last_mut() {
            bin.points.push(i);
        }
    }
    out
}

/// The hexagon of a place in skew coordinates: of the three that rounding finds, the one that adds up.
fn hexagon([q, r]: [f64; 2]) -> [i64; 2] {
    let s = -q - r;
    let (mut rq, mut rr) = (q.round(), r.round());
    let rs = s.round();
    let (dq, dr, ds) = ((rq - q).abs(), (rr - r).abs(), (rs - s).abs());
    if dq > dr && dq > ds {
        rq = -rr - rs;
    } else if dr > ds {
        rr = -rq - rs;
    }
    [rq as i64, rr as i64]
}

/// How large hexagons are drawn that hold so many points: full from the middle count on.
pub fn sizes(counts: &[usize]) -> Vec<f64> {
    let mut sorted = counts.to_vec();
    order::by(&mut sorted, |a, b| a.cmp(b));
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(1).max(1) as f64;
    counts.iter().map(|n| (*n as f64 / middle).sqrt().clamp(0.4, 1.0)).collect()
}

/// Hexagons as marks.
pub fn drawing(cells: &[Cell], across: f64, camera: &Camera, size: [f64; 2]) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    let full = across / ROOT * camera.scale;
    for cell in cells {
        let [x, y] = camera.screen(size, cell.at);
        if x < -full || y < -full || x > size[0] + full || y > size[1] + full {
            continue;
        }
        // A hairline of ground is left between neighbours.
        let r = (full * cell.size - 0.5).max(0.5);
        let (half, side) = (0.5 * r, 0.5 * ROOT * r);
        let corners = [Seg::M(x, y - r), Seg::L(x + side, y - half), Seg::L(x + side, y + half), Seg::L(x, y + r), Seg::L(x - side, y + half), Seg::L(x - side, y - half), Seg::Z];
        s.shape(corners.into(), Paint::Fixed(cell.color));
    }
    s
}

/// Points inside a path that somebody drew, by how often a line to the left of them crosses it; the path is closed.
pub fn inside(path: &[[f64; 2]], places: &[f32]) -> Vec<u32> {
    let within = |x: f64, y: f64| {
        let mut odd = false;
        let mut from = path[path.len() - 1];
        for &to in path {
            if (from[1] > y) != (to[1] > y) && x > from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]) {
                odd = !odd;
            }
            from = to;
        }
        odd
    };
    if path.len() < 3 {
        return Vec::new();
    }
    let all = places.chunks_exact(2).enumerate().filter(|(_, p)| within(f64::from(p[0]), f64::from(p[1])));
    all.map(|(i, _)| i as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_the_hexagon_whose_middle_is_nearest() {
        let places: Vec<f32> = (0..400u32).flat_map(|i| [(i.wrapping_mul(2_654_435_761) >> 20) as f32, (i.wrapping_mul(40_503) % 4096) as f32]).chain([f32::NAN, 0.0]).collect();
        let found = bins(&places, 500.0, &[]);
        assert_eq!(found.iter().map(|b| b.points.len()).sum::<usize>(), 400, "each point once, NaN nowhere");
        for bin in &found {
            for i in &bin.points {
                let far = |at: [f64; 2]| (f64::from(places[2 * *i as usize]) - at[0]).hypot(f64::from(places[2 * *i as usize + 1]) - at[1]);
                assert!(far(bin.at) <= 500.0 / ROOT + 1e-6);
                assert!(found.iter().all(|other| far(bin.at) <= far(other.at) + 1e-6));
            }
        }
        assert_eq!(bins(&places, 500.0, &[3]).len(), 1);
        assert_eq!([across([0.0, 0.0, 6400.0, 4800.0]), across([0.0, 0.0, 50_000.0, 40_000.0])], [200.0, 2000.0]);
    }

    #[test]
    fn a_path_holds_what_it_goes_around() {
        let places = [5.0, 5.0, 15.0, 5.0, 5.0, 15.0, f32::NAN, 5.0];
        let square = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]];
        assert_eq!(inside(&square, &places), [0]);
        // A hook around the second point's left.
        let hook = [[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0], [0.0, 10.0], [10.0, 10.0], [10.0, 1.0], [0.0, 1.0]];
        assert_eq!(inside(&hook, &places), [1, 2]);
        assert!(inside(&square[..2], &places).is_empty());
    }

    #[test]
    fn cells_beyond_the_screen_are_left_out_and_thin_ones_are_small() {
        let cell = |x: f64| Cell { at: [x, 0.0], color: [1, 2, 3], size: 1.0 };
        let s = drawing(&[cell(0.0), cell(1e6)], 100.0, &Camera { centre: [0.0; 2], scale: 1.0 }, [200.0, 200.0]);
        assert_eq!(s.marks.len(), 1);
        assert_eq!(sizes(&[1, 100, 100, 400]), [0.4, 1.0, 1.0, 1.0]);
    }
}
