//! Mixtures of experts seen and thinned: which experts a text wakes, what is left of a model without some of them, and what that costs.
//!
//! A [`Plan`] says what becomes of each block; [`Bench`] measures a model under it, [`Sizes`] counts it. The methods are `experts` (a routing record of a text) and
//! `thin` (a plan made by hand); [`condense`](crate::condense) searches for one.

mod balance;
mod bench;
mod figures;
mod plan;
mod routing;
mod run;
mod sizes;
mod tally;
mod thin;
mod watch;

pub use balance::Balance;
pub use bench::{Bench, divergences, passes, score};
pub use plan::{BlockChange, Change, Plan, Point};
pub use routing::{Measure, Routing};
pub use run::{CARD, Config, ENTRY};
pub use sizes::Sizes;
pub use tally::Tally;
pub use thin::{CARD as THIN_CARD, Config as ThinConfig, ENTRY as THIN_ENTRY, check};
pub use watch::Watch;

use espalier_nets::models::Model;

use crate::method::MethodError;

/// The blocks with a mixture of experts, and what the configuration says of it.
///
/// # Errors
/// A model without experts: what it is, and what to open instead.
pub fn mixtures(model: &Model<'_>) -> Result<(Vec<usize>, espalier_nets::models::Experts), MethodError> {
    let a = model.architecture();
    let blocks = model.mixtures();
    match a.experts {
        Some(e) if !blocks.is_empty() => Ok((blocks, e)),
        Some(_) => Err(MethodError::Inputs(format!(
            "all {} mixtures of this {} have been condensed: no router is left to choose among experts; open the checkpoint that it was made of",
            a.layers, a.model_type
        ))),
        None => Err(MethodError::Inputs(format!(
            "this is a dense model ({}, {} blocks) without experts; open a mixture of experts (Qwen2-MoE, DeepSeek-MoE, Mixtral, OLMoE), for instance the bundled shakespeare-moe",
            a.model_type, a.layers
        ))),
    }
}
