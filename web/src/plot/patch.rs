//! A part of one matrix under a rescaling of channels: its weights under their inputs' norms, and what two rules keep of it.

use super::color::{Lut, Sequential, pick, sequential};
use super::scene::{Anchor, Mark, Paint, Scene, Seg, stroke};
use super::theme::Theme;

/// What one rule keeps, now and at a gain of 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// `magnitude`, `Wanda`.
    pub rule: String,
    /// Row-major, true = kept.
    pub now: Vec<bool>,
    /// The same before anything was rescaled.
    pub base: Vec<bool>,
}

/// The drawing's data.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Width in pixels; the height follows.
    pub width: f64,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Columns that are rescaled.
    pub loud: Vec<usize>,
    /// Norm of each column's input, rescaled.
    pub norms: Vec<f64>,
    /// |w|, rescaled.
    pub weights: Vec<f64>,
    /// Both rules.
    pub kept: [Kept; 2],
}

const TOP: f64 = 50.0;
const GAP: f64 = 18.0;

impl Parts {
    fn narrow(&self) -> bool {
        self.width < 480.0
    }

    fn cell(&self) -> [f64; 2] {
        let panels = if self.narrow() { 2.0 } else { 3.0 };
        [(self.width - GAP * (panels - 1.0)) / panels / self.size[1].max(1) as f64, 9.0]
    }

    fn panel(&self) -> f64 {
        TOP + self.cell()[1] * self.size[0] as f64 + 12.0
    }

    /// Height of the whole.
    pub fn height(&self) -> f64 {
        self.panel() * if self.narrow() { 2.0 } else { 1.0 } + 24.0
    }

    /// The drawing, for a theme: weights have colours of their own.
    pub fn scene(&self, theme: Theme) -> Scene {
        let mut s = Scene::new(self.width, self.height());
        let wide = self.cell()[0] * self.size[1] as f64 + GAP;
        if self.narrow() {
            self.mask(&mut s, &self.kept[0], [0.0, 0.0]);
            self.mask(&mut s, &self.kept[1], [wide, 0.0]);
            self.source(&mut s, [0.0, self.panel()], &sequential(Sequential::Viridis, theme));
        } else {
            self.source(&mut s, [0.0, 0.0], &sequential(Sequential::Viridis, theme));
            self.mask(&mut s, &self.kept[0], [wide, 0.0]);
            self.mask(&mut s, &self.kept[1], [2.0 * wide, 0.0]);
        }
        let y = self.height() - 14.0;
        s.text(0.0, y + 8.0, "▴ rescaled", Anchor::Start);
        let mut x = 84.0;
        s.rect([x, y, 8.0, 8.0], "leaf");
        s.text(x + 12.0, y + 8.0, "kept", Anchor::Start);
        x += 54.0;
        s.rect([x, y, 8.0, 8.0], "well");
        s.line([x + 1.5, y + 7.0], [x + 6.5, y + 1.0], stroke("cut", 1.8));
        s.text(x + 12.0, y + 8.0, "dropped", Anchor::Start);
        x += 76.0;
        s.marks.push(Mark::Rect { at: [x + 0.6, y + 0.6, 7.0, 7.0], fill: Some("leaf-wash".into()), stroke: Some(stroke("leaf", 1.2)) });
        s.text(x + 12.0, y + 8.0, "newly kept", Anchor::Start);
        s
    }

    fn marks(&self, s: &mut Scene, [x, y]: [f64; 2]) {
        let [w, h] = self.cell();
        let foot = y + TOP + h * self.size[0] as f64 + 2.0;
        for &c in &self.loud {
            let at = x + (c as f64 + 0.5) * w;
            s.shape(vec![Seg::M(at, foot), Seg::L(at - 3.5, foot + 5.0), Seg::L(at + 3.5, foot + 5.0), Seg::Z], "ink");
        }
    }

    fn source(&self, s: &mut Scene, [x, y]: [f64; 2], lut: &Lut) {
        let [w, h] = self.cell();
        s.text(x, y + 10.0, "|W|, above it ‖x‖ of each channel", Anchor::Start).paint("ink").bold();
        let top = self.norms.iter().copied().fold(1e-12, f64::max);
        let most = self.weights.iter().copied().fold(1e-12, f64::max);
        for (c, n) in self.norms.iter().enumerate() {
            let tall = (n / top * 30.0).max(0.8);
            s.rect([x + c as f64 * w + 0.4, y + TOP - 3.0 - tall, w - 0.8, tall], if self.loud.contains(&c) { "ink" } else { "edge" });
        }
        for (i, v) in self.weights.iter().enumerate() {
            let (r, c) = (i / self.size[1].max(1), i % self.size[1].max(1));
            if let Some(color) = pick(lut, *v, 0.0, most) {
                s.rect([x + c as f64 * w + 0.3, y + TOP + r as f64 * h + 0.3, w - 0.6, h - 0.6], Paint::Fixed(color));
            }
        }
        self.marks(s, [x, y]);
    }

    fn mask(&self, s: &mut Scene, kept: &Kept, [x, y]: [f64; 2]) {
        let [w, h] = self.cell();
        s.text(x, y + 10.0, format!("{} keeps", kept.rule), Anchor::Start).paint("ink").bold();
        let cols = self.size[1].max(1);
        let inside = |i: &usize| self.loud.contains(&(i % cols));
        let of = (0..kept.now.len()).filter(inside).count();
        let here = (0..kept.now.len()).filter(|i| inside(i) && kept.now[*i]).count();
        let new = kept.now.iter().zip(&kept.base).filter(|(n, b)| **n && !**b).count();
        s.text(x, y + 26.0, format!("{here} of {of} rescaled"), Anchor::Start).paint("ink-2");
        s.text(x, y + 41.0, if new > 0 { format!("{new} new here") } else { "nothing replaced".into() }, Anchor::Start).paint(if new > 0 { "ink" } else { "ink-2" });
        for (i, (&now, &base)) in kept.now.iter().zip(&kept.base).enumerate() {
            let at = [x + (i % cols) as f64 * w + 0.5, y + TOP + (i / cols) as f64 * h + 0.5, w - 1.0, h - 1.0];
            match (now, base) {
                (true, true) => s.rect(at, if inside(&i) { "ink" } else { "leaf" }),
                (true, false) => s.marks.push(Mark::Rect { at, fill: Some("leaf-wash".into()), stroke: Some(stroke("leaf", 1.2)) }),
                (false, was) => {
                    s.rect(at, "well");
                    if was {
                        s.line([at[0] + at[2] * 0.15, at[1] + at[3]], [at[0] + at[2] * 0.85, at[1]], stroke("cut", 1.8).rounded());
                    }
                }
            }
        }
        self.marks(s, [x, y]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_that_changed_shows_what_came_and_what_went() {
        let kept = |now: [bool; 4]| Kept { rule: "magnitude".into(), now: now.to_vec(), base: vec![true, false, true, false] };
        let p = Parts { width: 600.0, size: [2, 2], loud: vec![1], norms: vec![1.0, 8.0], weights: vec![0.1, 0.2, 0.3, 0.4], kept: [kept([true, false, true, false]), kept([false, true, true, false])] };
        for width in [340.0, 600.0] {
            let s = Parts { width, ..p.clone() }.scene(Theme::Light);
            let words: Vec<&str> = s.marks.iter().filter_map(|m| if let Mark::Text(l) = m { Some(l.text.as_str()) } else { None }).collect();
            assert!(words.contains(&"nothing replaced") && words.contains(&"1 new here") && words.contains(&"1 of 2 rescaled"), "{words:?}");
            assert!(s.height > 100.0);
        }
    }
}
