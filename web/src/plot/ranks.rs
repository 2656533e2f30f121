//! Rank bars: blocks by roles, one stem a role, depth up.

use super::branch::{cut, limb};
use super::number::count;
use super::scale::Scale;
use super::scene::{Anchor, Paint, Scene, crisp, stroke};
use super::table::{Cell as Field, Table};

/// What one wire shows: one matrix, or several of one role (experts) taken together.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// min(out, in) of one matrix.
    pub full: f64,
    /// Rank kept (mean over several).
    pub kept: f64,
    /// Rank attempted (mean).
    pub attempted: f64,
    /// Uniform rank of equal reduction (mean).
    pub uniform: f64,
    /// Matrices that are factored.
    pub factored: usize,
    /// Matrices in all.
    pub of: usize,
    /// Least and greatest rank kept, where there are several.
    pub spread: Option<[f64; 2]>,
    /// Set by hand.
    pub by_hand: bool,
}

impl Cell {
    /// Mostly factored.
    pub fn is_factored(&self) -> bool {
        self.factored * 2 > self.of || self.factored == self.of
    }

    /// Its word or number: `dense`, `421`, `ø 40` (a mean), `5/16`.
    pub fn word(&self) -> String {
        match self.of {
            1 if self.factored == 0 => "dense".into(),
            1 => count(self.kept),
            _ if self.factored == 0 => "dense".into(),
            n if self.factored == n => format!("ø {}", count(self.kept.round())),
            n => format!("{}/{n}", self.factored),
        }
    }
}

/// A column: one role.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Colour.
    pub paint: Paint,
    /// Square for feed-forward, circle for attention.
    pub square: bool,
    /// Full rank, where all rows share it.
    pub full: Option<f64>,
}

/// A row: one block, or one matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name.
    pub label: String,
    /// One wire a column; `None` where there is no such matrix.
    pub cells: Vec<Option<Cell>>,
    /// Relative error of the choice and of uniform ranks, fractions.
    pub errors: Option<[f64; 2]>,
    /// The chosen one.
    pub on: bool,
}

/// Laid out rank bars.
#[derive(Clone, Debug, PartialEq)]
pub struct RankBars {
    /// Width in pixels.
    pub width: f64,
    /// Height of a row.
    pub step: f64,
    /// Width of the labels at the left.
    pub label: f64,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows from the foot up.
    pub rows: Vec<Row>,
    /// Word over the first of the two error columns.
    pub rule: String,
}

/// Room above the rows: one line of names.
const HEAD: f64 = 22.0;
/// A second line of names.
const LINE: f64 = 12.0;
/// Columns narrower than this have no word for dense ones, and their names take two lines.
const TIGHT: f64 = 104.0;
/// Columns narrower than this have no numbers at all: the bar needs the room, and the chosen row's numbers stand below.
const BARE: f64 = 76.0;
/// Room below.
pub const FOOT: f64 = 22.0;

/// A name and what is said of it: `up, shared`, `up ×16`.
fn two_parts(name: &str) -> Option<(&str, &str)> {
    name.split_once(", ").or_else(|| name.find(" ×").map(|i| (&name[..i], &name[i + 1..])))
}

impl RankBars {
    /// No room for numbers and errors: bars only.
    pub fn narrow(&self) -> bool {
        self.width < 620.0
    }

    /// Columns that have no room for words.
    fn tight(&self) -> bool {
        self.narrow() || self.column_width() < TIGHT
    }

    /// Bars only.
    fn bare(&self) -> bool {
        self.narrow() || self.column_width() < BARE
    }

    /// Names of two parts (`up, shared`, `up ×16`) take two lines where columns are tight.
    fn room(&self) -> f64 {
        HEAD + if self.tight() && self.columns.iter().any(|c| two_parts(&c.name).is_some()) { LINE } else { 0.0 }
    }

    /// Height of the whole.
    pub fn height(&self) -> f64 {
        self.room() + FOOT + self.step * self.rows.len() as f64
    }

