//! The losses of the first steps of the training that is measured, in float64, with gradients written out by hand.

use ndarray::{Array2, Axis, Zip};

/// Steps whose losses are compared.
pub const STEPS: usize = 8;
/// Widths, from the input.
pub const LAYERS: [usize; 4] = [64, 256, 256, 128];
/// Points a step.
pub const BATCH: usize = 512;
/// What similarities are multiplied by.
pub const SCALE: f64 = 1.0 / 0.07;
/// Adam's rate.
pub const RATE: f64 = 1e-3;

type Matrix = Array2<f64>;

/// Losses before each of the first [`STEPS`] steps. `p` are weights `[in, out]` and biases `[1, out]` in turn.
pub fn losses(x: &Matrix, targets: &Matrix, mut p: Vec<Matrix>) -> Vec<f64> {
    let mut moments: Vec<[Matrix; 2]> = p.iter().map(|w| [Matrix::zeros(w.raw_dim()), Matrix::zeros(w.raw_dim())]).collect();
    (1..=STEPS as i32)
        .map(|step| {
            let (loss, gradients) = one(x, targets, &p);
            for ((w, [first, second]), g) in p.iter_mut().zip(&mut moments).zip(gradients) {
                Zip::from(w).and(first).and(second).and(&g).for_each(|w, m, v, &g| {
                    *m = 0.9 * *m + 0.1 * g;
                    *v = 0.999 * *v + 0.001 * g * g;
                    *w -= RATE * (*m / (1.0 - 0.9f64.powi(step))) / ((*v / (1.0 - 0.999f64.powi(step))).sqrt() + 1e-8);
                });
            }
            loss
        })
        .collect()
}

fn log_softmax(logits: &Matrix) -> Matrix {
    let mut out = logits.clone();
    for mut row in out.rows_mut() {
        let max = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        let sum = max + row.fold(0.0, |s, &v| s + (v - max).exp()).ln();
        row -= sum;
    }
    out
}

/// Loss and gradients.
fn one(x: &Matrix, targets: &Matrix, p: &[Matrix]) -> (f64, Vec<Matrix>) {
    let n = x.nrows() as f64;
    let mut acts = vec![x.clone()];
    for i in 0..3 {
        let y = acts[i].dot(&p[2 * i]) + &p[2 * i + 1];
        acts.push(if i < 2 { y.mapv(|v| v.max(0.0)) } else { y });
    }
    let norm = acts[3].mapv(|v| v * v).sum_axis(Axis(1)).mapv(f64::sqrt).insert_axis(Axis(1));
    let z = &acts[3] / &norm;
    let logits = z.dot(&targets.t()) * SCALE;
    let (rows, cols) = (log_softmax(&logits), log_softmax(&logits.t().to_owned()));
    let loss = -0.5 * (rows.diag().sum() + cols.diag().sum()) / n;
    let slope = (rows.mapv(f64::exp) + cols.t().mapv(f64::exp) - Matrix::eye(x.nrows()) * 2.0) * (0.5 / n);
    let dz = slope.dot(targets) * SCALE;
    let along = (&dz * &z).sum_axis(Axis(1)).insert_axis(Axis(1));
    let mut d = (dz - &z * &along) / &norm;
    let mut gradients = vec![Matrix::zeros((0, 0)); 6];
    for i in (0..3).rev() {
        gradients[2 * i] = acts[i].t().dot(&d);
        gradients[2 * i + 1] = d.sum_axis(Axis(0)).insert_axis(Axis(0));
        if i > 0 {
            d = d.dot(&p[2 * i].t());
            Zip::from(&mut d).and(&acts[i]).for_each(|d, &a| *d = if a > 0.0 { *d } else { 0.0 });
        }
    }
    (loss, gradients)
}
