//! How the map is looked at.

use std::rc::Rc;

use crate::plot::city::Camera;

/// What the colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The plane of the embedding's first two principal components.
    #[default]
    Embedding,
    /// How like a chosen place, or a text, every place is.
    Similarity,
    /// k-means clusters.
    Clusters,
    /// Known and told land use of the labelled places.
    LandUse,
    /// Known and told share of a class in the regions.
    People,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Every point.
    #[default]
    Points,
    /// Hexagons of the points in them.
    Hexagons,
    /// One mark a region, of the points in it.
    Regions,
}

/// Which of the probe's splits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Split {
    /// At random.
    #[default]
    Random,
    /// By blocks.
    Blocks,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// What the colours mean.
    pub mode: Mode,
    /// Direction in the embedding that similarity is taken to.
    pub direction: Option<Vec<f32>>,
    /// Clusters.
    pub clusters: usize,
    /// The known land use, not the told one.
    pub truth: bool,
    /// Right and wrong instead of the classes.
    pub errors: bool,
    /// Which split's test places.
    pub split: Split,
    /// Points, or what they come to together.
    pub drawn: Drawn,
    /// Which class of the regions.
    pub class: usize,
    /// Points that were drawn around; empty for none.
    pub selected: Rc<Vec<u32>>,
}

impl Shown {
    /// From its words in a link; what is not known there is left out.
    pub fn read(text: Option<&str>) -> Self {
        let mut shown = Self::default();
        for word in text.unwrap_or_default().split(' ') {
            match word {
                "told" => shown.truth = false,
                "errors" => (shown.truth, shown.errors) = (false, true),
                "blocks" => shown.split = Split::Blocks,
                "hexagons" => shown.drawn = Drawn::Hexagons,
                "areas" => shown.drawn = Drawn::Regions,
                _ => {
                    if let Some((mode, _)) = MODES.iter().find(|(_, w)| *w == word) {
                        shown.mode = *mode;
                    } else if let Some(class) = word.strip_prefix("class-") {
                        shown.class = class.parse().unwrap_or_default();
                    } else if let Some(k) = word.parse().ok().filter(|k| (2..=64).contains(k)) {
                        shown.clusters = k;
                    }
                }
            }
        }
        shown
    }

    /// Its words, for a link: empty for what a page begins with. Neither selection nor direction is among them.
    pub fn write(&self) -> String {
        let first = Self::default();
        let mode = MODES.iter().find(|(m, _)| *m == self.mode && *m != first.mode).map_or("", |(_, w)| *w);
        let clusters = if self.clusters == first.clusters { String::new() } else { self.clusters.to_string() };
        let class = if self.class == 0 { String::new() } else { format!("class-{}", self.class) };
        let words = [
            mode,
            &clusters,
            if self.truth { "" } else if self.errors { "errors" } else { "told" },
            if self.split == Split::Blocks { "blocks" } else { "" },
            match self.drawn {
                Drawn::Points => "",
                Drawn::Hexagons => "hexagons",
                Drawn::Regions => "areas",
            },
            &class,
        ];
        words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// Words of the ways of colouring.
const MODES: [(Mode, &str); 5] = [(Mode::Embedding, "embedding"), (Mode::Similarity, "similarity"), (Mode::Clusters, "clusters"), (Mode::LandUse, "land-use"), (Mode::People, "regions")];

/// A view of the ground from its words in a link.
pub(super) fn camera(text: &str) -> Option<Camera> {
    let numbers: Vec<f64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [x, y, scale] = numbers[..] else { return None };
    (numbers.iter().all(|n| n.is_finite()) && scale > 0.0).then_some(Camera { centre: [x, y], scale })
}

/// Its words.
pub(super) fn camera_words(camera: &Camera) -> String {
    format!("{:.1} {:.1} {}", camera.centre[0], camera.centre[1], camera.scale as f32)
}

impl Default for Shown {
    fn default() -> Self {
        Self { mode: Mode::default(), direction: None, clusters: 6, truth: true, errors: false, split: Split::default(), drawn: Drawn::default(), class: 0, selected: Rc::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_looking_comes_back_from_its_words() {
        assert_eq!(Shown::default().write(), "");
        for (mode, _) in MODES {
            let drawn = if mode == Mode::People { Drawn::Regions } else { Drawn::Hexagons };
            let shown = Shown { mode, clusters: 8, truth: false, errors: mode == Mode::LandUse, split: Split::Blocks, drawn, class: 3, ..Shown::default() };
            assert_eq!(Shown::read(Some(&shown.write())), shown);
        }
        assert_eq!(Shown::read(Some("clusters 1000000 nonsense")), Shown { mode: Mode::Clusters, ..Shown::default() });
        let view = Camera { centre: [-12.5, 1200.0], scale: 0.25 };
        assert_eq!(camera(&camera_words(&view)), Some(view));
        assert!(["", "1 2", "1 2 0", "1 2 NaN", "a b c"].iter().all(|t| camera(t).is_none()));
    }
}
