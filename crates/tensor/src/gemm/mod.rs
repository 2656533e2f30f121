//! Matrix products on the CPU, at the speed that one thread allows.
//!
//! Both operands are packed into panels whatever their strides: the forms A·B, A·Bᵀ and Aᵀ·B are the same call with other strides and
//! cost the same, without a transposed copy.
//!
//! Natively the work is done by the `gemm` crate, which has the processor's wide vectors and fused multiply-add. In a browser there are
//! neither, and the crate's tiles, made for more registers than V8 has, spill: there `own` does it in 0.65 to 0.9 of the crate's time.

#[cfg(any(test, target_arch = "wasm32"))]
mod lanes;
#[cfg(any(test, target_arch = "wasm32"))]
mod own;
#[cfg(any(test, target_arch = "wasm32"))]
mod thin;
#[cfg(any(test, target_arch = "wasm32"))]
mod tiles;

#[cfg(test)]
mod tests;

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
#[cfg(target_arch = "wasm32")]
#[expect(clippy::too_many_arguments, reason = "the BLAS signature and one flag")]
unsafe fn multiply<T: lanes::Lanes>(
    m: usize,
    n: usize,
    k: usize,
    alpha: T,
    a: *const T,
    a_strides: Strides,
    b: *const T,
    b_strides: Strides,
    beta: T,
    read_c: bool,
    c: *mut T,
    c_strides: Strides,
) {
    let update = own::Update { alpha, beta: read_c.then_some(beta) };
    // SAFETY: the caller's promise.
    unsafe { own::multiply([m, n, k], update, (a, a_strides), (b, b_strides), (c, c_strides)) }
}

/// # Safety
/// All elements must be inside their allocations and those of C apart from each other.
#[cfg(not(target_arch = "wasm32"))]
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
