//! What a source of a study gives: windows of a text, of all of them, or of none.

use std::collections::HashMap;

use super::config::{Config, list};
use crate::calibration::{OWN, Calibration, Corpus, Draw, Format, PythonRandom, Recipe, draw};
use crate::config::bad;
use crate::method::{Inputs, MethodError};
use crate::text;

/// The same share of every other text.
pub const MIXTURE: &str = "mixture";
/// Tokens by lot.
pub const RANDOM: &str = "random";
/// The commonest token of the first text, again and again.
pub const REPEATED: &str = "repeated";

const FORMATS: [(&str, Format); 5] =
    [("windows", Format::Windows), ("zero", Format::Zero), ("single", Format::Single), ("in_context", Format::InContext), ("chain_of_thought", Format::ChainOfThought)];

/// The text of a source: what stands before its format.
pub fn name_of(source: &str) -> &str {
    match source.rsplit_once(':') {
        Some((name, format)) if FORMATS.iter().any(|(f, _)| *f == format) => name,
        _ => source,
    }
}

fn is_control(source: &str) -> bool {
    [MIXTURE, RANDOM, REPEATED].contains(&source)
}

/// The sources and the domains of a study.
///
/// # Errors
/// No text, a name that no text has, fewer than two sources.
pub fn plan(config: &Config, inputs: &Inputs<'_>) -> Result<(Vec<String>, Vec<String>), MethodError> {
    let all: Vec<String> = inputs.texts.iter().map(|t| t.name.clone()).collect();
    let mut sources = list(&config.sources);
    if sources.is_empty() {
        sources = all.iter().cloned().chain([MIXTURE, RANDOM, REPEATED].map(str::to_owned)).collect();
    }
    let mut domains = list(&config.domains);
    if domains.is_empty() {
        domains = all;
    }
    for source in sources.iter().filter(|s| !is_control(s)) {
        text::named(inputs, name_of(source), "sources", false)?;
    }
    for domain in &domains {
        text::named(inputs, domain, "domains", false)?;
    }
    if sources.len() < 2 || domains.is_empty() {
        return Err(bad("sources", "a comparison needs at least two sources and one domain"));
    }
    Ok((sources, domains))
}

fn format_of(source: &str, corpus: &Corpus) -> Format {
    let named = source.rsplit_once(':').and_then(|(_, f)| FORMATS.iter().find(|(n, _)| *n == f));
    named.map_or(if corpus.documents.is_empty() { Format::InContext } else { Format::Windows }, |(_, f)| *f)
}

/// The windows of a source.
///
/// # Errors
/// A text that is too short, a format that it does not have.
pub fn windows(source: &str, sources: &[String], config: &Config, inputs: &Inputs<'_>, length: usize, seed: u64, vocabulary: usize) -> Result<Calibration, MethodError> {
    let samples = config.samples as usize;
    let recipe = |format, samples| Recipe { format, samples, length, seed, text_length: None, in_context: None, steps: None };
    let from = |source: &str, samples| {
        let corpus = text::named(inputs, name_of(source), "sources", false)?;
        draw(corpus, &recipe(format_of(source, corpus), samples))
    };
    let whole = |windows: Vec<Vec<u32>>| Calibration { padding: vec![0; windows.len()], windows };
    match source {
        MIXTURE => {
            // Of several formats of a text one is enough.
            let mut parts: Vec<&String> = Vec::new();
            for s in sources.iter().filter(|s| !is_control(s) && **s != OWN) {
                if !parts.iter().any(|p| name_of(p) == name_of(s)) {
                    parts.push(s);
                }
            }
            let each = (samples / parts.len().max(1)).max(1);
            let mut out = Calibration::default();
            for part in parts {
                let one = from(part, each)?;
                out.windows.extend(one.windows);
                out.padding.extend(one.padding);
            }
            if out.windows.is_empty() {
                return Err(bad("sources", "a mixture needs texts to mix"));
            }
            Ok(out)
        }
        RANDOM => {
            let mut random = PythonRandom::new(seed);
            let last = vocabulary.saturating_sub(1) as u64;
            Ok(whole((0..samples).map(|_| (0..length).map(|_| Draw::between(&mut random, 0, last) as u32).collect()).collect()))
        }
        REPEATED => {
            let first = sources.iter().find(|s| !is_control(s)).map_or("", |s| name_of(s));
            let first = text::named(inputs, first, "sources", false)?;
            let mut counts: HashMap<u32, usize> = HashMap::new();
            let tokens = first.documents.iter().flat_map(|d| d.iter()).chain(first.examples.iter().flat_map(|e| e.single.iter()));
            tokens.for_each(|t| *counts.entry(*t).or_default() += 1);
            let common = counts.into_iter().max_by_key(|(t, n)| (*n, std::cmp::Reverse(*t))).map_or(0, |(t, _)| t);
            Ok(whole(vec![vec![common; length]; samples]))
        }
        _ => from(source, samples),
    }
}
