//! Which text to prune by: one model, pruned after reading different texts, judged on several (Williams and Aletras 2024 and Ji et al. 2024 asked the same of large models;
//! specification prune §8).

mod agreement;
mod claims;
mod config;
mod report;
mod run;
mod sources;

pub use claims::claims;
pub use agreement::Masks;
pub use config::{CARD, Config, Known, cell};
pub use run::ENTRY;
pub use sources::{MIXTURE, RANDOM, REPEATED, name_of};
