//! `espalier city`: train a location encoder on described points, probe it, export embeddings.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

use espalier_methods::method::LocalFuture;
use espalier_methods::report::Event;
use espalier_methods::training::{read_run, write_run};
use espalier_methods::urban::city::City;
use espalier_methods::urban::compare::{Comparison, Division, Labelled, Line, compare};
use espalier_methods::urban::ngrams;
use espalier_methods::urban::probe::Truth;
use espalier_methods::urban::run::{Config, Run, Which};
use espalier_methods::{MethodError, Sink};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{FileSink, NoPause, sources_at};
use espalier_nets::geo::{Crs, Points, Table, places, read_csv, read_geojson};
use espalier_tensor::{GpuOptions, Session};

use crate::args::{CityCommand, CityRun, Device};
use crate::session::Failure;

/// Rows of a file that are used at most.
const MOST: usize = 1_000_000;
/// Numbers of the built-in text embedding.
const TEXT_WIDTH: usize = 384;

/// Runs one of the three.
pub fn city(command: &CityCommand) -> Result<String, Failure> {
    match command {
        CityCommand::Train { run, out, resume } => {
            let (city, _) = load(run)?;
            let mut made = start(run, &city)?;
            if let Some(file) = resume {
                let sources = sources_at(&[file]).map_err(|e| failed(&e))?;
                let checkpoint = pollster::block_on(Checkpoint::open(sources)).map_err(|e| failed(&e))?;
                let saved = pollster::block_on(read_run(&checkpoint)).map_err(|e| failed(&e))?;
                made.restore(&saved).map_err(|e| failed(&e))?;
            }
            advance(&mut made)?;
            if let Some(file) = out {
                save(&made, run, file)?;
            }
            let best = made.best().map_or_else(String::new, |(loss, step)| format!("; best validation loss {loss:.4} at step {step}"));
            Ok(format!("{} steps, chance level {:.4}{best}\n", made.steps(), made.chance()))
        }
        CityCommand::Probe { run, labels, label, seeds } => {
            let (city, crs) = load(run)?;
            let mut made = start(run, &city)?;
            advance(&mut made)?;
            let untrained = start(run, &city)?;
            let labelled = labelled(labels, label, crs)?;
            let default = Comparison::default();
            let how = Comparison { seeds: default.seeds.iter().copied().take(*seeds).collect(), ..default };
            let lines = pollster::block_on(compare(&made, &untrained, &city, &labelled, &how, &Talk)).map_err(|e| failed(&e))?;
            Ok(if run.json { serde_json::to_string_pretty(&lines)? + "\n" } else { table(&lines) })
        }
        CityCommand::Export { run, places: file, trained } => {
            let (city, crs) = load(run)?;
            let mut made = start(run, &city)?;
            let sources = sources_at(&[trained]).map_err(|e| failed(&e))?;
            let checkpoint = pollster::block_on(Checkpoint::open(sources)).map_err(|e| failed(&e))?;
            let saved = pollster::block_on(read_run(&checkpoint)).map_err(|e| failed(&e))?;
            made.restore(&saved).map_err(|e| failed(&e))?;
            let (_, points) = table_of(file, None)?;
            let at: Vec<[f64; 2]> = points.points.iter().map(|p| points.crs.to(crs, *p)).collect();
            let rows = pollster::block_on(made.embed(&at, Which::Last)).map_err(|e| failed(&e))?;
            let width = rows.len() / at.len().max(1);
            let mut out = String::from("x,y");
            (0..width).for_each(|i| out.push_str(&format!(",e{i}")));
            out.push('\n');
            for (p, row) in points.points.iter().zip(rows.chunks(width.max(1))) {
                out.push_str(&format!("{},{}", p[0], p[1]));
                row.iter().for_each(|v| out.push_str(&format!(",{v}")));
                out.push('\n');
            }
            Ok(out)
        }
    }
}

/// Says progress on standard error, where somebody looks.
struct Talk;

impl Sink for Talk {
    fn event(&self, event: Event) {
        match event {
            Event::Progress { done, total, unit, label } if std::io::stderr().is_terminal() => eprint!("\r{done} of {total} {unit} {label}\x1b[K"),
            Event::Metric { series, step, value } if series == "validation loss" => eprintln!("\rstep {step}: {series} {value:.4}"),
            Event::Warning(text) => eprintln!("warning: {text}"),
            _ => {}
        }
    }

    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        Box::pin(async { Ok(()) })
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Usage("The city could not be worked on".into(), format!("{error}."), "See `espalier city --help`.".into())
}

