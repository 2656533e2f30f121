//! What the map shows: sets of points with their colours, and the legend that says what they mean.

use std::rc::Rc;

use espalier_methods::urban::clusters::clusters;
use espalier_methods::urban::picture::{CityPicture, Regions};
use espalier_methods::urban::similar::cosines;

use super::view::{Drawn, Mode, Shown, Split};
use crate::app::town::{Seen, TownState};
use crate::plot::city::hex::{self, Bin, Cell};
use crate::plot::city::hues::{class, embedding, of_plane, radius, solid, values};
use crate::plot::color::{Lut, Sequential, pick, sequential};
use crate::plot::scene::Paint;
use crate::plot::theme::{Rgb, Theme};

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    picture: Rc<CityPicture>,
    labelled: bool,
    /// One colour a point.
    pub colors: Vec<[u8; 4]>,
    /// Side of each square in CSS pixels.
    pub side: f64,
}

impl Set {
    /// x and y of the points in turn.
    pub fn places(&self) -> &[f32] {
        if self.labelled { self.picture.labels.as_ref().map_or(&[], |l| &l.places) } else { &self.picture.points }
    }
}

/// All that is drawn, back to front, and what its colours mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layer {
    /// Points.
    pub sets: Vec<Set>,
    /// Legend: colour and name.
    pub legend: Vec<(Paint, String)>,
    /// Hexagons, or marks of regions, that are drawn instead of the points, where they are wanted.
    pub cells: Vec<Cell>,
    /// Metres from side to side of one.
    pub across: f64,
}

/// Least and most similarity of the colour scale, which stays the same for every question.
pub(super) const SIMILAR: [f64; 2] = [0.0, 1.0];

/// What a way of looking shows: points whose colours stand out where they are selected, and hexagons or regions in their place where those are wanted.
pub(super) fn layer(town: &TownState, shown: &Shown, theme: Theme) -> Layer {
    let mut layer = points(town, shown, theme);
    if let (true, Some(picture)) = (shown.drawn != Drawn::Points, &town.picture) {
        layer.across = hex::across(picture.extent);
        layer.cells = cells(town, shown, &layer, theme);
    }
    if let (false, Some(set)) = (shown.selected.is_empty(), layer.sets.first_mut()) {
        let sheet = theme.rgb("sheet");
        let mut faded: Vec<[u8; 4]> = set.colors.iter().map(|c| [0, 1, 2, 3].map(|k| if k == 3 { c[3] } else { ((u16::from(c[k]) + 4 * u16::from(sheet[k])) / 5) as u8 })).collect();
        for i in shown.selected.iter() {
            if let (Some(to), Some(own)) = (faded.get_mut(*i as usize), set.colors.get(*i as usize)) {
                *to = *own;
            }
        }
        set.colors = faded;
    }
    layer
}

/// The same colouring by hexagons or regions: the mean of what the colours stand for, and of classes the commonest. Nothing before anything is learnt.
fn cells(town: &TownState, shown: &Shown, layer: &Layer, theme: Theme) -> Vec<Cell> {
    let Some(set) = layer.sets.last() else { return Vec::new() };
    let known = set.labelled || shown.mode == Mode::People;
    let nothing = Seen::default();
    let Some(seen) = town.seen.as_deref().filter(|s| s.plane.len() == set.places().len()).or(known.then_some(&nothing)) else { return Vec::new() };
    let selected: &[u32] = if set.labelled { &[] } else { &shown.selected };
    let bins = match (shown.drawn, &set.picture.areas) {
        (Drawn::Regions, Some(areas)) if !set.labelled => of_regions(areas, selected),
        _ => hex::bins(set.places(), layer.across, selected),
    };
    let similar = shown.direction.as_ref().filter(|d| shown.mode == Mode::Similarity && d.len() == seen.width).map(|d| cosines(&seen.rows, d));
    let (lut, radius) = (sequential(Sequential::Viridis, theme), radius(&seen.plane));
    let color = |points: &[u32]| {
        let mean = |of: &[f32], width: usize, k: usize| points.iter().filter_map(|i| of.get(*i as usize * width + k)).map(|v| f64::from(*v)).sum::<f64>() / points.len() as f64;
        match (&similar, shown.mode) {
            (Some(s), _) => pick(&lut, mean(s, 1, 0), SIMILAR[0], SIMILAR[1]),
            (_, Mode::Embedding) => Some(of_plane([mean(&seen.plane, 2, 0), mean(&seen.plane, 2, 1)], radius, theme)),
            _ => commonest(points.iter().filter_map(|i| set.colors.get(*i as usize)).filter(|c| c[3] > 0)),
        }
    };
    let counts: Vec<usize> = bins.iter().map(|b| b.points.len()).collect();
    bins.iter().zip(hex::sizes(&counts)).filter_map(|(b, size)| Some(Cell { at: b.at, color: color(&b.points)?, size })).collect()
}

