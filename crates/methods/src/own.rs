//! The model's own text: what the open model writes by itself, as a text to calibrate with (Ji et al. 2024, arXiv 2410.17711, found self-generated data among the best).
//!
//! It is written when a run first names it, and kept for the runs to come: [`DOCUMENTS`] texts from the model's beginning, at temperature 1, each word by lot among all. So that a
//! browser's CPU can write it in seconds, a word sees the [`SEEN`] before it and no more.

use std::rc::Rc;

use espalier_nets::models::{Block, Head, Model, NoHook, Sampling, draw_word};
use espalier_tensor::Session;
use espalier_tensor::ops::layout::Window;
use espalier_tensor::random::Stream as Random;

pub use crate::calibration::OWN;
use crate::calibration::Corpus;
use crate::method::{Inputs, MethodError};
use crate::work::Desk;

/// Texts that are written side by side.
const DOCUMENTS: usize = 4;
/// Words that the next one is drawn from.
const SEEN: usize = 64;
/// Weights up to which all blocks are held while it writes; a larger model's are brought one by one for every word.
const HELD: f64 = 2e8;

/// The inputs, with the model's own text among the texts where one of the lists of names asks for it. `length`: tokens a window, of which each document holds more than one.
///
/// # Errors
/// Those of the model and of the device, [`MethodError::Cancelled`].
pub async fn supplied<'a>(mut inputs: Inputs<'a>, names: &[&str], model: &Model<'_>, length: usize, session: &Session, desk: &Desk<'_>) -> Result<Inputs<'a>, MethodError> {
    let asks = names.iter().flat_map(|n| n.split(',')).any(|n| n.trim() == OWN);
    if !asks || inputs.texts.iter().any(|t| t.name == OWN) {
        return Ok(inputs);
    }
    let which = format!("{length} {} {}", inputs.seed, inputs.checkpoint.tensors.len());
    let known = inputs.kept.own.borrow().as_ref().filter(|(of, _)| *of == which).map(|(_, text)| text.clone());
    let text = match known {
        Some(text) => text,
        None => {
            let text = Rc::new(write(model, length + length / 2 + 1, inputs.seed, session, desk).await?);
            inputs.kept.own.replace(Some((which, text.clone())));
            text
        }
    };
    desk.note(format!("{OWN} is {} tokens that this model wrote itself, seed {}", text.tokens(), inputs.seed));
    inputs.texts.push(text);
    Ok(inputs)
}

/// Lets the model write.
async fn write(model: &Model<'_>, tokens: usize, seed: u64, session: &Session, desk: &Desk<'_>) -> Result<Corpus, MethodError> {
    let a = model.architecture();
    let seen = SEEN.min(a.context.unwrap_or(SEEN)).max(1);
    let sampling = Sampling { temperature: 1.0, ..Sampling::default() };
    let head = model.head(session).await?;
    let weights: f64 = model.checkpoint().matrices().iter().map(|m| m.elements() as f64).sum();
    let mut blocks = Vec::new();
    if weights <= HELD {
        for i in 0..model.blocks() {
            blocks.push(model.block(session, i).await?);
        }
    }
    let mut texts = vec![vec![a.bos.unwrap_or(0)]; DOCUMENTS];
    for at in 0..tokens.saturating_sub(1) {
        desk.step(at, tokens, "tokens", "the model’s own text").await?;
        let windows: Vec<Vec<u32>> = texts.iter().map(|t| t[t.len().saturating_sub(seen)..].to_vec()).collect();
        let logits = next(model, &blocks, &head, &windows, session).await?;
        for (i, (text, logits)) in texts.iter_mut().zip(&logits).enumerate() {
            let bad = logits.iter().filter(|x| !x.is_finite()).count();
            if bad > 0 {
                return Err(espalier_nets::models::ModelError::NotFinite { block: model.blocks(), count: bad }.into());
            }
            text.push(draw_word(logits, &sampling, Random::new(seed, i as u32), at as u32));
        }
    }
    let bytes = texts.iter().map(|t| t.len() as f64 * 4.0).sum();
    Ok(Corpus { name: OWN.into(), documents: texts.into_iter().map(Into::into).collect(), bytes, ..Corpus::default() })
}

/// Logits of the word behind each window.
async fn next(model: &Model<'_>, blocks: &[Block], head: &Head, windows: &[Vec<u32>], session: &Session) -> Result<Vec<Vec<f32>>, MethodError> {
    let mut stream = model.embed(session, windows, &[]).await?;
    for i in 0..model.blocks() {
        match blocks.get(i) {
            Some(block) => model.through(session, block, &mut stream, &mut NoHook).await?,
            None => model.through(session, &model.block(session, i).await?, &mut stream, &mut NoHook).await?,
        }
    }
    let mut out = Vec::new();
    for (batch, state) in stream.batches.iter().zip(&stream.states) {
        for n in 0..batch.sequences {
            let last = Window { shape: [1, model.architecture().hidden], down: ((n + 1) * batch.length - 1) as i32, right: 0 };
            out.push(head.logits(model.checkpoint(), session, &session.run(&last, &[state])).await?);
        }
    }
    Ok(out)
}
