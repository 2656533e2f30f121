//! The box with the values under the pointer: in a free corner, never over the point.

use yew::prelude::*;

use crate::plot::hit::Corner;

/// A read-out: a bold first line, then name and value pairs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readout {
    /// First line.
    pub head: String,
    /// Further lines.
    pub lines: Vec<String>,
}

impl Readout {
    /// About how large it will be, for finding a corner.
    pub fn size(&self) -> [f64; 2] {
        let widest = self.lines.iter().chain([&self.head]).map(|l| l.chars().count()).max().unwrap_or(0);
        [widest as f64 * 6.8 + 24.0, 15.0 * (self.lines.len() + 1) as f64 + 14.0]
    }
}

/// Draws it into a corner of the plot.
pub fn readout(r: &Readout, corner: Corner, pinned: bool) -> Html {
    let corner = match corner {
        Corner::TopLeft => "tl",
        Corner::TopRight => "tr",
        Corner::BottomLeft => "bl",
        Corner::BottomRight => "br",
    };
    html! {
        <div class={classes!("readout", corner, pinned.then_some("pinned"))} aria-live="polite">
            <b>{ &r.head }</b>
            { for r.lines.iter().map(|l| html! { <span>{ l }</span> }) }
        </div>
    }
}
