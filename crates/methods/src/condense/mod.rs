//! Condense-MoE (Cao et al. 2024, arXiv 2412.00069; specification lowrank-moe §2): sparse layers become small dense ones. Experts are scored by their mean
//! gate weight, a greedy search inside each layer picks those that keep its output, a second one picks the layers.

mod card;
mod config;
mod figures;
mod layout;
mod reference;
mod rivals;
mod run;
mod search;

pub use card::CARD;
pub use config::{Choose, Config, Metric, Repair, Unrouted, Variant};
pub use figures::at_memory;
pub use layout::{Beside, NOTHING, beside, unnumbered};
pub use reference::{Published, published};
pub use rivals::ARMS;
pub use run::ENTRY;
pub use search::{Pick, Search};