/// The points of each region, where it has some.
fn of_regions(areas: &Regions, selected: &[u32]) -> Vec<Bin> {
    let at = |r: usize| Some([f64::from(*areas.places.get(2 * r)?), f64::from(*areas.places.get(2 * r + 1)?)]);
    let mut bins: Vec<Bin> = (0..areas.names.len()).filter_map(|r| Some(Bin { at: at(r)?, points: Vec::new() })).collect();
    let mut add = |i: u32| {
        if let Some(bin) = areas.of.get(i as usize).and_then(|r| bins.get_mut(*r as usize)) {
            bin.points.push(i);
        }
    };
    if selected.is_empty() { (0..areas.of.len() as u32).for_each(&mut add) } else { selected.iter().copied().for_each(&mut add) }
    bins.retain(|b| !b.points.is_empty());
    bins
}

/// The commonest colour; the first of equally common ones.
fn commonest<'a>(colors: impl Iterator<Item = &'a [u8; 4]>) -> Option<Rgb> {
    let mut known: Vec<([u8; 4], u32)> = Vec::new();
    for c in colors {
        match known.iter_mut().find(|k| k.0 == *c) {
            Some(k) => k.1 += 1,
            None => known.push((*c, 1)),
        }
    }
    let best = known.iter().fold(None::<&([u8; 4], u32)>, |best, k| if best.is_none_or(|b| k.1 > b.1) { Some(k) } else { best });
    best.map(|(c, _)| [c[0], c[1], c[2]])
}

fn points(town: &TownState, shown: &Shown, theme: Theme) -> Layer {
    let Some(picture) = &town.picture else { return Layer::default() };
    let n = picture.text_of.len();
    let all = |colors: Vec<[u8; 4]>| vec![Set { picture: picture.clone(), labelled: false, colors, side: side(n) }];
    let grey = || all(vec![solid(theme.rgb("edge")); n]);
    let seen = town.seen.as_deref().filter(|s| s.plane.len() == 2 * n);
    match (shown.mode, seen) {
        (Mode::LandUse, _) => land_use(town, picture, shown, theme),
        (Mode::People, _) => people(town, picture, shown, theme),
        (_, None) => Layer { sets: grey(), ..Layer::default() },
        (Mode::Embedding, Some(seen)) => Layer { sets: all(embedding(&seen.plane, theme)), ..Layer::default() },
        (Mode::Similarity, Some(seen)) => match &shown.direction {
            Some(direction) if direction.len() == seen.width => {
                let lut = sequential(Sequential::Viridis, theme);
                let legend = scale(&lut, [0.0, 0.25, 0.5, 0.75, 1.0].map(|v| (v, if v == 1.0 { "1, the same".to_owned() } else { v.to_string() })));
                Layer { sets: all(values(&cosines(&seen.rows, direction), SIMILAR, &lut)), legend, ..Layer::default() }
            }
            _ => Layer { sets: grey(), ..Layer::default() },
        },
        (Mode::Clusters, Some(seen)) => {
            let found = of_clusters(seen, shown.clusters);
            let count = found.iter().max().map_or(0, |m| *m as usize + 1);
            let share = |c: usize| 100.0 * found.iter().filter(|f| **f as usize == c).count() as f64 / found.len().max(1) as f64;
            let legend = (0..count).map(|c| (Paint::Fixed(class(c as u32, count, theme)), format!("{}: {:.0} %", c + 1, share(c)))).collect();
            Layer { sets: all(found.iter().map(|c| solid(class(*c, count, theme))).collect()), legend, ..Layer::default() }
        }
    }
}

