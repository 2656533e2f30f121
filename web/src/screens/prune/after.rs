//! One matrix looked at closely: its sorted magnitudes with the cut, its weights before and after, its mask.

use std::rc::Rc;

use espalier_methods::report::Axis;
use yew::prelude::*;

use super::model::along;
use super::say;
use super::view::View;
use crate::app::context::Lab;
use crate::figures::line::Mode;
use crate::figures::{HeatMap, HistogramChart, LineChart, Source};
use crate::plot::lines::{Curve, Reference, Values};
use crate::plot::number::{count, number, percent};
use crate::plot::scene::Paint;
use crate::screens::matrices::Entry;

fn axis(name: &str, unit: &str) -> Axis {
    Axis { name: name.into(), unit: unit.into(), log: false }
}

/// An empty frame with one sentence.
fn empty(title: &str, words: String) -> Html {
    html! { <div class="empty"><h2>{ title.to_owned() }</h2><p class="say">{ words }</p></div> }
}

/// The three figures of the chosen matrix.
pub fn after(lab: &Lab, view: &View) -> Html {
    let Some(i) = view.selected(lab) else { return Html::default() };
    let e = &view.entries[i];
    let source = Source { model: view.name.clone(), tensor: e.key.to_string().into(), settings: format!("sparsity {}", percent(view.now[i])).into() };
    html! {
        <div class="after" data-test="prune-after">
            { sorted(lab, view, i, e, &source) }
            { before_and_after(lab, view, i, e, &source) }
            { mask(lab, view, e, &source) }
        </div>
    }
}

fn sorted(lab: &Lab, view: &View, i: usize, e: &Entry, source: &Source) -> Html {
    let Some(p) = lab.state.profiles.get(&e.key) else {
        return empty("Sorted |w|", format!("The magnitudes of {} in order, with the cut, once its error curve is there.", e.word()));
    };
    let last = p.magnitude.len().saturating_sub(1).max(1) as f64;
    let x: Values = (0..p.magnitude.len()).map(|j| j as f64 / last * 100.0).collect();
    let y: Values = p.magnitude.iter().map(|m| f64::from(*m)).collect();
    let s = view.now[i];
    let cut = along(&p.magnitude, s);
    let curves = vec![Curve { name: e.word(), paint: Paint::Token("ink"), width: 1.5, x, y }];
    let top = p.magnitude.last().map_or(0.0, |m| f64::from(*m));
    html! {
        <LineChart title="Sorted |w|" what={e.word()} test="prune-sorted" x={axis("removed", "%")} y={axis("|w|", "")} {curves}
            references={vec![Reference::Limit { at: s * 100.0, label: format!("cut, {}", number(cut)) }]}
            modes={vec![Mode { label: "lin".into(), log_x: false, log_y: false }, Mode { label: "log".into(), log_x: false, log_y: true }]}
            source={source.clone()} sentence={say::sorted(&e.word(), s, cut, top)} />
    }
}

/// Counts left after all |w| under `cut` have gone; the bin that holds the cut keeps its share beyond it.
fn left(range: [f64; 2], counts: &[u32], cut: f64) -> Vec<u32> {
    let width = (range[1] - range[0]) / counts.len().max(1) as f64;
    counts
        .iter()
        .enumerate()
        .map(|(j, n)| {
            let (a, b) = (range[0] + j as f64 * width, range[0] + (j as f64 + 1.0) * width);
            let under = (b.min(cut) - a.max(-cut)).max(0.0);
            let share = if width > 0.0 { 1.0 - (under / width).min(1.0) } else { 1.0 };
            (f64::from(*n) * share).round() as u32
        })
        .collect()
}

fn before_and_after(lab: &Lab, view: &View, i: usize, e: &Entry, source: &Source) -> Html {
    let stats = e.tensor.filter(|_| e.slice.is_none()).and_then(|t| lab.state.stats.get(&t));
    let profile = lab.state.profiles.get(&e.key);
    let done = lab.state.pruned.get(&e.key).filter(|_| view.fresh);
    let cut = done.map(|p| p.threshold).or_else(|| profile.map(|p| along(&p.magnitude, view.now[i])));
    let (Some(stats), Some(cut)) = (stats, cut) else {
        let words = if e.slice.is_some() { "A slice of a fused tensor has no histogram of its own.".into() } else { format!("The weights of {} before and after the cut.", e.word()) };
        return empty("Before and after", words);
    };
    let counts: Rc<[u32]> = left(stats.bins, &stats.counts, cut).into();
    let before: Rc<[u32]> = stats.counts.to_vec().into();
    let removed = 1.0 - counts.iter().map(|n| f64::from(*n)).sum::<f64>() / before.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
    html! {
        <HistogramChart title="Before and after" what={format!("{}, outline: before", e.word())} test="prune-histogram" x={axis("weight", "")} range={stats.bins} {counts} before={Some(before)}
            limits={vec![(-cut, AttrValue::from("−cut")), (cut, AttrValue::from("+cut"))]} source={source.clone()}
            sentence={format!("All weights between −{0} and {0} go, about {1} of them; what is left stands outside.", number(cut), percent(removed))} />
    }
}

/// The mask of a matrix, once it has been pruned.
pub fn mask(lab: &Lab, view: &View, e: &Entry, source: &Source) -> Html {
    let Some(p) = lab.state.pruned.get(&e.key) else {
        return empty("Mask", format!("Which weights of {} stay, once it has been pruned.", e.word()));
    };
    let values: Values = p.mask.values.iter().map(|v| f64::from(*v) / 2.55).collect();
    let what = view.dated("kept, %");
    html! {
        <HeatMap title="Mask" {what} test="prune-mask" rows={p.mask.rows} cols={p.mask.cols} {values} limits={Some([0.0, 100.0])}
            axes={[AttrValue::from(format!("{} inputs", count(e.shape[1] as f64))), AttrValue::from(format!("{} outputs", count(e.shape[0] as f64)))]}
            of={[e.shape[0], e.shape[1]]} source={source.clone()} sentence={say::mask(e, &p.mask.values, p.zeros)} />
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_under_the_cut_is_gone() {
        let counts = [10, 20, 30, 40, 30, 20, 10, 4];
        // Bins of width 1 from −4 to 4, cut at 1.5: half of the bins −2…−1 and 1…2 stay.
        assert_eq!(left([-4.0, 4.0], &counts, 1.5), [10, 20, 15, 0, 0, 10, 10, 4]);
        assert_eq!(left([-4.0, 4.0], &counts, 0.0), counts);
        assert_eq!(left([0.0, 0.0], &[], 1.0), Vec::<u32>::new());
    }
}
