//! Every kind of figure drawn from made-up numbers: what holds for all drawings is tested on these, and what they cost is measured.

use espalier_methods::report::Axis;

use super::bars::Bars;
use super::branch::{Branches, Ghost, Row};
use super::budget::Budget;
use super::color::Sequential;
use super::esd::{Esd, starts};
use super::heat::Heat;
use super::histogram::Histogram;
use super::lines::{Curve, Lines, Reference, Values};
use super::panels::{Panel, Panels, Ready};
use super::ranks::{Cell, Column, RankBars};
use super::scene::{Paint, Scene};
use super::theme::Theme;

fn axis(name: &str, unit: &str, log: bool) -> Axis {
    Axis { name: name.into(), unit: unit.into(), log }
}

/// Values that fall as spectra do, without a function whose last digit differs between machines.
fn falling(n: usize) -> Vec<f64> {
    (0..n).map(|i| 8.0 / (1.0 + i as f64 * 0.25) + 0.02 * (n - i) as f64 / n as f64).collect()
}

fn curve(name: &str, paint: &'static str, n: usize) -> Curve {
    Curve { name: name.into(), paint: Paint::Token(paint), width: 1.5, x: Values::ranks(n), y: falling(n).into() }
}

fn lines(log: bool) -> Scene {
    let references = vec![Reference::Level { at: 1.0, label: "random matrix, edge".into() }, Reference::Stand { at: 20.0, label: "90 %".into() }];
    Lines::new([420.0, 220.0], [axis("rank", "", log), axis("σ", "", log)], vec![curve("q", "q", 120), curve("up", "up", 12)], references, None).whole()
}

fn rank_bars(columns: usize, width: f64) -> Scene {
    let names = ["q", "k", "v", "o", "gate, shared", "up, shared", "down, shared", "gate ×16", "up ×16", "down ×16"];
    let column = |name: &&str| Column { name: (*name).into(), paint: Paint::Token("gate"), square: true, full: Some(160.0) };
    let cell = |r: usize, c: usize| {
        let kept = if (r + c) % 3 == 0 { 160.0 } else { 40.0 + 8.0 * (r + c) as f64 };
        Some(Cell { full: 160.0, kept, attempted: kept.min(120.0), uniform: 80.0, factored: usize::from(kept < 160.0), of: 1, spread: None, by_hand: false })
    };
    let rows = (0..4).map(|r| super::ranks::Row { label: r.to_string(), cells: (0..columns).map(|c| cell(r, c)).collect(), errors: Some([0.2, 0.3]), on: r == 1 }).collect();
    RankBars { width, step: 26.0, label: 26.0, columns: names.iter().take(columns).map(column).collect(), rows, rule: "WeLore".into() }.scene()
}

fn pictures() -> Vec<(&'static str, Scene)> {
    let heat = |diverging| Heat {
        size: [320.0, 200.0],
        rows: 8,
        cols: 16,
        values: (0..128).map(|i| if i == 40 { f64::NAN } else { f64::from(i % 17) - if diverging { 8.0 } else { 0.0 } }).collect(),
        diverging,
        map: Sequential::Viridis,
        limits: None,
        axes: ["16 inputs".into(), "8 outputs".into()],
        row_bars: Some((0..8).map(f64::from).collect()),
    };
    let values: Vec<f64> = falling(120);
    let all = starts(&values, 0.0);
    let best = all.iter().copied().min_by(|a, b| a.distance.total_cmp(&b.distance));
    let branch = |i: usize| Row { label: i.to_string(), kept: 0.3 + 0.1 * i as f64, locked: i == 2, on: i == 1, part: None, ghosts: vec![(Ghost::Uniform, 0.5), (Ghost::Erk, 0.55)] };
    let panel = |i: usize| Panel { title: i.to_string(), curves: vec![curve("q", "q", 40)], ready: if i == 3 { Ready::Running } else { Ready::Done }, on: i == 1 };
    vec![
        ("lines", lines(false)),
        ("lines-log", lines(true)),
        ("heat", heat(false).whole(Theme::Light)),
        ("heat-diverging", heat(true).whole(Theme::Light)),
        ("tail", Esd { size: [420.0, 280.0], values, floor: 0.0, shape: [120.0, 300.0], now: all.get(60).copied(), best, starts: all }.scene()),
        (
            "histogram",
            Histogram { size: [320.0, 200.0], x: axis("weight", "", false), range: [-4.0, 4.0], counts: vec![1, 4, 20, 60, 61, 19, 5, 0], log: true, limits: vec![(-3.0, "−4 std".into()), (3.0, "+4 std".into())], before: None }.scene(),
        ),
        ("branches", Branches { width: 520.0, step: 22.0, label: 26.0, rows: (0..5).map(branch).collect(), target: Some(0.5) }.scene()),
        ("budget", Budget { width: 420.0, title: "removed, %".into(), parts: vec![("q".into(), Paint::Token("q"), 0.2), ("up".into(), Paint::Token("up"), 0.35)], given_back: 0.05, target: 0.5 }.scene()),
        ("bars", Bars { width: 420.0, x: axis("matrix", "", false), y: axis("sparsity", "%", false), labels: vec!["q".into(), "k".into(), "v".into()], values: vec![10.0, -4.0, 55.0] }.scene()),
        ("ranks", rank_bars(4, 900.0)),
        ("ranks-ten-columns", rank_bars(10, 980.0)),
        ("ranks-narrow", rank_bars(7, 340.0)),
        (
            "panels",
            Panels { size: [640.0, 236.0], x: axis("rank", "", false), y: axis("σ / σ₁", "", false), panels: (0..5).map(panel).collect(), threshold: Some(0.4), y_domain: Some([0.0, 9.0]), x_domain: Some([1.0, 40.0]), x_ends: ["1".into(), "40".into()] }.whole(),
        ),
    ]
}

