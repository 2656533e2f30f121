//! How the map is looked at.

use std::rc::Rc;

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
    /// Hexagons instead of points.
    pub hexagons: bool,
    /// Points that were drawn around; empty for none.
    pub selected: Rc<Vec<u32>>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { mode: Mode::default(), direction: None, clusters: 6, truth: true, errors: false, split: Split::default(), hexagons: false, selected: Rc::default() }
    }
}
