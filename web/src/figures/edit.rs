//! What figures that can be changed say when they are.

/// A change made on a figure. Rows are the figure's own, from the foot up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BarEdit {
    /// A fraction kept was set.
    Set {
        /// Row.
        row: usize,
        /// Fraction kept, 0 to 1.
        kept: f64,
        /// Number of the gesture it belongs to: all changes of one are one step of undo. `None`: a step of its own.
        gesture: Option<u32>,
    },
    /// A stroke across the bars went over a row: what it has painted stays, rows it has not reached keep the budget.
    Paint {
        /// Row.
        row: usize,
        /// Fraction kept, 0 to 1.
        kept: f64,
        /// Number of the stroke: all of it is one step of undo.
        gesture: u32,
    },
    /// Lock or unlock a row.
    Lock(usize),
    /// Back to what the allocation says.
    Reset(usize),
    /// The row was chosen.
    Select(usize),
}

/// A change made on the rank bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RankEdit {
    /// A rank was set by hand.
    Set {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// Share of the full rank, 0 to 1.
        share: f64,
        /// Number of the gesture, as in [`BarEdit::Set`].
        gesture: Option<u32>,
    },
    /// Back to what the rule says.
    Reset {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
    },
    /// The row was chosen.
    Select(usize),
}

/// What a key does to a slider.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyMove {
    /// Up or down by so much.
    By(f64),
    /// To the lower end.
    Low,
    /// To the upper end.
    High,
}

/// Keys of a slider with a step and a page: arrows, Page, Home, End; Shift makes a step ten times finer.
pub fn key_move(key: &str, shift: bool, step: f64, page: f64) -> Option<KeyMove> {
    let step = if shift { step / 10.0 } else { step };
    Some(match key {
        "ArrowRight" | "ArrowUp" => KeyMove::By(step),
        "ArrowLeft" | "ArrowDown" => KeyMove::By(-step),
        "PageUp" => KeyMove::By(page),
        "PageDown" => KeyMove::By(-page),
        "Home" => KeyMove::Low,
        "End" => KeyMove::High,
        _ => return None,
    })
}

impl KeyMove {
    /// The value after it.
    pub fn from(self, value: f64, low: f64, high: f64) -> f64 {
        match self {
            Self::By(d) => (value + d).clamp(low, high),
            Self::Low => low,
            Self::High => high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_within_the_range() {
        let to = |key: &str, shift| key_move(key, shift, 0.001, 0.01).map(|m| m.from(0.5, 0.0, 1.0));
        assert_eq!(to("ArrowRight", false), Some(0.501));
        assert_eq!(to("ArrowLeft", true), Some(0.4999));
        assert_eq!(to("PageUp", false), Some(0.51));
        assert_eq!((to("Home", false), to("End", false), to("a", false)), (Some(0.0), Some(1.0), None));
        assert_eq!(KeyMove::By(3.0).from(0.9, 0.0, 1.0), 1.0);
    }
}
