//! What a method says while it runs and when it is done: plain serde data.
//!
//! The same types are the worker protocol, the command line's JSON, a run record and the golden-test format, so nothing here may
//! depend on a clock, a file or a screen.

use serde::{Deserialize, Serialize};

use crate::bytes::{F32s, F64s};

/// Something a method says while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Work done so far, of a total, both in `unit`s; `label` names what is being worked on.
    Progress {
        /// Units finished.
        done: f64,
        /// Units in all.
        total: f64,
        /// What is counted: `matrices`, `bytes`, `steps`.
        unit: String,
        /// The thing being worked on now, a tensor's name for instance.
        label: String,
    },
    /// One point of a live curve.
    Metric {
        /// Which curve.
        series: String,
        /// Its place on the x axis.
        step: f64,
        /// Its value.
        value: f64,
    },
    /// A figure; one with the same `id` replaces the earlier.
    Figure(Figure),
    /// A typed result, at home on one of the screens.
    Finding(Finding),
    /// A sentence worth reading.
    Note(String),
    /// Something the reader should know before trusting the numbers.
    Warning(String),
    /// Stands still until somebody lets it go on; what it showed last is where it stands.
    Waits,
}

/// What is left when a method has finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Registry key of the method.
    pub method: String,
    /// The configuration as it was run, defaults filled in.
    pub config: serde_json::Value,
    /// One sentence that says what came out.
    pub summary: String,
    /// Headline numbers, in the order in which they are shown.
    pub stats: Vec<Stat>,
    /// Figures, in order.
    pub figures: Vec<Figure>,
    /// Typed results.
    pub findings: Vec<Finding>,
    /// Warnings that were given on the way.
    pub warnings: Vec<String>,
}

/// A typed result that a screen knows how to draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    /// One matrix's singular values and what follows from them.
    Spectrum(Spectrum),
    /// How one matrix's error grows with its sparsity.
    Profile(Profile),
    /// What pruning did to one matrix.
    Pruned(Pruned),
    /// What rank selection decided for one matrix.
    Rank(RankChoice),
    /// How one tensor differs between two checkpoints.
    Diff(TensorDiff),
    /// What routers decided for a text.
    Routing(crate::experts::Routing),
    /// One step of a search for experts or layers to keep.
    Pick(crate::condense::Pick),
    /// A thinned model and what it costs.
    Point(crate::experts::Point),
    /// What a method that runs a language model found.
    Language(crate::findings::Language),
    /// Of a city: itself, its embedding, its probes.
    Urban(Box<crate::urban::picture::Urban>),
}

/// How one tensor differs between two checkpoints, A and B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorDiff {
    /// Name of the tensor.
    pub tensor: String,
    /// What kind of difference.
    pub state: Difference,
    /// Extents in A and in B; empty where it is not there.
    pub shapes: [Vec<f64>; 2],
    /// Element types in A and in B; empty where it is not there.
    pub dtypes: [String; 2],
    /// Elements in A (in B, where A has none).
    pub elements: f64,
    /// ‖A − B‖_F / ‖A‖_F; `None` where nothing was compared, or A is zero and B is not.
    pub relative: Option<f64>,
    /// Largest |a − b|.
    pub largest: f64,
    /// Elements that differ (as single-precision values).
    pub differing: f64,
    /// Elements that are zero in B only.
    pub zeros_gained: f64,
    /// Elements that are zero in A only.
    pub zeros_lost: f64,
    /// Pairs of which one is NaN or infinite: they count in `differing` only.
    pub not_finite: f64,
}

/// Kinds of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Difference {
    /// The same values.
    Same,
    /// The same shape, other values.
    Changed,
    /// B holds a pair of factors in its place, which were multiplied out and compared.
    Factored,
    /// Other extents: not compared.
    Shape,
    /// Not in B.
    OnlyFirst,
    /// Not in A.
    OnlySecond,
    /// Of a type that is listed only.
    NotDecoded,
}

/// Singular values of one matrix, with the summary numbers of the specification (lowrank-moe §0).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// The tensor's name in the checkpoint.
    pub tensor: String,
    /// Which slice of the tensor, where one tensor holds several matrices (fused experts).
    pub slice: Option<u32>,
    /// Rows and columns of the matrix that was decomposed, as `y = W x`: `[out, in]`.
    pub shape: [u32; 2],
    /// All min(out, in) singular values, descending.
    pub values: F64s,
    /// Each value is right to this much (absolute); values below it are not told from zero.
    pub floor: f64,
    /// How it was computed, in words: `Gram in float64, CPU`.
    pub route: String,
    /// Σσ² / σ₁²; 0 for a zero matrix.
    pub stable_rank: f64,
    /// exp(−Σ p ln p), p = σ / Σσ; 0 for a zero matrix.
    pub effective_rank: f64,
    /// Number of σ over σ₁ · max(m, n) · ε(float32).
    pub numerical_rank: u32,
    /// Smallest k whose energy Σ_{i≤k} σ² reaches 90, 95 and 99 %.
    pub energy_ranks: [u32; 3],
    /// Σσ.
    pub nuclear: f64,
    /// √Σσ².
    pub frobenius: f64,
    /// Power-law tail of the eigenvalues λ = σ², or why there is none.
    pub tail: Tail,
    /// Edge of the bulk a random matrix of this shape and variance would have (Marchenko–Pastur), as a singular value.
    pub random_edge: f64,
}

