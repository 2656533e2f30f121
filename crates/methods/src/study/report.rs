//! What a study says at its end.

use super::claims;
use super::config::{CARD, Config};
use crate::figures::{axis, digits, figure, percent, stat};
use crate::findings::{Agreement, Language, StudyRun};
use crate::layerwise::Evaluation;
use crate::method::MethodError;
use crate::report::{Cells, Figure, FigureKind, Finding, Report};
use crate::work::Desk;

/// A study that has run.
pub struct Study {
    pub config: Config,
    /// Fractions that were asked for.
    pub ladder: Vec<f64>,
    pub sources: Vec<String>,
    pub domains: Vec<String>,
    pub runs: Vec<StudyRun>,
    /// By sparsity, where masks were held.
    pub agreements: Vec<Agreement>,
    pub evaluation: Vec<Evaluation>,
    pub general: String,
}

/// Mean over seeds of the added loss, source × domain.
pub fn matrix(sources: &[String], domains: &[String], runs: &[StudyRun], asked: f64) -> Figure {
    let cell = |s: &String, d: usize| {
        let all: Vec<f64> = runs.iter().filter(|r| r.source == *s && r.asked == asked).map(|r| r.nats[d] - r.dense[d]).collect();
        if all.is_empty() { f32::NAN } else { (all.iter().sum::<f64>() / all.len() as f64) as f32 }
    };
    let values: Vec<f32> = sources.iter().flat_map(|s| (0..domains.len()).map(|d| cell(s, d)).collect::<Vec<_>>()).collect();
    let cells = Cells { rows: sources.len() as u32, cols: domains.len() as u32, values: values.into() };
    // The first sparsity's figure has the plain name, as a study of one sparsity has it.
    let name = if runs.first().is_none_or(|r| r.asked == asked) { "study".to_owned() } else { format!("study-{asked}") };
    let sentence = format!("Loss that pruning to {} added, by source (down: {}) and domain (across: {}), mean over seeds.", percent(asked), sources.join(", "), domains.join(", "));
    figure(&name, "Source × domain", sentence, FigureKind::HeatMap { x: axis("domain", ""), y: axis("source", ""), value: axis("loss added", "nats"), cells, diverging: false })
}

impl Study {
    /// One sentence: which source adds least and which most, at one sparsity.
    fn sentence(&self, asked: f64) -> String {
        let here: Vec<&StudyRun> = self.runs.iter().filter(|r| r.asked == asked).collect();
        let mean = |s: &String| {
            let all: Vec<f64> = here.iter().filter(|r| r.source == *s).flat_map(|r| r.nats.iter().zip(r.dense.iter()).map(|(a, b)| a - b).collect::<Vec<_>>()).collect();
            all.iter().sum::<f64>() / all.len().max(1) as f64
        };
        let best = self.sources.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))).cloned().unwrap_or_default();
        let worst = self.sources.iter().max_by(|a, b| mean(a).total_cmp(&mean(b))).cloned().unwrap_or_default();
        let (low, high) = here.iter().fold((1.0f64, 0.0f64), |(a, b), r| (a.min(r.sparsity), b.max(r.sparsity)));
        let removed = if high - low < 5e-5 { percent(high) } else { format!("{} to {}", percent(low), percent(high)) };
        format!(
            "{} runs removed {removed} each; averaged over {} domains {best} adds least, {} nats a token, and {worst} most, {}.",
            here.len(),
            self.domains.len(),
            digits(mean(&best)),
            digits(mean(&worst))
        )
    }

    /// The report. Its configuration carries the results, so that a run record is also what a resumed study needs.
    pub fn report(self, desk: &Desk<'_>) -> Result<Report, MethodError> {
        let found: Vec<_> = self.ladder.iter().flat_map(|a| claims(&self.runs, *a, &self.general)).collect();
        let columns = ["source", "seed", "asked for", "sparsity", "domain", "dense", "pruned", "added"].map(|n| axis(n, "")).to_vec();
        let rows = self.runs.iter().flat_map(|r| {
            let row = |d: usize| vec![r.source.clone(), r.seed.to_string(), percent(r.asked), percent(r.sparsity), r.domains[d].clone(), digits(r.dense[d]), digits(r.nats[d]), digits(r.nats[d] - r.dense[d])];
            (0..r.domains.len()).map(row).collect::<Vec<_>>()
        });
        let said = ["sparsity", "claim", "what was subtracted", "mean", "spread", "seeds", "here"].map(|n| axis(n, "")).to_vec();
        let words = found.iter().map(|c| vec![percent(c.asked), c.claim.clone(), c.difference.clone(), digits(c.mean), digits(c.spread), c.seeds.to_string(), format!("{:?}", c.verdict).to_lowercase()]);
        let mut figures: Vec<Figure> = self.ladder.iter().map(|a| matrix(&self.sources, &self.domains, &self.runs, *a)).collect();
        figures.extend([
            figure("study-runs", "All runs", format!("{} runs on {} domains, losses in nats a token.", self.runs.len(), self.domains.len()), FigureKind::Table { columns, rows: rows.collect() }),
            figure("study-claims", "Claims", "What the paper claims and what this model shows; differences of added loss in nats a token.", FigureKind::Table { columns: said, rows: words.collect() }),
        ]);
        figures.iter().for_each(|f| desk.figure(f));
        let summary = self.ladder.iter().map(|a| self.sentence(*a)).collect::<Vec<_>>().join(" ");
        let windows = self.evaluation.first().map_or(0, |e| e.windows.len());
        let high = self.runs.iter().map(|r| r.sparsity).fold(0.0, f64::max);
        let wanted = self.ladder.iter().map(|a| percent(*a)).collect::<Vec<_>>().join(", ");
        let stats = vec![stat("runs", self.runs.len() as f64, "", ""), stat("sparsity", high, "%", format!("asked for {wanted}")), stat("evaluation windows", windows as f64, "", "of the first domain")];
        let mut findings: Vec<Finding> = self.runs.into_iter().map(|r| Finding::Language(Language::Study(r))).collect();
        findings.extend(self.agreements.into_iter().map(|a| Finding::Language(Language::Agreement(a))));
        findings.extend(found.into_iter().map(|c| Finding::Language(Language::Claim(c))));
        Ok(Report { method: CARD.id.into(), summary, stats, figures, findings, warnings: desk.warnings(), config: serde_json::to_value(self.config).expect("plain data") })
    }
}
