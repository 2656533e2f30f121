//! Parameters, bytes and operations of a model under a plan, by arithmetic over its header (specification lowrank-moe §2.6).

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{MatrixRef, Role};
use espalier_nets::models::Model;

use super::{Change, Plan};

/// Elements and bytes of some tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Elements.
    pub elements: f64,
    /// Bytes.
    pub bytes: f64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, o: Self) {
        self.elements += o.elements;
        self.bytes += o.bytes;
    }
}

/// One block's parts.
#[derive(Clone, Debug, Default)]
struct Part {
    whole: Size,
    /// Router; empty where there is no mixture.
    router: Size,
    experts: Vec<Size>,
    shared: Size,
    /// Weights that a token meets outside the mixture.
    other: f64,
}

/// Sizes of a model's parts.
#[derive(Clone, Debug)]
pub struct Sizes {
    total: Size,
    parts: Vec<Part>,
    per_token: usize,
    /// Weights of the head.
    head: f64,
}

fn size(checkpoint: &Checkpoint, matrices: &[MatrixRef]) -> Size {
    let mut out = Size::default();
    for m in matrices {
        let bits = checkpoint.tensors.get(m.tensor).map_or(32, |t| t.dtype.bits());
        out += Size { elements: m.elements() as f64, bytes: m.elements() as f64 * bits as f64 / 8.0 };
    }
    out
}

impl Sizes {
    /// Of a model as it is.
    pub fn of(model: &Model<'_>) -> Self {
        let checkpoint = model.checkpoint();
        let matrices = checkpoint.matrices();
        let mut total = Size::default();
        let mut parts = vec![Part::default(); model.blocks()];
        for t in &checkpoint.tensors {
            let s = Size { elements: t.elements() as f64, bytes: t.bytes() as f64 };
            total += s;
            if let Some(part) = t.block.and_then(|b| parts.get_mut(b as usize)) {
                part.whole += s;
            }
        }
        for (i, part) in parts.iter_mut().enumerate() {
            let all: f64 = matrices.iter().filter(|m| m.block == Some(i as u32)).map(|m| m.elements() as f64).sum();
            if let Some(l) = model.mixture(i) {
                part.router = size(checkpoint, std::slice::from_ref(&l.router));
                part.experts = l.experts.iter().map(|e| size(checkpoint, e)).collect();
                part.shared = size(checkpoint, &l.shared);
                if let Some(gate) = &l.shared_gate {
                    part.shared += size(checkpoint, std::slice::from_ref(gate));
                }
            }
            part.other = all - part.router.elements - part.experts.iter().map(|e| e.elements).sum::<f64>() - part.shared.elements;
        }
        let of_role = |role: Role| matrices.iter().find(|m| m.role == role && m.block.is_none()).map(|m| m.elements() as f64);
        let per_token = model.architecture().experts.map_or(0, |e| e.per_token);
        Self { total, parts, per_token, head: of_role(Role::Head).or_else(|| of_role(Role::Embedding)).unwrap_or(0.0) }
    }

    /// Elements of one routed expert of a block (the largest, should they differ) and of its router.
    pub fn expert_and_router(&self, block: usize) -> (f64, f64) {
        let p = &self.parts[block];
        (p.experts.iter().map(|e| e.elements).fold(0.0, f64::max), p.router.elements)
    }

    /// What is stored under a plan.
    pub fn stored(&self, plan: &Plan) -> Size {
        let mut out = self.total;
        let mut less = |s: Size, share: f64| {
            out.elements -= s.elements * share;
            out.bytes -= s.bytes * share;
        };
        for (i, part) in self.parts.iter().enumerate() {
            let gone = |kept: &[u32]| part.experts.iter().enumerate().filter(|(e, _)| !kept.contains(&(*e as u32))).map(|(_, s)| *s).collect::<Vec<_>>();
            match plan.of(i) {
                None => {}
                Some(Change::Block) => less(part.whole, 1.0),
                Some(Change::Layer) => {
                    part.experts.iter().for_each(|s| less(*s, 1.0));
                    less(part.router, 1.0);
                    less(part.shared, 1.0);
                }
                Some(Change::Condensed { experts, .. }) => {
                    gone(experts).into_iter().for_each(|s| less(s, 1.0));
                    less(part.router, 1.0);
                }
                Some(Change::Among { experts }) => {
                    gone(experts).into_iter().for_each(|s| less(s, 1.0));
                    // The router's rows of the experts that went.
                    less(part.router, 1.0 - experts.len() as f64 / part.experts.len().max(1) as f64);
                }
            }
        }
        out
    }

    /// Operations a token: two for each weight it meets. A routed token meets as many experts as it is sent to (of the mean size), a condensed one all that
    /// stayed; scores of attention grow with the context and are not counted.
    pub fn flops(&self, plan: &Plan) -> f64 {
        let mut weights = self.head;
        for (i, part) in self.parts.iter().enumerate() {
            let expert = part.experts.iter().map(|e| e.elements).sum::<f64>() / part.experts.len().max(1) as f64;
            let met = match plan.of(i) {
                Some(Change::Block) => continue,
                Some(Change::Layer) => 0.0,
                Some(Change::Condensed { experts, .. }) => experts.len() as f64 * expert + part.shared.elements,
                Some(Change::Among { experts }) => {
                    let left = experts.len().min(self.per_token) as f64;
                    left * expert + part.shared.elements + part.router.elements * experts.len() as f64 / part.experts.len().max(1) as f64
                }
                None => self.per_token.min(part.experts.len()) as f64 * expert + part.shared.elements + part.router.elements,
            };
            weights += part.other + met;
        }
        2.0 * weights
    }
}
