//! What a person sees of a run between two steps: embeddings, the plane they are drawn on, the spectrum, and how often text finds place.

use espalier_tensor::ops::layout::Gather;
use espalier_tensor::random::Stream;
use espalier_tensor::{Array, Tensor};
use espalier_tensor::linalg::singular_values_cpu_f64;
use ndarray::ArrayView2;

use super::picture::Look;
use super::run::Run;
use crate::method::{MethodError, Sink};
use crate::report::Event;

/// So many looks renew all points once.
const PARTS: u32 = 4;
/// Points that the principal components are made of.
const SAMPLE: usize = 4096;
/// Held-out points that text and place are to find each other among.
const FOUND_AMONG: usize = 512;
/// Found means: among so many.
const TOP: usize = 10;
/// Turns of the orthogonal iteration; it begins at the last look's plane.
const TURNS: usize = 60;

/// Keeps what one look hands to the next.
pub struct Viewer {
    rows: Vec<f32>,
    plane: Option<[Vec<f64>; 2]>,
    looks: u32,
}

impl Viewer {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { rows: Vec::new(), plane: None, looks: 0 }
    }

    /// Looks at a run: says the metrics and gives the embedding of a part of the points, or of all.
    ///
    /// # Errors
    /// The device's; a cancel.
    pub async fn look(&mut self, run: &Run, whole: bool, sink: &dyn Sink) -> Result<Look, MethodError> {
        let (n, width) = (run.points(), run.config.width);
        let whole = whole || self.rows.is_empty();
        self.rows.resize(n * width, 0.0);
        let part = if whole { [0, 1] } else { [self.looks % PARTS, PARTS] };
        self.looks += 1;
        let wanted: Vec<u32> = (part[0]..n as u32).step_by(part[1] as usize).collect();
        let mut rows = Vec::with_capacity(wanted.len() * width);
        for some in wanted.chunks(2048) {
            rows.extend(unit(run.embed_own(some).await?, width));
            sink.breathe().await?;
        }
        for (i, row) in wanted.iter().zip(rows.chunks(width)) {
            self.rows[*i as usize * width..(*i as usize + 1) * width].copy_from_slice(row);
        }
        let step = f64::from(run.steps());
        let say = |series: &str, value: f64| sink.event(Event::Metric { series: series.into(), step, value });
        let [weight, bias, scale] = run.text_side().await?;
        say("temperature", f64::from(-scale.first().copied().unwrap_or(0.0)).exp());
        if let Some([text, place]) = found(run, &weight, &bias).await? {
            say("text finds place", text);
            say("place finds text", place);
        }
        let (plane, shares) = self.principal(n, width);
        let spread: f64 = shares.iter().filter(|s| **s > 0.0).map(|s| -s * s.ln()).sum();
        say("effective dimensions", spread.exp());
        // Columns of W become rows, so that a text's embedding times the table is its place.
        let texts = weight.len() / width;
        let mut projection: Vec<f32> = (0..texts).flat_map(|i| (0..width).map(move |k| (k, i))).map(|(k, i)| weight[k * texts + i]).collect();
        projection.extend(bias);
        Ok(Look { step: run.steps(), part, width: width as u32, rows: rows.into(), plane: plane.into(), shares: shares.into(), projection: projection.into() })
    }

    /// All points on the plane of the first two principal components of a sample, and the shares of all components.
    fn principal(&mut self, n: usize, width: usize) -> (Vec<f32>, Vec<f64>) {
        let every = n.div_ceil(SAMPLE).max(1);
        let sample: Vec<&[f32]> = self.rows.chunks(width).step_by(every).collect();
        let mut mean = vec![0.0; width];
        sample.iter().for_each(|r| r.iter().zip(&mut mean).for_each(|(x, m)| *m += f64::from(*x) / sample.len() as f64));
        let mut covariance = vec![0.0; width * width];
        let mut centred = vec![0.0; width];
        for row in &sample {
            centred.iter_mut().zip(*row).zip(&mean).for_each(|((c, x), m)| *c = f64::from(*x) - m);
            for (i, a) in centred.iter().enumerate() {
                covariance[i * width..][..width].iter_mut().zip(&centred).for_each(|(c, b)| *c += a * b);
            }
        }
        let axes = plane(&covariance, width, self.plane.as_ref());
        let shares = ArrayView2::from_shape((width, width), &covariance).ok().and_then(|c| singular_values_cpu_f64(c).ok()).map(|s| s.values).unwrap_or_default();
        let all: f64 = shares.iter().sum();
        let shares = shares.iter().map(|v| if all > 0.0 { v / all } else { 0.0 }).collect();
        let middle = [0, 1].map(|k| axes[k].iter().zip(&mean).map(|(a, m)| a * m).sum::<f64>());
        let place = |row: &[f32], k: usize| (row.iter().zip(&axes[k]).map(|(x, a)| f64::from(*x) * a).sum::<f64>() - middle[k]) as f32;
        let on_plane = self.rows.chunks(width).flat_map(|row| [place(row, 0), place(row, 1)]).collect();
        self.plane = Some(axes);
        (on_plane, shares)
    }
}

