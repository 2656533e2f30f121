//! The finished example: how much of its rank each matrix of a bundled model needs, computed before the page was built.

use std::collections::BTreeMap;

use yew::prelude::*;

use crate::app::record::Record;
use crate::app::use_lab;
use crate::plot::number;

const ROLES: [(&str, &str); 7] = [("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj"), ("o", "o_proj"), ("gate", "gate_proj"), ("up", "up_proj"), ("down", "down_proj")];
const SIZE: [f64; 2] = [340.0, 196.0];
const LEFT: f64 = 34.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 32.0;

/// One matrix: block, role, share of the rank that holds 95 % of the energy.
#[derive(Clone, Debug, PartialEq)]
struct Point {
    block: u32,
    role: &'static str,
    share: f64,
}

/// Block and role of a matrix by its name, `model.layers.3.mlp.up_proj.weight`.
fn place(name: &str) -> Option<(u32, &'static str)> {
    let mut parts = name.split('.').skip_while(|p| *p != "layers").skip(1);
    let block = parts.next()?.parse().ok()?;
    let linear = parts.nth(1)?;
    ROLES.iter().find(|(_, n)| *n == linear).map(|(role, _)| (block, *role))
}

/// The example.
#[component]
pub fn Example() -> Html {
    let lab = use_lab();
    let record = Record::bundled();
    let points: Vec<Point> = record
        .spectra
        .iter()
        .filter_map(|s| {
            let (block, role) = place(&s.tensor)?;
            Some(Point { block, role, share: f64::from(s.energy_ranks[1]) / f64::from(s.shape[0].min(s.shape[1]).max(1)) })
        })
        .collect();
    if points.is_empty() {
        return Html::default();
    }
    let open = {
        let (bundled, name) = (lab.port.bundled.clone(), record.checkpoint.clone());
        move |_: MouseEvent| bundled.emit(name.clone())
    };
    let sentence = sentence(&points);
    html! {
        <section data-test="example">
            <figure class="fig">
                <header>
                    <h2>{ "Finished example" }</h2>
                    <span class="d">{ format!("{}, {} matrices", record.checkpoint, record.spectra.len()) }</span>
                    <span class="tools"><button type="button" onclick={open}>{ "open" }</button></span>
                </header>
                { dots(&points, &sentence) }
                <figcaption class="say">{ &sentence }</figcaption>
            </figure>
        </section>
    }
}

fn dots(points: &[Point], sentence: &str) -> Html {
    let blocks = points.iter().map(|p| p.block).max().unwrap_or(0) + 1;
    let step = (SIZE[1] - TOP - BOTTOM) / f64::from(blocks);
    let y = |b: u32| SIZE[1] - BOTTOM - step * (f64::from(b) + 0.5);
    let x = |share: f64| LEFT + (SIZE[0] - LEFT - 16.0) * share;
    let foot = SIZE[1] - BOTTOM;
    let mark = |p: &Point| {
        let (px, py, fill) = (x(p.share), y(p.block), format!("var(--{})", p.role));
        let words = format!("{} of block {}: {}", p.role, p.block, number::percent(p.share));
        if matches!(p.role, "q" | "k" | "v" | "o") {
            html! { <circle cx={px.to_string()} cy={py.to_string()} r="4" {fill}><title>{ words }</title></circle> }
        } else {
            html! { <rect x={(px - 3.5).to_string()} y={(py - 3.5).to_string()} width="7" height="7" {fill}><title>{ words }</title></rect> }
        }
    };
    let top = points.iter().filter(|p| p.block == blocks - 1);
    html! {
        <svg viewBox={format!("0 0 {} {}", SIZE[0], SIZE[1])} width="100%" role="img" aria-label={sentence.to_owned()}>
            <text x="0" y="12">{ "block" }</text>
            { for names(top, x) }
            { for (0..blocks).map(|b| html! { <><text x={(LEFT - 10.0).to_string()} y={(y(b) + 4.0).to_string()} text-anchor="end">{ b }</text>
                <line class="wire" x1={LEFT.to_string()} x2={x(1.0).to_string()} y1={(y(b).round() + 0.5).to_string()} y2={(y(b).round() + 0.5).to_string()} /></> }) }
            { for [0.0, 0.25, 0.5, 0.75, 1.0].map(|t| html! { <><line class="wire" x1={(x(t).round() + 0.5).to_string()} x2={(x(t).round() + 0.5).to_string()} y1={TOP.to_string()} y2={foot.to_string()} />
                <text x={x(t).to_string()} y={(foot + 13.0).to_string()} text-anchor="middle">{ format!("{:.0}", t * 100.0) }</text></> }) }
            { for points.iter().map(mark) }
            <text x={x(1.0).to_string()} y={(SIZE[1] - 4.0).to_string()} text-anchor="end">{ "rank at 95 % energy, % of full rank" }</text>
        </svg>
    }
}

/// Roles named above the topmost row, moved apart where they would touch.
fn names<'a>(points: impl Iterator<Item = &'a Point>, x: impl Fn(f64) -> f64) -> Vec<Html> {
    let mut named: Vec<(f64, &str)> = points.map(|p| (x(p.share), p.role)).collect();
    espalier_methods::order::by_number(&mut named, |n| n.0);
    let width = |role: &str| role.len() as f64 * 6.5 + 6.0;
    for i in 1..named.len() {
        let least = named[i - 1].0 + (width(named[i - 1].1) + width(named[i].1)) / 2.0;
        named[i].0 = named[i].0.max(least);
    }
    // What was pushed past the edge comes back, right to left.
    let mut edge = SIZE[0];
    for i in (0..named.len()).rev() {
        named[i].0 = named[i].0.min(edge - width(named[i].1) / 2.0);
        edge = named[i].0 - width(named[i].1) / 2.0;
    }
    named.into_iter().map(|(px, role)| html! { <text class="lb" x={format!("{px:.1}")} y="14" text-anchor="middle">{ role }</text> }).collect()
}

/// What is seen, from the numbers: which role needs least, which most.
fn sentence(points: &[Point]) -> String {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for p in points {
        let s = sums.entry(p.role).or_default();
        *s = (s.0 + p.share, s.1 + 1.0);
    }
    let mut means: Vec<(&str, f64)> = sums.into_iter().map(|(r, (sum, n))| (r, sum / n)).collect();
    espalier_methods::order::by_number(&mut means, |m| m.1);
    match (means.first(), means.last()) {
        (Some(least), Some(most)) if most.1 - least.1 > 0.02 => {
            format!("On average {} keeps 95 % of its energy in {} of its directions, {} needs {}.", least.0, number::percent(least.1), most.0, number::percent(most.1))
        }
        (Some(least), _) => format!("Every role needs about {} of its directions for 95 % of its energy.", number::percent(least.1)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_block_and_role() {
        assert_eq!(place("model.layers.3.mlp.up_proj.weight"), Some((3, "up")));
        assert_eq!(place("model.layers.0.self_attn.q_proj.weight"), Some((0, "q")));
        assert_eq!(place("lm_head.weight"), None);
    }

    #[test]
    fn the_sentence_names_the_extremes() {
        let p = |role, share| Point { block: 0, role, share };
        let s = sentence(&[p("q", 0.2), p("up", 0.8), p("q", 0.4)]);
        assert!(s.contains("q keeps") && s.contains("30.0") && s.contains("up needs 80.0"), "{s}");
    }
}
