//! What a bidiagonalisation keeps between its launches, and its twin.

/// Places of the scalars before the vectors in the device's `state`.
pub const HEADER: usize = 64;

/// Sums of workgroups that `state` has room for.
pub const SUMS: usize = 16;

/// Elements of the device's `state`, one array because a kernel may bind only eight:
///
/// | from | what |
/// |---|---|
/// | 0 | sums of squares of the column below its diagonal, one a workgroup (at most 16) |
/// | 16, 32 | sums of squares of the row right of its first element; and of these times x |
/// | 48 + 4 (k mod 2) | of column k: what its elements are multiplied by to give v, τ of v, what its row is multiplied by to give u |
/// | 64, 64 + m | column k for even, odd k: v before its scaling (v is 1 in row k) |
/// | 64 + 2 m | y, length m |
/// | 64 + 3 m | x, length n |
/// | 64 + 3 m + n | row k right of the diagonal: u before its scaling (u is 1 in column k + 1) |
///
/// A is kept as `matrix − v·xᵀ − y·uᵀ`: the update of a column is made when the next one reads the matrix anyway.
pub const fn len(m: usize, n: usize) -> usize {
    HEADER + 3 * m + 2 * n
}

/// A Householder reflection I − τ·v·vᵀ, v = (1, inverse · tail).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reflector {
    /// What the head becomes.
    pub beta: f32,
    /// 2 / vᵀv; 0 where there is nothing to reflect.
    pub tau: f32,
    /// Factor of the tail.
    pub inverse: f32,
}

impl Reflector {
    /// From the first element and the sum of squares of the others; the twin of `lib/reflector.wgsl`.
    pub fn new(head: f32, squares: f32) -> Self {
        if squares == 0.0 {
            return Self { beta: head, tau: 0.0, inverse: 0.0 };
        }
        let norm = (head * head + squares).sqrt();
        let beta = if head >= 0.0 { -norm } else { norm };
        let inverse = 1.0 / (head - beta);
        Self { beta, tau: 2.0 / (1.0 + inverse * inverse * squares), inverse }
    }
}

/// The CPU twin's state; vectors are held as they are used, not as the device stores them.
#[derive(Clone, Debug)]
pub struct State {
    /// Rows.
    pub m: usize,
    /// Columns.
    pub n: usize,
    /// `[m, n]`, row-major.
    pub matrix: Vec<f32>,
    /// This column, then v of this column.
    pub column: Vec<f32>,
    /// v of the column before.
    pub v: Vec<f32>,
    /// As in the module's formula.
    pub x: Vec<f32>,
    /// As in the module's formula.
    pub y: Vec<f32>,
    /// u of the row before.
    pub u: Vec<f32>,
    /// This row, right of the diagonal.
    pub row: Vec<f32>,
    /// Reflector of this column.
    pub left: Reflector,
    /// The diagonal so far.
    pub diagonal: Vec<f32>,
    /// The elements beside it so far.
    pub off: Vec<f32>,
}

impl State {
    /// Nothing done yet.
    pub fn new(m: usize, n: usize, matrix: Vec<f32>) -> Self {
        let zero = |len| vec![0.0; len];
        Self {
            m,
            n,
            matrix,
            column: zero(m),
            v: zero(m),
            x: zero(n),
            y: zero(m),
            u: zero(n),
            row: zero(n),
            left: Reflector { beta: 0.0, tau: 0.0, inverse: 0.0 },
            diagonal: Vec::with_capacity(n),
            off: Vec::with_capacity(n.saturating_sub(1)),
        }
    }
}

/// Σ in sixteen running sums: the error of a sum in float32 grows with the length of its chains.
pub fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut sums = [0.0_f32; 16];
    values.enumerate().for_each(|(i, x)| sums[i % 16] += x);
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reflector_reflects() {
        for x in [[3.0_f32, 4.0, 0.0], [-1.0, 2.0, -2.0], [0.0, 0.5, 0.5], [7.0, 0.0, 0.0], [1.0, 1e-12, 0.0], [1e-3, 1.0, 1.0]] {
            let h = Reflector::new(x[0], x[1] * x[1] + x[2] * x[2]);
            let v = [1.0, h.inverse * x[1], h.inverse * x[2]];
            let f = h.tau * (x[0] * v[0] + x[1] * v[1] + x[2] * v[2]);
            let image: Vec<f32> = x.iter().zip(v).map(|(x, v)| x - f * v).collect();
            let norm = x.iter().map(|x| x * x).sum::<f32>().sqrt();
            assert!((image[0] - h.beta).abs() <= 4.0 * f32::EPSILON * norm, "{x:?} {h:?} {image:?}");
            assert!(image[1].abs().max(image[2].abs()) <= 4.0 * f32::EPSILON * norm, "{x:?} {h:?} {image:?}");
            assert!((h.beta.abs() - norm).abs() <= 4.0 * f32::EPSILON * norm);
        }
    }
}
