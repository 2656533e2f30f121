//! The kinds of figures with data that differ from turn to turn, at the sizes that a model of some billion weights brings.

use std::rc::Rc;

use espalier_methods::report::{Axis, Spectrum};
use espalier_methods::spectra::summary;
use espalier_web::figures::threshold::ThresholdSlider;
use espalier_web::figures::{
    BranchBars, DumbbellChart, ExpertGridChart, GridChart, HeatMap, HistogramChart, LineChart, Mode, RaceChart, RankChart, SmallMultiples, StripsChart, TailChart,
};
use espalier_web::plot::branch::{Ghost, Row};
use espalier_web::plot::dumbbell::{Dumbbells, Pair};
use espalier_web::plot::expert_grid::{ExpertGrid, Fate};
use espalier_web::plot::grid::Grid;
use espalier_web::plot::lines::{Curve, Values};
use espalier_web::plot::panels::{Panel, Ready};
use espalier_web::plot::race::{Race, RaceStep};
use espalier_web::plot::ranks::{Cell, Column, Row as RankRow};
use espalier_web::plot::scene::Paint;
use espalier_web::plot::strips::Strips;
use espalier_web::plot::threshold::Point;
use yew::prelude::*;

/// Draws with the data of a turn.
type Draw = fn(f64) -> Html;

/// Name and drawing of each.
pub const KINDS: [(&str, Draw); 14] = [
    ("curve, 10 000 points", curve),
    ("12 panels, 84 curves of 512", panels),
    ("tail of 512 values", tail),
    ("histogram of 64 bins", histogram),
    ("heat-map, 64 × 64", heat),
    ("expert grid, 64 × 256", experts),
    ("sparsity bars, 32 rows", bars),
    ("rank bars, 32 × 7", ranks),
    ("threshold of 200 points", threshold),
    ("search, 16 × 64 tried", race),
    ("before and after, 32 rows", dumbbells),
    ("small grid, 32 × 9", grid),
    ("strips, 6 × 5 of 8", strips),
    ("curves, 8 of 1 000 points", curves),
];

