//! Axes of a plot: hairlines, ticks outward, the y name at the top of its axis, the x name at the right end below it.

use espalier_methods::report::Axis;

use super::scale::Scale;
use super::scene::{Anchor, Scene, crisp, stroke};
use super::ticks::ticks;

/// The rectangle between the axes, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inner {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Top edge.
    pub top: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl Inner {
    /// Room for axes with labels on a drawing of this size.
    pub fn of(width: f64, height: f64) -> Self {
        Self { left: 44.0, right: (width - 8.0).max(60.0), top: 18.0, bottom: (height - 34.0).max(40.0) }
    }

    /// Pixels of the x axis, from its start.
    pub fn x(&self) -> [f64; 2] {
        [self.left, self.right]
    }

    /// Pixels of the y axis, from its foot up.
    pub fn y(&self) -> [f64; 2] {
        [self.bottom, self.top]
    }

    /// Whether a point lies inside.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }
}

/// Name and unit: `energy, %`; `rank of σ`.
pub fn named(axis: &Axis) -> String {
    if axis.unit.is_empty() { axis.name.clone() } else { format!("{}, {}", axis.name, axis.unit) }
}

/// Draws the x axis at the foot.
pub fn x_axis(scene: &mut Scene, inner: Inner, scale: &Scale, axis: &Axis) {
    scene.hair_h([inner.left, inner.right], inner.bottom, stroke("edge", 1.0));
    let mut free = f64::NEG_INFINITY;
    for t in ticks(scale, 46.0) {
        let x = scale.at(t.value);
        let long = if t.minor { 2.5 } else { 4.0 };
        scene.hair_v(x.min(inner.right - 0.5), [inner.bottom, inner.bottom + long], stroke("edge", 1.0));
        let half = text_width(&t.label) / 2.0;
        let near_end = x + half > inner.right + 7.0;
        let start = if near_end { x - 2.0 * half } else { x - half };
        if t.label.is_empty() || start < free {
            continue;
        }
        free = start + 2.0 * half + 7.0;
        scene.text(if near_end { inner.right + 7.0 } else { x }, inner.bottom + 15.0, t.label, if near_end { Anchor::End } else { Anchor::Middle });
    }
    scene.text(inner.right, inner.bottom + 29.0, named(axis), Anchor::End);
}

/// Draws the y axis at the left, with a hairline through the plot at every labelled tick.
pub fn y_axis(scene: &mut Scene, inner: Inner, scale: &Scale, axis: &Axis) {
    let mut named_at = f64::INFINITY;
    for t in ticks(scale, 34.0) {
        let y = scale.at(t.value);
        if t.minor {
            scene.line([inner.left, crisp(y)], [inner.left + 3.0, crisp(y)], stroke("wire", 1.0));
            continue;
        }
        if (y - inner.bottom).abs() > 1.0 {
            scene.hair_h([inner.left, inner.right], y, stroke("wire", 1.0));
        }
        // Ticks rise; a name that would touch the last one is left out, its line stays.
        if !t.label.is_empty() && (named_at - y).abs() >= 11.0 {
            named_at = y;
            scene.text(inner.left - 6.0, y + 4.0, t.label, Anchor::End);
        }
    }
    scene.hair_v(inner.left, [inner.top, inner.bottom], stroke("edge", 1.0));
    scene.text(inner.left + 4.0, inner.top - 7.0, named(axis), Anchor::Start).paint("ink-2");
}

/// Width of a text at 11 px, near enough to keep labels apart (B612's digits are 6.9 px wide there).
pub fn text_width(text: &str) -> f64 {
    text.chars().map(|c| if c == '\u{202f}' || c == '.' || c == ',' { 3.4 } else { 6.9 }).sum()
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
    use super::*;

    #[test]
    fn labels_never_overlap_and_stay_on_the_drawing() {
        for (log, domain) in [(false, [0.0, 2048.0]), (true, [1.0, 2048.0]), (false, [-0.1234, 0.1234]), (true, [1e-9, 1e3])] {
            for width in [160.0, 240.0, 600.0] {
                let inner = Inner::of(width, 200.0);
                let scale = Scale::new(log, domain, inner.x());
                let mut scene = Scene::new(width, 200.0);
                x_axis(&mut scene, inner, &scale, &Axis { name: "x".into(), unit: String::new(), log });
                let mut last = f64::NEG_INFINITY;
                for m in &scene.marks {
                    let Mark::Text(l) = m else { continue };
                    if l.at[1] > inner.bottom + 20.0 {
                        continue;
                    }
                    let w = text_width(&l.text);
                    let start = match l.anchor {
                        Anchor::Middle => l.at[0] - w / 2.0,
                        Anchor::End => l.at[0] - w,
                        Anchor::Start => l.at[0],
                    };
                    assert!(start >= last, "{domain:?} at {width}: {}", l.text);
                    assert!(start + w <= width + 1.0, "{} leaves the drawing", l.text);
                    last = start + w;
                }
            }
        }
    }

    #[test]
    fn names_carry_units() {
        let a = |u: &str| Axis { name: "energy".into(), unit: u.into(), log: false };
        assert_eq!((named(&a("%")).as_str(), named(&a("")).as_str()), ("energy, %", "energy"));
    }
}
