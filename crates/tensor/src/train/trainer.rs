//! The loop's body: one step.

use super::{Draft, Key, Mode, Parameters, Pass, Rule, Schedule, Snapshot, SnapshotError};
use crate::array::Array;
use crate::error::Result;
use crate::ops::elementwise::{Affine, Binary, Unary};
use crate::ops::reduce::{Fold, FoldKind};
use crate::session::{Session, Tensor};
use crate::tape::{NotDifferentiable, Tape, Var};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The optimiser.
    pub rule: Rule,
    /// Its learning rate over steps.
    pub schedule: Schedule,
    /// Weight decay λ of tensors with two or more axes (not of biases, scales or temperatures).
    pub decay: f64,
    /// The gradient of all parameters together is scaled down to at most this Euclidean norm.
    pub clip: Option<f64>,
}

/// What a step leaves on the device.
pub struct Step {
    /// The step's number, from 0.
    pub step: u32,
    /// Its loss, before the weights moved.
    pub loss: Tensor,
    /// Euclidean norm of the gradient of all parameters, before clipping; only where it is clipped.
    pub norm: Option<Tensor>,
}

/// A network's parameters in training.
pub struct Trainer {
    session: Session,
    settings: Settings,
    parameters: Parameters,
    frozen: Vec<Key>,
    step: u32,
    seed: u64,
    one: Tensor,
}

impl Trainer {
    /// Before the first step.
    pub fn new(session: &Session, draft: Draft, settings: Settings, seed: u64) -> Self {
        let parameters = Parameters::new(session, draft, settings.rule);
        let one = session.upload(Array::from_f32(&[], vec![1.0]));
        Self { session: session.clone(), settings, parameters, frozen: Vec::new(), step: 0, seed, one }
    }

    /// Where it runs.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The settings; they may be changed between steps, but for the rule.
    pub fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.step
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Leaves these parameters as they are from now on.
    pub fn freeze(&mut self, keys: Vec<Key>) {
        self.frozen = keys;
    }

    /// One step down the gradient of the scalar that `loss` makes. Nothing is read.
    ///
    /// # Errors
    /// An operation of the network has no gradient.
    pub fn step(&mut self, loss: impl FnOnce(&Pass) -> Var) -> std::result::Result<Step, NotDifferentiable> {
        let mode = Mode::Train { seed: self.seed, step: self.step };
        let pass = Pass::new(Tape::new(self.session.clone()), &self.parameters, mode, &self.frozen);
        let loss = loss(&pass);
        let mut slopes = pass.tape().gradients(&loss)?;
        let gradients: Vec<(Key, Option<Tensor>)> = self.parameters.keys().map(|key| (key, slopes.take(pass.parameter(key)))).collect();
        // The weights are free to be renewed in place once nothing else holds them.
        drop((pass, slopes));
        let (scale, norm) = match self.settings.clip {
            Some(most) => {
                let norm = norm(&self.session, gradients.iter().filter_map(|(_, g)| g.as_ref()));
                (clip_scale(&self.session, &norm, most), Some(norm))
            }
            None => (self.one.clone(), None),
        };
        let rate = self.settings.schedule.at(self.step);
        for (key, gradient) in gradients {
            let Some(gradient) = gradient else { continue };
            let decay = if self.parameters.spec(key).shape.len() >= 2 { self.settings.decay } else { 0.0 };
            self.parameters.renew(&self.session, key, &gradient, &scale, rate, decay, self.step + 1);
        }
        self.step += 1;
        Ok(Step { step: self.step - 1, loss: loss.value().clone(), norm })
    }

    /// A pass in evaluation, over the parameters as they are.
    pub fn evaluate<T>(&self, run: impl FnOnce(&Pass) -> T) -> T {
        run(&Pass::new(Tape::new(self.session.clone()), &self.parameters, Mode::Eval, &[]))
    }

    /// Reads everything that the run needs to go on.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot { step: self.step, seed: self.seed, tensors: self.parameters.read(&self.session).await? })
    }

    /// Goes on from a snapshot.
    ///
    /// # Errors
    /// A tensor is missing or has another shape; nothing is changed then.
    pub fn restore(&mut self, snapshot: &Snapshot) -> std::result::Result<(), SnapshotError> {
        let find = |name: &str| snapshot.tensors.iter().find(|(n, _)| n == name).map(|(_, a)| a.clone());
        self.parameters.restore(&self.session, &find).map_err(|(name, spec)| SnapshotError { name, spec })?;
        self.step = snapshot.step;
        self.seed = snapshot.seed;
        Ok(())
    }
}

/// √Σ‖g‖² on the device.
fn norm<'a>(session: &Session, gradients: impl Iterator<Item = &'a Tensor>) -> Tensor {
    let squares = gradients.map(|g| session.run(&Fold::all(FoldKind::SumSquares), &[g]));
    let sum = squares.reduce(|a, b| session.run(&Binary::Add, &[&a, &b]));
    let sum = sum.unwrap_or_else(|| session.upload(Array::from_f32(&[], vec![0.0])));
    session.run(&Unary::Sqrt, &[&sum])
}

/// min(1, most / (norm + 1e-6)), as PyTorch clips.
fn clip_scale(session: &Session, norm: &Tensor, most: f64) -> Tensor {
    let inverse = session.run(&Unary::Reciprocal, &[&session.run(&Affine { scale: 1.0, shift: 1e-6 }, &[norm])]);
    let scale = session.run(&Affine::scale(most as f32), &[&inverse]);
    let one = session.upload(Array::from_f32(&[], vec![1.0]));
    session.run(&Binary::Min, &[&scale, &one])
}
