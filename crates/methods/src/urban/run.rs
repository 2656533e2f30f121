//! Training a location encoder on a city (specification urban-align §A4), step by step.

use espalier_tensor::ops::layout::Gather;
use espalier_tensor::train::{Draft, Ledger, Pass, Rule, Schedule, Settings, Snapshot, Trainer};
use espalier_tensor::{Array, Session, Tensor};
use serde::{Deserialize, Serialize};

use super::align::{Aligner, own_places};
use super::city::City;
use super::encoding::{Encoding, Scales};
use super::network::Architecture;
use super::order::shuffled;
use crate::config::bad;
use crate::method::{MethodError, Sink};
use crate::report::Event;

/// Steps between two looks at the losses.
const READ_EVERY: usize = 10;
/// Before the names of the best weights so far, in a saved run.
const BEST: &str = "best.";

/// How the encoder is made and trained; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Points to features.
    pub encoding: Encoding,
    /// Features to embeddings.
    pub architecture: Architecture,
    /// Numbers an embedding.
    pub width: usize,
    /// Points a step; all of them where there are fewer.
    pub batch: usize,
    /// Times that every point is seen.
    pub epochs: u32,
    /// Most steps, where fewer are wanted than the epochs have.
    pub steps: Option<u32>,
    /// AdamW's learning rate.
    pub rate: f64,
    /// Its weight decay, of matrices.
    pub decay: f64,
    /// Share of the points that is kept aside to validate.
    pub validation: f64,
    /// Whether text embeddings are brought to length 1, too.
    pub normalise_text: bool,
    /// Seed of first weights, order, dropout and split.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            encoding: Encoding::Grid(Scales::PAPER),
            architecture: Architecture::PAPER,
            width: 128,
            batch: 1024,
            epochs: 100,
            steps: None,
            rate: 1e-3,
            decay: 0.01,
            validation: 0.1,
            normalise_text: false,
            seed: 42,
        }
    }
}

/// A run between two steps.
pub struct Run {
    pub(super) config: Config,
    pub(super) model: Aligner,
    pub(super) trainer: Trainer,
    /// `[points, features]` and `[texts, text features]` on the device.
    pub(super) features: Tensor,
    pub(super) texts: Tensor,
    pub(super) text_of: Vec<u32>,
    train: Vec<u32>,
    /// Points that are kept aside.
    pub(super) val: Vec<u32>,
    /// The order of one epoch.
    order: (u32, Vec<u32>),
    ledger: Ledger,
    best: Option<Best>,
}

/// The weights of the lowest validation loss so far.
struct Best {
    loss: f64,
    step: u32,
    held: Vec<Tensor>,
}

/// Which weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those of the last step.
    Last,
    /// Those of the lowest validation loss (the paper's choice; it can cost much of what the probe sees).
    Best,
}

impl Run {
    /// Puts a city and fresh weights on a device.
    ///
    /// # Errors
    /// [`MethodError::Config`] for settings that cannot be, [`MethodError::Inputs`] for a city without points.
    pub fn new(session: &Session, city: &City, config: Config) -> Result<Self, MethodError> {
        config.encoding.check().map_err(|e| bad("encoding", e.to_string()))?;
        if config.width == 0 || config.batch == 0 {
            return Err(bad(if config.width == 0 { "width" } else { "batch" }, "at least 1"));
        }
        if !(0.0..1.0).contains(&config.validation) || !(config.rate > 0.0 && config.rate.is_finite()) {
            return Err(bad("validation", "a share from 0 to below 1, and a positive rate"));
        }
        if city.points.len() < 2 {
            return Err(MethodError::Inputs("a city needs at least two points".into()));
        }
        let n = city.points.len();
        let order = shuffled(n, config.seed, u32::MAX);
        let kept = ((n as f64 * config.validation).ceil() as usize).min(n - 1);
        let (val, train) = (order[..kept].to_vec(), order[kept..].to_vec());
        let mut draft = Draft::new(config.seed);
        let width = config.encoding.width();
        let model = Aligner::new(&mut draft, config.architecture, width, city.text_width, config.width, config.normalise_text);
        let settings = Settings { rule: Rule::ADAMW, schedule: Schedule::constant(config.rate), decay: config.decay, clip: None };
        let trainer = Trainer::new(session, draft, settings, config.seed);
        let features = placed(session, config.encoding, &city.points);
        let texts = session.upload(Array::from_f32(&[city.texts.len(), city.text_width], city.embeddings.clone()));
        Ok(Self { config, model, trainer, features, texts, text_of: city.text_of.clone(), train, val, order: (u32::MAX, Vec::new()), ledger: Ledger::default(), best: None })
    }

