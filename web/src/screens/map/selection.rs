//! Points that somebody drew a line around: how many, of which kinds, how like one another; and as files.

use std::rc::Rc;

use espalier_methods::urban::picture::CityPicture;
use yew::prelude::*;

use super::export::files;
use super::say::short;
use crate::app::context::Lab;
use crate::app::town::Seen;
use crate::plot::number::{count, plural};
use espalier_methods::order;

/// Kinds that are listed.
const KINDS: usize = 6;

/// What is known of a selection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    /// The commonest kinds: text, how many of the selected, and how much commoner than in the whole city.
    pub kinds: Vec<(u32, usize, f64)>,
    /// How many kinds there are among them.
    pub different: usize,
    /// Mean cosine of two of them, and of two of all points; `None` before anything is learnt or for fewer than two.
    pub likeness: Option<[f64; 2]>,
}

/// Looks at a selection.
pub(super) fn about(picture: &CityPicture, seen: Option<&Seen>, selected: &[u32]) -> About {
    let all = picture.text_of.len();
    let (mut here, mut whole) = (vec![0usize; picture.texts.len()], vec![0usize; picture.texts.len()]);
    picture.text_of.iter().for_each(|t| whole[*t as usize] += 1);
    selected.iter().filter_map(|i| picture.text_of.get(*i as usize)).for_each(|t| here[*t as usize] += 1);
    let mut kinds: Vec<(u32, usize, f64)> = Vec::new();
    for (t, n) in here.iter().enumerate().filter(|(_, n)| **n > 0) {
        kinds.push((t as u32, *n, *n as f64 / selected.len() as f64 / (whole[t] as f64 / all as f64)));
    }
    let different = kinds.len();
    order::by(&mut kinds, |a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    kinds.truncate(KINDS);
    let everything: Vec<u32> = (0..all as u32).collect();
    let likeness = seen.and_then(|s| Some([mean_cosine(s, selected)?, mean_cosine(s, &everything)?]));
    About { kinds, different, likeness }
}

/// Mean cosine of two different points: of rows of length 1 it is (|Σ r|² − n) / (n (n − 1)).
fn mean_cosine(seen: &Seen, of: &[u32]) -> Option<f64> {
    let mut sum = vec![0.0; seen.width];
    for i in of {
        let row = seen.rows.get(*i as usize * seen.width..(*i as usize + 1) * seen.width)?;
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x));
    }
    let n = of.len() as f64;
    (of.len() > 1).then(|| (sum.iter().map(|s| s * s).sum::<f64>() - n) / (n * (n - 1.0)))
}

/// The panel.
pub(super) fn panel(lab: &Lab, selected: &Rc<Vec<u32>>, clusters: usize, select: &Callback<Vec<u32>>, in_view: Callback<MouseEvent>) -> Html {
    let town = &lab.state.town;
    let Some(picture) = &town.picture else {
        return Html::default();
    };
    let head = html! { <h2>{ "Selection" }</h2> };
    if selected.is_empty() {
        return html! {
            <section class="sec" data-test="map-selection">
                { head }
                <p class="d">{ "Press the lasso on the map and draw around points, or take all that the map shows." }</p>
                <div class="acts"><button type="button" class="btn sm" onclick={in_view} data-test="map-in-view">{ "Select what is in view" }</button></div>
            </section>
        };
    }
    let about = about(picture, town.seen.as_deref(), selected);
    let likeness = about.likeness.map_or_else(String::new, |[own, all]| format!(" The mean cosine of two of them is {own:.3}, of any two points {all:.3}."));
    let words = format!("{} in {}.{likeness}", plural(selected.len(), "point", "points"), plural(about.different, "kind", "kinds"));
    let row = |(text, n, times): &(u32, usize, f64)| {
        html! { <tr><td class="what">{ picture.texts.get(*text as usize).map(|t| short(t)) }</td><td class="n">{ count(*n as f64) }</td><td class="n">{ format!("{times:.1} ×") }</td></tr> }
    };
    let clear = select.reform(|_: MouseEvent| Vec::new());
    html! {
        <section class="sec" data-test="map-selection">
            { head }
            <p class="d" aria-live="polite" data-test="map-selected">{ words }</p>
            <table class="hits kinds">
                <thead><tr><th scope="col">{ "kind" }</th><th scope="col" class="n">{ "points" }</th><th scope="col" class="n">{ "city" }</th></tr></thead>
                <tbody>{ for about.kinds.iter().map(row) }</tbody>
            </table>
            <div class="acts">
                { files(lab, clusters, selected.clone(), "selection") }
                <button type="button" class="btn sm" onclick={clear} data-test="map-unselect">{ "Clear" }</button>
            </div>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_counted_by_kind_and_likeness() {
        let picture = CityPicture { texts: vec!["a".into(), "b".into()], text_of: vec![0, 1, 1, 1].into(), ..CityPicture::default() };
        let seen = Seen { width: 2, rows: vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0], ..Seen::default() };
        let found = about(&picture, Some(&seen), &[0, 1, 2]);
        assert_eq!((found.kinds[0], found.different), ((1, 2, 2.0 / 3.0 / 0.75), 2));
        // Pairs: 0·1 = 0, 0·2 = 0, 1·2 = 1.
        let [own, all] = found.likeness.expect("three points");
        assert!((own - 1.0 / 3.0).abs() < 1e-12 && (all - 2.0 / 6.0).abs() < 1e-12, "{own} {all}");
        assert_eq!(about(&picture, Some(&seen), &[3]).likeness, None);
    }
}