    fn errors_width(&self) -> f64 {
        match self.width {
            _ if self.narrow() => 0.0,
            w if w < 800.0 => 152.0,
            _ => 198.0,
        }
    }

    fn column_width(&self) -> f64 {
        ((self.width - self.label - self.errors_width()) / self.columns.len().max(1) as f64).min(260.0)
    }

    /// Pixels of the shares 0 to 1 of full rank in a column.
    pub fn scale(&self, column: usize) -> Scale {
        let w = self.column_width();
        let x0 = self.label + column as f64 * w;
        let number = match (self.narrow(), self.bare(), self.tight()) {
            (true, ..) => 6.0,
            (_, true, _) => 10.0,
            (.., true) => 38.0,
            _ => 48.0,
        };
        Scale::linear([0.0, 1.0], [x0, x0 + (w - number).max(10.0)])
    }

    /// Height of a row's wire.
    pub fn y(&self, row: usize) -> f64 {
        crisp(self.room() + self.step * (self.rows.len() as f64 - row as f64 - 0.5))
    }

    /// Row and column at a point, and the share of full rank there.
    pub fn hit(&self, x: f64, y: f64) -> Option<(usize, usize, f64)> {
        let from_top = ((y - self.room()) / self.step).floor();
        let n = self.rows.len() as f64;
        if from_top < 0.0 || from_top >= n || x < self.label - 6.0 {
            return None;
        }
        let column = (((x - self.label).max(0.0)) / self.column_width()) as usize;
        (column < self.columns.len()).then(|| ((n - 1.0 - from_top) as usize, column, self.share(column, x)))
    }

    /// Row, column and share wherever a stroke between two points crosses a row, in its order: a fast pointer skips none.
    pub fn crossed(&self, from: [f64; 2], to: [f64; 2]) -> Vec<(usize, usize, f64)> {
        let steps = ((to[1] - from[1]).abs() / self.step).ceil().max(1.0);
        let at = |k: f64| [0, 1].map(|i| from[i] + (to[i] - from[i]) * k / steps);
        (1..=steps as usize).filter_map(|k| { let [x, y] = at(k as f64); self.hit(x, y) }).collect()
    }

    /// Share of full rank at a pixel of a column.
    pub fn share(&self, column: usize, x: f64) -> f64 {
        self.scale(column).value(x).clamp(0.0, 1.0)
    }

