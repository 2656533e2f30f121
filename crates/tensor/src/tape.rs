//! Reverse-mode differentiation over recorded operations.

use std::cell::RefCell;
use std::rc::Rc;

use crate::array::{DType, Spec};
use crate::op::{Op, Value};
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
///
/// Only what a gradient will look at is held: nothing below the leaves, and no value that [`Op::looks_at`] does not ask for. Going back frees as it goes.
#[derive(Clone)]
pub struct Tape {
    session: Session,
    record: Rc<RefCell<Record>>,
}

/// A value on a tape.
#[derive(Clone)]
pub struct Var {
    value: Tensor,
    /// Its place on the tape; nothing where no gradient is wanted of it.
    place: Option<Place>,
}

/// A place on a tape, before or after it was gone back over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    round: u32,
    index: usize,
}

#[derive(Default)]
struct Record {
    nodes: Vec<Node>,
    /// How often it was gone back over.
    round: u32,
}

/// One value that a gradient is wanted of, and how it came to be (a leaf came from nowhere).
struct Node {
    spec: Rc<Spec>,
    made: Option<Made>,
}

/// How a value came to be. Tensors that the gradient does not look at are shapes without values.
struct Made {
    op: Box<dyn Op>,
    inputs: Vec<Tensor>,
    /// Where the inputs lie on the tape.
    from: Vec<Option<usize>>,
    output: Tensor,
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
        Self { session, record: Rc::default() }
    }

    /// Where operations run.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// A value that gradients are wanted of.
    pub fn leaf(&self, value: Tensor) -> Var {
        if value.spec().dtype == DType::F32 { self.push(value, None) } else { self.constant(value) }
    }

    /// A value that no gradient is wanted of.
    pub fn constant(&self, value: Tensor) -> Var {
        Var { value, place: None }
    }

    /// Runs an operation and records it. What is made of no leaf is not recorded, and neither are integers: a mask is a constant.
    pub fn run(&self, op: impl Op + 'static, inputs: &[&Var]) -> Var {
        self.run_boxed(Box::new(op), inputs)
    }

    /// As [`Tape::run`].
    pub fn run_boxed(&self, op: Box<dyn Op>, inputs: &[&Var]) -> Var {
        let values: Vec<&Tensor> = inputs.iter().map(|v| &v.value).collect();
        let value = self.session.run(&*op, &values);
        let from: Vec<Option<usize>> = inputs.iter().map(|v| self.index(v)).collect();
        let wanted: Vec<bool> = from.iter().map(Option::is_some).collect();
        if value.spec().dtype != DType::F32 || !wanted.contains(&true) {
            return self.constant(value);
        }
        let kept = |which, tensor: &Tensor| if op.looks_at(which, &wanted) { tensor.clone() } else { Tensor::released(tensor.shared_spec()) };
        let inputs = values.iter().enumerate().map(|(i, t)| kept(Value::Input(i), t)).collect();
        let output = kept(Value::Output, &value);
        self.push(value, Some(Made { op, inputs, from, output }))
    }

    /// Gradients of a scalar with respect to the leaves that it was made of. A value that is used several times gets the sum.
    /// The record is gone afterwards: what was on this tape can be read, but not be gone back over again.
    ///
    /// # Errors
    /// An operation between a leaf and the scalar has no gradient. Panics where `loss` has more than one element: a bug of the caller.
    pub fn gradients(&self, loss: &Var) -> Result<Slopes, NotDifferentiable> {
        let seed = self.session.run(&Fill::f32(loss.spec().shape.clone(), 1.0), &[]);
        assert_eq!(loss.spec().len(), 1, "gradients are those of a scalar, not of {:?}", loss.spec().shape);
        self.gradients_from(loss, seed)
    }

    /// As [`Tape::gradients`], of Σ `upstream` · `output` for an output of any shape.
    ///
    /// # Errors
    /// An operation in between has no gradient. Panics where the two shapes differ: a bug of the caller.
    pub fn gradients_from(&self, output: &Var, upstream: Tensor) -> Result<Slopes, NotDifferentiable> {
        assert_eq!(output.spec(), upstream.spec(), "one slope an element");
        let top = self.index(output);
        let (nodes, round) = {
            let mut record = self.record.borrow_mut();
            record.round += 1;
            (std::mem::take(&mut record.nodes), record.round - 1)
        };
        let specs: Vec<Rc<Spec>> = nodes.iter().map(|n| n.spec.clone()).collect();
        let mut slopes: Vec<Option<Tensor>> = nodes.iter().map(|_| None).collect();
        if let Some(top) = top {
            slopes[top] = Some(upstream);
        }
        for (index, node) in nodes.into_iter().enumerate().rev() {
            // Leaves keep their slope; a value in the middle passes it on, and everything it held is freed at the end of this turn.
            let Some(Made { op, inputs, from, output }) = node.made else { continue };
            let Some(grad) = slopes[index].take() else { continue };
            let wanted: Vec<bool> = from.iter().map(Option::is_some).collect();
            let made = op.vjp(Vjp { session: &self.session, inputs: &inputs, output: &output, grad: &grad, wanted: &wanted })?;
            drop((inputs, output, grad));
            for (input, grad) in from.into_iter().zip(made) {
                let (Some(input), Some(grad)) = (input, grad) else { continue };
                assert_eq!(*grad.spec(), *specs[input], "{}: a gradient has its input's shape", op.name());
                slopes[input] = Some(match slopes[input].take() {
                    Some(before) => self.session.renew(&Binary::Add, before, &[&grad]),
                    None => grad,
                });
            }
        }
        Ok(Slopes { slopes, round })
    }

    /// Where a value lies, if a gradient is wanted of it.
    fn index(&self, var: &Var) -> Option<usize> {
        let place = var.place?;
        assert_eq!(place.round, self.record.borrow().round, "this value was recorded before the tape was gone back over");
        Some(place.index)
    }

    fn push(&self, value: Tensor, made: Option<Made>) -> Var {
        let mut record = self.record.borrow_mut();
        let place = Place { round: record.round, index: record.nodes.len() };
        record.nodes.push(Node { spec: value.shared_spec(), made });
        Var { value, place: Some(place) }
    }
}

/// Gradients of one scalar.
pub struct Slopes {
    slopes: Vec<Option<Tensor>>,
    round: u32,
}

impl Slopes {
    /// The gradient of a leaf; `None` where the scalar does not depend on it or none was wanted.
    pub fn of(&self, leaf: &Var) -> Option<&Tensor> {
        self.slopes[self.index(leaf)?].as_ref()
    }

    /// The same, handed over.
    pub fn take(&mut self, leaf: &Var) -> Option<Tensor> {
        let index = self.index(leaf)?;
        self.slopes[index].take()
    }

    fn index(&self, leaf: &Var) -> Option<usize> {
        let place = leaf.place?;
        assert_eq!(place.round, self.round, "this value is not of the record that was gone back over");
        Some(place.index)
    }
}
