//! Exponentials of whole rows, without branches or calls, so that compilers make vector code of them. Only products and sums are used: the bits are the same
//! natively and in a browser, where the system's own `exp` differs.

/// Elements at a time.
const LANES: usize = 8;
/// Below, eˣ is no normal number any more.
const LOWEST: f32 = -87.336_54;
/// ln 2 in two parts: the products of the first with small integers are exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2, highest power first (coefficients of Moshier's Cephes library, `expf`).
const SERIES: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
/// Added to a number of less than 22 bits, it leaves the nearest integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// eˣ for x ≤ 88 within one unit in the last place; 0 where that is no normal number; NaN of NaN.
pub fn exponential(x: f32) -> f32 {
    let inside = if x < LOWEST { LOWEST } else { x };
    let whole = inside * std::f32::consts::LOG2_E + ROUND;
    let n = whole - ROUND;
    let r = inside - n * LN_2[0] - n * LN_2[1];
    let series = SERIES[1..].iter().fold(SERIES[0], |sum, c| sum * r + c);
    let power = f32::from_bits((whole.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    let value = (series * r * r + r + 1.0) * power;
    if x < LOWEST { 0.0 } else { value }
}

/// The largest element; the lowest finite float of nothing. NaN is passed over.
pub fn largest(row: &[f32]) -> f32 {
    let (runs, rest) = row.as_chunks::<LANES>();
    let mut most = [-f32::MAX; LANES];
    for run in runs {
        for (m, &x) in most.iter_mut().zip(run) {
            *m = if x > *m { x } else { *m };
        }
    }
    most.iter().chain(rest).fold(-f32::MAX, |m, &x| if x > m { x } else { m })
}

/// Every x becomes exp(x − shift); gives their sum, added in f64.
pub fn exponentials(row: &mut [f32], shift: f32) -> f64 {
    row.iter_mut().for_each(|x| *x = exponential(*x - shift));
    sum(row, |e| e)
}

/// Σ exp(x − shift), added in f64: what [`exponentials`] gives, where only that is wanted.
pub fn sum_of_exponentials(row: &[f32], shift: f32) -> f64 {
    sum(row, |x| exponential(x - shift))
}

fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f64 {
    let (runs, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0_f64; LANES];
    for run in runs {
        for (s, &x) in sums.iter_mut().zip(run) {
            *s += f64::from(of(x));
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(of(x))).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Distance from the true value in units of its last place.
    fn units(x: f32) -> f64 {
        let wanted = f64::from(x).exp();
        let unit = f64::from(f32::EPSILON) * 2.0_f64.powf(wanted.log2().floor());
        (f64::from(exponential(x)) - wanted).abs() / unit
    }

    #[test]
    fn it_is_within_a_unit_everywhere() {
        let worst = (0..2_000_000).map(|i| LOWEST + (88.0 - LOWEST) * i as f32 / 2_000_000.0).map(units).fold(0.0, f64::max);
        println!("{worst:.3} units");
        assert!(worst <= 1.0, "{worst}");
    }

    #[test]
    fn the_ends_are_as_said() {
        assert_eq!([0.0, -0.0, -88.0, -1e30, f32::NEG_INFINITY].map(exponential), [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert!(exponential(f32::NAN).is_nan());
        assert_eq!((largest(&[]), exponentials(&mut [], 0.0)), (-f32::MAX, 0.0));
    }

    proptest! {
        #[test]
        fn a_row_is_its_elements(row in prop::collection::vec(-50.0_f32..50.0, 0..70)) {
            let most = row.iter().copied().fold(-f32::MAX, f32::max);
            prop_assert_eq!(largest(&row), most);
            let mut out = row.clone();
            let sum = exponentials(&mut out, most);
            prop_assert!(out.iter().zip(&row).all(|(e, x)| *e == exponential(x - most)));
            let wanted: f64 = out.iter().map(|&e| f64::from(e)).sum();
            prop_assert!((sum - wanted).abs() <= 1e-14 * wanted);
            prop_assert_eq!(sum_of_exponentials(&row, most), sum);
        }
    }
}
