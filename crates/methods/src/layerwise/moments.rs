//! What is kept of the inputs of a linear: Σx² of each column, and for a Hessian Σx·xᵀ.

use std::collections::BTreeMap;

use espalier_nets::models::{Batch, Block, Hook, Linear};
use espalier_tensor::gemm::gemm_f64;
use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::{Array, Session, Tensor};
use ndarray::Array2;

use crate::method::MethodError;

/// Sums over calibration tokens, in double precision.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// Σx² by column.
    pub squares: Vec<f64>,
    /// Σx·xᵀ `[in, in]`, where it is collected.
    pub products: Option<Array2<f64>>,
    /// Sequences that reached the linear.
    pub sequences: f64,
    /// Tokens that did.
    pub tokens: f64,
}

impl Moments {
    /// Without sums yet; with `products` where a Hessian is wanted.
    pub fn new(columns: usize, products: bool) -> Self {
        Self { squares: vec![0.0; columns], products: products.then(|| Array2::zeros((columns, columns))), sequences: 0.0, tokens: 0.0 }
    }

    /// Adds `x [rows, in]` of that many sequences and counted tokens.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn add(&mut self, session: &Session, x: &Tensor, sequences: f64, tokens: f64) -> Result<(), MethodError> {
        let columns = x.spec().shape[1];
        if x.spec().is_empty() {
            return Ok(());
        }
        let squares = session.run(&Fold::along(FoldKind::SumSquares, 0), &[x]);
        self.squares.resize(columns, 0.0);
        self.sequences += sequences;
        self.tokens += tokens;
        if self.products.is_none() {
            let squares = session.read(&squares).await?.into_f32();
            self.squares.iter_mut().zip(squares).for_each(|(s, v)| *s += f64::from(v));
            return Ok(());
        }
        let arrays = session.read_many(&[&squares, x]).await?;
        self.squares.iter_mut().zip(arrays[0].f32().iter()).for_each(|(s, v)| *s += f64::from(*v));
        if let Some(products) = &mut self.products {
            // The Hessian in double precision: single precision loses masks.
            let wide: Vec<f64> = arrays[1].f32().iter().map(|v| f64::from(*v)).collect();
            let rows = wide.len() / columns;
            let sums = products.as_slice_mut().expect("made in standard layout");
            gemm_f64(columns, columns, rows, 1.0, &wide, (1, columns), &wide, (columns, 1), 1.0, sums, (columns, 1));
        }
        Ok(())
    }

    /// Wanda's `scaler_row`: Σx² over the number of sequences.
    #[expect(clippy::cast_possible_truncation, reason = "the published statistic is single precision")]
    pub fn scaler(&self) -> Vec<f32> {
        self.squares.iter().map(|s| (s / self.sequences.max(1.0)) as f32).collect()
    }

    /// SparseGPT's H = 2/n · Σx·xᵀ `[in, in]`, n sequences; `None` where products were not collected.
    pub fn hessian(&self) -> Option<Array2<f64>> {
        self.products.as_ref().map(|p| p * (2.0 / self.sequences.max(1.0)))
    }
}

/// Linears with the same inputs share their sums: those of one stage and expert.
fn shared_key(linear: &Linear) -> (usize, Option<u32>, bool) {
    (linear.stage(), linear.matrix.expert, linear.matrix.shared)
}

struct Seen {
    first: usize,
    x: Tensor,
    rows: Option<Vec<u32>>,
}

/// A hook that collects the moments of a block's linears.
pub struct Collector {
    /// Which linear's sums each linear takes.
    lead: Vec<usize>,
    wanted: Vec<bool>,
    products: bool,
    moments: BTreeMap<usize, Moments>,
    seen: Vec<Seen>,
    /// Inputs of the first batch, for errors of outputs.
    samples: BTreeMap<usize, Tensor>,
    first: bool,
}

impl Hook for Collector {
    fn input(&mut self, linear: usize, x: &Tensor, rows: Option<&[u32]>) {
        if self.first && self.wanted[linear] {
            self.samples.insert(linear, x.clone());
        }
        // Of linears with the same inputs the first one wanted collects.
        if self.wanted[linear] && self.lead[linear] == linear {
            self.seen.push(Seen { first: linear, x: x.clone(), rows: rows.map(<[u32]>::to_vec) });
        }
    }
}

impl Collector {
    /// For the linears of a block that `wanted` picks.
    pub fn new(block: &Block, products: bool, wanted: impl Fn(&Linear) -> bool) -> Self {
        let linears = block.linears();
        let wanted: Vec<bool> = linears.iter().map(wanted).collect();
        let lead = (0..linears.len())
            .map(|i| (0..i).find(|&j| wanted[j] && shared_key(&linears[j]) == shared_key(&linears[i])).unwrap_or(i))
            .collect();
        Self { lead, wanted, products, moments: BTreeMap::new(), seen: Vec::new(), samples: BTreeMap::new(), first: true }
    }

    /// Takes in what was seen of one batch. Without `count_padding` rows of padding count nothing.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn take(&mut self, session: &Session, batch: &Batch, count_padding: bool) -> Result<(), MethodError> {
        let counted = if count_padding { None } else { batch.counted() };
        for seen in std::mem::take(&mut self.seen) {
            let n = seen.x.spec().shape[0];
            let row = |i: usize| seen.rows.as_ref().map_or(i, |r| r[i] as usize);
            let sequences: std::collections::BTreeSet<usize> = (0..n).map(|i| row(i) / batch.length.max(1)).collect();
            let (x, tokens) = match &counted {
                None => (seen.x.clone(), n as f64),
                Some(all) => {
                    let share: Vec<f32> = (0..n).map(|i| all[row(i)]).collect();
                    let tokens = share.iter().map(|s| f64::from(*s)).sum();
                    let share = session.upload(Array::from_f32(&[n, 1], share));
                    (session.run(&Binary::Mul, &[&seen.x, &share]), tokens)
                }
            };
            let columns = x.spec().shape[1];
            let products = self.products;
            let moments = self.moments.entry(seen.first).or_insert_with(|| Moments::new(columns, products));
            moments.add(session, &x, sequences.len() as f64, tokens).await?;
        }
        self.first = false;
        Ok(())
    }

    /// The sums of a linear; `None` where nothing reached it (an expert that no token was sent to).
    pub fn of(&self, linear: usize) -> Option<&Moments> {
        self.moments.get(&self.lead[linear])
    }

    /// Inputs of the first batch, `[rows, in]`.
    pub fn sample(&self, linear: usize) -> Option<&Tensor> {
        self.samples.get(&linear)
    }
}
