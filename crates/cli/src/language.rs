//! Commands that run a language model: perplexity, generation, pruning with calibration, the sensitivity sweep.

use std::fs;
use std::path::{Path, PathBuf};

use espalier_lab::protocol::{Command, Edits};
use espalier_methods::calibration::{Corpus, OWN, TextError, corpus};
use espalier_methods::study::{MIXTURE, RANDOM, REPEATED};
use espalier_methods::report::{Figure, FigureKind, Report};
use espalier_tokens::{Tokens, TokensError};
use serde_json::{Map, Value};

use crate::args::{Calibrated, Chooser, Common, Generate, Prune, Texts};
use crate::compare::{keep, write};
use crate::output::target;
use crate::run::{export, names, printed, recipe, run};
use crate::session::{Failure, Lab};
use crate::table::Table;

/// `espalier perplexity`, `wanda`, `sparsegpt`, `owl` and `sensitivity`: a method of the registry over texts.
pub fn calibrated(method: &str, args: &Calibrated) -> Result<String, Failure> {
    let lab = Lab::open(&args.common)?;
    texts(&lab, &args.common, &args.texts)?;
    let mut config = settings(&args.set)?;
    put(&mut config, [("sparsity", args.sparsity.map(Value::from)), ("pattern", args.pattern.clone().map(Value::from)), ("allocation", args.allocation.clone().map(Value::from))]);
    counts(&mut config, &args.texts);
    own(&mut config, method, &args.texts);
    let report = run(&lab, &args.common, &args.run, method, config)?;
    let table = figure_table(report.figures.iter().rev().find(|f| matches!(f.kind, FigureKind::Table { .. })));
    printed(&args.common, &report, table)
}

/// `espalier prune --method wanda`, `sparsegpt` or `owl`.
pub fn prune(method: &str, args: &Prune) -> Result<String, Failure> {
    if let Some((name, _)) = [("--scope", args.scope.is_some()), ("--rule", args.rule.is_some())].iter().find(|(_, given)| *given) {
        return Err(Failure::Usage(format!("{name} does not go with --method {method}"), "It is a setting of magnitude pruning.".into(), "Give a pattern with --pattern, other settings with --set KEY=VALUE.".into()));
    }
    let place = target(&args.common, &args.output)?;
    let lab = Lab::open(&args.common)?;
    texts(&lab, &args.common, &args.texts)?;
    let mut config = settings(&args.set)?;
    put(&mut config, [("sparsity", args.sparsity.map(Value::from)), ("pattern", args.pattern.clone().map(Value::from)), ("allocation", args.allocation.clone().map(Value::from))]);
    if args.texts.eval.len() > 1 {
        let names: Vec<String> = args.texts.eval.iter().map(|p| stem(p)).collect();
        config.insert("evaluation".into(), names.join(",").into());
    }
    counts(&mut config, &args.texts);
    own(&mut config, method, &args.texts);
    let report = run(&lab, &args.common, &args.run, method, config)?;
    if let Some(place) = place {
        let edits = Edits::Calibrated { method: method.into(), config: report.config.clone(), matrices: names(&args.run), seed: args.run.seed, masks: args.masks };
        export(&lab, &args.common, &place, edits, &report)?;
    }
    if let Some(file) = &args.recipe {
        let own = if method == "sparsegpt" { Chooser::Sparsegpt } else { Chooser::Wanda };
        let chooser = if args.modifier == Chooser::Magnitude { own } else { args.modifier };
        write(file, &recipe(file, &report, chooser)?)?;
    }
    keep(&lab, args.run.record.as_ref())?;
    printed(&args.common, &report, figure_table(report.figures.iter().rev().find(|f| matches!(f.kind, FigureKind::Table { .. }))))
}

/// Settings that were given; the others keep their defaults.
pub fn put<const N: usize>(config: &mut Map<String, Value>, given: [(&str, Option<Value>); N]) {
    config.extend(given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
}

/// How many windows of how many tokens.
pub fn counts(config: &mut Map<String, Value>, args: &Texts) {
    put(config, [("samples", args.samples.map(Value::from)), ("length", args.length.map(Value::from)), ("windows", args.windows.map(Value::from))]);
}

/// `espalier generate`.
pub fn generate(args: &Generate) -> Result<String, Failure> {
    let lab = Lab::open(&args.common)?;
    let tokens = tokenizer(&args.common, args.tokenizer.as_deref())?;
    let prompt = tokens.encode(&args.prompt, true).map_err(usage)?;
    let mut config = settings(&args.set)?;
    config.insert("prompt".into(), prompt.clone().into());
    put(&mut config, [("tokens", args.tokens.map(Value::from)), ("temperature", args.temperature.map(Value::from)), ("top_k", args.top_k.map(Value::from)), ("top_p", args.top_p.map(Value::from))]);
    let report = run(&lab, &args.common, &args.run, "generate", config)?;
    if args.common.json {
        return printed(&args.common, &report, Table::new(&[]));
    }
    let made: Vec<u32> = column(&report, "tokens", 1);
    let all: Vec<u32> = prompt.iter().chain(&made).copied().collect();
    Ok(tokens.decode(&all).map_err(usage)? + "\n")
}

fn column(report: &Report, figure: &str, at: usize) -> Vec<u32> {
    let rows = report.figures.iter().find(|f| f.id == figure).and_then(|f| if let FigureKind::Table { rows, .. } = &f.kind { Some(rows) } else { None });
    rows.into_iter().flatten().filter_map(|r| r.get(at)?.parse().ok()).collect()
}

/// A table figure as a table of the terminal.
pub fn figure_table(figure: Option<&Figure>) -> Table {
    let Some(FigureKind::Table { columns, rows }) = figure.map(|f| &f.kind) else { return Table::new(&[]) };
    let numeric = |c: usize| rows.iter().all(|r| r.get(c).is_none_or(|v| v.starts_with(|c: char| c.is_ascii_digit() || c == '-') || v.is_empty()));
    let heads = columns.iter().enumerate().map(|(c, a)| {
        let unit = if a.unit.is_empty() { String::new() } else { format!(" ({})", a.unit) };
        format!("{}{}{unit}", if numeric(c) { ">" } else { "" }, a.name)
    });
    let mut table = Table::owned(heads.collect());
    rows.iter().for_each(|r| table.row(r.clone()));
    table
}

/// `KEY=VALUE` as JSON: numbers, true and false as they are, anything else as text; `{…}` and `[…]` as JSON.
pub fn settings(all: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut out = Map::new();
    for pair in all {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::Usage(format!("--set {pair} was not understood"), "A setting is written KEY=VALUE.".into(), "See the keys with `espalier methods`.".into()));
        };
        let json = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        out.insert(key.into(), json);
    }
    Ok(out)
}

