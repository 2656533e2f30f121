//! Reverse-mode differentiation over recorded operations.

use crate::array::Spec;
use crate::session::{Session, Tensor};

/// What an operation gets to make the gradients of its inputs: it runs other operations on `session`.
pub struct Vjp<'a> {
    /// Where to run.
    pub session: &'a Session,
    /// The inputs of the forward run.
    pub inputs: &'a [Tensor],
    /// Its output.
    pub output: &'a Tensor,
    /// dL/d(output), of the output's shape.
    pub grad: &'a Tensor,
    /// Which inputs want a gradient; the others may be answered with `None`.
    pub wanted: &'a [bool],
}

impl Vjp<'_> {
    /// Shape and element type of the i-th input.
    pub fn spec(&self, i: usize) -> &Spec {
        self.inputs[i].spec()
    }
}

/// One gradient an input, `None` where none was wanted or the input is not a float.
pub type Gradients = Vec<Option<Tensor>>;

/// The operation has no gradient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{op} is not differentiable: {why}")]
pub struct NotDifferentiable {
    /// `family/op`.
    pub op: &'static str,
    /// The reason.
    pub why: &'static str,
}
