//! A drawing as a list of marks in CSS pixels. Colours are names of tokens, so that one scene serves both themes.

use super::theme::{Rgb, Theme, hex};

/// A colour of a mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Paint {
    /// A token: `leaf`, `edge`, `gate`.
    Token(&'static str),
    /// A fixed colour.
    Fixed(Rgb),
}

impl Paint {
    /// As CSS has it on the page: a variable, so that the theme may change under it.
    pub fn css(&self) -> String {
        match self {
            Self::Token(t) => format!("var(--{t})"),
            Self::Fixed(c) => hex(*c),
        }
    }

    /// Its value under a theme, for files and canvases.
    pub fn value(&self, theme: Theme) -> String {
        match self {
            Self::Token(t) => theme.hex(t),
            Self::Fixed(c) => hex(*c),
        }
    }
}

impl From<&'static str> for Paint {
    fn from(t: &'static str) -> Self {
        Self::Token(t)
    }
}

/// How a line is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub paint: Paint,
    /// Width in pixels.
    pub width: f64,
    /// Dash and gap in pixels; `None` for solid.
    pub dash: Option<[f64; 2]>,
    /// Round caps.
    pub round: bool,
}

/// A solid stroke.
pub fn stroke(paint: impl Into<Paint>, width: f64) -> Stroke {
    Stroke { paint: paint.into(), width, dash: None, round: false }
}

impl Stroke {
    /// The same, dashed.
    pub fn dashed(mut self, dash: f64, gap: f64) -> Self {
        self.dash = Some([dash, gap]);
        self
    }

    /// The same with round caps.
    pub fn rounded(mut self) -> Self {
        self.round = true;
        self
    }
}

/// A piece of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seg {
    /// Move.
    M(f64, f64),
    /// Line.
    L(f64, f64),
    /// Quadratic curve: control, end.
    Q(f64, f64, f64, f64),
    /// Close.
    Z,
}

/// Where a text is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// At its start.
    #[default]
    Start,
    /// In the middle.
    Middle,
    /// At its end.
    End,
}

/// A text of one line, 11 px.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Place of the anchor, on the base line.
    pub at: [f64; 2],
    /// What it says.
    pub text: String,
    /// Where it is held.
    pub anchor: Anchor,
    /// Colour.
    pub paint: Paint,
    /// Bold.
    pub bold: bool,
    /// In the mono face.
    pub mono: bool,
    /// A rim in the ground's colour, where a label must lie over marks.
    pub halo: bool,
}

