//! Places and words: location encoders aligned with text, and what the embedding says of a city.

pub mod align;
pub mod encoding;
pub mod exact;
pub mod network;
pub mod metrics;
pub mod order;
pub mod probe;
pub mod regions;
pub mod space2vec;
