//! Rotary positions: frequencies and their scalings, as transformers' `modeling_rope_utils` has them.

use std::f64::consts::PI;

use espalier_tensor::Array;
use serde_json::Value;

use super::ModelError;

/// How frequencies are stretched for contexts longer than trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    /// Not at all.
    Default,
    /// All frequencies divided by a factor (Chen et al. 2023).
    Linear {
        /// Factor.
        factor: f64,
    },
    /// The base grows with the length of a sequence beyond the trained context (NTK-aware).
    Dynamic {
        /// Factor.
        factor: f64,
        /// Trained context.
        context: f64,
    },
    /// Low frequencies divided, high ones kept, a ramp between them (Llama 3.1).
    Llama3 {
        /// Factor.
        factor: f64,
        /// Wavelengths over context/low are divided.
        low: f64,
        /// Wavelengths under context/high stay.
        high: f64,
        /// Trained context.
        context: f64,
    },
    /// A ramp over dimensions, and attention sharpened by a factor on cosines and sines (Peng et al. 2023).
    Yarn {
        /// Factor.
        factor: f64,
        /// Turns within the context above which a dimension stays.
        fast: f64,
        /// Turns below which it is divided.
        slow: f64,
        /// Trained context.
        context: f64,
        /// What cosines and sines are multiplied with.
        attention: f64,
        /// Whether the ends of the ramp are whole dimensions.
        truncate: bool,
    },
}

/// Rotary positions of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Base of the wavelengths.
    pub theta: f64,
    /// Elements of a head that are turned, an even number.
    pub dims: usize,
    /// Scaling.
    pub scaling: Scaling,
}

fn number(map: &Value, key: &str) -> Option<f64> {
    map.get(key).and_then(Value::as_f64)
}

fn setting(key: &str, why: impl Into<String>) -> ModelError {
    ModelError::Setting { key: key.into(), why: why.into() }
}

impl Rope {
    /// From `config.json` in either dialect, for heads of `head` elements.
    ///
    /// # Errors
    /// A scaling that is not known, or one whose numbers are missing.
    pub fn read(config: &Value, head: usize) -> Result<Self, ModelError> {
        let null = Value::Null;
        let new = config.get("rope_parameters").filter(|v| v.is_object());
        let old = config.get("rope_scaling").filter(|v| v.is_object());
        if new.is_some_and(|p| p.as_object().is_some_and(|m| !m.is_empty() && m.values().all(Value::is_object))) {
            return Err(ModelError::Unsupported { what: "rope_parameters".into(), why: "it differs between kinds of layers".into() });
        }
        let p = new.or(old).unwrap_or(&null);
        let theta = number(p, "rope_theta").or_else(|| number(config, "rope_theta")).or_else(|| number(config, "rotary_emb_base")).unwrap_or(10_000.0);
        let share = number(p, "partial_rotary_factor").or_else(|| number(config, "partial_rotary_factor")).or_else(|| number(config, "rotary_pct")).unwrap_or(1.0);
        let dims = (head as f64 * share) as usize / 2 * 2;
        if !(theta > 0.0 && theta.is_finite()) || dims == 0 || dims > head {
            return Err(setting("rope_theta", format!("and the share of rotary dimensions make no sense (θ = {theta}, {dims} of {head} dimensions)")));
        }
        let trained = || number(p, "original_max_position_embeddings").or_else(|| number(config, "original_max_position_embeddings"));
        let context = || number(config, "max_position_embeddings");
        let need = |key: &str, v: Option<f64>| v.filter(|v| *v > 0.0).ok_or_else(|| setting(key, "is needed by its rope scaling and is missing"));
        let factor = || need("rope_scaling.factor", number(p, "factor"));
        let kind = p.get("rope_type").or_else(|| p.get("type")).and_then(Value::as_str).unwrap_or("default");
        let scaling = match kind {
            "default" | "mrope" => Scaling::Default,
            "linear" => Scaling::Linear { factor: factor()? },
            "dynamic" => Scaling::Dynamic { factor: factor()?, context: need("max_position_embeddings", context())? },
            "llama3" => Scaling::Llama3 {
                factor: factor()?,
                low: need("rope_scaling.low_freq_factor", number(p, "low_freq_factor"))?,
                high: need("rope_scaling.high_freq_factor", number(p, "high_freq_factor"))?,
                context: need("rope_scaling.original_max_position_embeddings", trained())?,
            },
            "yarn" => {
                let context_trained = need("original_max_position_embeddings", trained().or_else(context))?;
                let factor = match number(p, "factor") {
                    Some(f) => f,
                    None => need("max_position_embeddings", context())? / context_trained,
                };
                Scaling::Yarn {
                    factor,
                    fast: number(p, "beta_fast").filter(|v| *v != 0.0).unwrap_or(32.0),
                    slow: number(p, "beta_slow").filter(|v| *v != 0.0).unwrap_or(1.0),
                    context: context_trained,
                    attention: number(p, "attention_factor").unwrap_or_else(|| yarn_attention(p, factor)),
                    truncate: p.get("truncate").and_then(Value::as_bool).unwrap_or(true),
                }
            }
            other => return Err(ModelError::Unsupported { what: format!("rope scaling “{other}”"), why: "default, linear, dynamic, llama3 and yarn are built".into() }),
        };
        Ok(Self { theta, dims, scaling })
    }

