//! A city to learn from: points in metres, each with a text, and the embeddings of the distinct texts.

use std::collections::HashMap;

use crate::method::MethodError;

/// Points and what is written of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct City {
    /// Coordinates, in metres where the encoding's scales are in metres.
    pub points: Vec<[f64; 2]>,
    /// The distinct texts.
    pub texts: Vec<String>,
    /// Which of them each point has.
    pub text_of: Vec<u32>,
    /// Numbers a text.
    pub text_width: usize,
    /// `[texts, text_width]`.
    pub embeddings: Vec<f32>,
}

impl City {
    /// A city from points and their texts; `embed` makes a row of `text_width` numbers of each distinct text.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] for fewer than two points, or as many texts as there are not points; what `embed` says.
    pub fn new(points: Vec<[f64; 2]>, texts: &[String], text_width: usize, embed: impl FnOnce(&[String]) -> Result<Vec<f32>, MethodError>) -> Result<Self, MethodError> {
        if points.len() != texts.len() || points.len() < 2 {
            return Err(MethodError::Inputs(format!("{} points with {} texts: at least two points with a text each are needed to tell one from another", points.len(), texts.len())));
        }
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut distinct = Vec::new();
        let text_of = texts
            .iter()
            .map(|t| {
                *known.entry(t.as_str()).or_insert_with(|| {
                    distinct.push(t.clone());
                    distinct.len() as u32 - 1
                })
            })
            .collect();
        let embeddings = embed(&distinct)?;
        if embeddings.len() != distinct.len() * text_width || embeddings.iter().any(|x| !x.is_finite()) {
            return Err(MethodError::Inputs("the texts' embeddings are not one row of finite numbers each".into()));
        }
        Ok(Self { points, texts: distinct, text_of, text_width, embeddings })
    }

    /// A number that tells this city from another: of its points, of which text each has, and of the texts' embeddings, to the last bit (FNV-1a, 64 bits).
    pub fn digest(&self) -> u64 {
        let words = self.points.iter().flatten().map(|v| v.to_bits());
        let words = words.chain(self.text_of.iter().map(|t| u64::from(*t))).chain(self.embeddings.iter().map(|v| u64::from(v.to_bits())));
        words.fold(0xcbf2_9ce4_8422_2325, |h, w| (h ^ w).wrapping_mul(0x0100_0000_01b3))
    }

    /// What a person should know before training: places or texts that cannot be told apart.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let first = self.points.first();
        if self.points.iter().all(|p| Some(p) == first) {
            out.push("all points are at one place: no location can be learnt, and the loss stays at its chance level".into());
        }
        if self.texts.len() == 1 {
            out.push("all texts are the same: the loss stays at its chance level".into());
        }
        let empty = self.text_of.iter().filter(|t| self.texts[**t as usize].trim().is_empty()).count();
        if empty > 0 {
            out.push(format!("{empty} points have an empty description"));
        }
        out
    }
}