pub fn usage(e: TokensError) -> Failure {
    Failure::Usage("The text could not be tokenized".into(), format!("{e}."), "Give --tokenizer with the model's own tokenizer.json, or `bytes`.".into())
}

/// The tokenizer beside the model, the one that was named, or bytes.
pub fn tokenizer(common: &Common, named: Option<&Path>) -> Result<Tokens, Failure> {
    if named == Some(Path::new("bytes")) {
        return Ok(Tokens::Bytes);
    }
    let beside = common.files.iter().map(|f| if f.is_dir() { f.clone() } else { f.parent().map_or_else(PathBuf::new, Path::to_path_buf) });
    let found = named.map(Path::to_path_buf).or_else(|| beside.map(|d| d.join("tokenizer.json")).find(|p| p.is_file()));
    let Some(path) = found else {
        eprintln!("note: no tokenizer.json beside the model; each byte of a text is a token");
        return Ok(Tokens::Bytes);
    };
    let bytes = fs::read(&path).map_err(|e| unreadable(&path, &e))?;
    Tokens::from_json(&bytes).map_err(usage)
}

fn unreadable(path: &Path, e: &std::io::Error) -> Failure {
    Failure::Usage(format!("{} could not be read", path.display()), format!("{e}."), "See that the file is there and may be read.".into())
}

/// Gives the engine the texts: those that calibrate first, the one that measures last.
pub fn texts(lab: &Lab, common: &Common, args: &Texts) -> Result<(), Failure> {
    let tokens = tokenizer(common, args.tokenizer.as_deref())?;
    let vocabulary = lab.summary.tensors.iter().filter(|t| t.role == espalier_nets::checkpoint::Role::Embedding && t.shape.len() == 2).map(|t| t.shape[0] as usize).max();
    if let Some(v) = vocabulary {
        tokens.fits(v).map_err(usage)?;
    }
    for path in args.text.iter().chain(&args.eval).filter(|p| !is_own(p)) {
        lab.tell(Command::Text(read(path, &tokens)?));
    }
    Ok(())
}

/// The name that stands for what the model writes itself.
fn is_own(path: &Path) -> bool {
    path == Path::new(OWN)
}

/// Where the model's own text stands first, or among the sources of a study, the configuration says so: it is no file.
fn own(config: &mut Map<String, Value>, method: &str, args: &Texts) {
    if method == "calibration_study" && args.text.iter().any(|p| is_own(p)) && !config.contains_key("sources") {
        let names: Vec<String> = args.text.iter().map(|p| stem(p)).chain([MIXTURE, RANDOM, REPEATED].map(str::to_owned)).collect();
        config.insert("sources".into(), names.join(",").into());
    } else if method != "calibration_study" && args.text.first().is_some_and(|p| is_own(p)) {
        config.entry(if method == "perplexity" { "evaluation" } else { "calibration" }).or_insert(OWN.into());
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "text".into(), |s| s.to_string_lossy().into_owned())
}

/// Gives the engine the texts that a record was made with.
pub fn offer(lab: &Lab, files: &[PathBuf], texts: &[PathBuf]) -> Result<(), Failure> {
    if texts.is_empty() {
        return Ok(());
    }
    let beside = Common { files: files.to_vec(), device: crate::args::Device::Auto, json: true };
    let tokens = tokenizer(&beside, None)?;
    texts.iter().try_for_each(|path| {
        lab.tell(Command::Text(read(path, &tokens)?));
        Ok(())
    })
}

/// A `.txt` file is one document; each line of a `.jsonl` file is a document (`text`) or a question.
fn read(path: &Path, tokens: &Tokens) -> Result<Corpus, Failure> {
    let text = fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    let name = stem(path);
    let lines = path.extension().is_some_and(|e| e == "jsonl");
    corpus(&name, &text, lines, |t| tokens.encode(t, true)).map_err(|e| match e {
        TextError::Tokens(e) => usage(e),
        TextError::Line { line, why } => Failure::Usage(format!("Line {line} of {} was not understood", path.display()), format!("{why}."), "Each line is a JSON object with `text`, or with a question and an `answer`.".into()),
    })
}
