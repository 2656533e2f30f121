//! What figures are made of, without a screen: numbers as text, scales, ticks, decimation, colours, hit tests, scenes and their files.
//!
//! Everything here is a pure function and is tested natively. A figure is a [`scene::Scene`]: a list of marks whose colours are
//! names of tokens. The page draws it as SVG that follows the theme, [`svg`] writes it as a file, the PNG is painted from it on a canvas.

pub mod axes;
pub mod bars;
pub mod branch;
pub mod budget;
pub mod city;
pub mod color;
pub mod decimate;
pub mod dumbbell;
pub mod esd;
pub mod expert_grid;
pub mod grid;
pub mod heat;
pub mod hist;
pub mod histogram;
pub mod hit;
pub mod lines;
pub mod look;
pub mod number;
pub mod panels;
pub mod patch;
pub mod ranks;
pub mod race;
pub mod scale;
pub mod scene;
pub mod strips;
pub mod svg;
pub mod table;
pub mod theme;
pub mod threshold;
pub mod ticks;

#[cfg(test)]
mod pictures;
