//! Feed-forward of a block: dense, or a mixture of experts.

use espalier_tensor::ops::elementwise::{Affine, Binary, Unary};
use espalier_tensor::ops::layout::{Gather, ScatterAdd, Window};
use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::{Array, Session, Tensor};

use super::block::{Loader, Pass};
use super::layout::BlockLayout;
use super::{Activation, Architecture, Experts, ModelError, Style};
use crate::checkpoint::MatrixRef;

/// What a router decided for every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// `[rows, experts]`, row-major.
    pub logits: Vec<f32>,
    /// Experts chosen, `[rows, per token]`, the largest weight first; equal ones by the lower number.
    pub experts: Vec<u32>,
    /// Their weights.
    pub weights: Vec<f32>,
    /// Experts a token.
    pub per_token: usize,
}

/// How the experts of a block are used. The shared ones run in every case but the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mixture {
    /// Each token is sent to the experts that the router chooses.
    #[default]
    Routed,
    /// The same among these alone, as if the router had no rows for the others: softmax over them, as many of them as a token is sent to.
    Among(Vec<u32>),
    /// These for every token, each times its own constant weight, summed in this order; the router is not asked (Condense-MoE).
    Condensed(Vec<(u32, f32)>),
    /// Nothing: the residual goes on alone (LayerDrop).
    Nothing,
}

/// Numbers of its linears.
#[derive(Clone)]
enum Form {
    /// down(act(gate x) · up x), with gate and up in one linear or in two.
    Gated { first: Vec<usize>, down: usize },
    /// down(act(up x)).
    Plain { up: usize, down: usize },
}

/// Feed-forward of a block.
#[derive(Clone)]
pub(super) struct FeedForward {
    dense: Option<Form>,
    router: Option<Tensor>,
    experts: Vec<Form>,
    shared: Option<Form>,
    shared_gate: Option<Tensor>,
    mixture: Mixture,
}

async fn form(loader: &mut Loader<'_>, part: &[MatrixRef], gated: bool) -> Result<Option<Form>, ModelError> {
    let Some((down, first)) = part.split_last() else { return Ok(None) };
    let mut numbers = Vec::new();
    for m in first {
        numbers.push(loader.linear(m).await?);
    }
    let down = loader.linear(down).await?;
    Ok(Some(if gated { Form::Gated { first: numbers, down } } else { Form::Plain { up: numbers[0], down } }))
}

/// A matrix that is no linear of the block's: a router, a gate.
async fn beside(loader: &Loader<'_>, m: Option<&MatrixRef>) -> Result<Option<Tensor>, ModelError> {
    let Some(m) = m else { return Ok(None) };
    let values = loader.checkpoint.read_matrix(m).await?;
    let shape = [values.nrows(), values.ncols()];
    Ok(Some(loader.session.upload(Array::from_f32(&shape, values.into_raw_vec_and_offset().0))))
}

impl FeedForward {
    pub async fn load(loader: &mut Loader<'_>, layout: &BlockLayout) -> Result<Self, ModelError> {
        let gated = loader.architecture.style == Style::Llama;
        let dense = if layout.router.is_none() { form(loader, &layout.dense, gated).await? } else { None };
        let mut experts = Vec::new();
        for part in layout.experts.iter().filter(|_| layout.router.is_some()) {
            experts.extend(form(loader, part, true).await?);
        }
        let shared = form(loader, &layout.shared, true).await?;
        let router = beside(loader, layout.router.as_ref()).await?;
        let shared_gate = beside(loader, layout.shared_gate.as_ref()).await?;
        Ok(Self { dense, router, experts, shared, shared_gate, mixture: Mixture::default() })
    }

    /// Uses its experts in another way. Panics where there is no router: a bug of the caller.
    pub fn set(&mut self, mixture: Mixture) {
        assert!(self.router.is_some(), "only a mixture of experts can be condensed");
        self.mixture = mixture;
    }

