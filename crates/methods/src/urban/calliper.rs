//! CaLLiPer as a method of the laboratory: a city, a run that can be watched, and the probes that it has to win.

use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Line, Rivals, compare};
use super::encoding::{Encoding, Scales};
use super::look::Viewer;
use super::network::Architecture;
use super::picture::{Probes, Urban};
use super::places::CITY;
use super::run::{self, Run};
use super::saved::{Remembering, Saved, save};
use super::town::{Source, Town, find};
use crate::config::decode;
use crate::figures::{axis, figure, stat};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, Figure, FigureKind, Finding, Report};
use crate::work::Desk;

/// Hidden width of the probe of shares, as the published numbers have it.
pub const HIDDEN: usize = 64;
/// Registry key.
pub const CARD_ID: &str = "calliper";

/// What it is.
pub static CARD: Card = Card {
    id: CARD_ID,
    title: "CaLLiPer",
    authors: "X. Wang, T. Cheng, S. Law, Z. Zeng, L. Yin, J. Liu",
    year: 2025,
    link: "https://arxiv.org/abs/2411.06229",
    paragraph: "A small network turns a place into a vector; a sentence encoder that stays as it is and one trained layer turn the description of what stands there into another. \
        Training pulls the two together and apart from the rest of the batch. Afterwards only the network of places is kept: any place of the city has an embedding, and how \
        well it tells land use, beside cheaper ways to tell it, is measured at the end.",
    needs: "a city: a made one, or a CSV or GeoJSON of described points",
    knobs: &[
        CITY,
        Knob { key: "encoding", label: "Encoding", help: "How coordinates become features, with their wavelengths in metres.", unit: "", range: Range::Elsewhere, paper: r#"{"kind":"grid","min":100.0,"max":10000.0,"count":32}"# },
        Knob { key: "architecture", label: "Network", help: "The residual net, a SIREN, or one linear layer, with its width.", unit: "", range: Range::Elsewhere, paper: r#"{"kind":"fc_net","hidden":256,"dropout":0.5}"# },
        Knob { key: "width", label: "Embedding", help: "Numbers an embedding.", unit: "numbers", range: Range::Number { min: 1.0, max: 1024.0, step: 1.0 }, paper: "128" },
        Knob { key: "batch", label: "Batch", help: "Points a step; chance level is its logarithm.", unit: "points", range: Range::Number { min: 1.0, max: 65536.0, step: 1.0 }, paper: "1024" },
        Knob { key: "epochs", label: "Epochs", help: "Times that every point is seen.", unit: "epochs", range: Range::Number { min: 0.0, max: 100_000.0, step: 1.0 }, paper: "100" },
        Knob { key: "rate", label: "Learning rate", help: "AdamW's, the same at every step.", unit: "", range: Range::Number { min: 0.0, max: 10.0, step: 0.0001 }, paper: "0.001" },
        Knob { key: "decay", label: "Weight decay", help: "AdamW's, of matrices only.", unit: "", range: Range::Number { min: 0.0, max: 10.0, step: 0.01 }, paper: "0.01" },
        Knob { key: "validation", label: "Held out", help: "Share of the points that is kept aside to validate.", unit: "", range: Range::Number { min: 0.0, max: 0.9, step: 0.05 }, paper: "0.1" },
        Knob { key: "normalise_text", label: "Texts to length 1", help: "Bring the text side to length 1, too, as CLIP does and the paper does not.", unit: "", range: Range::Switch, paper: "false" },
        Knob { key: "look_every", label: "Look every", help: "Steps between two looks at the embedding.", unit: "steps", range: Range::Number { min: 1.0, max: 100_000.0, step: 1.0 }, paper: "25" },
        Knob { key: "seeds", label: "Probe seeds", help: "How often each probe is repeated; 0 leaves the probes out.", unit: "seeds", range: Range::Number { min: 0.0, max: 5.0, step: 1.0 }, paper: "5" },
        Knob { key: "neighbours", label: "Neighbours", help: "Nearest points that the baselines look at.", unit: "points", range: Range::Number { min: 1.0, max: 1000.0, step: 1.0 }, paper: "20" },
        Knob { key: "steps", label: "Steps", help: "Most steps, where fewer are wanted than the epochs have.", unit: "steps", range: Range::Elsewhere, paper: "null" },
        Knob { key: "resume", label: "Saved run", help: "Name of a saved run to go on from, which must have been given; empty to begin anew.", unit: "", range: Range::Elsewhere, paper: r#""""# },
        Knob { key: "supervised_steps", label: "Supervised baseline", help: "Steps that the Space2Vec-like baseline is trained for; 0 leaves it out.", unit: "steps", range: Range::Number { min: 0.0, max: 100_000.0, step: 1.0 }, paper: "1000" },
    ],
};

/// Configuration; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the city comes from.
    pub city: Source,
    /// Points to features.
    pub encoding: Encoding,
    /// Features to embeddings.
    pub architecture: Architecture,
    /// Numbers an embedding.
    pub width: usize,
    /// Points a step.
    pub batch: usize,
    /// Times that every point is seen.
    pub epochs: u32,
    /// Learning rate.
    pub rate: f64,
    /// Weight decay.
    pub decay: f64,
    /// Share kept aside.
    pub validation: f64,
    /// Whether text embeddings are brought to length 1.
    pub normalise_text: bool,
    /// Steps between two looks.
    pub look_every: u32,
    /// Repetitions of each probe.
    pub seeds: usize,
    /// Nearest points of the baselines.
    pub neighbours: usize,
    /// Steps of the supervised baseline.
    pub supervised_steps: u32,
    /// Most steps, where fewer are wanted than the epochs have.
    pub steps: Option<u32>,
    /// Name of a saved run to go on from; empty to begin anew. What comes out is the same, so a report does not name it.
    pub resume: String,
}

impl Default for Config {
    fn default() -> Self {
        let run = run::Config::default();
        Self {
            city: Source::default(),
            encoding: run.encoding,
            architecture: run.architecture,
            width: run.width,
            batch: run.batch,
            epochs: run.epochs,
            rate: run.rate,
            decay: run.decay,
            validation: run.validation,
            normalise_text: run.normalise_text,
            look_every: 25,
            seeds: 5,
            neighbours: 20,
            supervised_steps: 1000,
            steps: None,
            resume: String::new(),
        }
    }
}

impl Config {
    /// What a city of 20 000 points learns from in two or three minutes on two processor cores: the paper's method in a smaller network.
    pub fn small() -> Self {
        Self {
            city: Source::bundled(),
            encoding: Encoding::Grid(Scales { min: 50.0, max: 5000.0, count: 32 }),
            architecture: Architecture::FcNet { hidden: 128, dropout: 0.5 },
            width: 64,
            batch: 512,
            epochs: 20,
            seeds: 3,
            supervised_steps: 300,
            ..Self::default()
        }
    }

    /// The part that the run takes.
    pub fn run(&self, seed: u64) -> run::Config {
        run::Config {
            encoding: self.encoding,
            architecture: self.architecture,
            width: self.width,
            batch: self.batch,
            epochs: self.epochs,
            steps: self.steps,
            rate: self.rate,
            decay: self.decay,
            validation: self.validation,
            normalise_text: self.normalise_text,
            seed,
        }
    }

    /// The part that the comparison takes.
    pub fn comparison(&self) -> Comparison {
        let default = Comparison::default();
        Comparison { seeds: default.seeds.iter().copied().take(self.seeds).collect(), neighbours: self.neighbours, ..default }
    }
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let town = Town::new(&config.city, &inputs.files).await?;
    town.city.warnings().into_iter().for_each(|w| desk.warn(w));
    desk.finding(Finding::Urban(Box::new(Urban::City(Box::new(town.picture())))));
    desk.breathe().await?;
    let settings = config.run(inputs.seed);
    let mut run = Run::new(session, &town.city, settings.clone())?;
    let said = Remembering::new(sink);
    if !config.resume.is_empty() {
        let saved = Saved::read(find(&inputs.files, &config.resume)?).await?;
        saved.restore(&mut run, &town.city, &config)?;
        said.recall(&saved.curves).await?;
    }
    let name = town.name.replace([' ', '.'], "-");
    watch(&mut run, config.look_every, &said, async |run: &Run| {
        let file = format!("{name}-step-{}.safetensors", run.steps());
        let saved = save(run, &file, &town.city, &config, &said.curves()).await?;
        said.event(Event::Finding(Finding::Urban(Box::new(Urban::Saved(saved)))));
        Ok(())
    })
    .await?;
    let mut stats = vec![
        // Of all of the epochs: the same words for a run that was ended early and for one that is done again up to there.
        stat("steps", f64::from(run.steps()), "", format!("of {}", run.steps_an_epoch() * config.epochs)),
        stat("chance", run.chance(), "nats", "ln of the batch"),
    ];
    if let Some(loss) = said.last("loss") {
        stats.push(stat("last loss", loss, "nats", ""));
    }
    if let Some((loss, step)) = run.best() {
        stats.push(stat("best validation loss", loss, "nats", format!("step {step}")));
    }
    let mut figures = Vec::new();
    let mut summary = format!("{} steps on {} points.", run.steps(), town.city.points.len());
    if config.seeds > 0 && (town.labelled.is_some() || town.areas.is_some()) {
        let untrained = Run::new(session, &town.city, settings)?;
        let rivals = Rivals::new(&untrained, &town.city, config.supervised_steps, sink).await?;
        let uses = town.labelled.as_ref().map(|(l, classes)| (l.clone(), classes.clone(), config.comparison()));
        let people = town.areas.as_ref().map(|a| (a.labelled(), a.classes.clone(), Comparison { hidden: Some(HIDDEN), ..config.comparison() }));
        for (of_regions, what) in [(false, uses), (true, people)] {
            let Some((labelled, classes, how)) = what else { continue };
            let (lines, predicted) = compare(&run, &rivals, &town.city, &labelled, &how, sink).await?;
            let table = table(of_regions, &lines, how.seeds.len());
            desk.figure(&table);
            summary = format!("{summary} {}", verdict(&lines));
            figures.push(table);
            let probes = Box::new(Probes { lines, seeds: how.seeds.len() as u32, classes, predicted });
            desk.finding(Finding::Urban(Box::new(if of_regions { Urban::Areas(probes) } else { Urban::Probes(probes) })));
        }
    }
    // As whoever does it again has to say it: from the beginning, to the step where somebody had seen enough.
    let steps = if run.steps() < run.total() { Some(run.steps()) } else { config.steps };
    let config = Config { resume: String::new(), steps, ..config };
    Ok(Report { method: CARD.id.into(), config: serde_json::to_value(config).expect("plain data"), summary, stats, figures, findings: Vec::new(), warnings: desk.warnings() })
}

/// Trains to the end, or until it is enough, with a look every so many steps, whenever the run stands still, and at the end. `save` is called when somebody asks for the run as it
/// stands, and at the end.
async fn watch(run: &mut Run, every: u32, sink: &dyn Sink, save: impl AsyncFn(&Run) -> Result<(), MethodError>) -> Result<(), MethodError> {
    let mut viewer = Viewer::new();
    let say = |look| sink.event(Event::Finding(Finding::Urban(Box::new(Urban::Look(look)))));
    say(viewer.look(run, true, sink).await?);
    let mut seen = run.steps();
    while run.steps() < run.total() && !sink.enough() {
        let until = (run.steps() / every + 1) * every;
        run.advance(sink, until).await?;
        if sink.wanted() {
            save(run).await?;
            sink.given();
        }
        if run.steps() != seen {
            seen = run.steps();
            say(viewer.look(run, sink.waits() || seen == run.total(), sink).await?);
        }
    }
    if seen != run.total() {
        say(viewer.look(run, true, sink).await?);
    }
    save(run).await
}

/// Says who wins, whoever it is: by F1 where classes are told, by the distance L1 where shares are.
pub fn verdict(lines: &[Line]) -> String {
    let shares = lines.first().is_some_and(|l| l.mean("l1").is_finite());
    let written = |v: f64| if shares { format!("{v:.3}") } else { format!("{:.1} %", 100.0 * v) };
    let name = if shares { "L1 of the shares" } else { "F1" };
    let say = |blocks: bool| {
        let mut all: Vec<(&str, f64)> = lines.iter().filter(|l| l.by_blocks() == blocks).map(|l| (l.rows.as_str(), if shares { l.mean("l1") } else { l.f1() })).collect();
        let own = all.first().copied()?;
        all.sort_by(|a, b| if shares { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
        let split = if blocks { "on the split by blocks" } else { "on the random split" };
        let best = all.first().copied()?;
        Some(if best.0 == own.0 {
            let next = all.get(1).map_or(String::new(), |n| format!(", ahead of {} with {}", n.0, written(n.1)));
            format!("{name} {split}: {} is first with {}{next}.", own.0, written(own.1))
        } else {
            format!("{name} {split}: {} is first with {}; {} has {}.", best.0, written(best.1), own.0, written(own.1))
        })
    };
    [say(false), say(true)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn table(of_regions: bool, lines: &[Line], seeds: usize) -> Figure {
    let names: Vec<String> = lines.first().map(|l| l.metrics.iter().map(|m| m.0.clone()).collect()).unwrap_or_default();
    let mut columns = vec![axis("embedding", ""), axis("split", "")];
    columns.extend(names.iter().flat_map(|n| [axis(n, ""), axis("±", "")]));
    let rows = lines.iter().map(|l| {
        let split = if l.by_blocks() { "blocks" } else { "random" };
        let values = l.metrics.iter().flat_map(|(_, mean, spread)| [format!("{mean:.4}"), format!("{spread:.4}")]);
        [l.rows.clone(), split.into()].into_iter().chain(values).collect()
    });
    let sentence = format!("{} Means and deviations over {seeds} seeds of the probe.", verdict(lines));
    let [id, title] = if of_regions { ["areas", "Probe of the regions’ shares"] } else { ["probes", "Land-use probe"] };
    figure(id, title, sentence, FigureKind::Table { columns, rows: rows.collect() })
}
