use super::*;
use proptest::prelude::*;

/// Small integers: every sum is exact in f32, so the comparison needs no tolerance.
fn integers(len: usize, seed: u64) -> Vec<f32> {
    (0..len as u64)
        .map(|i| ((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0xbf58_476d_1ce4_e5b9)) >> 61) as f32 - 3.0)
        .collect()
}

fn naive(m: usize, n: usize, k: usize, a: impl Fn(usize, usize) -> f32, b: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..m * n).map(|ij| (0..k).map(|l| a(ij / n, l) * b(l, ij % n)).sum()).collect()
}

fn wide(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&x| f64::from(x)).collect()
}

/// What the browser runs, behind the same checks.
fn own<T: lanes::Lanes>(sizes: [usize; 3], factors: [T; 2], a: (&[T], Strides), b: (&[T], Strides), read: bool, c: (&mut [T], Strides)) {
    let [m, n, k] = sizes;
    check(m, n, k, (a.0.len(), a.1), (b.0.len(), b.1), (c.0.len(), c.1));
    let update = own::Update { alpha: factors[0], beta: read.then_some(factors[1]) };
    // SAFETY: as in `gemm`.
    unsafe { own::multiply(sizes, update, (a.0.as_ptr(), a.1), (b.0.as_ptr(), b.1), (c.0.as_mut_ptr(), c.1)) }
}

/// Strides of a matrix that lies by rows or by columns, every element `gap` places from the next, and how long its slice is.
fn lying(rows: usize, cols: usize, by_columns: bool, gap: usize) -> (Strides, usize) {
    (if by_columns { (gap, gap * rows) } else { (gap * cols, gap) }, gap * rows * cols)
}

/// Both kernels against the sum, in both precisions.
fn agree([m, n, k]: [usize; 3], by_columns: [bool; 3], gaps: [usize; 3], alpha: f32, beta: f32) -> Result<(), TestCaseError> {
    let ((a_strides, a_len), (b_strides, b_len)) = (lying(m, k, by_columns[0], gaps[0]), lying(k, n, by_columns[1], gaps[1]));
    let (c_strides, c_len) = lying(m, n, by_columns[2], gaps[2]);
    let (a, b, old) = (integers(a_len, 1), integers(b_len, 2), integers(c_len, 3));
    let products = naive(m, n, k, |i, l| a[i * a_strides.0 + l * a_strides.1], |l, j| b[l * b_strides.0 + j * b_strides.1]);
    // What lies between the elements of C keeps its values.
    let mut expected = old.clone();
    let mut before = old;
    for i in 0..m {
        for j in 0..n {
            let at = i * c_strides.0 + j * c_strides.1;
            let was = if beta == 0.0 { 0.0 } else { beta * before[at] };
            expected[at] = alpha * products[i * n + j] + was;
            if beta == 0.0 {
                before[at] = f32::NAN;
            }
        }
    }
    let mut c = before.clone();
    gemm(m, n, k, alpha, &a, a_strides, &b, b_strides, beta, &mut c, c_strides);
    prop_assert_eq!(&c, &expected);
    let mut c = before.clone();
    own([m, n, k], [alpha, beta], (&a, a_strides), (&b, b_strides), beta != 0.0, (&mut c, c_strides));
    prop_assert_eq!(&c, &expected);
    prop_assert_eq!(product(m, n, k, &a, a_strides, &b, b_strides), products);

    let (a, b, alpha, beta) = (wide(&a), wide(&b), f64::from(alpha), f64::from(beta));
    let mut c = wide(&before);
    gemm_f64(m, n, k, alpha, &a, a_strides, &b, b_strides, beta, &mut c, c_strides);
    prop_assert_eq!(c, wide(&expected));
    let mut c = wide(&before);
    own([m, n, k], [alpha, beta], (&a, a_strides), (&b, b_strides), beta != 0.0, (&mut c, c_strides));
    prop_assert_eq!(c, wide(&expected));
    Ok(())
}

proptest! {
    #[test]
    fn every_form_agrees_with_the_sum(
        m in 0usize..70, n in 0usize..70, k in 0usize..70, by_columns: [bool; 3], gaps in prop::array::uniform3(1usize..3),
        alpha in -2i8..3, beta in -2i8..3,
    ) {
        agree([m, n, k], by_columns, gaps, f32::from(alpha), f32::from(beta))?;
    }

    #[test]
    fn thin_products_agree_with_the_sum(
        short in 0usize..6, long in 0usize..40, k in 0usize..40, turned: bool, by_columns: [bool; 3], gaps in prop::array::uniform3(1usize..3),
    ) {
        let [m, n] = if turned { [long, short] } else { [short, long] };
        agree([m, n, k], by_columns, gaps, 1.0, 0.0)?;
    }
}

#[test]
fn more_than_one_block_in_every_direction_agrees_with_the_sum() {
    for (by_columns, beta) in [([false; 3], 0.0), ([true, false, true], 2.0), ([false, true, false], -1.0)] {
        agree([67, 1030, 260], by_columns, [1; 3], 2.0, beta).expect("the sum");
    }
}

#[test]
fn what_is_not_finite_stays_in_its_row_and_column() {
    // The last panels are filled up with zeros, and 0 · ∞ is NaN.
    for m in [3, 7] {
        let (mut a, b) = (vec![1.0; m * 5], [1.0; 5 * 9]);
        a[5 * m - 1] = f32::INFINITY;
        let mut c = vec![0.0; m * 9];
        own([m, 9, 5], [1.0, 0.0], (&a, (5, 1)), (&b, (9, 1)), false, (&mut c, (9, 1)));
        assert!(c[..9 * (m - 1)].iter().all(|&x| x == 5.0) && c[9 * (m - 1)..].iter().all(|&x| x == f32::INFINITY), "{c:?}");
    }
}

#[test]
fn a_part_of_a_larger_matrix_is_written_and_nothing_else() {
    let (a, b) = (integers(6, 4), integers(6, 5));
    let mut c = vec![9.0; 5 * 8];
    gemm(2, 2, 3, 1.0, &a, (3, 1), &b, (2, 1), 0.0, &mut c[8 + 3..], (8, 1));
    let expected = naive(2, 2, 3, |i, l| a[i * 3 + l], |l, j| b[l * 2 + j]);
    let inside = |at: usize| (1..3).contains(&(at / 8)) && (3..5).contains(&(at % 8));
    assert_eq!([c[11], c[12], c[19], c[20]], expected[..]);
    assert!(c.iter().enumerate().all(|(at, &x)| inside(at) || x == 9.0));
}

#[test]
#[should_panic(expected = "needs 7 elements")]
fn a_short_slice_is_refused() {
    gemm(2, 1, 2, 1.0, &[0.0; 6], (5, 1), &[0.0; 2], (1, 1), 0.0, &mut [0.0; 2], (1, 1));
}

#[test]
#[should_panic(expected = "overlap")]
fn an_output_that_overlaps_itself_is_refused() {
    gemm(2, 2, 1, 1.0, &[0.0; 2], (1, 1), &[0.0; 2], (1, 1), 0.0, &mut [0.0; 4], (1, 1));
}
