//! Chromium through all items, peers and rounds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use espalier_tests::browser::Page;
use serde_json::{Value, json};

use super::items::{Item, PAGE, PEERS};
use super::report::{Outcome, line};
use super::{Results, Wish, data};

/// One turn of one peer may take this long; one that needs more is said to be "over".
const LIMIT_MS: u64 = 120_000;
/// Navigations, of which the first does not count.
const STARTS: usize = 8;

/// Measures everything; gives a line about the machine, too.
pub async fn run(site: &Path, items: &[Item], wish: &Wish) -> Result<(String, Results)> {
    let page = Page::over(site, true).await?;
    page.driver.set_script_timeout(Duration::from_millis(LIMIT_MS + 30_000)).await?;
    page.visit("index.html").await?;
    let machine = machine(&page).await?;
    println!("{machine}");
    let mut results = Results::new();
    for item in items {
        let mut rows: Vec<(String, Outcome)> = item.peers.iter().filter(|p| wish.peer(p)).map(|p| ((*p).to_owned(), Outcome::default())).collect();
        if item.spec["kind"] == "startup" {
            for (name, outcome) in &mut rows {
                starts(&page, name, outcome).await.unwrap_or_else(|e| outcome.fail(format!("{e:#}")));
                println!("{:<26} {name:<28} {}", item.name, line(outcome, item.limit));
            }
        } else if item.spec["kind"] == "figures" {
            rows = figures(&page, item, wish.rounds).await?;
        } else {
            let mut spec = item.spec.clone();
            spec["groups"] = json!(data::groups(item)?);
            for _ in 0..wish.rounds {
                for (name, outcome) in rows.iter_mut().filter(|(_, o)| o.wants_more()) {
                    turn(&page, &spec, name, outcome).await.unwrap_or_else(|e| outcome.fail(format!("{e:#}")));
                }
            }
            for (name, outcome) in &rows {
                println!("{:<26} {name:<28} {}", item.name, line(outcome, item.limit));
            }
        }
        results.insert(item.name.clone(), rows);
    }
    page.driver.clone().quit().await.ok();
    Ok((machine, results))
}

/// One peer on one item, in a fresh page and worker.
async fn turn(page: &Page, spec: &Value, name: &str, outcome: &mut Outcome) -> Result<()> {
    let (_, module, option) = PEERS.iter().find(|p| p.0 == name).context("a known peer")?;
    page.visit("index.html").await?;
    let script = "const [item, peer, option, limit, done] = arguments;
        const go = () => globalThis.measure ? measure(item, peer, option, limit).then(done) : setTimeout(go, 10); go();";
    outcome.add(&page.js_async(script, json!([spec, module, option, LIMIT_MS])).await?);
    Ok(())
}

/// Every kind of figure, round by round, so that a busy minute strikes all of them.
async fn figures(page: &Page, item: &Item, rounds: usize) -> Result<Vec<(String, Outcome)>> {
    page.visit("figures.html").await?;
    let names = page.until("return globalThis.stage ? document.documentElement.dataset.kinds : null", 30).await.context("the figures' program did not start")?;
    let mut rows: Vec<(String, Outcome)> = names.as_str().unwrap_or_default().split('|').map(|n| (n.to_owned(), Outcome::default())).collect();
    for _ in 0..rounds {
        for (kind, (_, outcome)) in rows.iter_mut().enumerate() {
            let script = "const [what, kind, done] = arguments; globalThis[what](kind).then(done, (e) => done({ failed: String(e?.message ?? e) }));";
            outcome.add(&page.js_async(script, json!([item.spec["what"], kind])).await?);
        }
    }
    for (name, outcome) in &rows {
        println!("{:<26} {name:<28} {}", item.name, line(outcome, item.limit));
    }
    Ok(rows)
}

/// Navigations to the first product, each in a tab of its own; the server forbids the cache.
async fn starts(page: &Page, name: &str, outcome: &mut Outcome) -> Result<()> {
    let own = if name == PAGE { Some(PathBuf::from(std::env::var_os("ESPALIER_BUILT_PAGE").context("ESPALIER_BUILT_PAGE is not set")?)) } else { None };
    let own = match &own {
        Some(site) => Some(Page::over(site, true).await?),
        None => None,
    };
    let page = own.as_ref().unwrap_or(page);
    let (address, script) = match PEERS.iter().find(|p| p.0 == name) {
        Some((_, module, option)) => (format!("startup.html?peer={module}&option={option}"), "return globalThis.firstProduct ?? null"),
        None => (
            String::new(),
            "const ms = document.documentElement.dataset.firstProduct; return ms ? { ms: Number(ms) } : null",
        ),
    };
    for round in 0..STARTS {
        let tab = page.driver.new_tab().await?;
        page.driver.switch_to_window(tab).await?;
        page.visit(&address).await?;
        let first = page.until(script, 20).await.context("the page did not say that it had made its first product")?;
        if let Some(why) = first["failed"].as_str() {
            anyhow::bail!("{why}");
        }
        if round > 0 {
            outcome.add(&json!({ "times": [first["ms"]], "error": 0 }));
        }
        page.driver.close_window().await?;
        let left = page.driver.windows().await?;
        page.driver.switch_to_window(left.first().context("a window is left")?.clone()).await?;
    }
    if let Some(own) = own {
        own.driver.clone().quit().await.ok();
    }
    Ok(())
}

async fn machine(page: &Page) -> Result<String> {
    let script = "const done = arguments[0]; (async () => {
        const adapter = await navigator.gpu?.requestAdapter();
        const info = adapter?.info;
        const gpu = info ? `${info.vendor} ${info.architecture}${info.isFallbackAdapter ? ' (software)' : ''}` : 'no WebGPU adapter';
        done(`Chromium ${navigator.userAgent.match(/Chrome\\/([0-9.]+)/)[1]}, ${gpu}, ${navigator.hardwareConcurrency} cores`);
    })()";
    let text = page.js_async(script, json!([])).await?;
    let load = std::fs::read_to_string("/proc/loadavg").ok().and_then(|l| l.split(' ').next().map(|l| format!(", load {l} at the start")));
    Ok(format!("{}{}", text.as_str().unwrap_or_default(), load.unwrap_or_default()))
}
