//! One pass over a network: the tape, the parameters as values on it, and whether it is for training.

use std::cell::Cell;

use super::{Key, Parameters};
use crate::op::Op;
use crate::ops::elementwise::{Binary, Unary};
use crate::ops::random::Dropout;
use crate::random::{Stream, hash4};
use crate::session::Tensor;
use crate::tape::{Tape, Var};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To learn: dropout drops, batch statistics are taken from the batch.
    Train {
        /// The run's seed.
        seed: u64,
        /// Which step.
        step: u32,
    },
    /// To learn without chance: gradients are wanted, nothing is dropped.
    Still,
    /// To use what was learnt.
    Eval,
}

/// One pass. Modules take it to find their parameters.
pub struct Pass {
    tape: Tape,
    parameters: Vec<Var>,
    mode: Mode,
    /// Random layers seen so far: each has a stream of its own.
    layers: Cell<u32>,
}

impl Pass {
    /// A pass over these parameters; `frozen` ones get no gradient, and none does in evaluation.
    pub fn new(tape: Tape, parameters: &Parameters, mode: Mode, frozen: &[Key]) -> Self {
        let learn = |key: &Key| mode != Mode::Eval && !frozen.contains(key);
        let values = parameters.keys().map(|key| {
            let value = parameters.value(key);
            if learn(&key) { tape.leaf(value) } else { tape.constant(value) }
        });
        let values = values.collect();
        Self { tape, parameters: values, mode, layers: Cell::new(0) }
    }

    /// A pass in evaluation over these values, in the order of the parameters.
    pub fn held(tape: Tape, values: &[Tensor]) -> Self {
        let parameters = values.iter().map(|value| tape.constant(value.clone())).collect();
        Self { tape, parameters, mode: Mode::Eval, layers: Cell::new(0) }
    }

    /// The tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// What it is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A parameter.
    pub fn parameter(&self, key: Key) -> &Var {
        &self.parameters[key.0]
    }

    /// Data.
    pub fn constant(&self, value: Tensor) -> Var {
        self.tape.constant(value)
    }

    /// Any operation.
    pub fn run(&self, op: impl Op + 'static, inputs: &[&Var]) -> Var {
        self.tape.run(op, inputs)
    }

    /// `a + b`, with broadcasting.
    pub fn add(&self, a: &Var, b: &Var) -> Var {
        self.tape.run(Binary::Add, &[a, b])
    }

    /// `a · b` elementwise, with broadcasting.
    pub fn mul(&self, a: &Var, b: &Var) -> Var {
        self.tape.run(Binary::Mul, &[a, b])
    }

    /// `max(x, 0)`.
    pub fn relu(&self, x: &Var) -> Var {
        self.tape.run(Unary::Relu, &[x])
    }

    /// Dropout of this share while training; nothing else.
    pub fn dropout(&self, x: Var, share: f64) -> Var {
        match self.stream() {
            Some(stream) if share > 0.0 => self.tape.run(Dropout { share, stream }, &[&x]),
            _ => x,
        }
    }

    /// Random numbers for the next random layer of this step; none in evaluation.
    pub fn stream(&self) -> Option<Stream> {
        let Mode::Train { seed, step } = self.mode else { return None };
        let layer = self.layers.replace(self.layers.get() + 1);
        Some(Stream::new(seed, hash4([step, layer, 0x6472_6f70, 0])[0]))
    }
}
