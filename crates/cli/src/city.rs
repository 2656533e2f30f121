//! `espalier city`: train a location encoder on described points, probe it, export embeddings.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use espalier_lab::protocol::{Command, Reply};
use espalier_methods::config::decode;
use espalier_methods::method::LocalFuture;
use espalier_methods::report::{Event, FigureKind, Finding};
use espalier_methods::urban::areas::Areas;
use espalier_methods::urban::calliper::{CARD, CARD_ID, Config, verdict};
use espalier_methods::urban::compare::{Comparison, Division, Line, Rivals, compare};
use espalier_methods::urban::made::kinds;
use espalier_methods::urban::picture::Urban;
use espalier_methods::urban::run::{Run, Which};
use espalier_methods::urban::saved::Saved;
use espalier_methods::urban::sentences::{BUNDLED, Sentences, embed};
use espalier_methods::urban::town::{self, Given, PointFile, Source, Town};
use espalier_methods::{MethodError, Sink};
use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{FileSink, sources_at};
use espalier_nets::models::Model;
use espalier_tokens::Tokens;
use espalier_tensor::{GpuOptions, Session};

use crate::args::{CityCommand, CityRun, Common, Device};
use crate::compare::keep;
use crate::language::{figure_table, settings, usage};
use crate::session::{Failure, Lab};
use crate::table::number;

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
        CityCommand::Train { run, out, resume, record } => train(run, out.as_deref(), resume.as_deref(), record.as_ref()),
        CityCommand::Probe { run, labels, label, shares, hidden, seeds } => {
            let (config, town) = (config(run)?, load(run)?);
            let labelled = match labels {
                Some(file) if !shares.is_empty() => {
                    let areas = Areas::read(&given(file)?, shares, town.frame, &town.city.points).map_err(|e| failed(&e))?;
                    areas.notes.iter().for_each(|n| eprintln!("note: {n}"));
                    areas.labelled()
                }
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
            let rivals = pollster::block_on(Rivals::new(&untrained, &town.city, config.supervised_steps, &Talk)).map_err(|e| failed(&e))?;
            let (lines, _) = pollster::block_on(compare(&made, &rivals, &town.city, &labelled, &how, &Talk)).map_err(|e| failed(&e))?;
            if run.json {
                return Ok(serde_json::to_string_pretty(&lines)? + "\n");
            }
            Ok(format!("{}{}\n", table(&lines), verdict(&lines)))
        }
        CityCommand::Export { run, places, trained } => {
            let town = load(run)?;
            let config = config(run)?;
            let mut made = start(run, &town, &config)?;
            let saved = pollster::block_on(Saved::read(&named(trained)?)).map_err(|e| failed(&e))?;
            saved.restore(&mut made, &town.city, &config).map_err(|e| failed(&e))?;
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

/// Trains by the engine, as the page does, so that there is a record of it.
fn train(run: &CityRun, out: Option<&Path>, resume: Option<&Path>, record: Option<&PathBuf>) -> Result<String, Failure> {
    let (source, files) = source(run)?;
    let mut config = config(run)?;
    if !run.set.iter().any(|s| s.starts_with("seeds=")) {
        config.seeds = 0;
    }
    config.city = source;
    let lab = Lab::empty(run.json);
    files.iter().for_each(|file| lab.tell(Command::Points((**file).clone())));
    if let Some(file) = resume {
        let file = named(file)?;
        config.resume.clone_from(&file.name);
        lab.tell(Command::Points(file));
    }
    let device = lab.device(&Common { files: Vec::new(), device: run.device, json: run.json })?;
    let command = Command::Run { job: 1, method: CARD_ID.into(), config: serde_json::to_value(&config)?, matrices: None, known: Vec::new(), seed: run.seed };
    let (mut done, mut saved) = (None, None);
    for reply in lab.answers(command)? {
        match reply {
            Reply::Done { report, seconds, .. } => done = Some((*report, seconds)),
            Reply::Event { event: Event::Finding(Finding::Urban(urban)), .. } => {
                if let Urban::Saved(file) = *urban {
                    saved = Some(file);
                }
            }
            _ => {}
        }
    }
    let Some((report, seconds)) = done else { return Err(failed(&"the run ended without a word")) };
    if let (Some(place), Some(file)) = (out, saved) {
        std::fs::write(place, &file.bytes[..]).map_err(|e| failed(&format!("{}: {e}", place.display())))?;
        eprintln!("wrote {}", place.display());
    }
    keep(&lab, record)?;
    if run.json {
        return Ok(serde_json::to_string_pretty(&report)? + "\n");
    }
    eprintln!("{} on {} in {seconds:.1} s", report.method, device.name);
    let tables: String = report.figures.iter().filter(|f| matches!(f.kind, FigureKind::Table { .. })).map(|f| figure_table(Some(f)).text() + "\n").collect();
    let stats: String = report.stats.iter().map(|s| format!("  {}: {} {} {}\n", s.label, number(s.value), s.unit, s.context)).collect();
    Ok(format!("{tables}{}\n{stats}", report.summary))
}

/// Embeds the descriptions of a city and writes the table.
fn embedded(run: &CityRun, folder: &Path, name: Option<&str>, out: &Path) -> Result<String, Failure> {
    let texts = match &run.points {
        // All that a made city can say, whatever its seed.
        None => kinds::texts(),
        Some(_) => read(&CityRun { sentences: Some("grams".into()), ..run.clone() })?.city.texts,
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

/// Where the city comes from, and the files that it names.
fn source(run: &CityRun) -> Result<(Source, Vec<Rc<PointFile>>), Failure> {
    let mut files = vec![Rc::new(bundled())];
    let sentences = match run.sentences.as_deref() {
        Some(grams) if grams == Path::new("grams") => String::new(),
        Some(file) => {
            let table = Rc::new(named(file)?);
            files.push(table.clone());
            table.name.clone()
        }
        None if run.points.is_none() => BUNDLED.into(),
        None => String::new(),
    };
    let source = match (&run.points, run.made) {
        (Some(file), _) => {
            let file = named(file)?;
            let column = |c: &Option<String>| c.clone().unwrap_or_default();
            let name = file.name.clone();
            files.push(Rc::new(file));
            Source::File(Given { name, x: column(&run.x), y: column(&run.y), text: column(&run.text), sentences, ..Given::default() })
        }
        (None, seed) => Source::Made { seed: seed.unwrap_or_default(), points: run.count, sentences },
    };
    Ok((source, files))
}

/// The city, and what there is to say of it and of its texts.
fn load(run: &CityRun) -> Result<Town, Failure> {
    let town = read(run)?;
    match town.encoder.as_str() {
        "" => eprintln!("note: texts are embedded by the built-in hashed n-grams, which know letters and not meanings"),
        encoder => eprintln!("note: texts are embedded by {encoder}"),
    }
    Ok(town)
}

/// The city, and what there is to say of its points.
fn read(run: &CityRun) -> Result<Town, Failure> {
    let (source, files) = source(run)?;
    let town = pollster::block_on(Town::new(&source, &files)).map_err(|e| failed(&e))?;
    if let Some(reading) = &town.reading {
        eprintln!("note: {}; coordinates from {} and {}, texts from {}", reading.system, reading.taken[0], reading.taken[1], reading.taken[2]);
        reading.notes.iter().for_each(|n| eprintln!("note: {n}"));
        if let Some(first) = reading.faults.first() {
            eprintln!("note: {} rows were left out; the first: row {}: {}", reading.left, first.row, first.why);
        }
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