fn table_of(file: &Path, columns: Option<(&str, &str)>) -> Result<(Table, Points), Failure> {
    let bytes = std::fs::read(file).map_err(|e| failed(&format!("{}: {e}", file.display())))?;
    let json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    let table = if json { read_geojson(&bytes, MOST) } else { read_csv(&bytes, MOST).map(|c| c.table) };
    let said = |e: &dyn std::fmt::Display| failed(&format!("{}: {e}", file.display()));
    let table = table.map_err(|e| said(&e))?;
    let mut picked = table.guess();
    if let Some((x, y)) = columns {
        let crs = None;
        picked = Ok(espalier_nets::geo::Columns { x: table.column(x).map_err(|e| said(&e))?, y: table.column(y).map_err(|e| said(&e))?, crs });
    }
    let points = places(&table, picked.map_err(|e| said(&e))?).map_err(|e| said(&e))?;
    points.notes.iter().for_each(|n| eprintln!("note: {n}"));
    if let Some(first) = points.faults.first() {
        eprintln!("note: {} rows were left out; the first: row {}: {}", points.faults.len(), first.row, first.why);
    }
    Ok((table, points))
}

/// The city in metres, and the system that is.
fn load(run: &CityRun) -> Result<(City, Crs), Failure> {
    let columns = run.x.as_deref().zip(run.y.as_deref());
    let (table, points) = table_of(&run.points, columns)?;
    let text = table.column(&run.text).map_err(|e| failed(&e))?;
    let texts: Vec<String> = points.rows.iter().map(|r| table.rows[*r][text].clone()).collect();
    // Wavelengths are in metres: degrees are put on the British grid, where the sample cities lie.
    let at = points.points.iter().map(|p| points.crs.to(Crs::BritishGrid, *p)).collect();
    eprintln!("note: texts are embedded by the built-in hashed n-grams, which know letters and not meanings");
    let city = City::new(at, &texts, TEXT_WIDTH, |t| ngrams::embed(t, TEXT_WIDTH)).map_err(|e| failed(&e))?;
    city.warnings().iter().for_each(|w| eprintln!("warning: {w}"));
    Ok((city, Crs::BritishGrid))
}

fn start(run: &CityRun, city: &City) -> Result<Run, Failure> {
    let session = match run.device {
        Device::Cpu => Session::cpu(),
        Device::Gpu => pollster::block_on(Session::gpu(GpuOptions { allow_software: true, ..GpuOptions::default() })).map_err(|e| failed(&e))?,
        Device::Auto => pollster::block_on(Session::gpu(GpuOptions::default())).unwrap_or_else(|_| Session::cpu()),
    };
    Run::new(&session, city, config(run)).map_err(|e| failed(&e))
}

fn config(run: &CityRun) -> Config {
    let default = Config::default();
    Config { epochs: run.epochs.unwrap_or(default.epochs), batch: run.batch.unwrap_or(default.batch), seed: run.seed.unwrap_or(default.seed), ..default }
}

fn advance(made: &mut Run) -> Result<(), Failure> {
    pollster::block_on(made.advance(&Talk, u32::MAX)).map_err(|e| failed(&e))
}

fn save(made: &Run, run: &CityRun, file: &Path) -> Result<(), Failure> {
    let snapshot = pollster::block_on(made.snapshot()).map_err(|e| failed(&e))?;
    let settings = serde_json::to_string(&config(run))?;
    let about = BTreeMap::from([("espalier.method".to_owned(), "calliper".to_owned()), ("espalier.settings".to_owned(), settings)]);
    let mut sink = FileSink::create(file).map_err(|e| failed(&e))?;
    pollster::block_on(write_run(&snapshot, &about, &mut sink, &NoPause)).map_err(|e| failed(&e))?;
    eprintln!("wrote {}", file.display());
    Ok(())
}

/// Places with a class each; classes are the distinct values of the column in their order.
fn labelled(file: &Path, label: &str, crs: Crs) -> Result<Labelled, Failure> {
    let (table, points) = table_of(file, None)?;
    let column = table.column(label).map_err(|e| failed(&e))?;
    let values: Vec<&str> = points.rows.iter().map(|r| table.rows[*r][column].as_str()).collect();
    let mut classes = values.clone();
    classes.sort_unstable();
    classes.dedup();
    let labels = values.iter().map(|v| classes.binary_search(v).unwrap_or(0) as u32).collect();
    let at = points.points.iter().map(|p| points.crs.to(crs, *p)).collect();
    Ok(Labelled { places: at, truth: Truth::Classes(labels), classes: classes.len() })
}

fn table(lines: &[Line]) -> String {
    let mut t = crate::table::Table::new(&["embedding", "split", ">accuracy", ">±", ">F1", ">±"]);
    for line in lines {
        let find = |name: &str| line.metrics.iter().find(|(n, ..)| n == name).map_or((f64::NAN, f64::NAN), |(_, m, s)| (*m, *s));
        let ((accuracy, a), (f1, f)) = (find("accuracy"), find("f1"));
        let split = if line.division == Division::Random { "random" } else { "blocks" };
        let cells = [accuracy, a, f1, f].map(|v| format!("{v:.4}"));
        t.row([line.rows.clone(), split.into()].into_iter().chain(cells).collect());
    }
    t.text()
}