impl Default for Viewer {
    fn default() -> Self {
        Self::new()
    }
}

/// Rows of length 1.
pub fn unit(mut rows: Vec<f32>, width: usize) -> Vec<f32> {
    for row in rows.chunks_mut(width.max(1)) {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
        row.iter_mut().for_each(|x| *x /= length);
    }
    rows
}

/// The plane of the two largest principal components by orthogonal iteration, turned (and mirrored, where that is nearer) towards the plane before.
fn plane(covariance: &[f64], width: usize, before: Option<&[Vec<f64>; 2]>) -> [Vec<f64>; 2] {
    let stream = Stream::new(1, 0x0070_1a0e);
    let mut axes = before.cloned().unwrap_or_else(|| [0, 1].map(|k| (0..width as u32).map(|i| f64::from(stream.uniform(2 * i + k)) - 0.5).collect()));
    for _ in 0..TURNS {
        for axis in &mut axes {
            *axis = covariance.chunks(width).map(|row| row.iter().zip(axis.iter()).map(|(c, a)| c * a).sum()).collect();
        }
        orthonormal(&mut axes);
    }
    let Some(before) = before else { return axes };
    let m = |i: usize, j: usize| axes[i].iter().zip(&before[j]).map(|(a, b)| a * b).sum::<f64>();
    let (m00, m01, m10, m11) = (m(0, 0), m(0, 1), m(1, 0), m(1, 1));
    // The orthogonal matrix R with the largest trace of Rᵀ(new·old): a turn, or a turn and a mirror.
    let (turn, mirror) = ([m00 + m11, m10 - m01], [m00 - m11, m10 + m01]);
    let straight = turn[0].hypot(turn[1]) >= mirror[0].hypot(mirror[1]);
    let [c, s] = if straight { turn } else { mirror };
    let size = c.hypot(s);
    if size < 1e-9 {
        return axes;
    }
    let (c, s) = (c / size, s / size);
    let sign = if straight { 1.0 } else { -1.0 };
    let [a, b] = &axes;
    let first = a.iter().zip(b).map(|(a, b)| c * a + s * b).collect();
    let second = a.iter().zip(b).map(|(a, b)| sign * (-s * a + c * b)).collect();
    [first, second]
}

fn orthonormal(axes: &mut [Vec<f64>; 2]) {
    let scale = |v: &mut Vec<f64>| {
        let size = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Nothing varies: any axis is as good.
        if size > 0.0 { v.iter_mut().for_each(|x| *x /= size) } else { v.iter_mut().enumerate().for_each(|(i, x)| *x = f64::from(u8::from(i == 0))) }
    };
    let [a, b] = axes;
    scale(a);
    let along: f64 = a.iter().zip(b.iter()).map(|(x, y)| x * y).sum();
    b.iter_mut().zip(a.iter()).for_each(|(y, x)| *y -= along * x);
    scale(b);
}

