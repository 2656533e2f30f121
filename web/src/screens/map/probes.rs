//! The probes' tables as figures: F1 of land use, or L1 of regions' shares, of every embedding on both splits, with its spread over the seeds.

use std::rc::Rc;

use espalier_methods::urban::calliper::verdict;
use espalier_methods::urban::compare::Line;
use espalier_methods::urban::picture::Probes;
use yew::prelude::*;

use super::charts::source;
use crate::app::context::Lab;
use crate::figures::{Figure, Source};
use crate::figures::hooks::use_size;
use crate::figures::layers::drawn;
use crate::plot::number::plural;
use crate::plot::scene::{Anchor, Mark, Scene, stroke};
use crate::plot::table::{Cell, Table};

/// What a table of probes is drawn by.
#[derive(Clone, Copy, PartialEq)]
struct Measure {
    /// Its key in the table, and what it is called.
    key: &'static str,
    name: &'static str,
    /// The figure's title and its name in tests and links.
    title: &'static str,
    test: &'static str,
    /// The paper's number, and of what.
    paper: f64,
    of: &'static str,
    /// Numbers are written times this, with so many digits behind the point.
    times: f64,
    digits: usize,
}

/// Macro F1 of a linear probe.
const USES: Measure = Measure { key: "f1", name: "F1, %", title: "Land-use probe", test: "map-probes", paper: 0.3568, of: "London, 340 000 points, 10 classes", times: 100.0, digits: 1 };
/// Σ|told − known| over the classes, of a probe with a hidden layer: less is better.
const PEOPLE: Measure = Measure { key: "l1", name: "L1", title: "Probe of the regions", test: "map-areas", paper: 0.2165, of: "London, 4 994 regions, 9 classes", times: 1.0, digits: 3 };
/// Pixels a row: two lines, the name and the marks.
const ROW: f64 = 32.0;

/// The figure once probes have come, before that when they will.
pub(super) fn probes(lab: &Lab) -> Html {
    let town = &lab.state.town;
    if let Some(probes) = town.probes.clone() {
        return html! { <ProbeFigure {probes} measure={USES} source={source(town)} /> };
    }
    let words = match (&town.picture, lab.state.running("calliper")) {
        (Some(p), _) if p.labels.is_none() => "No place has a known land use, so there is nothing to probe.",
        (_, Some(_)) => "The probes come after the last step; “Finish” goes to them at once.",
        _ => "When a run ends, a linear probe tells land use from its embedding, and from what is cheaper.",
    };
    html! { <section class="sec"><h2>{ "Land-use probe" }</h2><p class="d">{ words }</p></section> }
}

/// The same for regions, where the city has some.
pub(super) fn areas(lab: &Lab) -> Html {
    let town = &lab.state.town;
    let Some(regions) = town.picture.as_ref().and_then(|p| p.areas.as_ref()) else { return Html::default() };
    match town.areas.clone() {
        Some(probes) => html! { <ProbeFigure {probes} measure={PEOPLE} source={source(town)} /> },
        None => {
            let words = format!("{} with shares of {} classes: a probe tells them from the embedding at the place of each, and of all its points.", plural(regions.names.len(), "region", "regions"), regions.classes.len());
            html! { <section class="sec" data-test="map-areas-wait"><h2>{ PEOPLE.title }</h2><p class="d">{ words }</p></section> }
        }
    }
}

/// Properties of [`ProbeFigure`].
#[derive(Properties, PartialEq)]
struct ProbeProps {
    /// What they said.
    pub probes: Rc<Probes>,
    /// By what it is drawn.
    pub measure: Measure,
    /// Where they come from.
    pub source: Source,
}

/// The figure.
#[component]
fn ProbeFigure(props: &ProbeProps) -> Html {
    let node = use_node_ref();
    let size = use_size(&node);
    let probes = props.probes.clone();
    let m = props.measure;
    let rows = rows(&probes.lines, m);
    let height = ROW * rows.len() as f64 + 42.0;
    let scene = Rc::new(scene([size[0], height], &rows, m));
    let what = format!("{}, {} classes, {} seeds", m.name.trim_end_matches(", %"), probes.classes.len(), probes.seeds);
    let less = if m.key == "l1" { " Less is better." } else { "" };
    let sentence = AttrValue::from(format!("{}{less} Lines are ± one deviation. The grey tick is the paper’s: {}; another city is another scale.", verdict(&probes.lines), m.of));
    let export = {
        let scene = scene.clone();
        Callback::from(move |()| (*scene).clone())
    };
    let table = {
        let probes = probes.clone();
        Callback::from(move |()| table(&probes))
    };
    html! {
        <Figure title={m.title} {what} sentence={sentence.clone()} legend={vec![("leaf".into(), "random split".into()), ("c1".into(), "blocks".into())]} source={props.source.clone()}
            table={Some(table)} scene={Some(export)} test={m.test}>
            <div ref={node} class="probes" role="img" aria-label={sentence}>if size[0] > 0.0 { { drawn(&scene) } }</div>
        </Figure>
    }
}

/// One embedding on both splits.
struct Row<'a> {
    name: &'a str,
    /// Mean and deviation of the measure.
    random: [f64; 2],
    blocks: [f64; 2],
}

