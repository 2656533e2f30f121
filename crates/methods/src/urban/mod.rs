//! Places and words: location encoders aligned with text, and what the embedding says of a city.

pub mod align;
pub mod baselines;
pub mod calliper;
pub mod city;
pub mod clusters;
pub mod compare;
pub mod encoding;
pub mod exact;
pub mod look;
pub mod made;
pub mod metrics;
pub mod near;
pub mod network;
pub mod ngrams;
pub mod order;
pub mod picture;
pub mod place2vec;
pub mod places;
pub mod probe;
pub mod regions;
pub mod run;
pub mod sentences;
pub mod similar;
pub mod space2vec;
pub mod supervised;
pub mod town;
