//! The page in a real Chromium: what a person does, and what must go wrong well. Run through `cargo xtask test browser`.

mod access;
mod compare;
mod encoder;
mod experts;
mod exports;
mod faults;
mod figures;
mod files;
mod jobs;
mod keeping;
mod language;
mod lessons;
mod links;
mod look;
mod map;
mod memory;
mod musts;
mod offline;
mod regions;
mod shaders;
mod study;
mod teaching;
mod training;

use anyhow::Result;
use espalier_tests::browser::Page;

/// Opens a bundled checkpoint and waits until it is there.
async fn open_bundled(page: &Page, query: &str, name: &str) -> Result<()> {
    page.open(query).await?;
    page.click(&format!("[data-test=bundled-{name}]")).await?;
    page.text_until("[data-test=checkpoint]", 30, |t| t.contains(name)).await.map(|_| ())
}
