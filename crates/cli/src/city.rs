//! `espalier city`: train a location encoder on described points, probe it, export embeddings.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use espalier_methods::config::decode;
use espalier_methods::method::LocalFuture;
use espalier_methods::report::Event;
use espalier_methods::training::{read_run, write_run};
use espalier_methods::urban::calliper::{CARD, Config, verdict};
use espalier_methods::urban::compare::{Comparison, Division, Labelled, Line, Rivals, compare};
use espalier_methods::urban::made::kinds;
use espalier_methods::urban::picture::Frame;
use espalier_methods::urban::probe::Truth;
use espalier_methods::urban::run::{Run, Which};
use espalier_methods::urban::sentences::{BUNDLED, Sentences, embed};
use espalier_methods::urban::town::{self, PointFile, Source, Town};
use espalier_methods::{MethodError, Sink};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{FileSink, NoPause, sources_at};
use espalier_nets::models::Model;
use espalier_tokens::Tokens;
use espalier_tensor::{GpuOptions, Session};

use crate::args::{CityCommand, CityRun, Device};
use crate::language::{settings, usage};
use crate::session::Failure;

/// The table of the made city's descriptions: `assets/sentences/README.md`.
const TABLE: &[u8] = include_bytes!("../../../assets/sentences/made-city.safetensors");

/// The bundled table as a file that a record may name.
pub fn bundled() -> PointFile {
    PointFile { name: BUNDLED.into(), bytes: TABLE.to_vec().into() }
}

/// A file under the name that a record has for it: without its folder.
pub fn named(file: &Path) -> Result<PointFile, Failure> {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(PointFile { name, ..given(file)? })
}