    /// Whether it has experts and a router that chooses among them.
    pub fn is_mixture(&self) -> bool {
        self.router.is_some()
    }

    pub async fn run(&self, pass: &mut Pass<'_>, a: &Architecture, block: usize, x: &Tensor) -> Result<Tensor, ModelError> {
        let session = pass.session;
        let mut total = match (&self.dense, &self.router, &self.mixture) {
            (Some(form), ..) => Some(form.run(pass, a.activation, x, None)),
            (None, Some(_), Mixture::Nothing) => return Ok(session.allocate(x.spec().clone())),
            (None, Some(_), Mixture::Condensed(experts)) => self.condensed(pass, a, x, experts),
            (None, Some(router), mixture) => self.routed(pass, a, block, x, router, mixture).await?,
            // A layer that was condensed to its shared experts.
            (None, None, _) => None,
        };
        if let Some(y) = self.shared(pass, a, x) {
            total = Some(sum(session, total, y));
        }
        Ok(total.unwrap_or_else(|| session.allocate(x.spec().clone())))
    }

    async fn routed(&self, pass: &mut Pass<'_>, a: &Architecture, block: usize, x: &Tensor, router: &Tensor, mixture: &Mixture) -> Result<Option<Tensor>, ModelError> {
        let session = pass.session;
        let logits = session.read(&session.run(&MatMul::NT, &[x, router])).await?.into_f32();
        let experts = a.experts.expect("a router has experts");
        let bad = logits.chunks(experts.count.max(1)).filter(|row| row.iter().any(|l| !l.is_finite())).count();
        if bad > 0 {
            return Err(ModelError::Router { block, count: bad, of: x.spec().shape[0] });
        }
        let among = if let Mixture::Among(left) = mixture { Some(&left[..]) } else { None };
        let routing = route(logits, experts, among);
        pass.hook.routing(&routing);
        let mut total: Option<Tensor> = None;
        for (e, form) in self.experts.iter().enumerate() {
            let (rows, weights) = sent_to(&routing, e as u32);
            if rows.is_empty() {
                continue;
            }
            let n = rows.len();
            let index = session.upload(Array::from_u32(&[n], rows.clone()));
            let part = session.run(&Gather, &[x, &index]);
            let y = form.run(pass, a.activation, &part, Some(&rows));
            pass.hook.expert(e as u32, &y, &rows);
            let y = session.run(&Binary::Mul, &[&y, &session.upload(Array::from_f32(&[n, 1], weights))]);
            let y = session.run(&ScatterAdd { rows: x.spec().shape[0] }, &[&y, &index]);
            total = Some(sum(session, total, y));
        }
        Ok(total)
    }

    fn condensed(&self, pass: &mut Pass<'_>, a: &Architecture, x: &Tensor, experts: &[(u32, f32)]) -> Option<Tensor> {
        let session = pass.session;
        experts.iter().fold(None, |total, (e, weight)| {
            let y = self.experts[*e as usize].run(pass, a.activation, x, None);
            Some(sum(session, total, session.run(&Affine::scale(*weight), &[&y])))
        })
    }

    /// One expert's output for all rows, unweighted.
    pub fn expert(&self, pass: &mut Pass<'_>, a: &Architecture, x: &Tensor, expert: u32) -> Tensor {
        self.experts[expert as usize].run(pass, a.activation, x, None)
    }

    /// Output of the shared experts, behind their gate where they have one.
    pub fn shared(&self, pass: &mut Pass<'_>, a: &Architecture, x: &Tensor) -> Option<Tensor> {
        let session = pass.session;
        let y = self.shared.as_ref()?.run(pass, a.activation, x, None);
        Some(match &self.shared_gate {
            Some(gate) => {
                let open = session.run(&Unary::Sigmoid, &[&session.run(&MatMul::NT, &[x, gate])]);
                session.run(&Binary::Mul, &[&y, &open])
            }
            None => y,
        })
    }
}

