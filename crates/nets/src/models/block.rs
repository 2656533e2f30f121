//! One block on a device.

use std::rc::Rc;

use espalier_tensor::ops::elementwise::Binary;
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::{Array, Session, Tensor};
use ndarray::Array2;

use super::attention::Attention;
use super::batch::Batch;
use super::feed_forward::{FeedForward, Mixture, Routing};
use super::model::Edit;
use super::layout::{BlockLayout, inside, missing, norm_names};
use super::norm::{Norm, vector};
use super::{Architecture, ModelError, Style};
use crate::Checkpoint;
use crate::checkpoint::{MatrixRef, Role};

/// One linear of a block: `y = x·Wᵀ + b`.
#[derive(Clone)]
pub struct Linear {
    /// What it is in the checkpoint.
    pub matrix: MatrixRef,
    /// `[out, in]`.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// Stage of the forward in which its inputs arise: 0 for query, key and value, 1 for the attention's output, 2 for the first layer of the feed-forward, 3
    /// for the last. True-sequential pruning goes stage by stage.
    pub fn stage(&self) -> usize {
        match self.matrix.role {
            Role::Q | Role::K | Role::V | Role::Qkv => 0,
            Role::O => 1,
            Role::Down => 3,
            _ => 2,
        }
    }
}

/// Sees the inputs of linears.
pub trait Hook {
    /// `x [rows, in]` goes into the linear of that number. `rows` are the batch's rows that they are, where they are not all of them in order (experts).
    fn input(&mut self, linear: usize, x: &Tensor, rows: Option<&[u32]>);

    /// A router's choice.
    fn routing(&mut self, _routing: &Routing) {}

    /// What an expert gave for the batch's rows that were sent to it, `[rows, hidden]`, before its weight.
    fn expert(&mut self, _expert: u32, _output: &Tensor, _rows: &[u32]) {}
}

/// Sees nothing.
pub struct NoHook;

impl Hook for NoHook {
    fn input(&mut self, _linear: usize, _x: &Tensor, _rows: Option<&[u32]>) {}
}

/// One block: its linears by number, its norms.
#[derive(Clone)]
pub struct Block {
    /// Place among the blocks.
    pub index: usize,
    pub(super) architecture: Rc<Architecture>,
    linears: Vec<Linear>,
    attention: Attention,
    feed_forward: FeedForward,
    norms: [Norm; 2],
}

/// Gathers the linears of a block while it is loaded.
pub(super) struct Loader<'a> {
    pub checkpoint: &'a Checkpoint,
    pub session: &'a Session,
    pub architecture: &'a Rc<Architecture>,
    pub index: usize,
    pub linears: Vec<Linear>,
    pub edit: Option<&'a Edit>,
}

impl Loader<'_> {
    /// Brings a matrix and its bias to the device; its number.
    pub async fn linear(&mut self, matrix: &MatrixRef) -> Result<usize, ModelError> {
        let mut values = self.checkpoint.read_matrix(matrix).await?;
        if let Some(edit) = self.edit {
            values = edit(matrix, values);
        }
        let shape = [values.nrows(), values.ncols()];
        let weight = self.session.upload(Array::from_f32(&shape, values.into_raw_vec_and_offset().0));
        let bias = match matrix.name.strip_suffix(".weight").and_then(|n| self.checkpoint.find(&format!("{n}.bias"))) {
            Some(b) => Some(vector(self.checkpoint, self.session, b, shape[0]).await?),
            None => None,
        };
        self.linears.push(Linear { matrix: matrix.clone(), weight, bias });
        Ok(self.linears.len() - 1)
    }

    /// A norm of this block, where it has one of these names.
    pub async fn norm(&self, names: &[&str], width: usize) -> Result<Norm, ModelError> {
        let a = self.architecture;
        let tensor = inside(self.checkpoint, self.index, names).ok_or_else(|| missing(a, format!("{} in block {}", names[0], self.index)))?;
        Norm::load(self.checkpoint, self.session, tensor, width, a.norm, a.epsilon).await
    }
}

impl Block {
    pub(super) async fn load(checkpoint: &Checkpoint, session: &Session, architecture: &Rc<Architecture>, layout: &BlockLayout, index: usize, edit: Option<&Edit>) -> Result<Self, ModelError> {
        let mut loader = Loader { checkpoint, session, architecture, index, linears: Vec::new(), edit };
        let attention = Attention::load(&mut loader, layout).await?;
        let feed_forward = FeedForward::load(&mut loader, layout).await?;
        let [first, second] = norm_names(architecture.style);
        // BERT's names end alike: the attention's is looked for first and the longer one must not be taken for the other.
        let norms = [loader.norm(first, architecture.hidden).await?, second_norm(&loader, second).await?];
        Ok(Self { index, architecture: architecture.clone(), linears: loader.linears, attention, feed_forward, norms })
    }

    /// Its linears; a linear's place is its number.
    pub fn linears(&self) -> &[Linear] {
        &self.linears
    }

    /// Gives a linear other weights, `[out, in]`.
    pub fn set(&mut self, session: &Session, linear: usize, weights: Array2<f32>) {
        let shape = [weights.nrows(), weights.ncols()];
        assert_eq!(self.linears[linear].weight.spec().shape, shape, "weights keep their shape");
        let values = if weights.is_standard_layout() { weights.into_raw_vec_and_offset().0 } else { weights.iter().copied().collect() };
        self.linears[linear].weight = session.upload(Array::from_f32(&shape, values));
    }

