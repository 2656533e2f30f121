//! Training of the supervised coordinate baseline ([`super::space2vec`]): the same encoder, told categories instead of texts.

use espalier_tensor::ops::layout::Gather;
use espalier_tensor::random::Stream;
use espalier_tensor::train::{Draft, Ledger, Rule, Schedule, Settings, Trainer};
use espalier_tensor::{Array, Session};

use super::city::City;
use super::encoding::Encoding;
use super::order::shuffled;
use super::run::{Config, placed};
use super::space2vec::{Sizes, Space2Vec, others};
use crate::method::{MethodError, Sink};

/// Other categories that a point's own is told from.
const OTHERS: usize = 10;
/// The paper's hidden width and category embedding.
const INNER: usize = 64;

/// A trained baseline.
pub struct Supervised {
    model: Space2Vec,
    trainer: Trainer,
    encoding: Encoding,
}

impl Supervised {
    /// Trains for `steps` with the settings of the run it is held against.
    ///
    /// # Errors
    /// The device's; a cancel; a loss that is no longer a number.
    pub async fn train(session: &Session, city: &City, config: &Config, steps: u32, sink: &dyn Sink) -> Result<Self, MethodError> {
        let mut draft = Draft::new(config.seed);
        let sizes = Sizes { features: config.encoding.width(), embedding: config.width, hidden: INNER, categories: city.texts.len(), width: INNER };
        let model = Space2Vec::new(&mut draft, config.architecture, sizes);
        let settings = Settings { rule: Rule::ADAMW, schedule: Schedule::constant(config.rate), decay: config.decay, clip: None };
        let mut trainer = Trainer::new(session, draft, settings, config.seed);
        let features = placed(session, config.encoding, &city.points);
        let n = city.points.len();
        let an_epoch = n.div_ceil(config.batch) as u32;
        let mut ledger = Ledger::default();
        let mut order = Vec::new();
        for step in 0..steps {
            sink.breathe().await?;
            if step % an_epoch == 0 {
                order = shuffled(n, config.seed, step / an_epoch);
            }
            let from = (step % an_epoch) as usize * config.batch;
            let rows = order[from..(from + config.batch).min(n)].to_vec();
            let own: Vec<u32> = rows.iter().map(|i| city.text_of[*i as usize]).collect();
            let other = session.upload(others(&own, city.texts.len() as u32, OTHERS, Stream::new(config.seed, 0x0050_ac00 ^ step)));
            let own = session.upload(Array::from_u32(&[own.len()], own));
            let rows = session.upload(Array::from_u32(&[rows.len()], rows));
            let x = session.run(&Gather, &[&features, &rows]);
            let taken = trainer.step(|pass| model.loss(pass, &pass.constant(x), &own, &other)).map_err(|e| MethodError::Inputs(e.to_string()))?;
            ledger.note(taken.step, taken.loss);
            session.breathe().await?;
        }
        if let Some((step, _)) = ledger.settle(session).await?.into_iter().find(|(_, l)| !l.is_finite()) {
            return Err(MethodError::Inputs(format!("the baseline’s loss is no longer a number at step {step}; try a smaller learning rate than {}", config.rate)));
        }
        Ok(Self { model, trainer, encoding: config.encoding })
    }

    /// Raw embeddings of places.
    ///
    /// # Errors
    /// The device's.
    pub async fn embed(&self, places: &[[f64; 2]]) -> Result<Vec<f32>, MethodError> {
        let session = self.trainer.session();
        let mut out = Vec::new();
        for part in places.chunks(4096) {
            let x = placed(session, self.encoding, part);
            let y = self.trainer.evaluate(|pass| self.model.encoder.forward(pass, &pass.constant(x)));
            out.extend(session.read(y.value()).await?.into_f32());
        }
        Ok(out)
    }
}
