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
use super::town::{Source, Town};
use crate::config::decode;
use crate::figures::{axis, figure, stat};
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, Figure, FigureKind, Finding, Report};
use crate::work::Desk;

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
    watch(&mut run, config.look_every, sink).await?;
    let mut stats = vec![
        stat("steps", f64::from(run.steps()), "", format!("of {}", run.total())),
        stat("chance", run.chance(), "nats", "ln of the batch"),
    ];
    if let Some((loss, step)) = run.best() {
        stats.push(stat("best validation loss", loss, "nats", format!("step {step}")));
    }
    let mut figures = Vec::new();
    let mut summary = format!("{} steps on {} points.", run.steps(), town.city.points.len());
    if let Some((labelled, classes)) = town.labelled.as_ref().filter(|_| config.seeds > 0) {
        let untrained = Run::new(session, &town.city, settings)?;
        let how = config.comparison();
        let rivals = Rivals { untrained: &untrained, supervised: config.supervised_steps };
        let (lines, predicted) = compare(&run, &rivals, &town.city, labelled, &how, sink).await?;
        let table = table(&lines, how.seeds.len());
        desk.figure(&table);
        summary = format!("{summary} {}", verdict(&lines));
        figures.push(table);
        let probes = Probes { lines, seeds: how.seeds.len() as u32, classes: classes.clone(), predicted };
        desk.finding(Finding::Urban(Box::new(Urban::Probes(Box::new(probes)))));
    }
    Ok(Report { method: CARD.id.into(), config: serde_json::to_value(config).expect("plain data"), summary, stats, figures, findings: Vec::new(), warnings: desk.warnings() })
}

/// Trains to the end, or until it is enough, with a look every so many steps, whenever the run stands still, and at the end.
async fn watch(run: &mut Run, every: u32, sink: &dyn Sink) -> Result<(), MethodError> {
    let mut viewer = Viewer::new();
    let say = |look| sink.event(Event::Finding(Finding::Urban(Box::new(Urban::Look(look)))));
    say(viewer.look(run, true, sink).await?);
    let mut seen = run.steps();
    while run.steps() < run.total() && !sink.enough() {
        let until = (run.steps() / every + 1) * every;
        run.advance(sink, until).await?;
        if run.steps() != seen {
            seen = run.steps();
            say(viewer.look(run, sink.waits() || seen == run.total(), sink).await?);
        }
    }
    if seen != run.total() {
        say(viewer.look(run, true, sink).await?);
    }
    Ok(())
}

/// Says who wins on land use, whoever it is.
pub fn verdict(lines: &[Line]) -> String {
    let say = |blocks: bool| {
        let mut all: Vec<(&str, f64)> = lines.iter().filter(|l| l.by_blocks() == blocks).map(|l| (l.rows.as_str(), l.f1())).collect();
        let own = all.first().copied()?;
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        let split = if blocks { "on the split by blocks" } else { "on the random split" };
        let best = all.first().copied()?;
        Some(if best.0 == own.0 {
            let next = all.get(1).map_or(String::new(), |n| format!(", ahead of {} with {:.1} %", n.0, 100.0 * n.1));
            format!("F1 {split}: {} is first with {:.1} %{next}.", own.0, 100.0 * own.1)
        } else {
            format!("F1 {split}: {} is first with {:.1} %; {} has {:.1} %.", best.0, 100.0 * best.1, own.0, 100.0 * own.1)
        })
    };
    [say(false), say(true)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn table(lines: &[Line], seeds: usize) -> Figure {
    let names: Vec<String> = lines.first().map(|l| l.metrics.iter().map(|m| m.0.clone()).collect()).unwrap_or_default();
    let mut columns = vec![axis("embedding", ""), axis("split", "")];
    columns.extend(names.iter().flat_map(|n| [axis(n, ""), axis("±", "")]));
    let rows = lines.iter().map(|l| {
        let split = if l.by_blocks() { "blocks" } else { "random" };
        let values = l.metrics.iter().flat_map(|(_, mean, spread)| [format!("{mean:.4}"), format!("{spread:.4}")]);
        [l.rows.clone(), split.into()].into_iter().chain(values).collect()
    });
    let sentence = format!("{} Means and deviations over {seeds} seeds of the probe.", verdict(lines));
    figure("probes", "Land-use probe", sentence, FigureKind::Table { columns, rows: rows.collect() })
}
