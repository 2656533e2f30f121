//! A figure of a report, whatever its kind.

use std::rc::Rc;

use espalier_methods::report::{Axis, Cells, Figure as Data, FigureKind, Series};
use yew::prelude::*;

use super::figure::{Figure, Source};
use super::heatmap::HeatMap;
use super::hooks::use_size;
use super::layers::drawn;
use super::line::{LineChart, lin_and_log_log};
use super::stats::{StatItem, Stats};
use crate::plot::axes::{Inner, named, x_axis, y_axis};
use crate::plot::bars::Bars;
use crate::plot::color::{Sequential, pick, sequential};
use crate::plot::lines::{Curve, Values};
use crate::plot::scale::{Scale, extent};
use crate::plot::scene::{Paint, Scene};
use crate::plot::table::{Cell, Table};
use crate::plot::theme::{Theme, token};

/// Properties of [`ReportFigure`].
#[derive(Properties, PartialEq)]
pub struct ReportFigureProps {
    /// The figure.
    pub figure: Rc<Data>,
    /// Where the numbers come from.
    #[prop_or_default]
    pub source: Source,
}

/// Colour of a series.
fn paint(key: &str) -> Paint {
    Paint::Token(token(key))
}

/// A series as a curve; points are put in the order of x, which hover and decimation need.
fn curve(s: &Series) -> Curve {
    let mut points: Vec<(f64, f64)> = s.x.iter().copied().zip(s.y.iter().copied()).collect();
    if !points.is_sorted_by(|a, b| a.0 <= b.0) {
        espalier_methods::order::by_number(&mut points, |p| p.0);
    }
    Curve { name: s.label.clone(), paint: paint(&s.color), width: 1.4, x: points.iter().map(|p| p.0).collect(), y: points.iter().map(|p| p.1).collect() }
}

/// One figure of a report.
#[component]
pub fn ReportFigure(props: &ReportFigureProps) -> Html {
    let f = &props.figure;
    let (title, sentence, source) = (AttrValue::from(f.title.clone()), AttrValue::from(f.sentence.clone()), props.source.clone());
    match &f.kind {
        FigureKind::Lines { x, y, series } => html! {
            <LineChart {title} {sentence} {source} what={format!("{} over {}", named(y), named(x))} x={x.clone()} y={y.clone()} curves={series.iter().map(curve).collect::<Vec<_>>()}
                modes={if x.log || y.log { lin_and_log_log() } else { Vec::new() }} mode={usize::from(x.log || y.log)} legend={(2..=12).contains(&series.len())} />
        },
        FigureKind::HeatMap { x, y, value, cells, diverging } => heat(title, sentence, source, [x, y, value], cells, *diverging),
        FigureKind::Bars { .. } | FigureKind::Scatter { .. } | FigureKind::Map { .. } => html! { <Drawn figure={f.clone()} {source} /> },
        FigureKind::Table { columns, rows } => {
            let table = Table { columns: columns.iter().map(named).collect(), rows: rows.iter().map(|r| r.iter().map(|c| Cell::from(c.clone())).collect()).collect() };
            let shown = table.clone();
            html! { <Figure {title} {sentence} {source} table={Some(Callback::from(move |()| table.clone()))}>{ super::figure::shown(&shown) }</Figure> }
        }
        FigureKind::Stats(stats) => html! { <Figure {title} {sentence} {source}><Stats items={stats.iter().map(StatItem::from).collect::<Vec<_>>()} /></Figure> },
    }
}

fn heat(title: AttrValue, sentence: AttrValue, source: Source, [x, y, value]: [&Axis; 3], cells: &Cells, diverging: bool) -> Html {
    let values: Values = cells.values.iter().map(|v| f64::from(*v)).collect();
    html! {
        <HeatMap {title} {sentence} {source} what={named(value)} rows={cells.rows} cols={cells.cols} {values} {diverging} axes={[AttrValue::from(named(x)), AttrValue::from(named(y))]} />
    }
}

/// The scene of a kind that is drawn in SVG alone.
fn scene(kind: &FigureKind, size: [f64; 2], theme: Theme) -> Scene {
    match kind {
        FigureKind::Bars { x, y, labels, values } => Bars { width: size[0], x: x.clone(), y: y.clone(), labels: labels.clone(), values: values.to_vec() }.scene(),
        FigureKind::Scatter { x, y, series } => {
            let points = series.iter().flat_map(|s| s.x.iter().copied().zip(s.y.iter().copied()).map(|(a, b)| (a, b, paint(&s.color)))).collect::<Vec<_>>();
            scatter(size, x, y, &points)
        }
        FigureKind::Map { points, values, .. } => {
            let axis = |name: &str| Axis { name: name.into(), unit: "°".into(), log: false };
            let lut = sequential(Sequential::Viridis, theme);
            let [low, high] = extent(values.iter().copied(), false).unwrap_or([0.0, 1.0]);
            let color = |i: usize| values.get(i).and_then(|v| pick(&lut, *v, low, high)).map_or(Paint::Token("ghost"), Paint::Fixed);
            let points: Vec<_> = points.x.iter().zip(points.y.iter()).enumerate().map(|(i, (a, b))| (*a, *b, color(i))).collect();
            scatter(size, &axis("longitude"), &axis("latitude"), &points)
        }
        _ => Scene::new(size[0], size[1]),
    }
}

