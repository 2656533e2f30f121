//! Matrix products on the CPU, at the speed that one thread allows.
//!
//! The work is done by the `gemm` crate, which packs both operands into panels whatever their strides: the forms A·B, A·Bᵀ and
//! Aᵀ·B are the same call with other strides and cost the same, without a transposed copy.

/// Row stride and column stride, in elements.
pub type Strides = (usize, usize);

/// C := α·A·B + β·C in `f32`, with A `[m, k]`, B `[k, n]`, C `[m, n]` given by their strides.
///
/// Row-major A `[m, k]` has strides `(k, 1)`; Aᵀ of a row-major `[k, m]` has `(1, m)`. Where β = 0, C is only written: what it
/// held (NaN included) does not matter. With k = 0 the product is zero.
///
/// Panics where a matrix reaches past its slice or where two elements of C share a place: a bug of the caller.
#[expect(clippy::too_many_arguments, reason = "the BLAS signature, known by heart")]
pub fn gemm(
    m: usize,
    n: usize,
    k: usize,
    alpha: f32,
    a: &[f32],
    a_strides: Strides,
    b: &[f32],
    b_strides: Strides,
    beta: f32,
    c: &mut [f32],
    c_strides: Strides,
) {
    check(m, n, k, (a.len(), a_strides), (b.len(), b_strides), (c.len(), c_strides));
    // SAFETY: `check` holds every element inside its slice and the elements of C apart.
    unsafe { multiply(m, n, k, alpha, a.as_ptr(), a_strides, b.as_ptr(), b_strides, beta, beta != 0.0, c.as_mut_ptr(), c_strides) }
}

/// A·B in new memory, row-major `[m, n]`; it is written once, not zeroed before. Strides and panics as [`gemm`]'s.
pub fn product(m: usize, n: usize, k: usize, a: &[f32], a_strides: Strides, b: &[f32], b_strides: Strides) -> Vec<f32> {
    let len = m * n;
    if len == 0 || k == 0 {
        return vec![0.0; len];
    }
    let mut c = Vec::with_capacity(len);
    check(m, n, k, (a.len(), a_strides), (b.len(), b_strides), (len, (n, 1)));
    // SAFETY: `check` holds every element inside its allocation; with β = 0 every element of C is written and none read, so that all
    // `len` of them are initialised when the length is set.
    unsafe {
        multiply(m, n, k, 1.0, a.as_ptr(), a_strides, b.as_ptr(), b_strides, 0.0, false, c.as_mut_ptr(), (n, 1));
        c.set_len(len);
    }
    c
}

/// [`gemm`] in `f64`.
#[expect(clippy::too_many_arguments, reason = "the BLAS signature, known by heart")]
pub fn gemm_f64(
    m: usize,
    n: usize,
    k: usize,
    alpha: f64,
    a: &[f64],
    a_strides: Strides,
    b: &[f64],
    b_strides: Strides,
    beta: f64,
    c: &mut [f64],
    c_strides: Strides,
) {
    check(m, n, k, (a.len(), a_strides), (b.len(), b_strides), (c.len(), c_strides));
    // SAFETY: as in `gemm`.
    unsafe { multiply(m, n, k, alpha, a.as_ptr(), a_strides, b.as_ptr(), b_strides, beta, beta != 0.0, c.as_mut_ptr(), c_strides) }
}

/// Refuses matrices that reach past their slice, and an output that writes one place twice.
fn check(m: usize, n: usize, k: usize, a: (usize, Strides), b: (usize, Strides), c: (usize, Strides)) {
    for (name, rows, cols, (len, strides)) in [("A", m, k, a), ("B", k, n, b), ("C", m, n, c)] {
        if rows == 0 || cols == 0 {
            continue;
        }
        let last = (rows - 1)
            .checked_mul(strides.0)
            .and_then(|r| (cols - 1).checked_mul(strides.1)?.checked_add(r))
            .expect("strides that fit the address space");
        assert!(last < len, "{name} [{rows}, {cols}] with strides {strides:?} needs {} elements, has {len}", last + 1);
    }
    let (rs, cs) = c.1;
    let apart = match (m, n) {
        (0, _) | (_, 0) | (1, 1) => true,
        (1, _) => cs > 0,
        (_, 1) => rs > 0,
        // One direction steps over the whole extent of the other.
        _ => (cs > 0 && rs > (n - 1) * cs) || (rs > 0 && cs > (m - 1) * rs),
    };
    assert!(apart, "elements of C [{m}, {n}] with strides {:?} overlap", c.1);
}

/// # Safety
/// All elements must be inside their allocations and those of C apart from each other.
#[expect(clippy::too_many_arguments, reason = "the BLAS signature and one flag")]
unsafe fn multiply<T: Copy + 'static>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: *const T,
    (a_rs, a_cs): Strides,
    b: *const T,
    (b_rs, b_cs): Strides,
    beta: T,
    read_c: bool,
    c: *mut T,
    (c_rs, c_cs): Strides,
) {
    // The crate names the factors the other way round: its `alpha` is that of C.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c,
            c_cs as isize,
            c_rs as isize,
            read_c,
            a,
            a_cs as isize,
            a_rs as isize,
            b,
            b_cs as isize,
            b_rs as isize,
            beta,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
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

    proptest! {
        #[test]
        fn every_form_agrees_with_the_sum(
            m in 0usize..70, n in 0usize..70, k in 0usize..70,
            ta: bool, tb: bool, tc: bool, alpha in -2i8..3, beta in -2i8..3,
        ) {
            let (a, b, old) = (integers(m * k, 1), integers(k * n, 2), integers(m * n, 3));
            let a_strides = if ta { (1, m) } else { (k, 1) };
            let b_strides = if tb { (1, k) } else { (n, 1) };
            let c_strides = if tc { (1, m) } else { (n, 1) };
            let (alpha, beta) = (f32::from(alpha), f32::from(beta));
            let mut c = if beta == 0.0 { vec![f32::NAN; m * n] } else { old.clone() };
            gemm(m, n, k, alpha, &a, a_strides, &b, b_strides, beta, &mut c, c_strides);
            let expected = naive(m, n, k, |i, l| a[i * a_strides.0 + l * a_strides.1], |l, j| b[l * b_strides.0 + j * b_strides.1]);
            for i in 0..m {
                for j in 0..n {
                    let at = i * c_strides.0 + j * c_strides.1;
                    let was = if beta == 0.0 { 0.0 } else { beta * old[at] };
                    prop_assert_eq!(c[at], alpha * expected[i * n + j] + was);
                }
            }

            let whole = product(m, n, k, &a, a_strides, &b, b_strides);
            prop_assert_eq!(whole, expected);

            let wide = |v: &[f32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
            let mut c64 = wide(&old);
            gemm_f64(m, n, k, f64::from(alpha), &wide(&a), a_strides, &wide(&b), b_strides, f64::from(beta), &mut c64, c_strides);
            prop_assert_eq!(c64, wide(&c));
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
}