fn sum(session: &Session, total: Option<Tensor>, y: Tensor) -> Tensor {
    match total {
        Some(t) => session.run(&Binary::Add, &[&t, &y]),
        None => y,
    }
}

impl Form {
    fn run(&self, pass: &mut Pass<'_>, activation: Activation, x: &Tensor, rows: Option<&[u32]>) -> Tensor {
        let session = pass.session;
        let (inner, down) = match self {
            Self::Plain { up, down } => {
                let up = pass.linear_of(*up, x, rows);
                (activate(session, activation, &up), *down)
            }
            Self::Gated { first, down } => {
                let [gate, up] = match first[..] {
                    [gate, up] => [pass.linear_of(gate, x, rows), pass.linear_of(up, x, rows)],
                    _ => {
                        let both = pass.linear_of(first[0], x, rows);
                        let [n, width] = [both.spec().shape[0], both.spec().shape[1] / 2];
                        [0, width].map(|right| session.run(&Window { shape: [n, width], down: 0, right: right as i32 }, &[&both]))
                    }
                };
                (session.run(&Binary::Mul, &[&activate(session, activation, &gate), &up]), *down)
            }
        };
        pass.linear_of(down, &inner, rows)
    }
}

fn activate(session: &Session, activation: Activation, x: &Tensor) -> Tensor {
    match activation {
        Activation::Silu => session.run(&Unary::Silu, &[x]),
        Activation::Gelu => session.run(&Unary::Gelu, &[x]),
        Activation::Relu => session.run(&Unary::Relu, &[x]),
        // x/2·(1 + tanh u) = x·sigmoid(2u) with u = √(2/π)·(x + 0.044715 x³) = x·(1 + 0.044715 x²)·√(2/π).
        Activation::GeluTanh => {
            let two = 2.0 * (2.0 / std::f32::consts::PI).sqrt();
            let inner = session.run(&Affine { scale: 0.044_715 * two, shift: two }, &[&session.run(&Unary::Square, &[x])]);
            let share = session.run(&Unary::Sigmoid, &[&session.run(&Binary::Mul, &[x, &inner])]);
            session.run(&Binary::Mul, &[x, &share])
        }
    }
}

/// Softmax over all experts (or `among` alone), the largest `per_token` of them, and their weights by the model's rule.
fn route(logits: Vec<f32>, e: Experts, among: Option<&[u32]>) -> Routing {
    let mut experts = Vec::new();
    let mut weights = Vec::new();
    let mut left: Vec<u32> = among.map_or_else(|| (0..e.count as u32).collect(), <[u32]>::to_vec);
    left.sort_unstable();
    let per_token = e.per_token.min(left.len());
    for row in logits.chunks(e.count.max(1)) {
        let largest = left.iter().map(|&i| row[i as usize]).fold(f32::MIN, f32::max);
        let shares: Vec<f32> = row.iter().map(|x| (x - largest).exp()).collect();
        let sum: f32 = left.iter().map(|&i| f64::from(shares[i as usize])).sum::<f64>() as f32;
        let mut order = left.clone();
        order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b)));
        order.truncate(per_token);
        let chosen: Vec<f32> = order.iter().map(|&i| shares[i as usize] / sum).collect();
        let total = if e.normalise { chosen.iter().sum::<f32>() } else { 1.0 };
        experts.extend(order);
        weights.extend(chosen.iter().map(|w| w / total * e.scale));
    }
    Routing { logits, experts, weights, per_token }
}

/// Rows that were sent to an expert, and their weights.
fn sent_to(routing: &Routing, expert: u32) -> (Vec<u32>, Vec<f32>) {
    let per_token = routing.per_token.max(1);
    let places = routing.experts.iter().zip(&routing.weights).enumerate().filter(|(_, (e, _))| **e == expert);
    places.map(|(at, (_, w))| ((at / per_token) as u32, *w)).unzip()
}