    /// Steps of one epoch; the last may be a smaller batch.
    pub fn steps_an_epoch(&self) -> u32 {
        self.train.len().div_ceil(self.config.batch) as u32
    }

    /// Steps of the whole run.
    pub fn total(&self) -> u32 {
        let all = self.steps_an_epoch() * self.config.epochs;
        self.config.steps.map_or(all, |most| most.min(all))
    }

    /// Steps taken.
    pub fn steps(&self) -> u32 {
        self.trainer.steps()
    }

    /// Where it trains.
    pub fn session(&self) -> &Session {
        self.trainer.session()
    }

    /// The loss of a model that knows nothing, ln of the batch.
    pub fn chance(&self) -> f64 {
        (self.config.batch.min(self.train.len()) as f64).ln()
    }

    /// Trains to step `until`, the end, or the step before which somebody has the run wait, asks for it as it stands, or says that it is enough. After each epoch the validation loss is taken and the best weights are kept aside. Every step asks the sink, so that it
    /// can be held and cancelled there; losses come as metrics `loss` and `validation loss`, a few steps late.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] with the step where the loss is no longer a number; a cancel; the device's.
    pub async fn advance(&mut self, sink: &dyn Sink, until: u32) -> Result<(), MethodError> {
        let an_epoch = self.steps_an_epoch();
        let from = self.steps();
        while self.steps() < until.min(self.total()) {
            sink.breathe().await?;
            // Before it waits, its caller has a look; a run that has not moved since waits here.
            if self.steps() > from && sink.waits() || sink.enough() {
                break;
            }
            sink.step().await?;
            if sink.enough() || sink.wanted() {
                break;
            }
            let (epoch, place) = (self.steps() / an_epoch, self.steps() % an_epoch);
            if self.order.0 != epoch {
                self.order = (epoch, shuffled(self.train.len(), self.config.seed, epoch));
            }
            let from = place as usize * self.config.batch;
            let rows = &self.order.1[from..(from + self.config.batch).min(self.train.len())];
            let rows: Vec<u32> = rows.iter().map(|i| self.train[*i as usize]).collect();
            let batch = self.batch(&rows);
            let step = self.trainer.step(|pass| self.model.loss(pass, &pass.constant(batch[0].clone()), &pass.constant(batch[1].clone()), &batch[2]));
            let step = step.map_err(|e| MethodError::Inputs(e.to_string()))?;
            self.ledger.note(step.step, step.loss);
            // Hands the step over.
            self.session().clone().breathe().await?;
            let epoch_ends = place + 1 == an_epoch;
            if self.ledger.waiting() >= READ_EVERY || epoch_ends {
                self.settle(sink).await?;
            }
            if epoch_ends && !self.val.is_empty() {
                self.validate(sink).await?;
            }
        }
        self.settle(sink).await
    }

    /// Points of the batch of a step, counted from 0: the last of an epoch may be smaller, and its chance level with it.
    fn taken(&self, step: u32) -> usize {
        let place = step % self.steps_an_epoch();
        self.config.batch.min(self.train.len() - place as usize * self.config.batch)
    }

    /// Reads the losses that wait.
    async fn settle(&mut self, sink: &dyn Sink) -> Result<(), MethodError> {
        let session = self.session().clone();
        for (step, loss) in self.ledger.settle(&session).await? {
            sink.event(Event::Metric { series: "loss".into(), step: f64::from(step), value: f64::from(loss) });
            let chance = (self.taken(step) as f64).ln();
            sink.event(Event::Metric { series: "below chance".into(), step: f64::from(step), value: chance - f64::from(loss) });
            if !loss.is_finite() {
                return Err(MethodError::Inputs(format!(
                    "the loss is no longer a number at step {step}; try a smaller learning rate than {}, or bring the texts to length 1",
                    self.config.rate
                )));
            }
        }
        let (done, total) = (f64::from(self.steps()), f64::from(self.total()));
        sink.event(Event::Progress { done, total, unit: "steps".into(), label: String::new() });
        Ok(())
    }