/// Runs one of the four.
pub fn city(command: &CityCommand) -> Result<String, Failure> {
    match command {
        CityCommand::Train { run, out, resume } => {
            let config = config(run)?;
            let mut made = start(run, &load(run)?, &config)?;
            if let Some(file) = resume {
                restore(&mut made, file)?;
            }
            let spent = advance(&mut made)?;
            if let Some(file) = out {
                save(&made, &config, file)?;
            }
            let best = made.best().map_or_else(String::new, |(loss, step)| format!("; best validation loss {loss:.4} at step {step}"));
            Ok(format!("{} steps in {spent:.1} s, chance level {:.4}{best}\n", made.steps(), made.chance()))
        }
        CityCommand::Probe { run, labels, label, shares, hidden, seeds } => {
            let (config, town) = (config(run)?, load(run)?);
            let labelled = match labels {
                Some(file) if !shares.is_empty() => counted(file, shares, town.frame)?,
                Some(file) => {
                    let label = label.as_deref().ok_or_else(|| failed(&"--labels needs --label with the column of the class, or --shares with columns of counts"))?;
                    town::labelled(&given(file)?, label, town.frame).map_err(|e| failed(&e))?.0
                }
                None => town.labelled.clone().map(|l| l.0).ok_or_else(|| failed(&"there is nothing to predict; give --labels and --label"))?,
            };
            let mut made = start(run, &town, &config)?;
            let spent = advance(&mut made)?;
            eprintln!("\rtrained {} steps in {spent:.1} s\x1b[K", made.steps());
            let untrained = start(run, &town, &config)?;
            let default = Comparison::default();
            let how = Comparison { seeds: default.seeds.iter().copied().take(*seeds).collect(), hidden: *hidden, neighbours: config.neighbours, ..default };
            let rivals = Rivals { untrained: &untrained, supervised: config.supervised_steps };
            let (lines, _) = pollster::block_on(compare(&made, &rivals, &town.city, &labelled, &how, &Talk)).map_err(|e| failed(&e))?;
            if run.json {
                return Ok(serde_json::to_string_pretty(&lines)? + "\n");
            }
            Ok(if shares.is_empty() { format!("{}{}\n", table(&lines), verdict(&lines)) } else { table(&lines) })
        }
        CityCommand::Export { run, places, trained } => {
            let town = load(run)?;
            let mut made = start(run, &town, &config(run)?)?;
            restore(&mut made, trained)?;
            let (_, _, points) = town::table(&given(places)?, ["", ""]).map_err(|e| failed(&e))?;
            let at: Vec<[f64; 2]> = points.points.iter().map(|p| town.frame.metres(points.crs, *p)).collect();
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
        CityCommand::Embed { run, model, name, out } => embedded(run, model, name.as_deref(), out),
    }
}

/// Embeds the descriptions of a city and writes the table.
fn embedded(run: &CityRun, folder: &Path, name: Option<&str>, out: &Path) -> Result<String, Failure> {
    let texts = match &run.points {
        // All that a made city can say, whatever its seed.
        None => kinds::texts(),
        Some(_) => load(&CityRun { sentences: Some("grams".into()), ..run.clone() })?.city.texts,
    };
    let json = std::fs::read(folder.join("tokenizer.json")).map_err(|e| failed(&format!("{}: {e}", folder.join("tokenizer.json").display())))?;
    let tokens = Tokens::from_json(&json).map_err(usage)?;
    let ids: Vec<Vec<u32>> = texts.iter().map(|t| tokens.encode(t, true)).collect::<Result<_, _>>().map_err(usage)?;
    let sources = sources_at(&[folder]).map_err(|e| failed(&e))?;
    let checkpoint = pollster::block_on(Checkpoint::open(sources)).map_err(|e| failed(&e))?;
    let model = Model::open(&checkpoint).map_err(|e| failed(&e))?;
    let rows = pollster::block_on(embed(&model, &session(run)?, &ids, &Talk)).map_err(|e| failed(&e))?;
    let name = name.map(str::to_owned).or_else(|| folder.file_name().map(|n| n.to_string_lossy().into_owned()));
    let table = Sentences { model: name.unwrap_or_default(), width: rows.len() / texts.len().max(1), texts, rows };
    let mut sink = FileSink::create(out).map_err(|e| failed(&e))?;
    let bytes = pollster::block_on(table.write(&BTreeMap::new(), &mut sink)).map_err(|e| failed(&e))?;
    Ok(format!("{}: {} sentences as rows of {}, {bytes} bytes\n", out.display(), table.texts.len(), table.width))
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

fn given(file: &Path) -> Result<PointFile, Failure> {
    let bytes = std::fs::read(file).map_err(|e| failed(&format!("{}: {e}", file.display())))?;
    Ok(PointFile { name: file.display().to_string(), bytes: bytes.into() })
}

/// The city, and what there is to say of it.
fn load(run: &CityRun) -> Result<Town, Failure> {
    let mut files = vec![Rc::new(bundled())];
    let sentences = match run.sentences.as_deref() {
        Some(grams) if grams == Path::new("grams") => String::new(),
        Some(file) => {
            let table = Rc::new(given(file)?);
            files.push(table.clone());
            table.name.clone()
        }
        None if run.points.is_none() => BUNDLED.into(),
        None => String::new(),
    };
    let source = match (&run.points, run.made) {
        (Some(file), _) => {
            let file = given(file)?;
            let column = |c: &Option<String>| c.clone().unwrap_or_default();
            let name = file.name.clone();
            files.push(Rc::new(file));
            Source::File { name, x: column(&run.x), y: column(&run.y), text: column(&run.text), labels: String::new(), label: String::new(), sentences }
        }
        (None, seed) => Source::Made { seed: seed.unwrap_or_default(), points: run.count, sentences },
    };
    let town = pollster::block_on(Town::new(&source, &files)).map_err(|e| failed(&e))?;
    if let Some(reading) = &town.reading {
        eprintln!("note: {}; coordinates from {} and {}, texts from {}", reading.system, reading.taken[0], reading.taken[1], reading.taken[2]);
        reading.notes.iter().for_each(|n| eprintln!("note: {n}"));
        if let Some(first) = reading.faults.first() {
            eprintln!("note: {} rows were left out; the first: row {}: {}", reading.left, first.row, first.why);
        }
    }
    match town.encoder.as_str() {
        "" => eprintln!("note: texts are embedded by the built-in hashed n-grams, which know letters and not meanings"),
        encoder => eprintln!("note: texts are embedded by {encoder}"),
    }
    town.city.warnings().iter().for_each(|w| eprintln!("warning: {w}"));
    Ok(town)
}

fn start(run: &CityRun, town: &Town, config: &Config) -> Result<Run, Failure> {
    Run::new(&session(run)?, &town.city, config.run(run.seed)).map_err(|e| failed(&e))
}

fn session(run: &CityRun) -> Result<Session, Failure> {
    Ok(match run.device {
        Device::Cpu => Session::cpu(),
        Device::Gpu => pollster::block_on(Session::gpu(GpuOptions { allow_software: true, ..GpuOptions::default() })).map_err(|e| failed(&e))?,
        Device::Auto => pollster::block_on(Session::gpu(GpuOptions::default())).unwrap_or_else(|_| Session::cpu()),
    })
}

fn config(run: &CityRun) -> Result<Config, Failure> {
    let mut config = if run.paper { Config::default() } else { Config::small() };
    config.epochs = run.epochs.unwrap_or(config.epochs);
    config.batch = run.batch.unwrap_or(config.batch);
    let mut json = serde_json::to_value(config)?;
    settings(&run.set)?.into_iter().for_each(|(k, v)| json[k] = v);
    decode(&CARD, json).map_err(|e| failed(&e))
}

/// Trains to the end; the seconds that took.
fn advance(made: &mut Run) -> Result<f64, Failure> {
    let started = Instant::now();
    pollster::block_on(made.advance(&Talk, u32::MAX)).map_err(|e| failed(&e))?;
    Ok(started.elapsed().as_secs_f64())
}

fn restore(made: &mut Run, file: &Path) -> Result<(), Failure> {
    let sources = sources_at(&[file]).map_err(|e| failed(&e))?;
    let checkpoint = pollster::block_on(Checkpoint::open(sources)).map_err(|e| failed(&e))?;
    let saved = pollster::block_on(read_run(&checkpoint)).map_err(|e| failed(&e))?;
    made.restore(&saved).map_err(|e| failed(&e))
}

fn save(made: &Run, config: &Config, file: &Path) -> Result<(), Failure> {
    let snapshot = pollster::block_on(made.snapshot()).map_err(|e| failed(&e))?;
    let settings = serde_json::to_string(config)?;
    let about = BTreeMap::from([("espalier.method".to_owned(), "calliper".to_owned()), ("espalier.settings".to_owned(), settings)]);
    let mut sink = FileSink::create(file).map_err(|e| failed(&e))?;
    pollster::block_on(write_run(&snapshot, &about, &mut sink, &NoPause)).map_err(|e| failed(&e))?;
    eprintln!("wrote {}", file.display());
    Ok(())
}

/// Places with the shares of some columns of counts; places without any count are left out.
fn counted(file: &Path, columns: &[String], frame: Frame) -> Result<Labelled, Failure> {
    let (table, _, points) = town::table(&given(file)?, ["", ""]).map_err(|e| failed(&e))?;
    let columns: Vec<usize> = columns.iter().map(|c| table.column(c)).collect::<Result<_, _>>().map_err(|e| failed(&e))?;
    let (mut places, mut values) = (Vec::new(), Vec::new());
    for (row, place) in points.rows.iter().zip(&points.points) {
        let counts: Vec<f32> = columns.iter().map(|c| table.rows[*row][*c].trim().parse().unwrap_or(0.0)).collect();
        let sum: f32 = counts.iter().sum();
        if sum > 0.0 {
            places.push(frame.metres(points.crs, *place));
            values.extend(counts.iter().map(|c| c / sum));
        }
    }
    Ok(Labelled { places, truth: Truth::Shares { classes: columns.len(), values }, classes: columns.len() })
}

fn table(lines: &[Line]) -> String {
    let names: Vec<&str> = lines.first().map(|l| l.metrics.iter().map(|m| m.0.as_str()).collect()).unwrap_or_default();
    let head = ["embedding".to_owned(), "split".to_owned()].into_iter().chain(names.iter().flat_map(|n| [format!(">{n}"), ">±".to_owned()]));
    let mut t = crate::table::Table::owned(head.collect());
    for line in lines {
        let split = if line.division == Division::Random { "random" } else { "blocks" };
        let cells = line.metrics.iter().flat_map(|(_, mean, spread)| [*mean, *spread]).map(|v| format!("{v:.4}"));
        t.row([line.rows.clone(), split.into()].into_iter().chain(cells).collect());
    }
    t.text()
}
