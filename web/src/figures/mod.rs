//! The figures as components: thin shells over [`crate::plot`]. Each has a title, what it shows, its tools (scales, table, CSV, SVG, PNG),
//! the drawing, and one sentence that is also its alternative text.
//!
//! A figure follows the theme by itself: SVG through the style sheet's variables, canvases by watching `data-theme` on the root element.
//! Heights come from the style sheet (`.layers` and its wrappers): no figure writes an inline style, so that a strict content policy holds.

pub mod branch_bars;
pub mod budget;
pub mod canvas;
pub mod download;
pub mod edit;
pub mod esd;
pub mod expert_grid;
pub mod figure;
pub mod heatmap;
pub mod histogram;
pub mod hooks;
pub mod layers;
pub mod line;
pub mod look;
pub mod multiples;
pub mod plain;
pub mod race;
pub mod rank_bars;
pub mod readout;
pub mod report;
mod sizes;
pub mod sparkline;
pub mod stats;
pub mod threshold;

pub use branch_bars::BranchBars;
pub use budget::BudgetStrip;
pub use esd::TailChart;
pub use expert_grid::ExpertGridChart;
pub use figure::{Figure, Source};
pub use heatmap::HeatMap;
pub use histogram::HistogramChart;
pub use line::{LineChart, Mode};
pub use look::Crosshair;
pub use multiples::SmallMultiples;
pub use plain::{DumbbellChart, GridChart, StripsChart};
pub use race::RaceChart;
pub use rank_bars::RankChart;
pub use report::ReportFigure;
pub use sparkline::Sparkline;
pub use stats::{StatItem, Stats};
pub use threshold::ThresholdSlider;
