//! Points as pixels: written into the bytes of an image, because fifty thousand calls a frame would take longer than the frame.

use super::camera::Camera;

/// Points to draw.
#[derive(Clone, Copy, Debug)]
pub struct Dots<'a> {
    /// x and y in turn, in metres.
    pub places: &'a [f32],
    /// Red, green, blue and opacity of each; nothing is drawn where the last is 0.
    pub colors: &'a [[u8; 4]],
    /// Side of each square, in device pixels.
    pub side: usize,
}

/// Draws points over what is in `bytes` (RGBA, `size` device pixels); later ones lie over earlier ones. `density`: device pixels a CSS pixel.
pub fn dots(bytes: &mut [u8], size: [usize; 2], camera: &Camera, density: f64, points: Dots<'_>) {
    let scale = camera.scale * density;
    let [w, h] = size;
    // In single precision from here on: offsets from the middle of the screen are small.
    let (cx, cy) = (camera.centre[0], camera.centre[1]);
    let (mx, my) = (0.5 * w as f64 - 0.5 * points.side as f64, 0.5 * h as f64 - 0.5 * points.side as f64);
    for (place, color) in points.places.chunks_exact(2).zip(points.colors) {
        if color[3] == 0 {
            continue;
        }
        let x = (mx + (f64::from(place[0]) - cx) * scale).round();
        let y = (my - (f64::from(place[1]) - cy) * scale).round();
        // NaN compares false and is left out.
        if !(x > -(points.side as f64) && y > -(points.side as f64) && x < w as f64 && y < h as f64) {
            continue;
        }
        let (left, top) = (x.max(0.0) as usize, y.max(0.0) as usize);
        let (right, low) = (((x + points.side as f64) as usize).min(w), ((y + points.side as f64) as usize).min(h));
        for row in top..low {
            for pixel in bytes[4 * (row * w + left)..4 * (row * w + right)].chunks_exact_mut(4) {
                pixel.copy_from_slice(color);
            }
        }
    }
}

/// The point nearest to a pixel, within `reach` pixels.
pub fn nearest(places: &[f32], camera: &Camera, size: [f64; 2], at: [f64; 2], reach: f64) -> Option<usize> {
    let place = camera.world(size, at);
    let far = |p: &[f32]| (f64::from(p[0]) - place[0]).powi(2) + (f64::from(p[1]) - place[1]).powi(2);
    let (mut best, mut least) = (None, (reach / camera.scale).powi(2));
    for (i, p) in places.chunks_exact(2).enumerate() {
        let d = far(p);
        if d <= least {
            (best, least) = (Some(i), d);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_cut_at_the_edges_and_lie_over_one_another() {
        let camera = Camera { centre: [0.0, 0.0], scale: 1.0 };
        let mut bytes = vec![0; 4 * 6 * 4];
        let (a, b, none) = ([1, 2, 3, 255], [9, 9, 9, 255], [7, 7, 7, 0]);
        let places = [0.0, 0.0, 3.0, 2.0, f32::NAN, 0.0, -1.0, 0.0, 1e9, 0.0, 0.0, 0.0];
        dots(&mut bytes, [6, 4], &camera, 1.0, Dots { places: &places, colors: &[a, b, a, b, a, none], side: 2 });
        let at = |x: usize, y: usize| bytes[4 * (y * 6 + x)];
        let rows: Vec<Vec<u8>> = (0..4).map(|y| (0..6).map(|x| at(x, y)).collect()).collect();
        assert_eq!(rows, [vec![0, 0, 0, 0, 0, 9], vec![0, 9, 9, 1, 0, 0], vec![0, 9, 9, 1, 0, 0], vec![0; 6]]);
    }

    #[test]
    fn what_is_picked_is_the_nearest_within_reach() {
        let camera = Camera { centre: [0.0, 0.0], scale: 0.1 };
        let places = [0.0, 0.0, 100.0, 0.0, f32::NAN, 1.0];
        assert_eq!(nearest(&places, &camera, [100.0, 100.0], [59.0, 50.0], 8.0), Some(1));
        assert_eq!(nearest(&places, &camera, [100.0, 100.0], [52.0, 50.0], 8.0), Some(0));
        assert_eq!(nearest(&places, &camera, [100.0, 100.0], [90.0, 50.0], 8.0), None);
        assert_eq!(nearest(&[], &camera, [100.0, 100.0], [0.0, 0.0], 8.0), None);
    }
}
