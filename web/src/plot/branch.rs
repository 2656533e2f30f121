//! Bars per block: rows on wires from a stem, depth up. Solid leaf is kept, bare wire is removed, the red oblique cut is the handle.

use super::scale::Scale;
use super::scene::{Anchor, Paint, Scene, Seg, crisp, stroke};
use super::table::{Cell, Table};

/// A suggestion drawn on a row's wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ghost {
    /// `|`, the same everywhere.
    Uniform,
    /// `△` in the second colour, from the spectra.
    Spectrum,
    /// `□` in the third colour.
    Erk,
    /// `◇` in the first colour, from outliers.
    Owl,
    /// `○` in the fourth colour, from a sweep.
    Measured,
}

impl Ghost {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 5] = [Self::Uniform, Self::Erk, Self::Spectrum, Self::Owl, Self::Measured];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Spectrum => "spectrum",
            Self::Erk => "ERK",
            Self::Owl => "OWL",
            Self::Measured => "measured",
        }
    }

    /// Draws it about a point.
    pub fn mark(self, s: &mut Scene, [x, y]: [f64; 2]) {
        match self {
            Self::Uniform => s.line([crisp(x), y - 5.0], [crisp(x), y + 5.0], stroke("ghost", 1.6)),
            Self::Spectrum => {
                let segs = vec![Seg::M(x, y - 4.6), Seg::L(x + 4.6, y + 3.6), Seg::L(x - 4.6, y + 3.6), Seg::Z];
                s.marks.push(super::scene::Mark::Path { segs, fill: Some("sheet".into()), stroke: Some(stroke("c2", 1.5)) });
            }
            Self::Erk => s.marks.push(super::scene::Mark::Rect { at: [x - 3.4, y - 3.4, 6.8, 6.8], fill: Some("sheet".into()), stroke: Some(stroke("c3", 1.5)) }),
            Self::Owl => {
                let segs = vec![Seg::M(x, y - 4.8), Seg::L(x + 4.8, y), Seg::L(x, y + 4.8), Seg::L(x - 4.8, y), Seg::Z];
                s.marks.push(super::scene::Mark::Path { segs, fill: Some("sheet".into()), stroke: Some(stroke("c1", 1.5)) });
            }
            Self::Measured => s.ring([x, y], 3.6, "c4"),
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name at the left: the block's number, or the matrix's role in an opened block.
    pub label: String,
    /// Fraction kept.
    pub kept: f64,
    /// Locked: an ink bar with a padlock.
    pub locked: bool,
    /// The chosen one.
    pub on: bool,
    /// A matrix of the chosen block: thinner, with its role's colour and mark.
    pub part: Option<Part>,
    /// Suggestions: fractions kept.
    pub ghosts: Vec<(Ghost, f64)>,
}

/// What a row of a single matrix shows beside its bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Colour of its role.
    pub paint: Paint,
    /// Square for feed-forward, circle for attention.
    pub square: bool,
}

/// Laid out bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    /// Width in pixels.
    pub width: f64,
    /// Height of a row.
    pub step: f64,
    /// Width of the labels.
    pub label: f64,
    /// Rows from the foot up.
    pub rows: Vec<Row>,
    /// Fraction kept on target, as a dashed line through all.
    pub target: Option<f64>,
}

/// Room above the rows for the axis of what is removed.
pub const HEAD: f64 = 26.0;
/// Room below the rows for the axis of what is kept.
pub const FOOT: f64 = 24.0;
/// Half the height of a handle.
pub const HANDLE: f64 = 8.5;

/// The red oblique cut about a point.
pub fn cut(s: &mut Scene, x: f64, y: f64, half: f64, paint: impl Into<Paint>, width: f64) {
    s.line([x - half * 0.35, y + half], [x + half * 0.35, y - half], stroke(paint, width).rounded());
}