/// A number in [0, 1) that a place and a turn have for themselves. It costs little beside what is timed.
fn noise(i: usize, turn: f64) -> f64 {
    let mixed = (turn.to_bits() ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn axis(name: &str, log: bool) -> Axis {
    Axis { name: name.into(), unit: String::new(), log }
}

/// Falling values with noise on them: n singular values of no matrix.
fn falling(n: usize, turn: f64) -> Vec<f64> {
    (0..n).map(|i| 40.0 / (1.0 + i as f64).sqrt() * (1.0 - i as f64 / (1.1 * n as f64)) * (1.0 + 0.05 * noise(i, turn))).collect()
}

fn line(name: &str, n: usize, turn: f64, paint: &'static str) -> Curve {
    Curve { name: name.into(), paint: Paint::Token(paint), width: 1.5, x: Values::ranks(n), y: falling(n, turn).into() }
}

fn log_log() -> Vec<Mode> {
    vec![Mode { label: "log–log".into(), log_x: true, log_y: true }]
}

fn curve(turn: f64) -> Html {
    html! { <LineChart title="Curve" x={axis("rank", true)} y={axis("σ", true)} curves={vec![line("one", 10_000, turn, "leaf")]} modes={log_log()} test="curve" /> }
}

fn curves(turn: f64) -> Html {
    let curves = (0..8).map(|i| line(&format!("curve {i}"), 1000, turn + f64::from(i), ["c1", "c2", "c3", "c4"][i as usize % 4])).collect::<Vec<_>>();
    html! { <LineChart title="Curves" x={axis("rank", false)} y={axis("σ", false)} {curves} legend=true test="curves" /> }
}

fn panels(turn: f64) -> Html {
    let panel = |b: u32| Panel {
        title: b.to_string(),
        curves: ["q", "k", "v", "o", "gate", "up", "down"].into_iter().enumerate().map(|(i, r)| line(r, 512, turn + f64::from(b) + i as f64 / 7.0, r)).collect(),
        ready: Ready::Done,
        on: b == 3,
    };
    html! { <SmallMultiples title="Panels" x={axis("rank", true)} y={axis("σ", true)} panels={(0..12).map(panel).collect::<Vec<_>>()} modes={log_log()} test="panels" /> }
}

fn tail(turn: f64) -> Html {
    let spectrum: Rc<Spectrum> = Rc::new(summary("made.weight", None, [512, 2048], sorted(falling(512, turn)), 1e-9, "made"));
    html! { <TailChart {spectrum} /> }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    espalier_methods::order::by_number(&mut values, |v| -v);
    values
}

fn histogram(turn: f64) -> Html {
    let counts: Rc<[u32]> = (0..64).map(|i| (9000.0 * (-((i as f64 - 32.0) / 9.0).powi(2)).exp() * (1.0 + 0.2 * noise(i, turn))) as u32).collect();
    html! { <HistogramChart title="Histogram" x={axis("weight", false)} range={[-1.0, 1.0]} {counts} test="histogram" /> }
}

fn heat(turn: f64) -> Html {
    let values: Values = (0..64 * 64).map(|i| noise(i, turn)).collect();
    let row_bars: Values = (0..64).map(|i| noise(i, turn + 0.5)).collect();
    html! { <HeatMap title="Heat-map" rows=64 cols=64 {values} row_bars={Some(row_bars)} axes={[AttrValue::from("inputs"), AttrValue::from("outputs")]} test="heat" /> }
}

fn experts(turn: f64) -> Html {
    let n = 64 * 256;
    let grid = ExpertGrid {
        size: [0.0, 0.0],
        layers: (0..64).collect(),
        experts: 256,
        values: (0..n).map(|i| noise(i, turn)).collect(),
        diverging: false,
        unit: "tokens".into(),
        hits: (0..64).map(|l| (0..8).map(|e| (noise(l * 8 + e, turn) * 256.0) as u32).collect()).collect(),
        fates: vec![Fate::Stays; n],
        ghosts: Vec::new(),
        row: Some(20),
        cursor: None,
        entropy: (0..64).map(|l| noise(l, turn)).collect(),
    };
    html! { <ExpertGridChart title="Layers × experts" sentence="Every cell is an expert." grid={Rc::new(grid)} test="experts" /> }
}

fn bars(turn: f64) -> Html {
    let row = |i: usize| Row {
        label: i.to_string(),
        kept: 0.2 + 0.6 * noise(i, turn),
        locked: false,
        on: i == 4,
        part: None,
        ghosts: vec![(Ghost::Uniform, 0.5), (Ghost::Erk, noise(i, 0.1)), (Ghost::Spectrum, noise(i, 0.2))],
    };
    html! { <BranchBars title="Bars" rows={(0..32).map(row).collect::<Vec<_>>()} target={Some(0.5)} gesture={Callback::from(|()| 0)} on_edit={Callback::noop()} test="bars" /> }
}

fn ranks(turn: f64) -> Html {
    let names = ["q", "k", "v", "o", "gate", "up", "down"];
    let columns: Vec<Column> = names.iter().enumerate().map(|(i, n)| Column { name: (*n).into(), paint: Paint::Token(n), square: i > 3, full: Some(4096.0) }).collect();
    let cell = |r: usize, c: usize| {
        let kept = (4096.0 * noise(r * 7 + c, turn)).round();
        Some(Cell { full: 4096.0, kept, attempted: kept, uniform: 2048.0, factored: usize::from(kept < 2048.0), of: 1, spread: None, by_hand: false })
    };
    let row = |r: usize| RankRow { label: r.to_string(), cells: (0..7).map(|c| cell(r, c)).collect(), errors: Some([noise(r, turn), noise(r, 0.3)]), on: r == 2 };
    html! { <RankChart title="Ranks" {columns} rows={(0..32).map(row).collect::<Vec<_>>()} rule="chosen" gesture={Callback::from(|()| 0)} on_edit={Callback::noop()} test="ranks" /> }
}

fn threshold(turn: f64) -> Html {
    let point = |k: f64| Point { k, attempted: k.powf(0.3), effective: k.sqrt(), parameters: k };
    let curve: Rc<[Point]> = (0..200).map(|i| point(f64::from(i) / 200.0)).collect();
    html! { <ThresholdSlider title="Threshold" {curve} now={point(noise(1, turn))} target={Some(0.5)} gesture={Callback::from(|()| 0)} on_set={Callback::noop()} test="threshold" /> }
}

fn race(turn: f64) -> Html {
    let step = |i: usize| RaceStep { name: format!("expert {i}"), taken: 0.1 * (i + 1) as f64, tried: (0..64).map(|e| 0.1 * (i + 1) as f64 + noise(i * 64 + e, turn)).collect() };
    let race = Race { size: [0.0, 0.0], steps: (0..16).map(step).collect(), wanted: 16, x: "experts taken".into(), y: axis("divergence", false) };
    html! { <RaceChart title="Search" sentence="Rings are what else was tried." race={Rc::new(race)} test="race" /> }
}

fn dumbbells(turn: f64) -> Html {
    let rows = (0..32).map(|i| Pair { name: format!("block {i}"), values: [noise(i, turn), noise(i, turn + 0.5)] }).collect();
    let bells = Dumbbells { width: 0.0, axis: axis("error", false), ends: ["before".into(), "after".into()], rows, published: false };
    html! { <DumbbellChart title="Before and after" sentence="What changed." {bells} test="bells" /> }
}

fn grid(turn: f64) -> Html {
    let grid = Grid {
        width: 0.0,
        rows: (0..32).map(|r| format!("block {r}")).collect(),
        columns: (1..10).map(|c| format!("{c}0 %")).collect(),
        axes: ["block".into(), "sparsity".into()],
        values: (0..32 * 9).map(|i| noise(i, turn)).collect(),
        value: "loss added".into(),
        log: false,
        limits: None,
        running: None,
        on: Some(3),
    };
    html! { <GridChart title="Small grid" sentence="A table as colour." {grid} test="grid" /> }
}

fn strips(turn: f64) -> Html {
    let names = |n: usize, word: &str| (0..n).map(|i| format!("{word} {i}")).collect::<Vec<_>>();
    let cells = (0..30).map(|c| (0..8).map(|s| noise(c * 8 + s, turn)).collect()).collect();
    let strips = Strips { width: 0.0, rows: names(6, "source"), columns: names(5, "domain"), value: "loss added, nats".into(), cells, own: vec![(0, 0)] };
    html! { <StripsChart title="Strips" sentence="Seeds as dots." {strips} test="strips" /> }
}
