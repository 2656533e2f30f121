//! Scaled dot-product attention over heads.

use espalier_kernels::attention::attend::Params;

use crate::array::{Array, DType, Spec};
use crate::gemm::gemm;
use crate::op::{Op, Plan, Sample, Slot, Tolerance};
use crate::ops::exponential::{exponentials, largest};
use crate::ops::plan::{grid, launch, limits};
use crate::ops::sampling::{float_array, sample, tied_array, tiled};
use crate::ops::values::{ULP, flat, flat_u32, gamma, magnitude};
use crate::tape::{Gradients, NotDifferentiable, Vjp};

/// Attention of `q [sequences · queries, heads · head]` over `k` and `v [sequences · keys, kv_heads · head]`: of every head
/// softmax(scale · q·kᵀ + mask)·v (Vaswani et al. 2017). Query heads share key and value heads in even groups (Ainslie et al. 2023). The
/// queries are the last ones of the keys' positions.
///
/// The fourth input `[sequences, 2]` (integers) is the range of keys of each sequence that may be seen: padding lies outside it. A query that sees
/// no key gets zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attend {
    /// How many sequences lie behind one another.
    pub sequences: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; they divide the query heads.
    pub kv_heads: usize,
    /// Whether a query sees no later key.
    pub causal: bool,
    /// How many keys back a query sees, itself among them (Mistral's sliding window).
    pub window: Option<usize>,
    /// What scores are multiplied with: 1/√head as a rule.
    pub scale: f32,
}

/// Most elements of a head: what an invocation of the kernel keeps.
pub const MOST_HEAD: usize = 256;

struct Sizes {
    queries: usize,
    keys: usize,
    head: usize,
}

impl Attend {
    fn sizes(&self, inputs: &[Spec]) -> Sizes {
        let matrix = |i: usize| <[usize; 2]>::try_from(&inputs[i].shape[..]).unwrap_or_else(|_| panic!("attention is over matrices, not {:?}", inputs[i].shape));
        let ([rows, width], [kv_rows, kv_width]) = (matrix(0), matrix(1));
        assert_eq!(inputs[1].shape, inputs[2].shape, "keys and values are alike");
        assert_eq!((matrix(3), inputs[3].dtype), ([self.sequences, 2], DType::U32), "one range of keys a sequence");
        assert!(self.kv_heads > 0 && self.heads % self.kv_heads == 0, "{} heads over {}", self.heads, self.kv_heads);
        assert!(width % self.heads == 0 && width / self.heads * self.kv_heads == kv_width, "heads of {width} and of {kv_width}");
        let s = self.sequences.max(1);
        assert!(rows % s == 0 && kv_rows % s == 0 && rows <= kv_rows, "{rows} queries and {kv_rows} keys of {s} sequences");
        let head = width / self.heads;
        assert!(head <= MOST_HEAD, "heads of {head} elements; at most {MOST_HEAD}");
        Sizes { queries: rows / s, keys: kv_rows / s, head }
    }

    /// Keys that the query at this position sees, of a sequence whose keys in `range` count.
    fn seen(&self, position: usize, range: [u32; 2], keys: usize) -> std::ops::Range<usize> {
        let end = (range[1] as usize).min(keys).min(if self.causal { position + 1 } else { keys });
        let back = self.window.map_or(0, |w| (position + 1).saturating_sub(w));
        let start = (range[0] as usize).max(back);
        start.min(end)..end
    }
}

