//! The run record: what was done to which checkpoint, as a small JSON text that can be kept, compared, and done again.
//!
//! `{"espalier":"0.1.0","record":1,"checkpoint":{…},"device":"…","steps":[{"method":…,"config":…,"matrices":…,"seed":…,"summary":…}],"link":"#…"}`

use serde_json::{Map, Value, json};

use crate::app::state::{Asked, State};

/// Version of the format.
pub const VERSION: u64 = 1;
/// A record is a few kilobytes; nothing larger is read as one.
pub const LONGEST: f64 = (4 << 20) as f64;

/// One run of a record and what it said at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The run.
    pub asked: Asked,
    /// Its report's one sentence, numbers and all.
    pub summary: String,
}

/// A record that has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// The checkpoint's name, or the city's where none was open.
    pub name: String,
    /// Runs, in their order.
    pub steps: Vec<Step>,
    /// The view at its end.
    pub link: String,
}

/// Writes the record of what is shown. `link` is the address's hash.
pub fn write(state: &State, link: &str, at_ms: f64) -> String {
    let said = |a: &Asked| state.reports.get(&a.method).map_or_else(String::new, |r| r.summary.clone());
    let shown = state.shown.iter().map(|a| (a, said(a)));
    let steps = shown.chain(state.town.ran.iter().map(|r| (&r.asked, r.summary.clone()))).map(|(a, said)| {
        // A 64-bit seed is text, for most readers of JSON hold numbers in 53 bits.
        json!({ "method": a.method, "config": a.config, "matrices": a.matrices, "seed": a.seed.to_string(), "summary": said })
    });
    let checkpoint = state.summary.as_ref().map(|s| json!({ "name": s.name, "bytes": s.bytes, "header_sha256": s.header_hash }));
    json!({
        "espalier": env!("CARGO_PKG_VERSION"),
        "record": VERSION,
        "at_ms": at_ms,
        "checkpoint": checkpoint,
        "city": state.town.ran.as_ref().and(state.town.picture.as_ref()).map(|p| p.name.clone()),
        "device": state.device.as_ref().map(|d| d.name.clone()),
        "steps": steps.collect::<Vec<_>>(),
        "link": link,
    })
    .to_string()
}

/// Reads a record.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn read(text: &str) -> Result<Journal, String> {
    let all: Map<String, Value> = serde_json::from_str(text).map_err(|e| format!("It is not JSON any more: {e}."))?;
    match all.get("record").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(v) => return Err(format!("It is a record of version {v}; this page reads version {VERSION}.")),
        None => return Err("It has no \"record\" key, so it is no run record.".into()),
    }
    let text_of = |v: Option<&Value>| v.and_then(Value::as_str).unwrap_or_default().to_owned();
    let steps = all.get("steps").and_then(Value::as_array).ok_or("It has no list of steps.")?;
    let name = all.get("checkpoint").and_then(|c| c.get("name")).or(all.get("city"));
    let mut out = Journal { name: text_of(name), link: text_of(all.get("link")), steps: Vec::new() };
    for (i, s) in steps.iter().enumerate() {
        let wrong = |what: &str| format!("Step {} {what}.", i + 1);
        let method = s.get("method").and_then(Value::as_str).ok_or_else(|| wrong("names no method"))?.to_owned();
        let matrices = match s.get("matrices") {
            None | Some(Value::Null) => None,
            Some(Value::Array(a)) => Some(a.iter().map(|n| n.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>().ok_or_else(|| wrong("lists a matrix that is not a name"))?),
            Some(_) => return Err(wrong("has matrices that are no list")),
        };
        let seed = match s.get("seed") {
            Some(Value::String(t)) => t.parse().ok(),
            Some(n) => n.as_u64(),
            None => Some(7),
        };
        let seed = seed.ok_or_else(|| wrong("has a seed that is no whole number from 0 to 2⁶⁴ − 1"))?;
        let config = s.get("config").cloned().unwrap_or_else(|| json!({}));
        out.steps.push(Step { asked: Asked { method, config, matrices, seed }, summary: text_of(s.get("summary")) });
    }
    Ok(out)
}

/// One line for a list of records: the checkpoint and the methods.
pub fn title(journal: &Journal) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for s in &journal.steps {
        if !methods.contains(&s.asked.method.as_str()) {
            methods.push(&s.asked.method);
        }
    }
    format!("{} · {}", journal.name, methods.join(", "))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::app::reduce::tests::summary;

    #[test]
    fn a_record_comes_back_and_hand_edits_are_told() {
        let asked = Asked { method: "magnitude".into(), config: json!({ "sparsity": 0.3 }), matrices: Some(vec!["0.q".into()]), seed: u64::MAX };
        let state = State { summary: Some(Rc::new(summary())), shown: Rc::new(vec![asked.clone()]), ..State::default() };
        let text = write(&state, "#v=1", 5.0);
        let journal = read(&text).expect("ours");
        assert_eq!((journal.steps[0].asked.clone(), journal.link.as_str()), (asked, "#v=1"));
        assert_eq!(title(&journal), "two · magnitude");
        for (from, to, word) in [
            ("\"record\":1", "\"record\":9", "version 9"),
            ("\"record\":1", "\"rec\":1", "no run record"),
            ("\"method\":\"magnitude\"", "\"method\":3", "Step 1 names no method"),
            ("[\"0.q\"]", "[3]", "Step 1 lists a matrix"),
            ("\"18446744073709551615\"", "\"-1\"", "Step 1 has a seed"),
            ("}", "", "not JSON"),
        ] {
            assert!(text.contains(from), "{from} is in {text}");
            let why = read(&text.replace(from, to)).expect_err(to);
            assert!(why.contains(word), "{to}: {why}");
        }
    }
}
