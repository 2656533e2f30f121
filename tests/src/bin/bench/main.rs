//! `cargo xtask bench` ends here: makes inputs and references, drives Chromium through every item and peer, prints what came out.
//!
//! Peers take turns: each round runs every peer once, in a worker of its own, and the times of all rounds are taken together, so that a
//! busy minute of the machine strikes all of them. A result is checked before its time counts.

mod data;
mod drive;
mod forward;
mod items;
mod report;
mod step;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use items::Item;
use report::Outcome;

/// What is asked for, from the environment that the task sets.
struct Wish {
    only: Option<String>,
    peers: Option<String>,
    rounds: usize,
}

impl Wish {
    fn read() -> Result<Self> {
        let text = |name| std::env::var(name).ok();
        let rounds = text("ESPALIER_BENCH_ROUNDS").map_or(Ok(3), |r| r.parse()).context("ESPALIER_BENCH_ROUNDS is a number")?;
        Ok(Self { only: text("ESPALIER_BENCH_ONLY"), peers: text("ESPALIER_BENCH_PEERS"), rounds })
    }

    fn names(list: &Option<String>, name: &str) -> bool {
        list.as_ref().is_none_or(|l| l.split(',').any(|w| name.to_lowercase().contains(&w.trim().to_lowercase())))
    }

    fn item(&self, name: &str) -> bool {
        Self::names(&self.only, name)
    }

    /// Espalier itself is never left out.
    fn peer(&self, name: &str) -> bool {
        name.starts_with("Espalier") || Self::names(&self.peers, name)
    }
}

fn main() -> Result<()> {
    let site = PathBuf::from(std::env::var_os("ESPALIER_PAGE").context("run this through `cargo xtask bench`")?);
    let wish = Wish::read()?;
    let items: Vec<Item> = items::all().into_iter().filter(|i| wish.item(&i.name)).collect();
    if items.is_empty() {
        bail!("no item has that in its name; there are {}", items::all().iter().map(|i| i.name.clone()).collect::<Vec<_>>().join(", "));
    }
    for item in &items {
        data::make(&site.join("data"), item)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (machine, results) = runtime.block_on(drive::run(&site, &items, &wish))?;
    println!("\n{machine}");
    let wrong = report::print(&items, &results);
    if let Some(out) = std::env::var_os("ESPALIER_BENCH_OUT") {
        save(&PathBuf::from(out), &machine, &results)?;
    }
    if wrong > 0 {
        bail!("{wrong} of Espalier's own results are wrong or missing");
    }
    Ok(())
}

/// Results by item, then by peer in the order of the table.
type Results = BTreeMap<String, Vec<(String, Outcome)>>;

fn save(out: &std::path::Path, machine: &str, results: &Results) -> Result<()> {
    let items: BTreeMap<&String, BTreeMap<&String, Value>> = results.iter().map(|(item, rows)| (item, rows.iter().map(|(p, o)| (p, o.json())).collect())).collect();
    let all = json!({ "machine": machine, "items": items });
    std::fs::write(out, serde_json::to_string_pretty(&all)?).with_context(|| out.display().to_string())
}
