//! Products with few rows: to copy B into panels would cost more than to read it once where it lies.

use super::Strides;
use super::lanes::Lanes;
use super::own::Update;

/// Most rows: with more, the panels pay.
pub const MOST_ROWS: usize = 4;

/// Columns or rows of B that are taken together, so that the additions need not wait for each other.
const TOGETHER: usize = 4;

/// As [`super::own::multiply`], where no extent is 0 and one of B's strides is 1.
///
/// # Safety
/// As there.
pub unsafe fn multiply<T: Lanes>(
    [m, n, k]: [usize; 3],
    update: Update<T>,
    (a, a_strides): (*const T, Strides),
    (b, b_strides): (*const T, Strides),
    (c, c_strides): (*mut T, Strides),
) {
    // SAFETY: indices stay below m, n and k; a line of B is its column where the stride between rows is 1, else its row.
    let element = |i: usize, l: usize| unsafe { *a.add(i * a_strides.0 + l * a_strides.1) };
    let column = |j: usize| unsafe { std::slice::from_raw_parts(b.add(j * b_strides.1), k) };
    let row = |l: usize| unsafe { std::slice::from_raw_parts(b.add(l * b_strides.0), n) };
    let left: Vec<T> = (0..m * k).map(|il| element(il / k, il % k)).collect();
    let mut sums = vec![T::default(); m * n];
    if b_strides.0 == 1 {
        for j in (0..n).step_by(TOGETHER) {
            let here = TOGETHER.min(n - j);
            let columns: [&[T]; TOGETHER] = std::array::from_fn(|q| column(j + q.min(here - 1)));
            for i in 0..m {
                sums[i * n + j..][..here].copy_from_slice(&dots(&left[i * k..][..k], columns)[..here]);
            }
        }
    } else {
        for l in (0..k).step_by(TOGETHER) {
            for i in 0..m {
                let (sums, left) = (&mut sums[i * n..][..n], &left[i * k..][..k]);
                if l + TOGETHER <= k {
                    add_rows(sums, std::array::from_fn::<_, TOGETHER, _>(|q| (left[l + q], row(l + q))));
                } else {
                    (l..k).for_each(|l| add_rows(sums, [(left[l], row(l))]));
                }
            }
        }
    }
    for (ij, sum) in sums.into_iter().enumerate() {
        // SAFETY: an element of C.
        unsafe { update.write(sum, c.add(ij / n * c_strides.0 + ij % n * c_strides.1)) }
    }
}

/// Inner products of `a` with columns of its length.
fn dots<T: Lanes>(a: &[T], columns: [&[T]; TOGETHER]) -> [T; TOGETHER] {
    let zero = T::default();
    let mut sums = [zero.splat(); TOGETHER];
    let whole = a.len() - a.len() % T::WIDTH;
    let columns = columns.map(|column| &column[..a.len()]);
    for l in (0..whole).step_by(T::WIDTH) {
        for (sum, column) in sums.iter_mut().zip(columns) {
            // SAFETY: l + WIDTH is at most the length of both.
            *sum = unsafe { T::plus(*sum, T::load(a.as_ptr().add(l)), T::load(column.as_ptr().add(l))) };
        }
    }
    std::array::from_fn(|q| {
        let mut lanes = [zero; 4];
        // SAFETY: no vector has more lanes.
        unsafe { T::store(sums[q], lanes.as_mut_ptr()) };
        let sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        (whole..a.len()).fold(sum, |sum, l| sum + a[l] * columns[q][l])
    })
}

/// Adds multiples of rows of B to one row of sums.
fn add_rows<T: Lanes, const N: usize>(sums: &mut [T], rows: [(T, &[T]); N]) {
    let rows = rows.map(|(factor, row)| (factor, &row[..sums.len()]));
    for (j, sum) in sums.iter_mut().enumerate() {
        *sum = rows.iter().fold(*sum, |sum, (factor, row)| sum + *factor * row[j]);
    }
}