/// Points as squares of 1.8 pixels.
fn scatter(size: [f64; 2], x: &Axis, y: &Axis, points: &[(f64, f64, Paint)]) -> Scene {
    let mut s = Scene::new(size[0], size[1]);
    let inner = Inner::of(size[0], size[1]);
    let margin = |e: [f64; 2], log: bool| if log { [e[0] / 1.1, e[1] * 1.1] } else { let d = (e[1] - e[0]) * 0.04; [e[0] - d, e[1] + d] };
    let sx = Scale::new(x.log, margin(extent(points.iter().map(|p| p.0), x.log).unwrap_or([0.1, 1.0]), x.log), inner.x());
    let sy = Scale::new(y.log, margin(extent(points.iter().map(|p| p.1), y.log).unwrap_or([0.1, 1.0]), y.log), inner.y());
    y_axis(&mut s, inner, &sy, y);
    x_axis(&mut s, inner, &sx, x);
    for (a, b, paint) in points.iter().filter(|p| sx.has(p.0) && sy.has(p.1)) {
        s.rect([sx.at(*a) - 0.9, sy.at(*b) - 0.9, 1.8, 1.8], paint.clone());
    }
    s
}

fn table(kind: &FigureKind) -> Table {
    match kind {
        FigureKind::Bars { x, y, labels, values } => {
            let mut t = Table::new([named(x), named(y)]);
            for (l, v) in labels.iter().zip(values.iter()) {
                t.push([Cell::from(l.clone()), Cell::from(*v)]);
            }
            t
        }
        FigureKind::Scatter { x, y, series } => {
            let mut t = Table::new(["series".to_string(), named(x), named(y)]);
            for s in series {
                for (a, b) in s.x.iter().zip(s.y.iter()) {
                    t.push([Cell::from(s.label.clone()), Cell::from(*a), Cell::from(*b)]);
                }
            }
            t
        }
        FigureKind::Map { points, value, values } => {
            let mut t = Table::new(["longitude, °".to_string(), "latitude, °".into(), named(value)]);
            for ((a, b), v) in points.x.iter().zip(points.y.iter()).zip(values.iter()) {
                t.push([*a, *b, *v]);
            }
            t
        }
        _ => Table::default(),
    }
}

/// Bars, scatter and map.
#[component]
fn Drawn(props: &ReportFigureProps) -> Html {
    let f = props.figure.clone();
    let node = use_node_ref();
    let size = use_size(&node);
    let theme = super::hooks::use_theme();
    let s = scene(&f.kind, size, theme);
    let tall = matches!(f.kind, FigureKind::Bars { .. });
    let data = {
        let f = f.clone();
        Callback::from(move |()| table(&f.kind))
    };
    let whole = {
        let f = f.clone();
        Callback::from(move |()| scene(&f.kind, size, super::hooks::theme_now()))
    };
    html! {
        <Figure title={f.title.clone()} sentence={f.sentence.clone()} source={props.source.clone()} table={Some(data)} scene={Some(whole)}>
            <div ref={node} class={if tall { "limbs barlist" } else { "layers plot" }} role="img" aria-label={f.sentence.clone()}>
                if size[0] > 0.0 { { drawn(&s) } }
            </div>
        </Figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_methods::report::Stat;

    fn axis(n: &str) -> Axis {
        Axis { name: n.into(), unit: String::new(), log: false }
    }

    #[test]
    fn every_drawn_kind_has_marks_and_its_numbers() {
        let series = |color: &str| Series { label: "a".into(), color: color.into(), x: vec![3.0, 1.0, 2.0].into(), y: vec![1.0, f64::NAN, 2.0].into() };
        let kinds = [
            FigureKind::Bars { x: axis("matrix"), y: axis("sparsity"), labels: vec!["q".into(), "k".into(), "v".into()], values: vec![0.1, 0.2, -0.1].into() },
            FigureKind::Scatter { x: axis("x"), y: axis("y"), series: vec![series("q")] },
            FigureKind::Map { points: series("c1"), value: axis("n"), values: vec![1.0, 2.0, 3.0].into() },
        ];
        for k in &kinds {
            assert!(scene(k, [300.0, 200.0], Theme::Light).marks.len() > 3);
            assert_eq!(table(k).rows.len(), 3);
        }
        assert!(scene(&FigureKind::Stats(vec![Stat { label: "n".into(), value: 1.0, unit: String::new(), context: String::new() }]), [9.0, 9.0], Theme::Light).marks.is_empty());
    }

    #[test]
    fn curves_are_put_in_order_of_x_and_unknown_colours_are_ink() {
        let c = curve(&Series { label: "s".into(), color: "no-such".into(), x: vec![2.0, 1.0].into(), y: vec![20.0, 10.0].into() });
        assert_eq!((&*c.x, &*c.y, c.paint), (&[1.0, 2.0][..], &[10.0, 20.0][..], Paint::Token("ink")));
    }
}
