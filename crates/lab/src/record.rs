//! The run record: everything that was done, as JSON that can be kept, sent and done again.
//!
//! A record holds no weights and no paths: checkpoints are named by their files, lengths and the SHA-256 of their headers, results by digests and
//! the numbers that matter. It carries a digest of itself, so that one that was edited by hand is told from one that was written here.

use std::fmt::Write as _;

use espalier_methods::report::{Finding, Report, Spectrum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::protocol::{Edits, Slot, Summary};

/// Version of the form that is written here; older ones are read, newer ones refused.
pub const VERSION: u32 = 1;
/// Most steps that are kept; a page that is open for days forgets the oldest runs.
pub const MOST_STEPS: usize = 1000;

/// What was done, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the form: [`VERSION`].
    pub version: u32,
    /// Version of Espalier that wrote it.
    pub espalier: String,
    /// `wasm32`, `x86_64`: other processors round differently in the last digits.
    pub platform: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// SHA-256 of all of the above.
    pub digest: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A checkpoint was opened.
    Open {
        /// In which place.
        slot: Slot,
        /// What it is.
        checkpoint: Named,
    },
    /// A method was run over the first one.
    Run {
        /// Registry key.
        method: String,
        /// Configuration, defaults filled in.
        config: Value,
        /// Names of the matrices; `None` for all.
        matrices: Option<Vec<String>>,
        /// Spectra that were taken from earlier steps, by name.
        known: Vec<String>,
        /// Seed.
        seed: u64,
        /// On what.
        device: Where,
        /// What came out.
        result: Outcome,
    },
    /// The two were compared.
    Diff {
        /// Configuration.
        config: Value,
        /// On what.
        device: Where,
        /// What came out.
        result: Outcome,
    },
    /// A copy was written.
    Export {
        /// What was changed.
        edits: Edits,
        /// What went into `__metadata__`.
        provenance: Vec<(String, String)>,
        /// On what.
        device: Where,
        /// Bytes of the file.
        bytes: u64,
        /// SHA-256 of the file.
        sha256: String,
    },
}