/// How often, in shares of 1, a held-out text has its own place among the ten most similar, and a place its own text.
async fn found(run: &Run, weight: &[f32], bias: &[f32]) -> Result<Option<[f64; 2]>, MethodError> {
    let some: Vec<u32> = run.val.iter().take(FOUND_AMONG).copied().collect();
    if some.len() < 2 * TOP {
        return Ok(None);
    }
    let (n, width) = (some.len(), run.config.width);
    let places = unit(run.embed_own(&some).await?, width);
    let texts = run.texts_of(&some).await?;
    let inputs = texts.len() / n;
    let text: Vec<f32> = texts.chunks(inputs).flat_map(|e| (0..width).map(move |k| bias[k] + weight[k * inputs..][..inputs].iter().zip(e).map(|(w, x)| w * x).sum::<f32>())).collect();
    let dot = |i: usize, j: usize| text[i * width..][..width].iter().zip(&places[j * width..][..width]).map(|(a, b)| a * b).sum::<f32>();
    let similar: Vec<f32> = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).map(|(i, j)| dot(i, j)).collect();
    let share = |better: &dyn Fn(usize) -> usize| (0..n).filter(|&i| better(i) < TOP).count() as f64 / n as f64;
    let to_place = share(&|i| (0..n).filter(|&j| similar[i * n + j] > similar[i * n + i]).count());
    let to_text = share(&|i| (0..n).filter(|&j| similar[j * n + i] > similar[i * n + i]).count());
    Ok(Some([to_place, to_text]))
}

impl Run {
    /// Points of the city.
    pub fn points(&self) -> usize {
        self.text_of.len()
    }

    /// Raw embeddings of the city's own points with the weights of the last step.
    async fn embed_own(&self, rows: &[u32]) -> Result<Vec<f32>, MethodError> {
        let x = self.gathered(&self.features, rows.to_vec());
        let y = self.trainer.evaluate(|pass| self.model.encoder.forward(pass, &pass.constant(x)));
        Ok(self.session().read(y.value()).await?.into_f32())
    }

    async fn texts_of(&self, rows: &[u32]) -> Result<Vec<f32>, MethodError> {
        let texts = self.gathered(&self.texts, rows.iter().map(|i| self.text_of[*i as usize]).collect());
        Ok(self.session().read(&texts).await?.into_f32())
    }

    fn gathered(&self, table: &Tensor, rows: Vec<u32>) -> Tensor {
        let rows = self.session().upload(Array::from_u32(&[rows.len()], rows));
        self.session().run(&Gather, &[table, &rows])
    }

    /// Weight `[width, text width]` and bias of the text projection, and the logarithm of the similarities' factor.
    async fn text_side(&self) -> Result<[Vec<f32>; 3], MethodError> {
        let parameters = self.trainer.parameters();
        let values = ["text_projection.weight", "text_projection.bias", "logit_scale"].map(|n| parameters.find(n).map(|k| parameters.value(k)));
        let mut out: [Vec<f32>; 3] = Default::default();
        for (out, value) in out.iter_mut().zip(values) {
            if let Some(value) = value {
                *out = self.session().read(&value).await?.into_f32();
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_is_that_of_the_largest_components_and_keeps_its_directions() {
        // Variances 9, 4, 1 along three axes of four.
        let covariance = |order: [usize; 3]| {
            let mut c = vec![0.0; 16];
            order.iter().zip([9.0, 4.0, 1.0]).for_each(|(i, v)| c[i * 4 + i] = v);
            c
        };
        let first = plane(&covariance([1, 3, 0]), 4, None);
        assert!((first[0][1].abs() - 1.0).abs() < 1e-9 && (first[1][3].abs() - 1.0).abs() < 1e-9, "{first:?}");
        // The two largest change places: the plane is the same, and so are its axes.
        let second = plane(&covariance([3, 1, 0]), 4, Some(&first));
        for (a, b) in first.iter().flatten().zip(second.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "{first:?} {second:?}");
        }
        // A mirrored one is turned back.
        let mirrored = [first[0].clone(), first[1].iter().map(|v| -v).collect()];
        let third = plane(&covariance([1, 3, 0]), 4, Some(&mirrored));
        assert!(third.iter().flatten().zip(mirrored.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-9));
        // Nothing varies.
        assert!(plane(&[0.0; 16], 4, None).iter().flatten().all(|v| v.is_finite()));
    }
}