    /// The drawing.
    pub fn scene(&self) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let bottom = self.height() - FOOT;
        for (i, row) in self.rows.iter().enumerate() {
            let y = self.y(i);
            if row.on {
                s.rect([0.0, y - self.step / 2.0, self.width, self.step], "leaf-wash");
            }
            let l = s.text(self.label - 8.0, y + 4.0, row.label.clone(), Anchor::End);
            if row.on {
                l.bold().paint("ink");
            }
            for (j, cell) in row.cells.iter().enumerate() {
                if let Some(cell) = cell {
                    self.cell(&mut s, y, j, cell, row.on);
                }
            }
        }
        for (j, c) in self.columns.iter().enumerate() {
            self.head(&mut s, j, c, bottom);
        }
        if !self.narrow() {
            self.errors(&mut s, bottom);
        }
        s
    }

    fn head(&self, s: &mut Scene, j: usize, c: &Column, bottom: f64) {
        let x = self.scale(j);
        let [x0, x1] = x.range;
        if c.square { s.rect([x0, 4.5, 7.0, 7.0], c.paint.clone()) } else { s.dot([x0 + 4.0, 8.0], 3.6, c.paint.clone()) }
        let (name, more) = two_parts(&c.name).filter(|_| self.tight()).unwrap_or((&c.name, ""));
        s.text(x0 + 12.0, 12.0, name, Anchor::Start).paint("ink-2").bold();
        if !more.is_empty() {
            s.text(x0, 12.0 + LINE, more, Anchor::Start);
        }
        let w = self.column_width();
        if let (Some(full), true) = (c.full, !self.narrow() && w > 84.0 && 12.0 + super::axes::text_width(&c.name) + 44.0 < w) {
            s.text(x0 + w - 12.0, 12.0, format!("{}{}", if j == 0 { "of " } else { "" }, count(full)), Anchor::End);
        }
        s.shape(
            vec![
                super::scene::Seg::M(x0 - 1.8, bottom + 2.0),
                super::scene::Seg::L(x0 - 0.8, self.room()),
                super::scene::Seg::L(x0 + 0.8, self.room()),
                super::scene::Seg::L(x0 + 1.8, bottom + 2.0),
                super::scene::Seg::Z,
            ],
            "ink-2",
        );
        s.hair_h([x0, x1], bottom + 2.0, stroke("edge", 1.0));
        for t in [0.0, 0.5, 1.0] {
            s.hair_v(x.at(t), [bottom + 2.0, bottom + 6.0], stroke("edge", 1.0));
        }
        // The scale is the same everywhere: said once where its words would touch the next column's.
        if self.bare() && !self.narrow() && j > 0 {
            return;
        }
        s.text(x0, bottom + 18.0, "0", Anchor::Start);
        s.text(if self.bare() { x1 } else { x1 + 20.0 }, bottom + 18.0, if self.narrow() { "1" } else { "100\u{a0}%" }, Anchor::End);
    }

    fn cell(&self, s: &mut Scene, y: f64, j: usize, cell: &Cell, on: bool) {
        let x = self.scale(j);
        let [x0, x1] = x.range;
        let share = |r: f64| if cell.full > 0.0 { r / cell.full } else { 1.0 };
        s.line([x0, y], [x1, y], stroke("wire", 1.0));
        s.hair_v(x.at(share(cell.uniform)), [y - 4.0, y + 4.0], stroke("ghost", 1.2));
        let end = x.at(share(cell.kept));
        let factored = cell.is_factored();
        limb(s, x0, y, end, self.step, if factored { "leaf" } else { "ink-2" }, 5.0);
        if let Some([a, b]) = cell.spread {
            s.line([x.at(share(a)), y - 5.5], [x.at(share(b)), y - 5.5], stroke(if factored { "leaf" } else { "ink-2" }, 1.6));
        }
        let at = x.at(share(cell.attempted));
        let half = (self.step * 0.42).clamp(4.0, 6.5);
        if factored {
            cut(s, at, y, half, "cut", if cell.by_hand { 2.8 } else { 2.0 });
        } else if cell.attempted < cell.full {
            cut(s, at, y, half, "ground", 3.4);
            cut(s, at, y, half, "edge", 1.4);
        }
        if !(self.bare() || self.tight() && cell.factored == 0) {
            let l = s.text(x0 + self.column_width() - 12.0, y + 4.0, cell.word(), Anchor::End);
            if factored {
                l.paint("ink");
            }
            if on && factored || cell.by_hand {
                l.bold();
            }
        }
    }

    fn errors(&self, s: &mut Scene, bottom: f64) {
        let x = self.width - self.errors_width() + 20.0;
        let es = Scale::linear([0.0, 1.0], [x, self.width - 112.0]);
        s.text(x, if self.errors_width() < 190.0 { bottom + 18.0 } else { 12.0 }, "error, %", Anchor::Start);
        s.text(self.width, 12.0, "uniform", Anchor::End);
        s.text(self.width - 58.0, 12.0, self.rule.clone(), Anchor::End).paint("ink").bold();
        for (i, row) in self.rows.iter().enumerate() {
            let Some([mine, uniform]) = row.errors else { continue };
            let y = self.y(i);
            s.line([es.at(0.0), y], [es.at(1.0), y], stroke("wire", 1.0));
            s.hair_v(es.clamped(uniform), [y - 5.0, y + 5.0], stroke("ghost", 1.6));
            s.line([es.at(0.0), y], [es.clamped(mine), y], stroke("edge", 1.0));
            s.dot([es.clamped(mine), y], 2.8, "cut");
            let l = s.text(self.width - 58.0, y + 4.0, super::number::fixed(mine * 100.0, 1), Anchor::End).paint("ink");
            if row.on {
                l.bold();
            }
            s.text(self.width, y + 4.0, super::number::fixed(uniform * 100.0, 1), Anchor::End);
        }
    }

    /// The numbers behind it.
    pub fn table(&self) -> Table {
        let mut t = Table::new(["row", "role", "full rank", "attempted", "kept", "factored", "of", "uniform", "error [%]", "uniform error [%]"]);
        for row in self.rows.iter().rev() {
            for (c, cell) in self.columns.iter().zip(&row.cells) {
                let Some(cell) = cell else { continue };
                let [e, u] = row.errors.map_or([f64::NAN; 2], |e| e.map(|v| v * 100.0));
                t.push([
                    Field::from(row.label.clone()),
                    Field::from(c.name.clone()),
                    Field::from(cell.full),
                    Field::from(cell.attempted),
                    Field::from(cell.kept),
                    Field::from(cell.factored as f64),
                    Field::from(cell.of as f64),
                    Field::from(cell.uniform),
                    Field::from(e),
                    Field::from(u),
                ]);
            }
        }
        t
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    fn bars(width: f64) -> RankBars {
        let cell = |i: usize, j: usize| Cell { full: 160.0, kept: if j == 2 { 160.0 } else { 40.0 + i as f64 }, attempted: 60.0, uniform: 80.0, factored: usize::from(j != 2), of: 1, spread: None, by_hand: false };
        RankBars {
            width,
            step: 18.0,
            label: 26.0,
            columns: ["q", "k", "v"].map(|n| Column { name: n.into(), paint: "q".into(), square: false, full: Some(160.0) }).to_vec(),
            rows: (0..5).map(|i| Row { label: i.to_string(), cells: (0..3).map(|j| Some(cell(i, j))).collect(), errors: Some([0.3, 0.4]), on: i == 1 }).collect(),
            rule: "WeLore".into(),
        }
    }

    #[test]
    fn cells_are_found_where_they_are_drawn() {
        for w in [336.0, 700.0, 1100.0] {
            let b = bars(w);
            for row in 0..5 {
                for col in 0..3 {
                    let x = b.scale(col).at(0.4);
                    let (r, c, share) = b.hit(x, b.y(row)).unwrap();
                    assert_eq!((r, c), (row, col));
                    assert!((share - 0.4).abs() < 1e-9);
                }
            }
            assert_eq!(b.hit(b.scale(0).at(0.5), 3.0), None);
        }
    }

    #[test]
    fn a_stroke_meets_every_row_between_its_ends() {
        let b = bars(900.0);
        let x = b.scale(1).at(0.25);
        let met = b.crossed([x, b.y(4)], [x, b.y(0)]);
        assert_eq!(met.iter().map(|m| (m.0, m.1)).collect::<Vec<_>>(), [(3, 1), (2, 1), (1, 1), (0, 1)]);
        assert!(met.iter().all(|m| (m.2 - 0.25).abs() < 1e-9));
        assert_eq!(b.crossed([x, b.y(2)], [x + 1.0, b.y(2)]).len(), 1);
        assert!(b.crossed([x, 0.0], [x, 3.0]).is_empty(), "the heads are no rows");
    }

    #[test]
    fn dense_matrices_are_a_word_and_several_a_count() {
        let b = bars(900.0);
        assert_eq!(b.rows[0].cells[2].as_ref().unwrap().word(), "dense");
        assert_eq!(b.rows[0].cells[0].as_ref().unwrap().word(), "40");
        let mut c = b.rows[0].cells[0].clone().unwrap();
        (c.of, c.factored) = (16, 5);
        assert_eq!(c.word(), "5/16");
        assert!(!c.is_factored());
        let words = b.scene().marks.iter().filter(|m| matches!(m, Mark::Text(l) if l.text == "dense")).count();
        assert_eq!(words, 5);
        assert_eq!(b.table().rows.len(), 15);
    }
}
