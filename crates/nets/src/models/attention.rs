//! Attention of a block.

use espalier_tensor::Tensor;
use espalier_tensor::ops::attention::{Attend, Rope};
use espalier_tensor::ops::layout::Window;

use super::batch::Batch;
use super::block::{Loader, Pass};
use super::layout::{BlockLayout, qk_norm_names};
use super::norm::Norm;
use super::{Architecture, ModelError, QkNorm, Style};

/// Numbers of its linears, and the norms of queries and keys.
#[derive(Clone)]
pub(super) struct Attention {
    qkv: Vec<usize>,
    o: usize,
    norms: Option<[Norm; 2]>,
}

impl Attention {
    pub async fn load(loader: &mut Loader<'_>, layout: &BlockLayout) -> Result<Self, ModelError> {
        let mut qkv = Vec::new();
        for m in &layout.qkv {
            qkv.push(loader.linear(m).await?);
        }
        let o = loader.linear(layout.o.as_ref().expect("the layout was checked")).await?;
        let a = loader.architecture.clone();
        let norms = match qk_norm_names(a.qk_norm) {
            Some([q, k]) => {
                let (wq, wk) = if a.qk_norm == QkNorm::Head { (a.head, a.head) } else { (a.heads * a.head, a.kv_heads * a.head) };
                Some([loader.norm(&[q], wq).await?, loader.norm(&[k], wk).await?])
            }
            None => None,
        };
        Ok(Self { qkv, o, norms })
    }

    pub fn run(&self, pass: &mut Pass<'_>, a: &Architecture, layer: usize, x: &Tensor, batch: &Batch) -> Tensor {
        let session = pass.session;
        let [mut q, mut k, v] = self.project(pass, a, x);
        if let Some([for_q, for_k]) = &self.norms {
            let over = |norm: &Norm, t: &Tensor| match a.qk_norm {
                QkNorm::Head => {
                    let shape = t.spec().shape.clone();
                    norm.run(session, &t.reshape([t.spec().len() / a.head, a.head])).reshape(shape)
                }
                _ => norm.run(session, t),
            };
            (q, k) = (over(for_q, &q), over(for_k, &k));
        }
        if let Some(angles) = &batch.angles {
            let turn = Rope { head: a.head, back: false };
            (q, k) = (session.run(&turn, &[&q, angles]), session.run(&turn, &[&k, angles]));
        }
        let attend = Attend { sequences: batch.sequences, heads: a.heads, kv_heads: a.kv_heads, causal: a.causal(), window: a.windows[layer], scale: a.scales[layer] };
        let y = session.run(&attend, &[&q, &k, &v, &batch.span]);
        pass.linear(self.o, &y)
    }

    fn project(&self, pass: &mut Pass<'_>, a: &Architecture, x: &Tensor) -> [Tensor; 3] {
        if let [q, k, v] = self.qkv[..] {
            return [pass.linear(q, x), pass.linear(k, x), pass.linear(v, x)];
        }
        let whole = pass.linear(self.qkv[0], x);
        let rows = whole.spec().shape[0];
        let (wq, wk) = (a.heads * a.head, a.kv_heads * a.head);
        let cut = |t: &Tensor, width: usize, right: usize| {
            let shape = [t.spec().shape[0], width];
            pass.session.run(&Window { shape, down: 0, right: right as i32 }, &[t])
        };
        if a.style == Style::GptNeoX {
            // Query, key and value lie side by side within each head.
            let by_head = whole.reshape([rows * a.heads, 3 * a.head]);
            return [0, 1, 2].map(|i| cut(&by_head, a.head, i * a.head).reshape([rows, wq]));
        }
        [cut(&whole, wq, 0), cut(&whole, wk, wq), cut(&whole, wk, wq + wk)]
    }
}