/// One mark.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A path, filled or stroked or both.
    Path {
        /// Its pieces.
        segs: Vec<Seg>,
        /// Filling.
        fill: Option<Paint>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// A rectangle.
    Rect {
        /// x, y, width, height.
        at: [f64; 4],
        /// Filling.
        fill: Option<Paint>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// A circle.
    Circle {
        /// Centre.
        at: [f64; 2],
        /// Radius.
        r: f64,
        /// Filling.
        fill: Option<Paint>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// A text.
    Text(Label),
    /// A grid of coloured cells; `None` is left as it is.
    Cells {
        /// x, y, width, height of the whole.
        at: [f64; 4],
        /// Cells in a row.
        cols: usize,
        /// Row-major colours.
        colors: Vec<Option<Rgb>>,
    },
}

/// A drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// Marks, back to front.
    pub marks: Vec<Mark>,
}

/// Centre of the pixel at `x`, so that a hairline is one pixel and not two halves.
pub fn crisp(x: f64) -> f64 {
    x.floor() + 0.5
}

impl Scene {
    /// An empty drawing.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// A straight line.
    pub fn line(&mut self, a: [f64; 2], b: [f64; 2], stroke: Stroke) {
        self.marks.push(Mark::Path { segs: vec![Seg::M(a[0], a[1]), Seg::L(b[0], b[1])], fill: None, stroke: Some(stroke) });
    }

    /// A horizontal hairline.
    pub fn hair_h(&mut self, x: [f64; 2], y: f64, stroke: Stroke) {
        self.line([x[0], crisp(y)], [x[1], crisp(y)], stroke);
    }

    /// A vertical hairline.
    pub fn hair_v(&mut self, x: f64, y: [f64; 2], stroke: Stroke) {
        self.line([crisp(x), y[0]], [crisp(x), y[1]], stroke);
    }

    /// A polyline; NaN points break it.
    pub fn curve(&mut self, points: &[[f64; 2]], stroke: Stroke) {
        let segs = polyline(points);
        if !segs.is_empty() {
            self.marks.push(Mark::Path { segs, fill: None, stroke: Some(stroke) });
        }
    }

    /// A path that is stroked only.
    pub fn path(&mut self, segs: Vec<Seg>, stroke: Stroke) {
        self.marks.push(Mark::Path { segs, fill: None, stroke: Some(stroke) });
    }

    /// A path that is filled only.
    pub fn shape(&mut self, segs: Vec<Seg>, fill: impl Into<Paint>) {
        self.marks.push(Mark::Path { segs, fill: Some(fill.into()), stroke: None });
    }

    /// A filled rectangle; negative extents draw nothing.
    pub fn rect(&mut self, at: [f64; 4], fill: impl Into<Paint>) {
        if at[2] > 0.0 && at[3] > 0.0 {
            self.marks.push(Mark::Rect { at, fill: Some(fill.into()), stroke: None });
        }
    }

    /// A filled dot.
    pub fn dot(&mut self, at: [f64; 2], r: f64, fill: impl Into<Paint>) {
        self.marks.push(Mark::Circle { at, r, fill: Some(fill.into()), stroke: None });
    }

    /// An open circle on the sheet.
    pub fn ring(&mut self, at: [f64; 2], r: f64, paint: impl Into<Paint>) {
        self.marks.push(Mark::Circle { at, r, fill: Some("sheet".into()), stroke: Some(stroke(paint, 1.5)) });
    }

    /// A label in the axis colour; returns it for changes.
    pub fn text(&mut self, x: f64, y: f64, text: impl Into<String>, anchor: Anchor) -> &mut Label {
        self.marks.push(Mark::Text(Label { at: [x, y], text: text.into(), anchor, paint: "ink-3".into(), bold: false, mono: false, halo: false }));
        match self.marks.last_mut() {
            Some(Mark::Text(label)) => label,
            _ => unreachable!("a text was pushed just now"),
        }
    }
}

impl Label {
    /// In another colour.
    pub fn paint(&mut self, paint: impl Into<Paint>) -> &mut Self {
        self.paint = paint.into();
        self
    }

    /// Bold.
    pub fn bold(&mut self) -> &mut Self {
        self.bold = true;
        self
    }

    /// With a rim in the ground's colour.
    pub fn halo(&mut self) -> &mut Self {
        self.halo = true;
        self
    }
}

/// A polyline as path pieces; NaN points break it.
pub fn polyline(points: &[[f64; 2]]) -> Vec<Seg> {
    let mut pen = false;
    let mut out = Vec::with_capacity(points.len());
    for &[x, y] in points {
        if x.is_nan() || y.is_nan() {
            pen = false;
            continue;
        }
        out.push(if pen { Seg::L(x, y) } else { Seg::M(x, y) });
        pen = true;
    }
    out
}

/// Path pieces as SVG writes them, to a tenth of a pixel.
pub fn d(segs: &[Seg]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(segs.len() * 12);
    for seg in segs {
        // Writing into a String cannot fail.
        let _ = match *seg {
            Seg::M(x, y) => write!(out, "M{} {}", tenth(x), tenth(y)),
            Seg::L(x, y) => write!(out, "L{} {}", tenth(x), tenth(y)),
            Seg::Q(a, b, x, y) => write!(out, "Q{} {} {} {}", tenth(a), tenth(b), tenth(x), tenth(y)),
            Seg::Z => write!(out, "Z"),
        };
    }
    out
}

/// A coordinate to a tenth of a pixel, without a trailing zero.
pub fn tenth(v: f64) -> f64 {
    let v = (v * 10.0).round() / 10.0;
    if v == 0.0 { 0.0 } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_short_and_break_at_nan() {
        let segs = polyline(&[[0.0, 0.04], [1.26, -0.01], [f64::NAN, 0.0], [3.0, 4.0], [5.0, 5.0]]);
        assert_eq!(d(&segs), "M0 0L1.3 0M3 4L5 5");
        assert_eq!(d(&[Seg::Q(1.0, 2.0, 3.0, 4.5), Seg::Z]), "Q1 2 3 4.5Z");
    }

    #[test]
    fn empty_rectangles_and_curves_leave_no_mark() {
        let mut s = Scene::new(10.0, 10.0);
        s.rect([0.0, 0.0, -1.0, 5.0], "leaf");
        s.curve(&[], stroke("leaf", 1.0));
        assert!(s.marks.is_empty());
        s.text(0.0, 0.0, "k", Anchor::End).bold().paint("cut");
        assert!(matches!(&s.marks[0], Mark::Text(l) if l.bold && l.paint == Paint::Token("cut")));
    }
}
