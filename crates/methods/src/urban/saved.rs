//! A run as a file that it can be gone on with: weights, what the optimiser remembers, the best weights so far, step, seed, settings, and what it has said.
//!
//! The file is a safetensors file of [`training`](crate::training), so that other tools open it as a checkpoint. Its metadata holds besides: the settings, a number that tells
//! its city from another, the best validation loss with its step, and every metric that was said, so that curves begin where they began.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{MemorySink, NoPause, metadata};
use espalier_tensor::train::Snapshot;

use super::calliper::{CARD, CARD_ID, Config};
use super::city::City;
use super::run::Run;
use super::town::PointFile;
use crate::config::decode;
use crate::method::{LocalFuture, MethodError, Sink};
use crate::pool::Pool;
use crate::report::Event;
use crate::training::{SEED, STEP, read_run, write_run};

/// Keys of the metadata.
const METHOD: &str = "espalier.method";
const SETTINGS: &str = "espalier.settings";
const CITY: &str = "espalier.run.city";
const TOTAL: &str = "espalier.run.total";
const BEST: &str = "espalier.run.best";
const CURVES: &str = "espalier.run.curves";

/// What was said of each series: steps and values.
pub type Curves = BTreeMap<String, Vec<(f64, f64)>>;

/// Passes everything on and remembers the metrics.
pub struct Remembering<'a> {
    sink: &'a dyn Sink,
    curves: RefCell<Curves>,
}

impl<'a> Remembering<'a> {
    /// Over a sink, with nothing said yet.
    pub fn new(sink: &'a dyn Sink) -> Self {
        Self { sink, curves: RefCell::default() }
    }

    /// Says again what a saved run had said.
    ///
    /// # Errors
    /// A cancel.
    pub async fn recall(&self, curves: &Curves) -> Result<(), MethodError> {
        for (series, points) in curves {
            for (step, value) in points {
                self.event(Event::Metric { series: series.clone(), step: *step, value: *value });
            }
            self.breathe().await?;
        }
        Ok(())
    }

    /// All metrics so far.
    pub fn curves(&self) -> Curves {
        self.curves.borrow().clone()
    }

    /// The last value of a series.
    pub fn last(&self, series: &str) -> Option<f64> {
        self.curves.borrow().get(series).and_then(|c| c.last()).map(|(_, v)| *v)
    }
}

impl Sink for Remembering<'_> {
    fn event(&self, event: Event) {
        if let Event::Metric { series, step, value } = &event {
            let mut curves = self.curves.borrow_mut();
            let curve = curves.entry(series.clone()).or_default();
            // A look at a step that was looked at before says the same of it.
            curve.truncate(curve.partition_point(|(s, _)| s < step));
            curve.push((*step, *value));
        }
        self.sink.event(event);
    }
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        self.sink.breathe()
    }
    fn step(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        self.sink.step()
    }
    fn waits(&self) -> bool {
        self.sink.waits()
    }
    fn enough(&self) -> bool {
        self.sink.enough()
    }
    fn wanted(&self) -> bool {
        self.sink.wanted()
    }
    fn given(&self) {
        self.sink.given();
    }
    fn cancelled(&self) -> LocalFuture<'_, ()> {
        self.sink.cancelled()
    }
    fn pool(&self) -> Option<Rc<dyn Pool>> {
        self.sink.pool()
    }
}

/// A line a series: its name, then step and value in turn, behind tabs. Not JSON: its readers may round a float's last bit, Rust's own reads what it has written.
fn written(curves: &Curves) -> String {
    let mut out = String::new();
    for (name, points) in curves {
        out.push_str(name);
        // Writing into a String cannot fail.
        points.iter().for_each(|(step, value)| { let _ = write!(out, "\t{step}\t{value}"); });
        out.push('\n');
    }
    out
}

/// The same curves; what is no number ends its curve.
fn read(text: &str) -> Curves {
    let curve = |line: &str| {
        let mut words = line.split('\t');
        let name = words.next()?.to_owned();
        let mut points = Vec::new();
        while let (Some(step), Some(value)) = (words.next().and_then(|w| w.parse().ok()), words.next().and_then(|w| w.parse().ok())) {
            points.push((step, value));
        }
        Some((name, points))
    };
    text.lines().filter_map(curve).collect()
}

/// Writes a run over `city` as a file of that name, with what it has said so far.
///
/// # Errors
/// The device's.
pub async fn save(run: &Run, name: &str, city: &City, config: &Config, curves: &Curves) -> Result<PointFile, MethodError> {
    let inputs = |e: &dyn std::fmt::Display| MethodError::Inputs(e.to_string());
    let settings = serde_json::to_string(&Config { resume: String::new(), ..config.clone() }).map_err(|e| inputs(&e))?;
    let mut about = BTreeMap::from([
        (METHOD.to_owned(), CARD_ID.to_owned()),
        (SETTINGS.to_owned(), settings),
        (CITY.to_owned(), format!("{:016x}", city.digest())),
        (TOTAL.to_owned(), run.total().to_string()),
        (CURVES.to_owned(), written(curves)),
    ]);
    if let Some((loss, step)) = run.best() {
        // Rust writes a float so that it is read back to the bit.
        about.insert(BEST.into(), format!("{loss} {step}"));
    }
    let mut sink = MemorySink::default();
    write_run(&run.snapshot().await?, &about, &mut sink, &NoPause).await.map_err(|e| inputs(&e))?;
    Ok(PointFile { name: name.into(), bytes: sink.bytes.into() })
}