fn rows(lines: &[Line], measure: Measure) -> Vec<Row<'_>> {
    let f1 = |l: &Line| l.metrics.iter().find(|(n, ..)| n == measure.key).map_or([f64::NAN; 2], |(_, m, s)| [*m, *s]);
    let mut out: Vec<Row<'_>> = Vec::new();
    for line in lines {
        match out.iter_mut().find(|r| r.name == line.rows) {
            Some(row) if line.by_blocks() => row.blocks = f1(line),
            Some(row) => row.random = f1(line),
            None => {
                let (own, none) = (f1(line), [f64::NAN; 2]);
                out.push(if line.by_blocks() { Row { name: &line.rows, random: none, blocks: own } } else { Row { name: &line.rows, random: own, blocks: none } });
            }
        }
    }
    out
}

fn scene(size: [f64; 2], rows: &[Row<'_>], measure: Measure) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    let [w, h] = size;
    let numbers = 84.0;
    let right = (w - numbers).max(40.0);
    let most = rows.iter().flat_map(|r| [r.random[0] + r.random[1], r.blocks[0] + r.blocks[1]]).filter(|v| v.is_finite()).fold(0.4, f64::max).min(if measure.key == "f1" { 1.0 } else { 2.0 });
    let x = |v: f64| v / most * (right - 2.0);
    let (top, low) = (16.0, h - 18.0);
    let step = if most > 0.55 { 0.2 } else { 0.1 };
    let mut tick = 0.0;
    while tick <= most + 1e-9 {
        s.hair_v(x(tick), [top, low], stroke("wire", 1.0));
        s.text(x(tick), h - 4.0, if measure.times > 1.0 { format!("{:.0}", measure.times * tick) } else { format!("{tick:.1}") }, if tick == 0.0 { Anchor::Start } else { Anchor::Middle });
        tick += step;
    }
    s.text(w, 10.0, measure.name, Anchor::End);
    for (i, row) in rows.iter().enumerate() {
        let y = top + ROW * i as f64;
        let own = i == 0;
        let label = s.text(0.0, y + 11.0, row.name, Anchor::Start).halo();
        label.paint(if own { "ink" } else { "ink-2" });
        if own {
            label.bold();
            s.line([x(measure.paper), y + 15.0], [x(measure.paper), y + 29.0], stroke("ghost", 2.0));
        }
        for ([mean, spread], y, paint) in [(row.random, y + 18.5, "leaf"), (row.blocks, y + 25.5, "c1")] {
            if mean.is_finite() {
                s.line([x((mean - spread).max(0.0)), y], [x((mean + spread).min(most)), y], stroke(paint, 1.6));
                s.marks.push(if paint == "leaf" {
                    Mark::Circle { at: [x(mean), y], r: 3.4, fill: Some(paint.into()), stroke: None }
                } else {
                    Mark::Rect { at: [x(mean) - 3.0, y - 3.0, 6.0, 6.0], fill: Some(paint.into()), stroke: None }
                });
            }
        }
        let number = |v: f64| if v.is_finite() { format!("{:.*}", measure.digits, measure.times * v) } else { "–".into() };
        let words = s.text(w, y + 26.0, format!("{} · {}", number(row.random[0]), number(row.blocks[0])), Anchor::End);
        words.paint(if own { "ink" } else { "ink-2" });
        if own {
            words.bold();
        }
    }
    s
}

fn table(probes: &Probes) -> Table {
    let names: Vec<String> = probes.lines.first().map(|l| l.metrics.iter().map(|m| m.0.clone()).collect()).unwrap_or_default();
    let mut t = Table::new(["embedding".to_owned(), "split".to_owned()].into_iter().chain(names.iter().flat_map(|n| [n.clone(), format!("{n}, deviation")])));
    for l in &probes.lines {
        let split = if l.by_blocks() { "blocks" } else { "random" };
        t.push([Cell::from(l.rows.clone()), split.into()].into_iter().chain(l.metrics.iter().flat_map(|(_, m, s)| [Cell::Number(*m), Cell::Number(*s)])));
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_methods::urban::compare::Division;

    #[test]
    fn both_splits_of_an_embedding_are_one_row() {
        let line = |rows: &str, division, f1| Line { rows: rows.into(), division, metrics: vec![("accuracy".into(), 0.0, 0.0), ("f1".into(), f1, 0.01)] };
        let lines = [line("a", Division::Random, 0.5), line("a", Division::Blocks, 0.4), line("b", Division::Random, 0.6), line("b", Division::Blocks, 0.3)];
        let rows = rows(&lines, USES);
        assert_eq!(rows.iter().map(|r| (r.name, r.random[0], r.blocks[0])).collect::<Vec<_>>(), [("a", 0.5, 0.4), ("b", 0.6, 0.3)]);
        let s = scene([300.0, 120.0], &rows, USES);
        assert!(s.marks.iter().any(|m| matches!(m, Mark::Text(l) if l.text == "50.0 · 40.0")));
        let l1 = [Line { rows: "a".into(), division: Division::Random, metrics: vec![("l1".into(), 0.2512, 0.01)] }];
        let s = scene([300.0, 120.0], &super::rows(&l1, PEOPLE), PEOPLE);
        assert!(s.marks.iter().any(|m| matches!(m, Mark::Text(l) if l.text == "0.251 · –")));
        let t = table(&Probes { lines: lines.to_vec(), ..Probes::default() });
        assert_eq!((t.rows.len(), t.columns.len()), (4, 6));
    }
}
