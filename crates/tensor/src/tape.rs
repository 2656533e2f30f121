//! Reverse-mode differentiation over recorded operations.

use std::cell::RefCell;
use std::rc::Rc;

use crate::array::{DType, Spec};
use crate::op::Op;
use crate::ops::elementwise::Binary;
use crate::ops::layout::Fill;
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

/// Records operations as they run, to go back over them. Clones record on the same tape; what it holds is freed with the last of them.
#[derive(Clone)]
pub struct Tape {
    session: Session,
    nodes: Rc<RefCell<Vec<Node>>>,
}

/// A value on a tape.
#[derive(Clone)]
pub struct Var {
    value: Tensor,
    index: usize,
}

/// One value, and how it came to be.
struct Node {
    value: Tensor,
    made: Option<(Box<dyn Op>, Vec<usize>)>,
    wanted: bool,
}

impl Var {
    /// The value.
    pub fn value(&self) -> &Tensor {
        &self.value
    }

    /// Shape and element type.
    pub fn spec(&self) -> &Spec {
        self.value.spec()
    }
}

impl Tape {
    /// An empty tape on a device.
    pub fn new(session: Session) -> Self {
        Self { session, nodes: Rc::default() }
    }

    /// Where operations run.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// A value that gradients are wanted of.
    pub fn leaf(&self, value: Tensor) -> Var {
        let wanted = value.spec().dtype == DType::F32;
        self.push(value, None, wanted)
    }

    /// A value that no gradient is wanted of.
    pub fn constant(&self, value: Tensor) -> Var {
        self.push(value, None, false)
    }

    /// Runs an operation and records it. What is made of no leaf is not gone back over, and neither are integers: a mask is a constant.
    pub fn run(&self, op: impl Op + 'static, inputs: &[&Var]) -> Var {
        let values: Vec<&Tensor> = inputs.iter().map(|v| &v.value).collect();
        let value = self.session.run(&op, &values);
        let indices: Vec<usize> = inputs.iter().map(|v| v.index).collect();
        let wanted = value.spec().dtype == DType::F32 && indices.iter().any(|&i| self.nodes.borrow()[i].wanted);
        self.push(value, wanted.then(|| (Box::new(op) as Box<dyn Op>, indices)), wanted)
    }

    /// Gradients of a scalar with respect to everything it was made of. A value that is used several times gets the sum.
    ///
    /// # Errors
    /// An operation between a leaf and the scalar has no gradient. Panics where `loss` has more than one element: a bug of the caller.
    pub fn gradients(&self, loss: &Var) -> Result<Slopes, NotDifferentiable> {
        assert_eq!(loss.spec().len(), 1, "gradients are those of a scalar, not of {:?}", loss.spec().shape);
        let nodes = self.nodes.borrow();
        let mut slopes: Vec<Option<Tensor>> = (0..nodes.len()).map(|_| None).collect();
        slopes[loss.index] = Some(self.session.run(&Fill::f32(loss.spec().shape.clone(), 1.0), &[]));
        for (index, node) in nodes.iter().enumerate().take(loss.index + 1).rev() {
            let (Some((op, inputs)), Some(grad)) = (&node.made, &slopes[index]) else { continue };
            let values: Vec<Tensor> = inputs.iter().map(|&i| nodes[i].value.clone()).collect();
            let wanted: Vec<bool> = inputs.iter().map(|&i| nodes[i].wanted).collect();
            let made = op.vjp(Vjp { session: &self.session, inputs: &values, output: &node.value, grad, wanted: &wanted })?;
            // A value in the middle has passed on what it got; only leaves keep theirs.
            slopes[index] = None;
            for ((&input, wanted), grad) in inputs.iter().zip(wanted).zip(made) {
                let (true, Some(grad)) = (wanted, grad) else { continue };
                assert_eq!(grad.spec(), nodes[input].value.spec(), "{}: a gradient has its input's shape", op.name());
                slopes[input] = Some(match slopes[input].take() {
                    Some(before) => self.session.run(&Binary::Add, &[&before, &grad]),
                    None => grad,
                });
            }
        }
        Ok(Slopes(slopes))
    }

    fn push(&self, value: Tensor, made: Option<(Box<dyn Op>, Vec<usize>)>, wanted: bool) -> Var {
        let mut nodes = self.nodes.borrow_mut();
        let index = nodes.len();
        nodes.push(Node { value: value.clone(), made, wanted });
        Var { value, index }
    }
}

/// Gradients of one scalar.
pub struct Slopes(Vec<Option<Tensor>>);

impl Slopes {
    /// The gradient of a leaf; `None` where the scalar does not depend on it or none was wanted.
    pub fn of(&self, leaf: &Var) -> Option<&Tensor> {
        self.0[leaf.index].as_ref()
    }
}