/// What a saved run says of itself, known from the head of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Steps taken.
    pub step: u32,
    /// Steps of the whole run.
    pub total: u32,
    /// Its seed.
    pub seed: u64,
    /// Its settings, which a run checks before it takes them.
    pub config: Config,
}

impl About {
    /// By the file, or by so much of it as its header takes; `None` where it is no run of this method.
    pub fn of(head: &[u8]) -> Option<Self> {
        let about = metadata(head)?;
        let text = |key: &str| about.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let step = text(STEP)?.parse().ok()?;
        let ours = text(METHOD)? == CARD_ID;
        ours.then_some(())?;
        Some(Self { step, total: text(TOTAL).and_then(|t| t.parse().ok()).unwrap_or(step), seed: text(SEED)?.parse().ok()?, config: Config::from_json(&serde_json::from_str(text(SETTINGS)?).ok()?, &Config::default())? })
    }
}

/// A run as it was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Name of the file.
    pub name: String,
    /// Weights and the optimiser's memory.
    pub snapshot: Snapshot,
    /// Loss and step of the best validation.
    pub best: Option<(f64, u32)>,
    /// What it had said.
    pub curves: Curves,
    settings: Option<Config>,
    city: Option<String>,
}

impl Saved {
    /// Reads a saved run.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] for a file that is none; the checkpoint's own.
    pub async fn read(file: &PointFile) -> Result<Self, MethodError> {
        let checkpoint = Checkpoint::from_bytes(&file.name, file.bytes.to_vec()).await?;
        let snapshot = read_run(&checkpoint).await?;
        let about = |key: &str| checkpoint.metadata.get(key).map(String::as_str);
        if let Some(other) = about(METHOD).filter(|m| *m != CARD_ID) {
            return Err(MethodError::Inputs(format!("{} is a run of the method {other}, not of {CARD_ID}", file.name)));
        }
        let settings = about(SETTINGS).map(|t| serde_json::from_str(t).map_err(|e| MethodError::Inputs(format!("the settings of {} cannot be read: {e}", file.name))));
        let settings = settings.transpose()?.map(|s| decode(&CARD, s)).transpose()?;
        let best = about(BEST).and_then(|t| t.split_once(' ')).and_then(|(loss, step)| Some((loss.parse().ok()?, step.parse().ok()?)));
        let curves = about(CURVES).map(read).unwrap_or_default();
        Ok(Self { name: file.name.clone(), snapshot, best, curves, settings, city: about(CITY).map(str::to_owned) })
    }

    /// Puts it into a run that was just made over `city` with these settings.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] with the first thing that is not as it was.
    pub fn restore(&self, run: &mut Run, city: &City, config: &Config) -> Result<(), MethodError> {
        if self.city.as_ref().is_some_and(|c| *c != format!("{:016x}", city.digest())) {
            return Err(MethodError::Inputs(format!("{} learnt from other points, or from other embeddings of their descriptions; go on over the city that it was saved with", self.name)));
        }
        if let Some(settings) = &self.settings {
            let of = |c: &Config| serde_json::to_value(c.run(self.snapshot.seed)).unwrap_or_default();
            let (then, now) = (of(settings), of(config));
            for (key, value) in then.as_object().into_iter().flatten() {
                // How long it is to train is what may change.
                if !matches!(key.as_str(), "epochs" | "steps") && now.get(key) != Some(value) {
                    let now = now.get(key).map(ToString::to_string).unwrap_or_default();
                    return Err(MethodError::Inputs(format!("{} was saved with {key} {value}, and now it is {now}; take its own settings, of which only the epochs may change", self.name)));
                }
            }
        }
        run.restore(&self.snapshot, self.best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_come_back_to_the_bit() {
        let odd = [0.1 + 0.2, f64::MIN_POSITIVE, -1.0 / 3.0, 6.931_471_805_599_453, 1e300, f64::from(0.1_f32)];
        let curves = Curves::from([("loss".to_owned(), odd.iter().zip(1..).map(|(v, i)| (f64::from(i), *v)).collect()), ("held out below chance".to_owned(), vec![(7.0, -0.5)])]);
        assert_eq!(read(&written(&curves)), curves);
        assert_eq!(read("loss\t1\t2.5\t2\tx\t3\t1"), Curves::from([("loss".to_owned(), vec![(1.0, 2.5)])]), "a changed file loses the rest of a curve");
        assert_eq!(read(""), Curves::new());
    }

    #[test]
    fn a_run_says_what_it_is_by_its_head_alone() {
        use espalier_nets::testing::Builder;
        let settings = serde_json::to_string(&Config::small()).expect("plain data");
        let file = |method: &str| Builder::new().metadata(METHOD, method).metadata(STEP, "31").metadata(SEED, "18446744073709551615").metadata(TOTAL, "780").metadata(SETTINGS, &settings).made_up("w", &[4]).build();
        let bytes = file(CARD_ID);
        let about = About::of(&bytes[..bytes.len() - 8]).expect("a run");
        assert_eq!(about, About { step: 31, total: 780, seed: u64::MAX, config: Config::small() });
        assert_eq!(About::of(&file("another")), None);
        assert_eq!(About::of(&Builder::new().made_up("w", &[4]).build()), None, "a model is none");
    }
}