/// The clusters of what was seen: the same for the same look.
pub(super) fn of_clusters(seen: &Seen, k: usize) -> Vec<u32> {
    clusters(&seen.rows, seen.width, k, 42)
}

/// Colours of a scale at some shares of it, with what they mean.
fn scale<const N: usize>(lut: &Lut, marks: [(f64, String); N]) -> Vec<(Paint, String)> {
    marks.into_iter().filter_map(|(v, word)| Some((Paint::Fixed(pick(lut, v, 0.0, 1.0)?), word))).collect()
}

/// A number of each region, and the largest of the scale: the share of the class that is looked at, as it is known or told, or how far both are apart over all classes.
pub(super) fn of_people(town: &TownState, areas: &Regions, shown: &Shown) -> (Vec<Option<f64>>, f64) {
    let k = areas.classes.len().max(1);
    let class = shown.class.min(k - 1);
    let known: Vec<Option<f64>> = areas.shares.chunks_exact(k).map(|s| Some(f64::from(s[class]))).collect();
    let most = known.iter().flatten().fold(0.01, |a: f64, b| a.max(*b));
    let told = town.areas.as_ref().map(|p| &p.predicted[usize::from(shown.split == Split::Blocks)]).filter(|_| !shown.truth);
    let Some(told) = told else { return (known, most) };
    let mut out = vec![None; known.len()];
    for (row, shares) in told.rows.iter().zip(told.shares.chunks_exact(k)) {
        let Some(truth) = areas.shares.chunks_exact(k).nth(*row as usize) else { continue };
        let far = shares.iter().zip(truth).map(|(a, b)| f64::from((a - b).abs())).sum();
        out[*row as usize] = Some(if shown.errors { far } else { f64::from(shares[class]) });
    }
    (out, if shown.errors { 1.0 } else { most })
}

/// Every point in the colour of its region.
fn people(town: &TownState, picture: &Rc<CityPicture>, shown: &Shown, theme: Theme) -> Layer {
    let n = picture.text_of.len();
    let back = solid(theme.rgb("wire"));
    let Some(areas) = &picture.areas else { return Layer { sets: vec![Set { picture: picture.clone(), labelled: false, colors: vec![back; n], side: side(n) }], ..Layer::default() } };
    let (numbers, most) = of_people(town, areas, shown);
    let lut = sequential(Sequential::Viridis, theme);
    let of_region: Vec<[u8; 4]> = numbers.iter().map(|v| v.and_then(|v| pick(&lut, v, 0.0, most)).map_or(back, solid)).collect();
    let colors = (0..n).map(|i| areas.of.get(i).and_then(|r| of_region.get(*r as usize)).copied().unwrap_or(back)).collect();
    let written = |v: f64| if shown.errors && !shown.truth { format!("{:.2}", v * most) } else { format!("{:.0} %", 100.0 * v * most) };
    let legend = scale(&lut, [0.0, 0.25, 0.5, 0.75, 1.0].map(|v| (v, written(v))));
    Layer { sets: vec![Set { picture: picture.clone(), labelled: false, colors, side: side(n) }], legend, ..Layer::default() }
}

