//! `espalier diff` and `espalier replay`: what lies between two checkpoints, and what a record did.

use std::path::{Path, PathBuf};

use espalier_lab::protocol::{Check, Command, Reply};
use espalier_methods::report::{Difference, Finding, Report};
use serde_json::json;

use crate::city;
use crate::language;
use crate::args::{Common, Diff, Replay};
use crate::session::{Failure, Lab};
use crate::table::{Table, number, percent, shape};

/// Compares the second checkpoint with the first.
pub fn diff(args: &Diff) -> Result<String, Failure> {
    let common = Common { files: vec![args.first.clone()], device: args.device, json: args.json };
    let lab = Lab::open(&common)?;
    lab.open_second(&args.second)?;
    lab.device(&common)?;
    let report = match lab.answer(Command::Diff { job: 1, config: json!({ "spectra": args.spectra }) })? {
        Reply::Done { report, .. } => *report,
        other => return Err(Failure::strange(&other)),
    };
    if args.json {
        return Ok(serde_json::to_string_pretty(&report)? + "\n");
    }
    let warnings: String = report.warnings.iter().map(|w| format!("warning: {w}\n")).collect();
    Ok(format!("{}\n{}\n{warnings}", table(&report, args.all).text(), report.summary))
}

fn table(report: &Report, all: bool) -> Table {
    let mut t = Table::new(&["tensor", "state", "shape", ">relative change", ">largest change", ">zeros gained", ">zeros lost"]);
    for f in &report.findings {
        let Finding::Diff(d) = f else { continue };
        if d.state == Difference::Same && !all {
            continue;
        }
        let compared = matches!(d.state, Difference::Same | Difference::Changed | Difference::Factored);
        let cell = |text: String| if compared { text } else { "–".into() };
        let state = format!("{:?}", d.state).chars().fold(String::new(), |s, c| if c.is_uppercase() && !s.is_empty() { s + " " + &c.to_lowercase().to_string() } else { s + &c.to_lowercase().to_string() });
        let shapes = match &d.shapes {
            [a, b] if a == b || b.is_empty() => shape(a),
            [a, b] if a.is_empty() => shape(b),
            [a, b] => format!("{} → {}", shape(a), shape(b)),
        };
        t.row(vec![d.tensor.clone(), state, shapes, cell(d.relative.map_or("∞".into(), percent)), cell(number(d.largest)), cell(d.zeros_gained.to_string()), cell(d.zeros_lost.to_string())]);
    }
    t
}

/// Does a record again. Fails where a result differs.
pub fn replay(args: &Replay) -> Result<String, Failure> {
    let text = std::fs::read_to_string(&args.record).map_err(|e| {
        Failure::Usage(format!("{} could not be read", args.record.display()), format!("{e}."), "Give the file that was saved as run record.".into())
    })?;
    let lab = Lab::empty(args.json);
    for file in &args.files {
        lab.offer(file)?;
    }
    language::offer(&lab, &args.files, &args.text)?;
    lab.tell(Command::Points(city::bundled()));
    args.points.iter().try_for_each(|file| city::named(file).map(|f| lab.tell(Command::Points(f))))?;
    lab.device(&Common { files: Vec::new(), device: args.device, json: args.json })?;
    let replies = lab.answers(Command::Replay { job: 1, record: text })?;
    let mut rows = Table::new(&[">step", "what", "result"]);
    let mut verdict = None;
    let mut steps = Vec::new();
    for reply in replies {
        match reply {
            Reply::Step { index, title, check, .. } => {
                rows.row(vec![(index + 1).to_string(), title.clone(), words(&check)]);
                steps.push(json!({ "step": index + 1, "what": title, "check": check }));
            }
            Reply::Replayed { same, close, different, seconds, .. } => verdict = Some((same, close, different, seconds)),
            _ => {}
        }
    }
    let Some((same, close, different, seconds)) = verdict else { return Err(Failure::Usage("The record was not done to its end".into(), "It ended without a word.".into(), "This is a bug of ours: please report it.".into())) };
    let closing = format!("{same} results equal to the last bit, {close} within rounding, {different} different");
    if different > 0 {
        eprint!("{}", rows.text());
        return Err(Failure::Usage(
            "The record gave other results than it holds".into(),
            format!("{closing}."),
            "Compare the files with those of the record; with the same files and version on the CPU, this is a bug of ours: please report it.".into(),
        ));
    }
    if args.json {
        return Ok(serde_json::to_string_pretty(&json!({ "same": same, "close": close, "different": different, "steps": steps }))? + "\n");
    }
    Ok(format!("{}\n{closing}, in {seconds:.2} s\n", rows.text()))
}

fn words(check: &Check) -> String {
    match check {
        Check::Opened => "the file of the record".into(),
        Check::Same => "equal to the last bit".into(),
        Check::Close { largest } => format!("equal within {largest:.1e}"),
        Check::Differs { what, recorded, now } => format!("differs in {what}: {recorded} recorded, {now} now"),
    }
}

/// Writes the record of a session where one was asked for.
pub fn keep(lab: &Lab, place: Option<&PathBuf>) -> Result<(), Failure> {
    let Some(place) = place else { return Ok(()) };
    match lab.answer(Command::Record)? {
        Reply::Record { text, .. } => write(place, &text),
        other => Err(Failure::strange(&other)),
    }
}

/// Writes a small file.
pub fn write(place: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(place, text).map_err(|e| Failure::Usage(format!("{} was not written", place.display()), format!("{e}."), "Choose a place that may be written to.".into()))
}
