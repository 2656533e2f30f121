//! Next words: the likeliest, and texts that go on.

use espalier_tensor::Session;
use espalier_tensor::ops::layout::Window;
use espalier_tensor::random::Stream as Random;

use super::{Model, ModelError, NoHook};

/// How the next word is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest word; higher is more varied.
    pub temperature: f64,
    /// Only among this many likeliest; 0 for all.
    pub top_k: usize,
    /// Only among the likeliest that together hold this share.
    pub top_p: f64,
    /// Same seed, same text.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, seed: 0 }
    }
}

/// A text that goes on word by word.
pub struct Generate<'a, 'b> {
    model: &'b Model<'a>,
    session: &'b Session,
    ids: Vec<u32>,
    sampling: Sampling,
    drawn: u32,
}

/// The `k` likeliest words of one row of logits and their probabilities; equal ones by the lower number.
pub fn top_words(logits: &[f32], k: usize) -> Vec<(u32, f64)> {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = logits.iter().map(|&x| f64::from(x - largest).exp()).sum();
    let mut order: Vec<u32> = (0..logits.len() as u32).collect();
    order.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
    order.truncate(k);
    order.into_iter().map(|i| (i, f64::from(logits[i as usize] - largest).exp() / sum)).collect()
}

impl<'a, 'b> Generate<'a, 'b> {
    /// Begins behind these words. An empty prompt begins with the model's own beginning.
    pub fn new(model: &'b Model<'a>, session: &'b Session, prompt: &[u32], sampling: Sampling) -> Self {
        let ids = if prompt.is_empty() { vec![model.architecture().bos.unwrap_or(0)] } else { prompt.to_vec() };
        Self { model, session, ids, sampling, drawn: 0 }
    }

    /// All words so far.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Logits of the next word. Only the last `context` words are looked at.
    ///
    /// # Errors
    /// Those of the model.
    pub async fn logits(&self) -> Result<Vec<f32>, ModelError> {
        let context = self.model.architecture().context.unwrap_or(usize::MAX).max(1);
        let seen = self.ids[self.ids.len().saturating_sub(context)..].to_vec();
        let (session, rows) = (self.session, seen.len());
        let head = self.model.head(session).await?;
        let mut stream = self.model.embed(session, &[seen], &[]).await?;
        for i in 0..self.model.blocks() {
            let block = self.model.block(session, i).await?;
            self.model.through(session, &block, &mut stream, &mut NoHook).await?;
        }
        let last = Window { shape: [1, self.model.architecture().hidden], down: (rows - 1) as i32, right: 0 };
        head.logits(self.model.checkpoint(), session, &session.run(&last, &[&stream.states[0]])).await
    }

    /// The next word, appended; `None` where the model ended its text.
    ///
    /// # Errors
    /// Those of the model; [`ModelError::NotFinite`] where the logits are none.
    pub async fn step(&mut self) -> Result<Option<u32>, ModelError> {
        let logits = self.logits().await?;
        let bad = logits.iter().filter(|x| !x.is_finite()).count();
        if bad > 0 {
            return Err(ModelError::NotFinite { block: self.model.blocks(), count: bad });
        }
        let word = self.draw(&logits);
        if self.model.architecture().eos.contains(&word) {
            return Ok(None);
        }
        self.ids.push(word);
        Ok(Some(word))
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let at = self.drawn;
        if self.sampling.temperature > 0.0 {
            self.drawn += 1;
        }
        draw_word(logits, &self.sampling, Random::new(self.sampling.seed, 0), at)
    }
}

/// A word by these logits: the likeliest at temperature 0, else by lot with the number at place `at` of a stream.
pub fn draw_word(logits: &[f32], sampling: &Sampling, random: Random, at: u32) -> u32 {
    let Sampling { temperature, top_k, top_p, .. } = *sampling;
    if temperature <= 0.0 {
        return top_words(logits, 1).first().map_or(0, |w| w.0);
    }
    let warm: Vec<f32> = logits.iter().map(|x| (f64::from(*x) / temperature) as f32).collect();
    let mut words = top_words(&warm, if top_k == 0 { warm.len() } else { top_k });
    let mut held = 0.0;
    let enough = words.iter().position(|(_, p)| {
        held += p;
        held >= top_p
    });
    words.truncate(enough.map_or(words.len(), |i| i + 1));
    let total: f64 = words.iter().map(|(_, p)| p).sum();
    let mut left = f64::from(random.uniform(at)) * total;
    for (word, p) in &words {
        left -= p;
        if left < 0.0 {
            return *word;
        }
    }
    words.last().map_or(0, |w| w.0)
}
