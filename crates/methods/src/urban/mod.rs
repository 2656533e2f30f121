//! Places and words: location encoders aligned with text, and what the embedding says of a city.

pub mod align;
pub mod baselines;
pub mod city;
pub mod compare;
pub mod encoding;
pub mod exact;
pub mod metrics;
pub mod network;
pub mod ngrams;
pub mod order;
pub mod probe;
pub mod regions;
pub mod run;
pub mod space2vec;
