//! The tokenizer: a program of its own in a worker of its own, fetched when a text is first tokenized, for it weighs as much as the rest of the page.
//!
//! [`client`] is the page's side, [`serve`] the program's; between them go [`message`]s as bytes.

pub mod client;
pub mod message;
pub mod serve;

pub use client::Tokens;