    /// The weights of a linear, `[out, in]`.
    ///
    /// # Errors
    /// Those of the device.
    pub async fn weights(&self, session: &Session, linear: usize) -> Result<Array2<f32>, ModelError> {
        let array = session.read(&self.linears[linear].weight).await?;
        let shape = array.spec().shape;
        Ok(Array2::from_shape_vec((shape[0], shape[1]), array.into_f32()).expect("a linear is a matrix"))
    }

    /// Takes `[rows, hidden]` through the block while `hook` sees what goes into each linear.
    ///
    /// # Errors
    /// Those of the device (a router's choice is read back).
    pub async fn run(&self, session: &Session, x: &Tensor, batch: &Batch, hook: &mut dyn Hook) -> Result<Tensor, ModelError> {
        let add = |a: &Tensor, b: &Tensor| session.run(&Binary::Add, &[a, b]);
        let mut pass = Pass { session, linears: &self.linears, hook };
        let [first, second] = &self.norms;
        let a = &*self.architecture;
        Ok(match a.style {
            Style::Bert => {
                let y = self.attention.run(&mut pass, a, self.index, x, batch);
                let x = first.run(session, &add(x, &y));
                let y = self.feed_forward.run(&mut pass, a, self.index, &x).await?;
                second.run(session, &add(&x, &y))
            }
            _ if a.parallel => {
                let y = self.attention.run(&mut pass, a, self.index, &first.run(session, x), batch);
                let z = self.feed_forward.run(&mut pass, a, self.index, &second.run(session, x)).await?;
                add(&add(&z, &y), x)
            }
            _ => {
                let y = self.attention.run(&mut pass, a, self.index, &first.run(session, x), batch);
                let x = add(x, &y);
                let y = self.feed_forward.run(&mut pass, a, self.index, &second.run(session, &x)).await?;
                add(&x, &y)
            }
        })
    }
}

/// A block's mixture, taken apart: what goes on beside it and what goes into it.
#[derive(Clone)]
pub struct Apart {
    /// The residual stream behind the attention, `[rows, hidden]`; a mixture's output is added to it.
    pub residual: Tensor,
    /// The same behind its norm: what every expert sees.
    pub input: Tensor,
}

impl Block {
    /// Whether its feed-forward is a mixture of experts with a router.
    pub fn is_mixture(&self) -> bool {
        self.feed_forward.is_mixture()
    }

    /// Uses its experts in another way. Panics where the block has no router: a bug of the caller.
    pub fn mix(&mut self, mixture: Mixture) {
        self.feed_forward.set(mixture);
    }

    /// Takes `[rows, hidden]` up to the experts (blocks of the Llama kind, which all mixtures are).
    pub fn apart(&self, session: &Session, x: &Tensor, batch: &Batch) -> Apart {
        let mut pass = Pass { session, linears: &self.linears, hook: &mut NoHook };
        let y = self.attention.run(&mut pass, &self.architecture, self.index, &self.norms[0].run(session, x), batch);
        let residual = session.run(&Binary::Add, &[x, &y]);
        let input = self.norms[1].run(session, &residual);
        Apart { residual, input }
    }

    /// One expert's output for all rows of [`Apart::input`], before any weight.
    pub fn expert(&self, session: &Session, input: &Tensor, expert: u32) -> Tensor {
        self.feed_forward.expert(&mut Pass { session, linears: &self.linears, hook: &mut NoHook }, &self.architecture, input, expert)
    }

    /// Output of the shared experts for all rows of [`Apart::input`]; `None` where there are none.
    pub fn shared(&self, session: &Session, input: &Tensor) -> Option<Tensor> {
        self.feed_forward.shared(&mut Pass { session, linears: &self.linears, hook: &mut NoHook }, &self.architecture, input)
    }
}

async fn second_norm(loader: &Loader<'_>, names: &[&str]) -> Result<Norm, ModelError> {
    let a = loader.architecture;
    if a.style != Style::Bert {
        return loader.norm(names, a.hidden).await;
    }
    let found = loader.checkpoint.tensors.iter().position(|t| {
        t.block == u32::try_from(loader.index).ok() && !t.name.contains("attention") && names.iter().any(|n| t.name.ends_with(&format!(".{n}")))
    });
    let tensor = found.ok_or_else(|| missing(a, format!("{} in block {}", names[0], loader.index)))?;
    Norm::load(loader.checkpoint, loader.session, tensor, a.hidden, a.norm, a.epsilon).await
}

/// One way through a block.
pub(super) struct Pass<'a> {
    pub session: &'a Session,
    pub linears: &'a [Linear],
    pub hook: &'a mut dyn Hook,
}

impl Pass<'_> {
    /// A linear of all rows.
    pub fn linear(&mut self, number: usize, x: &Tensor) -> Tensor {
        self.linear_of(number, x, None)
    }

    /// A linear of some rows.
    pub fn linear_of(&mut self, number: usize, x: &Tensor, rows: Option<&[u32]>) -> Tensor {
        self.hook.input(number, x, rows);
        let linear = &self.linears[number];
        let y = self.session.run(&MatMul::NT, &[x, &linear.weight]);
        match &linear.bias {
            Some(b) => self.session.run(&Binary::Add, &[&y, b]),
            None => y,
        }
    }
}
