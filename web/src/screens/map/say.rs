//! Sentences of the Map.

use espalier_methods::urban::compare::Told;
use espalier_methods::urban::picture::CityPicture;

use super::layer::of_people;
use super::view::{Drawn, Mode, Shown};
use crate::app::town::TownState;
use crate::plot::city::hex::across;
use crate::plot::number::{count, percent, sig};

/// A description without the words that all have: `A place of cafés, a type of …` → `cafés`.
pub(super) fn short(text: &str) -> String {
    let text = text.strip_prefix("A place of ").or_else(|| text.strip_prefix("A place that ")).unwrap_or(text);
    let end = text.find(", a type of").unwrap_or(text.len());
    text[..end].to_owned()
}

/// What the map shows, in words.
pub(super) fn map(town: &TownState, shown: &Shown, asked: &str) -> String {
    let said = colours(town, shown, asked);
    let seen = town.seen.is_some() || matches!(shown.mode, Mode::LandUse | Mode::People);
    let Some(picture) = town.picture.as_ref().filter(|_| shown.drawn != Drawn::Points && seen) else { return said };
    let of = match shown.mode {
        Mode::Embedding => "the mean place on the plane",
        Mode::Similarity => "the mean cosine",
        Mode::Clusters | Mode::LandUse => "the commonest class",
        Mode::People => "the number of most",
    };
    if shown.drawn == Drawn::Regions {
        return format!("{said} Marks stand at the places of the regions and show {of} of their points; small ones hold few.");
    }
    format!("{said} Hexagons are {} m across and show {of} of their points; small ones hold few.", count(across(picture.extent)))
}

fn colours(town: &TownState, shown: &Shown, asked: &str) -> String {
    let Some(picture) = &town.picture else { return "No city yet.".into() };
    let n = count(picture.text_of.len() as f64);
    let learnt = town.seen.as_ref().map(|s| s.step);
    match (shown.mode, learnt) {
        (Mode::LandUse, _) => land_use(town, picture, shown),
        (Mode::People, _) => people(town, picture, shown),
        (_, None) => format!("{n} points of interest in {} kinds, all grey: nothing has been learnt of them yet.", picture.texts.len()),
        (Mode::Embedding, Some(step)) => {
            let two: f64 = town.seen.as_ref().map_or(0.0, |s| s.shares.iter().take(2).sum());
            format!("{n} points by their embedding after {} steps: the same hue means the same direction in the plane that holds {} of the variance.", count(f64::from(step)), percent(two))
        }
        (Mode::Similarity, Some(_)) if shown.direction.is_some() => format!("How like {asked} every place is: the cosine of the two embeddings, on the same scale for every question."),
        (Mode::Similarity, Some(_)) => "Click a place, or ask in words: then every place is coloured by how like it is.".into(),
        (Mode::Clusters, Some(step)) => format!("{} clusters of the embedding after {} steps, by k-means; the model was told of none.", shown.clusters, count(f64::from(step))),
    }
}

fn land_use(town: &TownState, picture: &CityPicture, shown: &Shown) -> String {
    let Some(labels) = &picture.labels else { return "No place of this city has a known land use; give a file of labelled places.".into() };
    let n = count(labels.of.len() as f64);
    let Some(probes) = town.probes.as_ref().filter(|_| !shown.truth) else {
        return format!("{n} places whose land use is known, in {} classes: what the probe is to tell.", labels.classes.len());
    };
    let blocks = shown.split == super::view::Split::Blocks;
    let Told { rows, classes, .. } = &probes.predicted[usize::from(blocks)];
    let right = rows.iter().zip(classes.iter()).filter(|(r, c)| labels.of.get(**r as usize) == Some(*c)).count();
    let split = if blocks { "in blocks of the city that the probe has not seen" } else { "chosen at random among those it has seen" };
    format!("{} of {} test places, {split}, are told right: {}.", count(right as f64), count(rows.len() as f64), percent(right as f64 / f64::max(rows.len() as f64, 1.0)))
}

fn people(town: &TownState, picture: &CityPicture, shown: &Shown) -> String {
    let Some(areas) = &picture.areas else { return "This city has no regions; give a file of regions with shares of classes.".into() };
    let n = count(areas.names.len() as f64);
    let class = areas.classes.get(shown.class.min(areas.classes.len().saturating_sub(1))).map_or("", String::as_str);
    if shown.truth || town.areas.is_none() {
        return format!("The share of {class} in {n} regions, as it is known: what the probe is to tell, with the shares of {} other classes.", areas.classes.len().saturating_sub(1));
    }
    let (numbers, _) = of_people(town, areas, shown);
    let told: Vec<f64> = numbers.into_iter().flatten().collect();
    let mean = told.iter().sum::<f64>() / f64::max(told.len() as f64, 1.0);
    let split = if shown.split == super::view::Split::Blocks { "in blocks of the city that the probe has not seen" } else { "chosen at random among those it has seen" };
    if shown.errors {
        format!("How far the told shares are from the known ones, summed over the classes, in {} test regions, {split}: {mean:.3} on average.", count(told.len() as f64))
    } else {
        format!("The share of {class} as it is told in {} test regions, {split}: {} on average.", count(told.len() as f64), percent(mean))
    }
}

/// What the spectrum says.
pub(super) fn spectrum(town: &TownState) -> String {
    let Some(seen) = &town.seen else { return String::new() };
    let spread = town.last("effective dimensions").unwrap_or(f64::NAN);
    let first = seen.shares.first().copied().unwrap_or(0.0);
    let word = if first > 0.9 { " Nearly all of it lies in one: the embedding has collapsed." } else { "" };
    format!("The variance is spread over about {} of {} dimensions; the first holds {}.{word}", sig(spread, 3), seen.width, percent(first))
}

/// What the loss says.
pub(super) fn loss(town: &TownState) -> String {
    let Some(last) = town.last("below chance") else { return "The loss comes with the first steps.".into() };
    let held = town.curves.get("held out below chance").and_then(|(x, y)| y.iter().zip(x).max_by(|a, b| a.0.total_cmp(b.0)).map(|(y, x)| (*y, *x)));
    let held = held.map_or(String::new(), |(y, x)| format!("; on points held out {} at best, at step {}", sig(y, 2), count(x)));
    format!("{} nats better than chance{held}.", sig(last, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_lose_what_all_of_them_have() {
        assert_eq!(short("A place of cafés, a type of eating and drinking"), "cafés");
        assert_eq!(short("A place that sells shoes, a type of retail"), "sells shoes");
        assert_eq!(short("Corner shop"), "Corner shop");
    }
}