/// Texts on one line of a drawing that run into each other.
fn touching(scene: &Scene) -> Vec<(String, String)> {
    use super::scene::{Anchor, Mark};
    let mut spans: Vec<(f64, f64, f64, String)> = Vec::new();
    for m in &scene.marks {
        let Mark::Text(l) = m else { continue };
        let w = super::axes::text_width(&l.text);
        let start = match l.anchor {
            Anchor::Start => l.at[0],
            Anchor::Middle => l.at[0] - w / 2.0,
            Anchor::End => l.at[0] - w,
        };
        spans.push((l.at[1], start, start + w, l.text.clone()));
    }
    let mut out = Vec::new();
    for (i, a) in spans.iter().enumerate() {
        for b in &spans[i + 1..] {
            if (a.0 - b.0).abs() < 9.0 && a.1 < b.2 && b.1 < a.2 {
                out.push((a.3.clone(), b.3.clone()));
            }
        }
    }
    out
}

#[test]
fn words_of_rank_bars_do_not_touch() {
    for (columns, width) in [(4, 900.0), (7, 1000.0), (10, 980.0), (10, 1180.0), (7, 340.0)] {
        assert_eq!(touching(&rank_bars(columns, width)), [], "{columns} columns on {width} px");
    }
}

/// Every drawing, to the last mark. `ESPALIER_BLESS=1 cargo xtask test unit golden` writes them anew; then look at what has changed.
#[test]
fn drawings_are_the_golden_ones() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/figures");
    let mut changed = Vec::new();
    for (name, scene) in pictures() {
        for theme in [Theme::Light, Theme::Dark] {
            let frame = super::svg::Frame { title: name.into(), what: "made-up numbers".into(), sentence: "A drawing that must stay as it is.".into(), ..Default::default() };
            let now = super::svg::document(&scene, &frame, theme);
            let file = folder.join(format!("{name}-{}.svg", if theme == Theme::Dark { "dark" } else { "light" }));
            if std::env::var_os("ESPALIER_BLESS").is_some() {
                std::fs::create_dir_all(&folder).expect("a folder");
                std::fs::write(&file, &now).expect("a file");
            }
            if std::fs::read_to_string(&file).ok().as_deref() != Some(&now) {
                changed.push(file);
            }
        }
    }
    assert!(changed.is_empty(), "{changed:?} differ from what is drawn now");
}

/// What a redraw costs without the browser's own part: run by hand with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a judgement: its figures depend on the machine"]
fn cost_of_figures() {
    for (name, scene) in pictures() {
        let begun = std::time::Instant::now();
        for _ in 0..20 {
            std::hint::black_box(super::svg::page(&scene));
        }
        println!("{name}: {} marks, {:.3} ms as SVG", scene.marks.len(), begun.elapsed().as_secs_f64() * 50.0);
    }
    let big = Lines::new([900.0, 300.0], [axis("rank", "", true), axis("σ", "", true)], vec![curve("q", "q", 10_000)], Vec::new(), None);
    let begun = std::time::Instant::now();
    let marks = (0..20).map(|_| std::hint::black_box(big.ink()).marks.len()).sum::<usize>();
    println!("10 000 points: {:.3} ms to path pieces ({marks})", begun.elapsed().as_secs_f64() * 50.0);
}