    /// Frequencies, one a pair, for sequences of `length`, and what cosines and sines are multiplied with.
    pub fn frequencies(&self, length: usize) -> (Vec<f64>, f64) {
        let d = self.dims as f64;
        let plain = |theta: f64| -> Vec<f64> { (0..self.dims / 2).map(|i| theta.powf(-((2 * i) as f64) / d)).collect() };
        match self.scaling {
            Scaling::Default => (plain(self.theta), 1.0),
            Scaling::Linear { factor } => (plain(self.theta).into_iter().map(|f| f / factor).collect(), 1.0),
            Scaling::Dynamic { factor, context } => {
                let long = (length as f64).max(context);
                let grown = self.theta * (factor * long / context - (factor - 1.0)).powf(d / (d - 2.0));
                (plain(grown), 1.0)
            }
            Scaling::Llama3 { factor, low, high, context } => {
                let stretch = |f: f64| {
                    let wave = 2.0 * PI / f;
                    if wave > context / low {
                        f / factor
                    } else if wave < context / high {
                        f
                    } else {
                        let smooth = (context / wave - low) / (high - low);
                        (1.0 - smooth) * f / factor + smooth * f
                    }
                };
                (plain(self.theta).into_iter().map(stretch).collect(), 1.0)
            }
            Scaling::Yarn { factor, fast, slow, context, attention, truncate } => {
                let dimension = |turns: f64| d * (context / (turns * 2.0 * PI)).ln() / (2.0 * self.theta.ln());
                let (mut low, mut high) = (dimension(fast), dimension(slow));
                if truncate {
                    (low, high) = (low.floor(), high.ceil());
                }
                let (low, mut high) = (low.max(0.0), high.min(d - 1.0));
                if low == high {
                    high += 0.001;
                }
                let mixed = plain(self.theta).into_iter().enumerate().map(|(i, f)| {
                    let ramp = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
                    f / factor * ramp + f * (1.0 - ramp)
                });
                (mixed.collect(), attention)
            }
        }
    }

    /// Cosines and sines `[length, dims]` of positions from 0, as the rope operation takes them.
    pub fn table(&self, length: usize) -> Array {
        let (frequencies, factor) = self.frequencies(length);
        let mut values = Vec::with_capacity(length * self.dims);
        for position in 0..length {
            let angle = |f: &f64| position as f64 * f;
            values.extend(frequencies.iter().map(|f| (angle(f).cos() * factor) as f32));
            values.extend(frequencies.iter().map(|f| (angle(f).sin() * factor) as f32));
        }
        Array::from_f32(&[length, self.dims], values)
    }
}

/// 0.1·ln(factor) + 1, or the quotient of two such where the configuration gives both weights.
fn yarn_attention(p: &Value, factor: f64) -> f64 {
    let scale = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
    match (number(p, "mscale").filter(|v| *v != 0.0), number(p, "mscale_all_dim").filter(|v| *v != 0.0)) {
        (Some(a), Some(b)) => scale(a) / scale(b),
        _ => scale(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_dialects_and_the_defaults() {
        let old = json!({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 4.0}});
        let new = json!({"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 4.0}});
        let rope = Rope::read(&old, 8).unwrap();
        assert_eq!(rope, Rope::read(&new, 8).unwrap());
        assert_eq!(rope.frequencies(10).0[0], 0.25);
        let neox = Rope::read(&json!({"rotary_pct": 0.25, "rotary_emb_base": 1e4}), 64).unwrap();
        assert_eq!((neox.dims, neox.theta), (16, 1e4));
        assert_eq!(Rope::read(&json!({}), 8).unwrap().theta, 1e4);
    }

    #[test]
    fn what_is_unknown_or_missing_is_named() {
        let error = |v: Value| Rope::read(&v, 8).unwrap_err().to_string();
        assert!(error(json!({"rope_scaling": {"type": "spiral"}})).contains("spiral"));
        assert!(error(json!({"rope_scaling": {"type": "linear"}})).contains("factor"));
        assert!(error(json!({"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}})).contains("original_max"));
    }

    #[test]
    fn short_sequences_do_not_see_the_dynamic_scaling() {
        let c = json!({"max_position_embeddings": 32, "rope_scaling": {"type": "dynamic", "factor": 2.0}});
        let rope = Rope::read(&c, 8).unwrap();
        assert_eq!(rope.frequencies(32).0, Rope::read(&json!({}), 8).unwrap().frequencies(32).0);
        assert!(rope.frequencies(64).0[1] < rope.frequencies(32).0[1]);
    }
}