/// Known and told land use at the labelled places, over points that step back.
fn land_use(town: &TownState, picture: &Rc<CityPicture>, shown: &Shown, theme: Theme) -> Layer {
    let n = picture.text_of.len();
    let back = Set { picture: picture.clone(), labelled: false, colors: vec![solid(theme.rgb("wire")); n], side: side(n) };
    let Some(labels) = &picture.labels else { return Layer { sets: vec![back], ..Layer::default() } };
    let count = labels.classes.len();
    let mut colors = vec![[0; 4]; labels.of.len()];
    let mut legend: Vec<(Paint, String)> = labels.classes.iter().enumerate().map(|(i, c)| (Paint::Fixed(class(i as u32, count, theme)), c.clone())).collect();
    let told = town.probes.as_ref().map(|p| &p.predicted[usize::from(shown.split == Split::Blocks)]);
    match (shown.truth, told) {
        (false, Some(told)) if shown.errors => {
            for (row, class) in told.rows.iter().zip(told.classes.iter()) {
                let right = labels.of.get(*row as usize) == Some(class);
                if let Some(c) = colors.get_mut(*row as usize) {
                    *c = solid(theme.rgb(if right { "leaf" } else { "cut" }));
                }
            }
            legend = vec![("leaf".into(), "right".into()), ("cut".into(), "wrong".into())];
        }
        (false, Some(told)) => {
            for (row, of) in told.rows.iter().zip(told.classes.iter()) {
                if let Some(c) = colors.get_mut(*row as usize) {
                    *c = solid(class(*of, count, theme));
                }
            }
        }
        _ => colors.iter_mut().zip(labels.of.iter()).for_each(|(c, of)| *c = solid(class(*of, count, theme))),
    }
    Layer { sets: vec![back, Set { picture: picture.clone(), labelled: true, colors, side: 4.0 }], legend, ..Layer::default() }
}