    /// The loss on the points that were kept aside, in batches as in training, weighted by their sizes.
    async fn validate(&mut self, sink: &dyn Sink) -> Result<(), MethodError> {
        let mut ledger = Ledger::default();
        let sizes: Vec<usize> = self.val.chunks(self.config.batch).map(<[u32]>::len).collect();
        for rows in self.val.chunks(self.config.batch) {
            let [x, text, own] = self.batch(rows);
            let loss = self.trainer.evaluate(|pass| self.model.loss(pass, &pass.constant(x), &pass.constant(text), &own));
            ledger.note(0, loss.value().clone());
        }
        let losses = ledger.settle(self.session()).await?;
        let sum: f64 = losses.iter().zip(&sizes).map(|((_, l), n)| f64::from(*l) * *n as f64).sum();
        let loss = sum / self.val.len() as f64;
        let step = self.steps();
        sink.event(Event::Metric { series: "validation loss".into(), step: f64::from(step), value: loss });
        let chance: f64 = sizes.iter().map(|n| (*n as f64).ln() * *n as f64).sum::<f64>() / self.val.len() as f64;
        sink.event(Event::Metric { series: "held out below chance".into(), step: f64::from(step), value: chance - loss });
        if self.best.as_ref().is_none_or(|b| loss < b.loss) {
            self.best = Some(Best { loss, step, held: self.trainer.parameters().hold() });
        }
        Ok(())
    }

    /// Loss and step of the best validation so far.
    pub fn best(&self) -> Option<(f64, u32)> {
        self.best.as_ref().map(|b| (b.loss, b.step))
    }

    /// Features, texts and own places of these points.
    fn batch(&self, rows: &[u32]) -> [Tensor; 3] {
        let session = self.session();
        let list = |v: Vec<u32>| session.upload(Array::from_u32(&[v.len()], v));
        let texts = list(rows.iter().map(|i| self.text_of[*i as usize]).collect());
        let rows = list(rows.to_vec());
        let own = own_places(session, rows.spec().len());
        [session.run(&Gather, &[&self.features, &rows]), session.run(&Gather, &[&self.texts, &texts]), own]
    }

    /// Embeddings `[points, width]` of any points, raw as the probes take them.
    ///
    /// # Errors
    /// The device's.
    pub async fn embed(&self, points: &[[f64; 2]], which: Which) -> Result<Vec<f32>, MethodError> {
        let mut out = Vec::with_capacity(points.len() * self.config.width);
        let session = self.session();
        for part in points.chunks(4096) {
            let x = placed(session, self.config.encoding, part);
            let forward = |pass: &Pass| self.model.encoder.forward(pass, &pass.constant(x));
            let y = match (&self.best, which) {
                (Some(best), Which::Best) => self.trainer.parameters().evaluate_held(session, &best.held, forward),
                _ => self.trainer.evaluate(forward),
            };
            out.extend(session.read(y.value()).await?.into_f32());
        }
        Ok(out)
    }

    /// Everything needed to go on; the best weights so far as `best.NAME`, with [`best`](Self::best) beside them.
    ///
    /// # Errors
    /// The device's.
    pub async fn snapshot(&self) -> Result<Snapshot, MethodError> {
        let mut snapshot = self.trainer.snapshot().await?;
        if let Some(best) = &self.best {
            let values = self.session().read_many(&best.held.iter().collect::<Vec<_>>()).await?;
            let names = self.trainer.parameters().keys().map(|k| format!("{BEST}{}", self.trainer.parameters().name(k)));
            snapshot.tensors.extend(names.zip(values));
        }
        Ok(snapshot)
    }

    /// Goes on from a snapshot of a run over the same city with the same settings; `best` is what [`best`](Self::best) said of it.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] where it does not fit.
    pub fn restore(&mut self, snapshot: &Snapshot, best: Option<(f64, u32)>) -> Result<(), MethodError> {
        if snapshot.seed != self.config.seed {
            return Err(MethodError::Inputs(format!("the saved run has seed {}, this one {}: its order and its split are others", snapshot.seed, self.config.seed)));
        }
        if snapshot.step > self.total() {
            return Err(MethodError::Inputs(format!("the saved run has taken {} steps already, and these settings end at {}; set more epochs", snapshot.step, self.total())));
        }
        self.trainer.restore(snapshot).map_err(|e| MethodError::Inputs(e.to_string()))?;
        let Some((loss, step)) = best else { return Ok(()) };
        let parameters = self.trainer.parameters();
        let held = parameters.keys().map(|key| {
            let name = format!("{BEST}{}", parameters.name(key));
            let found = snapshot.tensors.iter().find(|(n, a)| *n == name && a.spec() == *parameters.spec(key));
            found.map(|(_, a)| self.session().upload(a.clone())).ok_or_else(|| MethodError::Inputs(format!("the saved run has no tensor {name} of the right shape; it was changed after it was saved")))
        });
        let held = held.collect::<Result<Vec<_>, _>>()?;
        self.best = Some(Best { loss, step, held });
        Ok(())
    }
}

/// Features of points on the device.
pub(super) fn placed(session: &Session, encoding: Encoding, points: &[[f64; 2]]) -> Tensor {
    let features = encoding.encode(points).into_iter().map(|v| v as f32).collect();
    session.upload(Array::from_f32(&[points.len(), encoding.width()], features))
}