/// A bar that grows out of the stem below it and lies on its wire.
pub fn limb(s: &mut Scene, x0: f64, y: f64, to: f64, step: f64, paint: impl Into<Paint>, thick: f64) {
    let bend = (step * 0.4).min(9.0).min((to - x0).max(0.5));
    s.path(
        vec![Seg::M(x0, y + (step * 0.46).min(12.0)), Seg::Q(x0, y, x0 + bend, y), Seg::L(to.max(x0 + bend), y)],
        stroke(paint, thick),
    );
}

/// A small padlock.
pub fn padlock(s: &mut Scene, x: f64, y: f64) {
    s.rect([x, y - 1.0, 7.0, 5.0], "ink-2");
    s.path(vec![Seg::M(x + 1.5, y - 1.0), Seg::L(x + 1.5, y - 2.5), Seg::Q(x + 3.5, y - 6.0, x + 5.5, y - 2.5), Seg::L(x + 5.5, y - 1.0)], stroke("ink-2", 1.2));
}

impl Branches {
    /// Height of the whole.
    pub fn height(&self) -> f64 {
        HEAD + FOOT + self.step * self.rows.len() as f64
    }

    /// Pixels of kept fractions 0 to 1.
    pub fn scale(&self) -> Scale {
        Scale::linear([0.0, 1.0], [self.label, (self.width - 16.0).max(self.label + 40.0)])
    }

    /// Height of a row's wire.
    pub fn y(&self, row: usize) -> f64 {
        crisp(HEAD + self.step * (self.rows.len() as f64 - row as f64 - 0.5))
    }

    /// Row at a height.
    pub fn row_at(&self, y: f64) -> Option<usize> {
        let from_top = ((y - HEAD) / self.step).floor();
        let n = self.rows.len() as f64;
        (from_top >= 0.0 && from_top < n).then(|| (n - 1.0 - from_top) as usize)
    }

    /// Kept fraction at a pixel, in 0 … 1.
    pub fn kept_at(&self, x: f64) -> f64 {
        self.scale().value(x).clamp(0.0, 1.0)
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let x = self.scale();
        let bottom = self.height() - FOOT;
        self.axes(&mut s, &x, bottom);
        for (i, row) in self.rows.iter().enumerate() {
            self.row(&mut s, &x, self.y(i), row);
        }
        let stem = vec![Seg::M(x.at(0.0) - 2.5, bottom + 4.0), Seg::L(x.at(0.0) - 1.0, HEAD - 4.0), Seg::L(x.at(0.0) + 1.0, HEAD - 4.0), Seg::L(x.at(0.0) + 2.5, bottom + 4.0), Seg::Z];
        s.shape(stem, "ink-2");
        s
    }

    fn axes(&self, s: &mut Scene, x: &Scale, bottom: f64) {
        for t in 0..=10 {
            let px = x.at(f64::from(t) / 10.0);
            let long = if t % 5 == 0 { 7.0 } else { 4.0 };
            s.hair_v(px, [HEAD - 3.0 - long, HEAD - 3.0], stroke("edge", 1.0));
            s.hair_v(px, [bottom + 3.0, bottom + 3.0 + long], stroke("edge", 1.0));
            let named = if x.span() < 300.0 { t % 5 == 0 } else { t % 2 == 0 };
            if named {
                let unit = |n: i32, end: bool| if end { format!("{n}\u{a0}%") } else { n.to_string() };
                s.text(px, HEAD - 14.0, unit(100 - t * 10, t == 0), Anchor::Middle);
                s.text(px, bottom + 21.0, unit(t * 10, t == 10), Anchor::Middle);
            }
        }
        // Between the first labels, where there is room on every width.
        let between = x.at(if x.span() < 300.0 { 0.25 } else { 0.3 });
        s.text(between, HEAD - 14.0, "removed", Anchor::Middle);
        s.text(between, bottom + 21.0, "kept", Anchor::Middle);
        if let Some(t) = self.target {
            s.hair_v(x.at(t), [HEAD - 3.0, bottom + 3.0], stroke("ghost", 1.0).dashed(2.0, 3.0));
        }
    }

