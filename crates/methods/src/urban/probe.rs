//! Probes: a small head learns land use or a distribution from frozen embeddings (specification urban-align §A5).

use espalier_tensor::nn::Linear;
use espalier_tensor::ops::elementwise::{Affine, Binary};
use espalier_tensor::ops::layout::Gather;
use espalier_tensor::ops::loss::CrossEntropy;
use espalier_tensor::ops::reduce::{Fold, FoldKind};
use espalier_tensor::ops::rows::LogSoftmax;
use espalier_tensor::tape::Var;
use espalier_tensor::train::{Draft, Ledger, Pass, Rule, Schedule, Settings, Trainer};
use espalier_tensor::{Array, Session, Tensor};

use super::order::shuffled;
use crate::method::{MethodError, Sink};

/// A head over embeddings.
#[derive(Clone, Debug)]
pub enum Head {
    /// One linear layer, `linear`.
    Linear(Linear),
    /// Two with ReLU between them, `fc1` and `fc2`.
    Mlp([Linear; 2]),
}

impl Head {
    /// A head from `inputs` to `outputs`; with a hidden width it has two layers.
    pub fn new(draft: &mut Draft, inputs: usize, hidden: Option<usize>, outputs: usize) -> Self {
        match hidden {
            None => Self::Linear(Linear::new(draft, "linear", inputs, outputs, true)),
            Some(width) => Self::Mlp([Linear::new(draft, "fc1", inputs, width, true), Linear::new(draft, "fc2", width, outputs, true)]),
        }
    }

    fn forward(&self, pass: &Pass, x: &Var) -> Var {
        match self {
            Self::Linear(layer) => layer.forward(pass, x),
            Self::Mlp([one, two]) => two.forward(pass, &pass.relu(&one.forward(pass, x))),
        }
    }
}

/// What a probe is to learn, one a row of embeddings.
#[derive(Clone, Debug)]
pub enum Truth {
    /// A class.
    Classes(Vec<u32>),
    /// Shares that sum to 1, row-major.
    Shares {
        /// Number of classes.
        classes: usize,
        /// `[rows, classes]`.
        values: Vec<f32>,
    },
}

/// Rows of embeddings and what they stand for.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Numbers a row.
    pub width: usize,
    /// `[rows, width]`.
    pub embeddings: Vec<f32>,
    /// One a row.
    pub truth: Truth,
}

impl Rows {
    /// How many.
    pub fn len(&self) -> usize {
        self.embeddings.len() / self.width.max(1)
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a probe is trained; the defaults are the paper's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Adam's learning rate.
    pub rate: f64,
    /// Rows a step.
    pub batch: usize,
    /// Most epochs.
    pub epochs: u32,
    /// Epochs without a better validation loss before it stops.
    pub patience: u32,
    /// Whether each epoch has its own order.
    pub shuffle: bool,
    /// Seed of first weights and orders.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { rate: 1e-3, batch: 128, epochs: 300, patience: 10, shuffle: true, seed: 42 }
    }
}

/// A trained probe.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Mean of the batches' losses of each epoch.
    pub train_losses: Vec<f64>,
    /// The same on the validation rows, after each epoch.
    pub val_losses: Vec<f64>,
    /// Epoch of the best validation loss, from 1.
    pub best_epoch: u32,
    /// Names and values of its weights.
    pub best: Vec<(String, Array)>,
    /// Logits of the test rows with those weights, row-major.
    pub test_logits: Vec<f32>,
    /// Classes.
    pub classes: usize,
}

impl Outcome {
    /// The class with the largest logit for each test row; the first of equal ones.
    pub fn labels(&self) -> Vec<u32> {
        let best = |row: &[f32]| row.iter().enumerate().fold(0, |b, (i, x)| if *x > row[b] { i } else { b }) as u32;
        self.test_logits.chunks(self.classes.max(1)).map(best).collect()
    }

    /// Predicted shares of each test row.
    pub fn shares(&self) -> Vec<Vec<f64>> {
        let softmax = |row: &[f32]| {
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            let e: Vec<f64> = row.iter().map(|x| f64::from(x - largest).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.into_iter().map(|x| x / sum).collect()
        };
        self.test_logits.chunks(self.classes.max(1)).map(softmax).collect()
    }
}

/// Rows on a device.
struct Placed {
    x: Tensor,
    y: Tensor,
    n: usize,
}

impl Placed {
    fn new(session: &Session, rows: &Rows) -> Self {
        let n = rows.len();
        let x = session.upload(Array::from_f32(&[n, rows.width], rows.embeddings.clone()));
        let y = session.upload(match &rows.truth {
            // Labels travel as a column, so that rows can be gathered.
            Truth::Classes(labels) => Array::from_u32(&[n, 1], labels.clone()),
            Truth::Shares { classes, values } => Array::from_f32(&[n, *classes], values.clone()),
        });
        Self { x, y, n }
    }