impl Step {
    /// As JSON on one line.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Adds a step to those that are kept, each as its text. Where there are too many the oldest result goes; what was opened must stay. What is opened
/// again in its place, by a worker that was started anew, is no new step.
pub fn keep(steps: &mut Vec<String>, step: String) {
    // The tag comes first, and the place after it.
    const OPENED: &str = r#"{"step":"open","#;
    let place = |s: &str| s.starts_with(OPENED).then(|| s.split(r#""checkpoint":"#).next().map_or(0, str::len));
    if let Some(length) = place(&step)
        && steps.iter().rev().find(|s| s.get(..length) == step.get(..length)) == Some(&step)
    {
        return;
    }
    if steps.len() == MOST_STEPS {
        let oldest = steps.iter().position(|s| !s.starts_with(OPENED)).unwrap_or(0);
        steps.remove(oldest);
    }
    steps.push(step);
}

/// A record of these steps, as [`Record::text`] would write it.
pub(crate) fn text(steps: &[String]) -> String {
    let head = head(VERSION, env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    laid_out(&head, steps, &digest(&head, steps))
}

fn head(version: u32, espalier: &str, platform: &str) -> String {
    let quoted = |s: &str| Value::from(s).to_string();
    format!(r#""version":{version},"espalier":{},"platform":{}"#, quoted(espalier), quoted(platform))
}

/// Of the whole in its shortest form, with an empty digest.
fn digest(head: &str, steps: &[String]) -> String {
    sha256(format!(r#"{{{head},"steps":[{}],"digest":""}}"#, steps.join(",")).as_bytes())
}

/// One step a line, for people and for `diff`.
fn laid_out(head: &str, steps: &[String], digest: &str) -> String {
    format!("{{{head},\n\"steps\":[\n{}\n],\n\"digest\":\"{digest}\"}}\n", steps.join(",\n"))
}

/// A checkpoint by what it is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Name for people.
    pub name: String,
    /// Hub id or address, where it was opened by one.
    pub address: Option<String>,
    /// Files and their lengths in bytes.
    pub files: Vec<(String, u64)>,
    /// SHA-256 of all headers.
    pub header_sha256: String,
}

impl Named {
    /// From what the headers say.
    pub fn of(summary: &Summary) -> Self {
        Self {
            name: summary.name.clone(),
            address: summary.address.clone(),
            files: summary.files.iter().map(|(n, b)| (n.clone(), *b as u64)).collect(),
            header_sha256: summary.header_hash.clone(),
        }
    }
}

/// The device of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// WGSL ran.
    pub gpu: bool,
    /// Its name.
    pub name: String,
}

/// What came out of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// SHA-256 of the whole report: equal digests, equal bits.
    pub sha256: String,
    /// The report's sentence.
    pub summary: String,
    /// The numbers that matter, for reading and for comparing where bits cannot be equal.
    pub numbers: Vec<(String, f64)>,
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a string does not fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

impl Outcome {
    /// Of a report.
    pub fn of(report: &Report) -> Self {
        let mut numbers: Vec<(String, f64)> = report.stats.iter().map(|s| (s.label.clone(), s.value)).collect();
        for finding in &report.findings {
            numbers.extend(of_finding(finding));
        }
        // JSON has no NaN and no infinities.
        numbers.retain(|(_, v)| v.is_finite());
        Self { sha256: sha256(&serde_json::to_vec(report).unwrap_or_default()), summary: report.summary.clone(), numbers }
    }
}

fn of_finding(finding: &Finding) -> Vec<(String, f64)> {
    let row = |name: &str, values: &[(&str, f64)]| values.iter().map(|(what, v)| (format!("{name}: {what}"), *v)).collect();
    match finding {
        Finding::Spectrum(s) => row(&label(s), &[("largest singular value", s.values.first().copied().unwrap_or(0.0)), ("stable rank", s.stable_rank), ("Frobenius norm", s.frobenius)]),
        Finding::Profile(p) => row(&p.tensor, &[("zeros", p.zeros), ("Frobenius norm", p.frobenius)]),
        Finding::Pruned(p) => row(&p.tensor, &[("zeros", p.zeros), ("error", p.error)]),
        Finding::Rank(c) => row(&c.tensor, &[("rank", f64::from(c.kept)), ("error", c.error)]),
        Finding::Diff(d) => row(&d.tensor, &[("relative change", d.relative.unwrap_or(f64::NAN)), ("differing", d.differing)]),
        Finding::Routing(r) => {
            let (even, mass) = (0..r.layers()).fold((0.0, 0.0), |(e, m), l| (e + r.balance(l, usize::MAX).entropy, m + r.path(0, l).map(|(_, w)| f64::from(w)).sum::<f64>()));
            row(&r.text, &[("tokens", r.length() as f64), ("sum of load entropies", even), ("gate weight of the first token", mass)])
        }
        Finding::Pick(p) => row(&format!("block {} step {}", p.block, p.step), &[("expert", p.expert.map_or(-1.0, f64::from)), ("divergence", p.score)]),
        Finding::Point(p) => row(&format!("{} {} draw {}", p.arm, p.step, p.draw), &[("parameters", p.parameters), ("perplexity", p.perplexity)]),
        #[allow(unreachable_patterns, reason = "methods to come bring findings of their own, which the digest covers")]
        _ => Vec::new(),
    }
}

/// Name of a spectrum's matrix.
pub fn label(s: &Spectrum) -> String {
    espalier_methods::key(&s.tensor, s.slice)
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is no JSON.
    #[error("it is not valid JSON: {0}")]
    Json(String),
    /// It is something else.
    #[error("it is JSON, but not a run record: {0}")]
    Other(String),
    /// A newer version wrote it.
    #[error("it has version {found}, and versions up to {VERSION} can be read")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// A field is missing, unknown, or of the wrong kind.
    #[error("{0}")]
    Field(String),
    /// The digest is not that of the content.
    #[error("its digest does not fit its content: something in it was changed after it was written")]
    Edited,
    /// Nothing was done.
    #[error("it has no steps")]
    Empty,
}

impl RecordError {
    /// What to do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Other(_) => "Choose a file that was saved as run record; if it was cut on its way, get it again.",
            Self::Newer { .. } => "Reload the page, or install the newest command line, and try again.",
            Self::Field(_) | Self::Edited => "Use the record as it was saved; to do something else, change the settings in the page and save a new record.",
            Self::Empty => "Open a checkpoint and run something, then save the record.",
        }
    }
}

impl Record {
    /// A whole record of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        let platform = std::env::consts::ARCH.to_owned();
        let mut record = Self { version: VERSION, espalier: env!("CARGO_PKG_VERSION").into(), platform, steps, digest: String::new() };
        record.digest = record.own_digest();
        record
    }

    fn own_digest(&self) -> String {
        digest(&self.head(), &self.steps.iter().map(Step::text).collect::<Vec<_>>())
    }

    /// As text for a file.
    pub fn text(&self) -> String {
        laid_out(&self.head(), &self.steps.iter().map(Step::text).collect::<Vec<_>>(), &self.digest)
    }

    fn head(&self) -> String {
        head(self.version, &self.espalier, &self.platform)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`]: no JSON, something else, of a newer version, with a field that is not right, or edited.
    pub fn read(text: &str) -> Result<Self, RecordError> {
        let value: Value = serde_json::from_str(text).map_err(|e| RecordError::Json(e.to_string()))?;
        let Some(fields) = value.as_object() else { return Err(RecordError::Other("it is not an object".into())) };
        let Some(version) = fields.get("version").and_then(Value::as_u64).filter(|_| fields.contains_key("steps")) else {
            return Err(RecordError::Other("it has no version or no steps".into()));
        };
        if version > u64::from(VERSION) {
            return Err(RecordError::Newer { found: version });
        }
        // From the text, so that the place of what is wrong is known.
        let record: Self = serde_json::from_str(text).map_err(|e| RecordError::Field(e.to_string()))?;
        if record.digest != record.own_digest() {
            return Err(RecordError::Edited);
        }
        if record.steps.is_empty() { Err(RecordError::Empty) } else { Ok(record) }
    }
}

/// How a step that was done again compares with the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// A checkpoint: it is the one of the record.
    Opened,
    /// The same to the last bit.
    Same,
    /// The same numbers within what another device or processor may round.
    Close {
        /// Largest relative difference.
        largest: f64,
    },
    /// Another result.
    Differs {
        /// The first number that differs, or what else does.
        what: String,
        /// As recorded.
        recorded: f64,
        /// As it came out now.
        now: f64,
    },
}

/// What other devices and processors may differ by: the bar that singular values on a GPU are held to.
pub const CLOSE: f64 = 1e-5;

/// Compares outcomes; `exact` where the same processor worked on the CPU both times.
pub fn compare(recorded: &Outcome, now: &Outcome, exact: bool) -> Check {
    if recorded.sha256 == now.sha256 {
        return Check::Same;
    }
    let differs = |what: &str, recorded, now| Check::Differs { what: what.into(), recorded, now };
    let mut largest = 0.0f64;
    for (i, (name, value)) in recorded.numbers.iter().enumerate() {
        let Some((other, again)) = now.numbers.get(i) else { return differs(name, *value, f64::NAN) };
        let gap = (value - again).abs() / value.abs().max(again.abs()).max(f64::MIN_POSITIVE);
        if other != name || gap > CLOSE {
            return differs(name, *value, *again);
        }
        largest = largest.max(gap);
    }
    if exact || now.numbers.len() != recorded.numbers.len() {
        return differs("the report, in more than its headline numbers", recorded.numbers.len() as f64, now.numbers.len() as f64);
    }
    Check::Close { largest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let named = Named { name: "m".into(), address: None, files: vec![("m.safetensors".into(), 10)], header_sha256: "ab".into() };
        Record::new(vec![Step::Open { slot: Slot::First, checkpoint: named }])
    }

    #[test]
    fn a_record_is_read_back_and_an_edited_one_is_not() {
        let text = record().text();
        assert_eq!(Record::read(&text).unwrap(), record());
        // Another layout of the same content is the same record.
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(Record::read(&value.to_string()).unwrap(), record());
        let edits: [(&str, &str); 5] = [("\"m.safetensors\"", "\"n.safetensors\""), ("10", "11"), ("\"slot\":\"First\"", "\"slot\":\"Second\""), ("\"ab\"", "\"ac\""), ("\"x86_64\"", "\"arm\"")];
        for (from, to) in edits {
            let edited = text.replacen(from, to, 1);
            assert_eq!(Record::read(&edited), if edited == text { Ok(record()) } else { Err(RecordError::Edited) }, "{from}");
        }
    }

    #[test]
    fn what_an_engine_kept_makes_the_same_record_and_nothing_is_opened_twice_in_a_row() {
        let named = |name: &str| Named { name: name.into(), address: None, files: vec![(name.into(), 10)], header_sha256: "ab".into() };
        let open = |slot, name| Step::Open { slot, checkpoint: named(name) }.text();
        let run = |i: usize| Step::Run { method: format!("m{i}"), config: Value::Null, matrices: None, known: Vec::new(), seed: 0, device: Where { gpu: false, name: "c".into() }, result: Outcome { sha256: String::new(), summary: String::new(), numbers: Vec::new() } }.text();
        let mut steps = Vec::new();
        let done = [open(Slot::First, "a"), run(1), open(Slot::First, "a"), open(Slot::Second, "a"), open(Slot::First, "b"), open(Slot::First, "a")];
        done.iter().for_each(|s| keep(&mut steps, s.clone()));
        assert_eq!(steps, [0, 1, 3, 4, 5].map(|i| done[i].clone()));
        let record = Record::read(&text(&steps)).expect("ours");
        assert_eq!((record.text(), record.steps.len()), (text(&steps), 5));
        (0..MOST_STEPS).for_each(|i| keep(&mut steps, run(i)));
        assert_eq!((steps.len(), steps[0].clone(), steps[4].clone()), (MOST_STEPS, done[0].clone(), run(4)), "the oldest runs went, what was opened is there");
    }

    #[test]
    fn what_is_no_record_is_said() {
        let text = record().text();
        let kind = |t: &str| Record::read(t).expect_err(t);
        assert!(matches!(kind("{"), RecordError::Json(_)));
        assert!(matches!(kind("[1]"), RecordError::Other(_)));
        assert!(matches!(kind("{\"a\":1}"), RecordError::Other(_)));
        assert_eq!(kind(&text.replacen("\"version\":1", "\"version\":7", 1)), RecordError::Newer { found: 7 });
        assert!(matches!(kind(&text.replacen("\"open\"", "\"shut\"", 1)), RecordError::Field(w) if w.contains("shut")));
        assert!(matches!(kind(&text.replacen("\"name\"", "\"nom\"", 1)), RecordError::Field(_)));
        assert!(matches!(kind(&text[..text.len() / 2]), RecordError::Json(_)));
        assert_eq!(kind(&Record::new(Vec::new()).text()), RecordError::Empty);
    }
}
