//! Self-attention with a learned bias for each distance between two places (Shaw et al. 2018, in the scalar form of Raffel et al. 2020).

use super::Linear;
use crate::array::Array;
use crate::ops::elementwise::Affine;
use crate::ops::layout::{Gather, Reshape, Window};
use crate::ops::matmul::MatMul;
use crate::ops::rows::Softmax;
use crate::session::Tensor;
use crate::tape::Var;
use crate::train::{Draft, Key, Pass};

/// Heads over one sequence `[n, width]`.
#[derive(Clone, Debug)]
pub struct RelativeAttention {
    /// To queries, keys and values.
    pub project: [Linear; 3],
    /// Back.
    pub output: Linear,
    /// Heads.
    pub heads: usize,
    /// Bias of each distance −reach … reach (farther ones count as that far) and head: `[2 reach + 1, heads]`.
    pub bias: Key,
    /// Largest distance that is told apart.
    pub reach: usize,
}

impl RelativeAttention {
    /// Parameters `NAME.query`, `.key`, `.value`, `.output` and `NAME.relative`, zeros at first. Panics where heads do not share the width evenly.
    pub fn new(draft: &mut Draft, name: &str, width: usize, heads: usize, reach: usize) -> Self {
        assert!(heads > 0 && width % heads == 0, "{heads} heads of a width of {width}");
        let project = ["query", "key", "value"].map(|part| Linear::new(draft, &format!("{name}.{part}"), width, width, true));
        let output = Linear::new(draft, &format!("{name}.output"), width, width, true);
        let rows = 2 * reach + 1;
        let bias = draft.add(format!("{name}.relative"), Array::from_f32(&[rows, heads], vec![0.0; rows * heads]));
        Self { project, output, heads, bias, reach }
    }

    /// The layer. `mask [n, n]`, where given, is added to the scores before the softmax: 0 where a row sees a column, a large negative number where not.
    pub fn forward(&self, pass: &Pass, x: &Var, mask: Option<&Tensor>) -> Var {
        let [n, width] = x.spec().shape[..] else { panic!("one sequence is a matrix, not {:?}", x.spec().shape) };
        let [q, k, v] = [0, 1, 2].map(|i| self.project[i].forward(pass, x));
        let head = width / self.heads;
        let reach = self.reach as i64;
        let distances = (0..n as i64).flat_map(|i| (0..n as i64).map(move |j| ((j - i).clamp(-reach, reach) + reach) as u32)).collect();
        let distances = pass.constant(pass.tape().session().upload(Array::from_u32(&[n * n], distances)));
        let biases = pass.run(Gather, &[pass.parameter(self.bias), &distances]);
        let mask = mask.map(|m| pass.constant(m.clone()));
        let part = |of: &Var, h: usize| pass.run(Window { shape: [n, head], down: 0, right: (h * head) as i32 }, &[of]);
        let each = (0..self.heads).map(|h| {
            let scores = pass.run(MatMul::NT, &[&part(&q, h), &part(&k, h)]);
            let scores = pass.run(Affine::scale(1.0 / (head as f32).sqrt()), &[&scores]);
            let bias = pass.run(Window { shape: [n * n, 1], down: 0, right: h as i32 }, &[&biases]);
            let mut scores = pass.add(&scores, &pass.run(Reshape(vec![n, n]), &[&bias]));
            if let Some(mask) = &mask {
                scores = pass.add(&scores, mask);
            }
            let seen = pass.run(MatMul::NN, &[&pass.run(Softmax, &[&scores]), &part(&v, h)]);
            // Into its own columns of the whole, zeros elsewhere.
            pass.run(Window { shape: [n, width], down: 0, right: -((h * head) as i32) }, &[&seen])
        });
        let joined = each.reduce(|a, b| pass.add(&a, &b)).unwrap_or_else(|| panic!("no heads"));
        self.output.forward(pass, &joined)
    }
}