    fn batch(&self, session: &Session, index: &[u32]) -> (Tensor, Tensor) {
        let index = session.upload(Array::from_u32(&[index.len()], index.to_vec()));
        (session.run(&Gather, &[&self.x, &index]), session.run(&Gather, &[&self.y, &index]))
    }
}

/// Mean cross-entropy, or KL(truth ‖ prediction) summed over classes and averaged over rows (0 ln 0 = 0).
fn loss(pass: &Pass, logits: &Var, y: &Tensor, classes: bool, entropy: &Tensor) -> Var {
    if classes {
        let labels = pass.constant(y.reshape([y.spec().len()]));
        return pass.run(Fold::all(FoldKind::Mean), &[&pass.run(CrossEntropy, &[logits, &labels])]);
    }
    let n = y.spec().shape[0].max(1);
    let log = pass.run(LogSoftmax, &[logits]);
    let cross = pass.run(Fold::all(FoldKind::Sum), &[&pass.mul(&pass.constant(y.clone()), &log)]);
    let difference = pass.run(Binary::Sub, &[&pass.constant(entropy.clone()), &cross]);
    pass.run(Affine::scale(1.0 / n as f32), &[&difference])
}

/// Σ t ln t of the rows in a batch: the part of KL that does not depend on the prediction.
fn entropy(session: &Session, truth: &Truth, index: &[u32]) -> Tensor {
    let sum = match truth {
        Truth::Classes(_) => 0.0,
        Truth::Shares { classes, values } => {
            let rows = index.iter().flat_map(|&i| &values[i as usize * classes..][..*classes]);
            rows.filter(|t| **t > 0.0).map(|t| f64::from(*t) * f64::from(*t).ln()).sum::<f64>()
        }
    };
    session.upload(Array::from_f32(&[], vec![sum as f32]))
}

/// Trains a head on `train`, keeps the weights of the lowest loss on `val`, and applies them to `test`. `first` gives first weights by name instead of random ones.
///
/// # Errors
/// [`MethodError::Inputs`] without rows or where the loss is no longer a number; the device's; a cancel.
pub async fn probe(session: &Session, sink: &dyn Sink, [train, val, test]: [&Rows; 3], hidden: Option<usize>, classes: usize, recipe: Recipe, first: &[(String, Array)]) -> Result<Outcome, MethodError> {
    if train.is_empty() || val.is_empty() {
        return Err(MethodError::Inputs(format!("a probe needs rows to learn from and to stop by; there are {} and {}", train.len(), val.len())));
    }
    let mut draft = Draft::new(recipe.seed);
    let head = Head::new(&mut draft, train.width, hidden, classes);
    for (name, value) in first {
        if !draft.set(name, value.clone()) {
            return Err(MethodError::Inputs(format!("the probe has no parameter {name} of this shape")));
        }
    }
    let settings = Settings { rule: Rule::ADAMW, schedule: Schedule::constant(recipe.rate), decay: 0.0, clip: None };
    let mut trainer = Trainer::new(session, draft, settings, recipe.seed);
    let [on_train, on_val, on_test] = [train, val, test].map(|rows| Placed::new(session, rows));
    let by_class = matches!(train.truth, Truth::Classes(_));
    let mut outcome = Outcome { train_losses: Vec::new(), val_losses: Vec::new(), best_epoch: 0, best: Vec::new(), test_logits: Vec::new(), classes };
    let mut best: Option<(f64, Vec<Tensor>)> = None;
    for epoch in 0..recipe.epochs {
        let order = if recipe.shuffle { shuffled(on_train.n, recipe.seed, epoch) } else { (0..on_train.n as u32).collect() };
        let mut ledger = Ledger::default();
        for index in order.chunks(recipe.batch.max(1)) {
            let (x, y) = on_train.batch(session, index);
            let known = entropy(session, &train.truth, index);
            let step = trainer.step(|pass| loss(pass, &head.forward(pass, &pass.constant(x)), &y, by_class, &known));
            ledger.note(epoch, step.map_err(|e| MethodError::Inputs(e.to_string()))?.loss);
            sink.breathe().await?;
        }
        let steps = ledger.waiting();
        let all: Vec<u32> = (0..on_val.n as u32).collect();
        for index in all.chunks(recipe.batch.max(1)) {
            let (x, y) = on_val.batch(session, index);
            let known = entropy(session, &val.truth, index);
            ledger.note(epoch, trainer.evaluate(|pass| loss(pass, &head.forward(pass, &pass.constant(x)), &y, by_class, &known)).value().clone());
        }
        let losses: Vec<f64> = ledger.settle(session).await?.into_iter().map(|(_, l)| f64::from(l)).collect();
        let mean = |l: &[f64]| l.iter().sum::<f64>() / l.len() as f64;
        let (on_train, on_val) = (mean(&losses[..steps]), mean(&losses[steps..]));
        if !on_train.is_finite() || !on_val.is_finite() {
            return Err(MethodError::Inputs(format!("the probe's loss is no longer a number in epoch {}; try a smaller learning rate, or look for infinite embeddings", epoch + 1)));
        }
        outcome.train_losses.push(on_train);
        outcome.val_losses.push(on_val);
        if best.as_ref().is_none_or(|(lowest, _)| on_val < *lowest) {
            outcome.best_epoch = epoch + 1;
            best = Some((on_val, trainer.parameters().hold()));
        } else if epoch + 1 - outcome.best_epoch >= recipe.patience {
            break;
        }
    }
    let (_, held) = best.ok_or_else(|| MethodError::Inputs("a probe learns for at least one epoch".into()))?;
    let logits = trainer.parameters().evaluate_held(session, &held, |pass| head.forward(pass, &pass.constant(on_test.x.clone()))).value().clone();
    let mut wanted: Vec<&Tensor> = held.iter().collect();
    wanted.push(&logits);
    let mut read = session.read_many(&wanted).await?;
    outcome.test_logits = read.pop().map(Array::into_f32).unwrap_or_default();
    outcome.best = trainer.parameters().keys().map(|k| trainer.parameters().name(k).to_owned()).zip(read).collect();
    Ok(outcome)
}