/// Fewer points are drawn larger.
fn side(n: usize) -> f64 {
    if n > 5000 { 2.0 } else if n > 800 { 3.0 } else { 5.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_methods::urban::compare::Told;
    use espalier_methods::urban::picture::{Labels, Look, Probes, Urban};

    fn town() -> TownState {
        let labels = Labels { classes: vec!["a".into(), "b".into()], places: vec![0.0; 6].into(), of: vec![0, 1, 1].into() };
        let told = || Told { rows: vec![1, 2].into(), classes: vec![1, 0].into(), ..Told::default() };
        let areas = Regions { classes: vec!["x".into(), "y".into()], names: vec!["r".into(), "s".into()], places: vec![0.0; 4].into(), shares: vec![0.25, 0.75, 1.0, 0.0].into(), of: vec![0, 1].into() };
        let picture = CityPicture { areas: Some(areas), points: vec![0.0; 4].into(), text_of: vec![0, 0].into(), labels: Some(labels), ..CityPicture::default() };
        let mut state = crate::app::State::default();
        let town = Rc::make_mut(&mut state.town);
        town.picture = Some(Rc::new(picture));
        let look = Look { part: [0, 1], width: 2, rows: vec![1.0, 0.0, 0.0, 1.0].into(), plane: vec![1.0, 0.0, -1.0, 0.0].into(), ..Look::default() };
        for finding in [Urban::Look(look), Urban::Probes(Box::new(Probes { predicted: [told(), Told::default()], ..Probes::default() }))] {
            let event = espalier_methods::Event::Finding(espalier_methods::report::Finding::Urban(Box::new(finding)));
            state.apply(crate::app::late::replies(vec![espalier_lab::protocol::Reply::Event { job: 0, event }], 0.0));
        }
        (*state.town).clone()
    }

    #[test]
    fn every_way_of_looking_colours_every_point() {
        let town = town();
        for mode in [Mode::Embedding, Mode::Similarity, Mode::Clusters] {
            let shown = Shown { mode, direction: Some(vec![1.0, 0.0]), clusters: 2, ..Shown::default() };
            let l = layer(&town, &shown, Theme::Light);
            assert_eq!((l.sets.len(), l.sets[0].colors.len(), l.sets[0].places().len()), (1, 2, 4), "{mode:?}");
            assert_ne!(l.sets[0].colors[0], l.sets[0].colors[1], "{mode:?}");
        }
        // Nothing learnt yet: every point is there, in one grey.
        let l = layer(&TownState { seen: None, ..town }, &Shown::default(), Theme::Dark);
        assert!(l.sets[0].colors.iter().all(|c| *c == l.sets[0].colors[0] && c[3] == 255));
    }

    #[test]
    fn hexagons_take_means_and_majorities_and_what_is_not_selected_steps_back() {
        let town = town();
        let one = Shown { drawn: Drawn::Hexagons, ..Shown::default() };
        // Opposite places of the plane: their mean is its middle, which is grey.
        let l = layer(&town, &one, Theme::Light);
        assert_eq!((l.cells.len(), l.cells[0].color), (1, of_plane([0.0, 0.0], 1.0, Theme::Light)));
        let lone = layer(&town, &Shown { selected: Rc::new(vec![1]), ..one.clone() }, Theme::Light);
        assert_eq!(lone.cells[0].color, of_plane([-1.0, 0.0], 1.0, Theme::Light));
        let plain = layer(&town, &Shown::default(), Theme::Light);
        assert!(lone.sets[0].colors[1] == plain.sets[0].colors[1] && lone.sets[0].colors[0] != plain.sets[0].colors[0]);
        let uses = layer(&town, &Shown { mode: Mode::LandUse, ..one }, Theme::Light);
        assert_eq!(uses.cells[0].color, class(1, 2, Theme::Light), "two of three places are of the second class");
    }

    #[test]
    fn errors_are_those_of_the_test_rows() {
        let shown = Shown { mode: Mode::LandUse, truth: false, errors: true, ..Shown::default() };
        let l = layer(&town(), &shown, Theme::Light);
        let leaf = solid(Theme::Light.rgb("leaf"));
        let cut = solid(Theme::Light.rgb("cut"));
        assert_eq!(l.sets[1].colors, [[0; 4], leaf, cut]);
    }

    #[test]
    fn regions_colour_their_points_by_what_is_known_and_told_of_them() {
        let mut town = town();
        let shown = Shown { mode: Mode::People, class: 1, ..Shown::default() };
        let lut = sequential(Sequential::Viridis, Theme::Light);
        let at = |v: f64, most: f64| solid(pick(&lut, v, 0.0, most).expect("a colour"));
        // The second class: 75 % of the first region, which is the most, and none of the second.
        assert_eq!(layer(&town, &shown, Theme::Light).sets[0].colors, [at(0.75, 0.75), at(0.0, 0.75)]);
        // Only the second region was judged by: it was told half and half.
        let told = Told { rows: vec![1].into(), classes: vec![0].into(), shares: vec![0.5, 0.5].into() };
        town.areas = Some(Rc::new(Probes { predicted: [told, Told::default()], ..Probes::default() }));
        let back = solid(Theme::Light.rgb("wire"));
        assert_eq!(layer(&town, &Shown { truth: false, ..shown.clone() }, Theme::Light).sets[0].colors, [back, at(0.5, 0.75)]);
        assert_eq!(layer(&town, &Shown { truth: false, errors: true, ..shown.clone() }, Theme::Light).sets[0].colors, [back, at(1.0, 1.0)]);
        // One mark a region, in the colour of its points.
        let marks = layer(&town, &Shown { drawn: Drawn::Regions, ..shown }, Theme::Light).cells;
        assert_eq!(marks.iter().map(|c| solid(c.color)).collect::<Vec<_>>(), [at(0.75, 0.75), at(0.0, 0.75)]);
        let lone = Shown { drawn: Drawn::Regions, selected: Rc::new(vec![1]), ..Shown::default() };
        assert_eq!(layer(&town, &lone, Theme::Light).cells.len(), 1, "of a selection only the regions that it touches");
    }
}
