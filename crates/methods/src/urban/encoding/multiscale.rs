//! Encodings at several scales. wₖ = 1/λₖ; the order of columns is that of the published code, accidents included.

/// For each coordinate, for each scale: sine, cosine.
pub fn grid(w: &[f64], points: &[[f64; 2]], out: &mut Vec<f64>) {
    for c in points.iter().flatten() {
        out.extend(w.iter().flat_map(|w| [(c * w).sin(), (c * w).cos()]));
    }
}

/// For each scale the projections on three directions, each twice; of the row of 6·scales, each half takes sine and cosine in turns. (The published code mistakes
/// an axis for another there; for an even number of scales that makes no difference.)
pub fn theory(w: &[f64], points: &[[f64; 2]], out: &mut Vec<f64>) {
    let root = 3.0_f64.sqrt() / 2.0;
    for &[x, y] in points {
        let along = [x, -0.5 * x + root * y, -0.5 * x - root * y];
        let half = 3 * w.len();
        out.extend((0..6 * w.len()).map(|i| {
            let angle = along[i % 6 / 2] * w[i / 6];
            if (i % half).is_multiple_of(2) { angle.sin() } else { angle.cos() }
        }));
    }
}

/// Which terms a sphere encoding has at each scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// sphereC.
    C,
    /// sphereC+.
    CPlus,
    /// sphereM.
    M,
    /// sphereM+.
    MPlus,
}

/// Terms of one scale after the other, each written twice (the published code keeps an axis of two).
pub fn sphere(w: &[f64], points: &[[f64; 2]], out: &mut Vec<f64>, terms: Terms) {
    for &[lon, lat] in points {
        // Degrees taken as radians, as published.
        let (small_sin_lon, small_cos_lon) = lon.sin_cos();
        let small_cos_lat = lat.cos();
        for w in w {
            let ((sin_lon, cos_lon), (sin_lat, cos_lat)) = ((lon * w).sin_cos(), (lat * w).sin_cos());
            let single = [sin_lat, cos_lat, sin_lon, cos_lon];
            let both = [cos_lat * cos_lon, cos_lat * sin_lon];
            let mixed = [cos_lat * small_cos_lon, small_cos_lat * cos_lon, cos_lat * small_sin_lon, small_cos_lat * sin_lon];
            let mut put = |values: &[f64]| out.extend(values.iter().flat_map(|v| [*v, *v]));
            match terms {
                Terms::C => {
                    put(&[sin_lat]);
                    put(&both);
                }
                Terms::CPlus => {
                    put(&single);
                    put(&both);
                }
                Terms::M => {
                    put(&[sin_lat]);
                    put(&mixed);
                }
                Terms::MPlus => {
                    put(&single);
                    put(&mixed);
                }
            }
        }
    }
}