impl Op for Attend {
    fn name(&self) -> &'static str {
        "attention/attend"
    }

    fn output(&self, inputs: &[Spec]) -> Spec {
        self.sizes(inputs);
        Spec::f32(inputs[0].shape.clone())
    }

    fn cpu(&self, inputs: &[&Array]) -> Array {
        let specs: Vec<Spec> = inputs.iter().map(|a| a.spec()).collect();
        let Sizes { queries, keys, head } = self.sizes(&specs);
        let (q, k, v, span) = (flat(inputs[0]), flat(inputs[1]), flat(inputs[2]), flat_u32(inputs[3]));
        let (width, kv_width) = (self.heads * head, self.kv_heads * head);
        let mut y = vec![0.0; q.len()];
        let mut scores = vec![0.0; queries * keys];
        if y.is_empty() {
            return Array::from_f32(&specs[0].shape, y);
        }
        for s in 0..self.sequences {
            let range = [span[2 * s], span[2 * s + 1]];
            for h in 0..self.heads {
                let at_q = s * queries * width + h * head;
                let at_k = s * keys * kv_width + h / (self.heads / self.kv_heads) * head;
                gemm(queries, keys, head, self.scale, &q[at_q..], (width, 1), &k[at_k..], (1, kv_width), 0.0, &mut scores, (keys, 1));
                for (i, row) in scores.chunks_mut(keys).enumerate() {
                    softmax_over(row, self.seen(i + keys - queries, range, keys));
                }
                gemm(queries, head, keys, 1.0, &scores, (keys, 1), &v[at_k..], (kv_width, 1), 0.0, &mut y[at_q..], (width, 1));
            }
        }
        Array::from_f32(&specs[0].shape, y)
    }

    fn gpu(&self, inputs: &[Spec], output: &Spec) -> Plan {
        let Sizes { queries, keys, head } = self.sizes(inputs);
        if output.is_empty() {
            return Plan::default();
        }
        assert!(inputs.iter().all(|s| s.bytes() <= limits().binding), "sequences are given in batches that fit a binding");
        let all = self.sequences * queries * self.heads;
        let step = ((limits().macs / (2 * keys * head) as u64) as usize).clamp(1, 1 << 20);
        let launches = (0..all).step_by(step).map(|first| {
            let count = step.min(all - first);
            let numbers = [queries, keys, self.heads, self.kv_heads, head, usize::from(self.causal), self.window.unwrap_or(0), first, count].map(|v| v as u32);
            let [queries, keys, heads, kv_heads, head, causal, window, first, count] = numbers;
            let params = Params::new(queries, keys, heads, kv_heads, head, causal, window, self.scale, first, count);
            launch(params, (0..4).map(Slot::Input).chain([Slot::Output]).collect(), grid((count as usize).div_ceil(64)))
        });
        Plan { scratch: Vec::new(), launches: launches.collect() }
    }

    /// A score errs by e = (2γ(head)·scale·head·max|q|·max|k|) on both sides together, WGSL's `exp` by 3 + 2|d| units (as in `Softmax`: 3.3 of
    /// 1), the online rescaling by the same again a piece of eight keys, sums by γ(keys); every weight's share moves by twice that, the result by max|v| of it.
    fn tolerance(&self, inputs: &[&Array]) -> Tolerance {
        let specs: Vec<Spec> = inputs.iter().map(|a| a.spec()).collect();
        let Sizes { keys, head, .. } = self.sizes(&specs);
        let size = head as f32 * magnitude(inputs[0]) * magnitude(inputs[1]) * self.scale.abs();
        let score = 2.0 * (gamma(head) + ULP) * size;
        let weight = score + 2.0 * gamma(keys + 8) + (5.0 + 4.3 * (keys.div_ceil(8) + 2) as f32) * ULP;
        Tolerance::absolute(2.0 * weight * magnitude(inputs[2]) + f32::MIN_POSITIVE)
    }

    fn vjp(&self, _vjp: Vjp<'_>) -> Result<Gradients, NotDifferentiable> {
        Err(NotDifferentiable { op: self.name(), why: "the shares of the keys are not kept; compose it of matrix products and Softmax to train through it" })
    }
}

/// Softmax of the elements in `seen`; the others become 0.
fn softmax_over(row: &mut [f32], seen: std::ops::Range<usize>) {
    let most = largest(&row[seen.clone()]);
    row[..seen.start].fill(0.0);
    row[seen.end..].fill(0.0);
    let part = &mut row[seen];
    let factor = (1.0 / exponentials(part, most)) as f32;
    part.iter_mut().for_each(|x| *x *= factor);
}

/// Samples for the tests.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    let base = Attend { sequences: 1, heads: 1, kv_heads: 1, causal: true, window: None, scale: 0.25 };
    let inputs = |op: &Attend, queries: usize, keys: usize, head: usize, ranges: &[u32]| {
        let array = |n: usize, heads: usize, seed| float_array(&[op.sequences * n, heads * head], seed);
        let span = Array::from_u32(&[op.sequences, 2], ranges.to_vec());
        vec![array(queries, op.heads, 1), array(keys, op.kv_heads, 2), array(keys, op.kv_heads, 3), span]
    };
    let mut put = |label: &str, op: Attend, queries: usize, keys: usize, head: usize, ranges: &[u32]| all.push(sample(label, op, inputs(&op, queries, keys, head, ranges)));
    for n in [0, 1, 63, 64, 65, 257] {
        put(&format!("causal {n}"), base, n, n, 16, &[0, n as u32]);
        put(&format!("both ways {n}"), Attend { causal: false, ..base }, n, n, 8, &[0, n as u32]);
    }
    put("heads 4 over 2, two sequences", Attend { sequences: 2, heads: 4, kv_heads: 2, ..base }, 13, 13, 8, &[0, 13, 3, 13]);
    put("window 5", Attend { window: Some(5), ..base }, 130, 130, 8, &[0, 130]);
    put("last queries", base, 3, 70, 8, &[0, 70]);
    put("nothing seen", Attend { sequences: 2, causal: false, ..base }, 5, 5, 4, &[5, 5, 1, 3]);
    put("padding in front", Attend { sequences: 2, heads: 2, kv_heads: 1, ..base }, 70, 70, 32, &[10, 70, 69, 70]);
    put("wide heads", base, 9, 9, 256, &[0, 9]);
    let tied = Attend { heads: 2, kv_heads: 2, ..base };
    all.push(sample("ties", tied, vec![tied_array(&[40, 16], 1), tied_array(&[40, 16], 2), tied_array(&[40, 16], 3), Array::from_u32(&[1, 2], vec![0, 40])]));
    all.push(tiled("in several launches", tied, inputs(&tied, 90, 90, 64, &[0, 90]), 65536));
    all
}
