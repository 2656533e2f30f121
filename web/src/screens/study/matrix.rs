//! Source × domain: what each text costs on each text, with its seeds.

use espalier_methods::calibration::OWN;
use espalier_methods::findings::StudyRun;
use yew::prelude::*;

use crate::app::context::Lab;
use crate::figures::{Source, StripsChart};
use crate::app::state::State;
use crate::plot::number::{fixed, percent};
use crate::plot::strips::Strips;
use crate::screens::parts::select;

/// Properties of [`Matrix`].
#[derive(Properties, PartialEq)]
pub struct MatrixProps {
    /// The laboratory.
    pub lab: Lab,
}

/// The sparsity whose runs are shown: the chosen one, else the smallest.
pub fn shown(state: &State) -> f64 {
    let all = state.language.asked();
    let chosen = state.view("study-at").and_then(|v| v.parse::<f64>().ok()).filter(|v| all.contains(v));
    chosen.or(all.first().copied()).unwrap_or(state.study().sparsity)
}

/// Its runs.
pub fn runs(state: &State) -> Vec<&StudyRun> {
    let at = shown(state);
    state.language.study.iter().filter(|r| r.asked == at).collect()
}

/// The choice between sparsities, where there are several.
fn at(lab: &Lab) -> Html {
    let all = lab.state.language.asked();
    if all.len() < 2 {
        return Html::default();
    }
    let names: Vec<String> = all.iter().map(|a| percent(*a)).collect();
    let now = all.iter().position(|a| *a == shown(&lab.state));
    let choose = {
        let lab = lab.clone();
        Callback::from(move |i: usize| lab.view("study-at", &all.get(i).map_or_else(String::new, f64::to_string)))
    };
    html! { <label class="pick">{ "removed" }{ select("Sparsity that is shown", "study-at", &names, now, choose) }</label> }
}

/// Sources in the order in which they ran.
fn sources(runs: &[&StudyRun]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for r in runs {
        if !out.contains(&r.source) {
            out.push(r.source.clone());
        }
    }
    out
}

/// A source as people read it.
pub fn written(source: &str) -> String {
    match source.rsplit_once(':') {
        Some((name, "single")) => format!("{name}, one"),
        Some((name, "zero")) => format!("{name}, none answered"),
        Some((name, "in_context")) => format!("{name}, many"),
        Some((name, "chain_of_thought")) => format!("{name}, reasons"),
        _ => match source {
            "mixture" => "mixture of all".into(),
            "random" => "random tokens".into(),
            "repeated" => "one token repeated".into(),
            OWN => "model’s own text".into(),
            s => s.into(),
        },
    }
}

/// The figure.
#[component]
pub fn Matrix(props: &MatrixProps) -> Html {
    let lab = &props.lab;
    let runs = runs(&lab.state);
    if runs.is_empty() {
        return html! { <div class="empty"><h2>{ "Source × domain" }</h2><p class="say">{ "The same model, pruned after reading one text after another and judged on all of them; three seeds say how much of a difference is chance. Texts and windows are those of the knobs." }</p></div> };
    }
    let (sources, domains) = (sources(&runs), runs[0].domains.clone());
    let added = lab.state.view("study-matrix").as_deref() != Some("loss");
    let only = lab.state.view("study-domain").and_then(|d| domains.iter().position(|n| **n == *d));
    let cells: Vec<Vec<f64>> = sources
        .iter()
        .flat_map(|s| (0..domains.len()).map(|d| runs.iter().filter(|r| r.source == *s).map(|r| if added { r.nats[d] - r.dense[d] } else { r.nats[d] }).collect::<Vec<_>>()).collect::<Vec<_>>())
        .collect();
    let mean = |r: usize| {
        let all: Vec<f64> = cells[r * domains.len()..(r + 1) * domains.len()].iter().flatten().copied().collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    let own = sources.iter().enumerate().flat_map(|(r, s)| domains.iter().position(|d| d == s).map(|c| (r, c))).collect();
    let best = (0..sources.len()).min_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap_or(0);
    let worst = (0..sources.len()).max_by(|a, b| mean(*a).total_cmp(&mean(*b))).unwrap_or(0);
    let sentence = format!(
        "Averaged over {} domains {} costs least, {} nats a token{}, and {} most, {}. Boxed: source and domain are the same text.",
        domains.len(),
        written(&sources[best]),
        fixed(mean(best), 3),
        if added { " more than the dense model" } else { "" },
        written(&sources[worst]),
        fixed(mean(worst), 3)
    );
    let what = if added { "nats a token over the dense model; dots: seeds" } else { "nats a token; dots: seeds" };
    let strips = Strips { width: 0.0, rows: sources.iter().map(|s| written(s)).collect(), columns: domains.clone(), value: if added { "loss added, nats".into() } else { "loss, nats".into() }, cells, own };
    let source = Source { model: lab.state.summary.as_ref().map_or_else(String::new, |s| s.name.clone()).into(), tensor: "".into(), settings: format!("{}, {} removed, {} runs", lab.state.study().rule.word(), percent(shown(&lab.state)), runs.len()).into() };
    let names: Vec<String> = std::iter::once("all".to_owned()).chain(domains.iter().cloned()).collect();
    let choose = {
        let (lab, names) = (lab.clone(), names.clone());
        Callback::from(move |i: usize| lab.view("study-domain", if i == 0 { "" } else { names.get(i).map_or("", String::as_str) }))
    };
    let toggle = {
        let lab = lab.clone();
        Callback::from(move |loss: bool| lab.view("study-matrix", if loss { "loss" } else { "" }))
    };
    let head = html! {
        <>
        { crate::screens::parts::segments("What is shown", "study-shown", &[crate::screens::parts::choice(false, "added"), crate::screens::parts::choice(true, "loss")], &!added, &toggle) }
        <label class="pick">{ "domain" }{ select("Domain", "study-domain", &names, Some(only.map_or(0, |i| i + 1)), choose) }</label>
        { at(lab) }
        </>
    };
    html! { <StripsChart title="Source × domain" {what} {sentence} {strips} {only} {head} {source} test="study-matrix" /> }
}