/// A power-law fit p(λ) ∝ λ^−α for λ ≥ λ_min (Clauset, Shalizi and Newman 2009; WeightWatcher's rule for the start).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tail {
    /// The fit.
    Fit {
        /// Exponent α.
        alpha: f64,
        /// Standard error of α, (α − 1)/√n.
        sigma: f64,
        /// Start of the tail, λ_min.
        xmin: f64,
        /// Kolmogorov–Smirnov distance between the tail and the fit.
        distance: f64,
        /// Eigenvalues in the tail.
        count: u32,
    },
    /// Fewer than ten eigenvalues over zero: no fit is made.
    TooFew {
        /// How many there were.
        count: u32,
    },
    /// All eigenvalues are equal but for rounding (an orthogonal matrix): there is no tail.
    Flat {
        /// How many there were.
        count: u32,
    },
}

/// Error against sparsity for one matrix under a pattern, so that a bar can be dragged without running anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The matrix: the tensor's name, slices of a fused tensor as `name#3`.
    pub tensor: String,
    /// Elements.
    pub elements: f64,
    /// Elements that are zero already.
    pub zeros: f64,
    /// √Σw².
    pub frobenius: f64,
    /// ‖W − W⊙keep‖_F / ‖W‖_F at sparsities 0, 1/(n−1), … 1, under per-tensor selection.
    pub error: F32s,
    /// |w| at the same sparsities: what a threshold there would be.
    pub magnitude: F32s,
}

/// What pruning did to one matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pruned {
    /// The matrix: the tensor's name, slices of a fused tensor as `name#3`.
    pub tensor: String,
    /// Elements.
    pub elements: f64,
    /// Elements that are zero afterwards.
    pub zeros: f64,
    /// Sparsity that was asked for.
    pub target: f64,
    /// ‖W − W'‖_F / ‖W‖_F.
    pub error: f64,
    /// |w| at the cut (the largest removed).
    pub threshold: f64,
    /// A view of the mask: rows × cols cells, each the kept fraction 0…255 of the weights under it.
    pub mask: Cells,
}

/// A small picture of a matrix: means over blocks of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// Rows of cells.
    pub rows: u32,
    /// Columns of cells.
    pub cols: u32,
    /// Row-major values.
    pub values: F32s,
}

/// What rank selection decided for one matrix (lowrank-moe §1.4–1.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankChoice {
    /// The matrix: the tensor's name, slices of a fused tensor as `name#3`.
    pub tensor: String,
    /// `[out, in]`.
    pub shape: [u32; 2],
    /// min(out, in).
    pub full: u32,
    /// Rank the threshold would keep.
    pub attempted: u32,
    /// Rank that is kept: `attempted` where the matrix is factored, `full` where it stays dense.
    pub kept: u32,
    /// True: low-rank component (factored); false: stays dense and frozen.
    pub factored: bool,
    /// ‖W − W_r‖_F / ‖W‖_F at `kept`.
    pub error: f64,
    /// The same at the uniform rank of equal reduction.
    pub uniform_error: f64,
    /// The uniform rank of equal reduction.
    pub uniform: u32,
}

/// A figure of one of the seven kinds. Axis names, units and the sentence are part of the type because a chart without them is not finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Stable key within a report.
    pub id: String,
    /// Title, sentence case.
    pub title: String,
    /// What is seen, in one sentence; also the alternative text.
    pub sentence: String,
    /// What is drawn.
    pub kind: FigureKind,
}

/// An axis: its name, its unit (`count`, `%`, `nats`; empty for a pure number) and its scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Logarithmic.
    pub log: bool,
}

/// The kinds of figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FigureKind {
    /// Curves.
    Lines {
        /// x axis.
        x: Axis,
        /// y axis.
        y: Axis,
        /// Curves.
        series: Vec<Series>,
    },
    /// One bar a label.
    Bars {
        /// What the bars stand for.
        x: Axis,
        /// Their length.
        y: Axis,
        /// Labels, in order.
        labels: Vec<String>,
        /// Values, in order.
        values: F64s,
    },
    /// A matrix as colour.
    HeatMap {
        /// Columns.
        x: Axis,
        /// Rows.
        y: Axis,
        /// What the colour means.
        value: Axis,
        /// Cells.
        cells: Cells,
        /// True: symmetric about zero.
        diverging: bool,
    },
    /// Points.
    Scatter {
        /// x axis.
        x: Axis,
        /// y axis.
        y: Axis,
        /// Groups of points.
        series: Vec<Series>,
    },
    /// Points on the earth, WGS84.
    Map {
        /// Longitudes and latitudes in degrees.
        points: Series,
        /// What the colour means.
        value: Axis,
        /// One value a point.
        values: F64s,
    },
    /// Rows and columns of text and numbers.
    Table {
        /// Column names and units.
        columns: Vec<Axis>,
        /// Rows of cells as text.
        rows: Vec<Vec<String>>,
    },
    /// Headline numbers.
    Stats(
        /// The numbers.
        Vec<Stat>,
    ),
}

/// One curve or group of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Direct label.
    pub label: String,
    /// Role or palette key: `q`, `k`, `v`, `o`, `gate`, `up`, `down`, `expert`, `router`, `c1`…`c8`, `ghost`.
    pub color: String,
    /// x values.
    pub x: F64s,
    /// y values.
    pub y: F64s,
}

/// A number with its name and unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stat {
    /// Name, lower case.
    pub label: String,
    /// Value.
    pub value: f64,
    /// Unit; `%` values are given as fractions.
    pub unit: String,
    /// Context in grey: `of 968.9 M`.
    pub context: String,
}