    fn row(&self, s: &mut Scene, x: &Scale, y: f64, row: &Row) {
        if row.on && row.part.is_none() {
            s.rect([0.0, y - self.step / 2.0, self.width, self.step], "leaf-wash");
        }
        s.line([x.at(0.0), y], [x.at(1.0), y], stroke("wire", 1.0));
        let indent = 8.0;
        match &row.part {
            None => {
                let l = s.text(self.label - indent, y + 4.0, row.label.clone(), Anchor::End);
                if row.on {
                    l.bold().paint("ink");
                }
            }
            Some(part) => {
                let at = self.label - indent - 6.0;
                if part.square { s.rect([at - 1.0, y - 3.0, 6.0, 6.0], part.paint.clone()) } else { s.dot([at + 2.0, y], 3.2, part.paint.clone()) }
                s.text(at - 6.0, y + 4.0, row.label.clone(), Anchor::End).paint("ink-2");
            }
        }
        let thick = if row.part.is_some() { 3.5 } else { 6.5 };
        let end = x.at(row.kept.clamp(0.0, 1.0));
        limb(s, x.at(0.0), y, end, self.step, if row.locked { "ink-2" } else { "leaf" }, thick);
        for (g, kept) in &row.ghosts {
            g.mark(s, [x.at(kept.clamp(0.0, 1.0)), y]);
        }
        let half = HANDLE * if row.part.is_some() { 0.75 } else { 1.0 };
        if row.locked { padlock(s, end + 4.0, y) } else { cut(s, end, y, half.min(self.step * 0.45), "cut", if row.part.is_some() { 1.8 } else { 2.4 }) }
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut ghosts: Vec<Ghost> = self.rows.iter().flat_map(|r| r.ghosts.iter().map(|g| g.0)).collect();
        espalier_methods::order::by(&mut ghosts, Ghost::cmp);
        ghosts.dedup();
        let head = ["row", "kept [%]", "removed [%]", "locked"].into_iter().map(String::from);
        let mut t = Table::new(head.chain(ghosts.iter().map(|g| format!("{}, removed [%]", g.word()))));
        for r in self.rows.iter().rev() {
            let mut row = vec![Cell::from(r.label.clone()), Cell::from(r.kept * 100.0), Cell::from((1.0 - r.kept) * 100.0), Cell::from(if r.locked { "yes" } else { "no" })];
            row.extend(ghosts.iter().map(|g| Cell::from(r.ghosts.iter().find(|x| x.0 == *g).map_or(f64::NAN, |x| (1.0 - x.1) * 100.0))));
            t.push(row);
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn rows(n: usize) -> Branches {
        let row = |i: usize| Row { label: i.to_string(), kept: 0.3 + 0.02 * i as f64, locked: i == 0, on: i == 2, part: None, ghosts: vec![(Ghost::Uniform, 0.5)] };
        Branches { width: 500.0, step: 22.0, label: 26.0, rows: (0..n).map(row).collect(), target: Some(0.5) }
    }

    #[test]
    fn rows_are_found_where_they_are_drawn_and_depth_goes_up() {
        let b = rows(9);
        for i in 0..9 {
            assert_eq!(b.row_at(b.y(i)), Some(i));
        }
        assert!(b.y(0) > b.y(8));
        assert_eq!(b.row_at(2.0), None);
        assert_eq!(b.row_at(b.height() - 1.0), None);
    }

    #[test]
    fn dragging_to_the_mark_gives_the_value_back() {
        let b = rows(3);
        let x = b.scale();
        for k in [0.0, 0.123, 0.5, 1.0] {
            assert!((b.kept_at(x.at(k)) - k).abs() < 1e-12);
        }
        assert_eq!(b.kept_at(-1e6), 0.0);
        assert_eq!(b.kept_at(1e6), 1.0);
    }

    #[test]
    fn locked_rows_have_a_padlock_and_no_handle() {
        let b = rows(4);
        let handles = b.scene().marks.iter().filter(|m| matches!(m, Mark::Path { stroke: Some(s), .. } if s.paint == Paint::Token("cut"))).count();
        assert_eq!(handles, 3);
        assert_eq!(b.table().rows.len(), 4);
        assert_eq!(b.table().columns.last().unwrap(), "uniform, removed [%]");
    }
}
