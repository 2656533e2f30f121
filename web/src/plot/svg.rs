//! A scene as a file of its own: title, what it shows, model and settings, legend and sentence travel with the picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::scene::{Anchor, Label, Mark, Paint, Scene, Stroke, d, tenth};
use super::theme::{Theme, hex};

/// What stands around an exported figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Title.
    pub title: String,
    /// What, unit, kind of axis.
    pub what: String,
    /// Model, tensor, settings: one line.
    pub source: String,
    /// Entries of the legend.
    pub legend: Vec<(Paint, String)>,
    /// The sentence that says what is seen.
    pub sentence: String,
}

/// Margin around the exported picture, pixels.
pub const MARGIN: f64 = 16.0;
const SANS: &str = "B612,system-ui,sans-serif";
const MONO: &str = "ui-monospace,Menlo,Consolas,monospace";
const SERIF: &str = "Charter,Georgia,serif";

/// The whole picture as one scene-like layout: head, drawing, foot. Returns total width, total height and where the drawing starts.
pub fn layout(scene: &Scene, frame: &Frame) -> ([f64; 2], f64) {
    let top = MARGIN + 16.0 + if frame.legend.is_empty() { 0.0 } else { 18.0 } + 8.0;
    let lines = wrapped(&frame.sentence, scene.width).len() as f64;
    let foot = 12.0 + 18.0 * lines + if frame.source.is_empty() { 0.0 } else { 16.0 };
    ([scene.width + 2.0 * MARGIN, top + scene.height + foot + MARGIN], top)
}

/// The sentence in lines that fit `width` at 13.5 px serif.
pub fn wrapped(sentence: &str, width: f64) -> Vec<String> {
    let room = (width / 6.6).max(20.0) as usize;
    let mut lines: Vec<String> = Vec::new();
    for word in sentence.split(' ').filter(|w| !w.is_empty()) {
        match lines.last_mut() {
            Some(l) if l.chars().count() + 1 + word.chars().count() <= room => {
                l.push(' ');
                l.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// A standalone SVG document.
pub fn document(scene: &Scene, frame: &Frame, theme: Theme) -> String {
    let ([w, h], top) = layout(scene, frame);
    let mut out = String::new();
    let ink = |t: &str| theme.hex(t);
    // Writing into a String cannot fail; the results are dropped for that reason throughout.
    let _ = write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" font-family="{SANS}" font-size="11" style="font-variant-numeric:tabular-nums"><title>{}</title><desc>{}</desc><rect width="{w}" height="{h}" fill="{}"/>"#,
        escape(&frame.title),
        escape(&format!("{} {}", frame.sentence, frame.source)),
        ink("ground"),
    );
    let _ = write!(
        out,
        r#"<text x="{MARGIN}" y="{}" font-size="12" fill="{}"><tspan font-weight="700">{}</tspan><tspan dx="8" font-size="11" fill="{}">{}</tspan></text>"#,
        MARGIN + 11.0,
        ink("ink"),
        escape(&frame.title),
        ink("ink-3"),
        escape(&frame.what),
    );
    let mut x = MARGIN;
    for (paint, name) in &frame.legend {
        let _ = write!(
            out,
            r#"<rect x="{x}" y="{}" width="12" height="3" fill="{}"/><text x="{}" y="{}" fill="{}">{}</text>"#,
            MARGIN + 24.0,
            paint.value(theme),
            x + 17.0,
            MARGIN + 29.0,
            ink("ink-2"),
            escape(name),
        );
        x += 17.0 + 7.0 * name.chars().count() as f64 + 14.0;
    }
    let _ = write!(out, r#"<g transform="translate({MARGIN} {top})">"#);
    marks(&mut out, scene, Colors::File(theme));
    out.push_str("</g>");
    let mut y = top + scene.height + 12.0;
    for l in wrapped(&frame.sentence, scene.width) {
        y += 18.0;
        let _ = write!(out, r#"<text x="{MARGIN}" y="{}" font-family="{SERIF}" font-size="13.5" fill="{}">{}</text>"#, y - 5.0, ink("ink-2"), escape(&l));
    }
    if !frame.source.is_empty() {
        let _ = write!(out, r#"<text x="{MARGIN}" y="{}" fill="{}">{}</text>"#, y + 11.0, ink("ink-3"), escape(&frame.source));
    }
    out.push_str("</svg>\n");
    out
}

/// The drawing for the page itself: colours are CSS variables, so that the theme may change under it; what it says in words stands on the
/// element around it. Text colours are inherited from a group because a style sheet's rule for texts would beat an attribute of the text.
pub fn page(scene: &Scene) -> String {
    let (w, h) = (scene.width, scene.height);
    let mut out = format!(r#"<svg class="scene" xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" aria-hidden="true">"#);
    marks(&mut out, scene, Colors::Page);
    out.push_str("</svg>");
    out
}

/// Where colours come from.
#[derive(Clone, Copy)]
enum Colors {
    Page,
    File(Theme),
}

impl Colors {
    fn of(self, paint: &Paint) -> String {
        match self {
            Self::Page => paint.css(),
            Self::File(theme) => paint.value(theme),
        }
    }
}

fn marks(out: &mut String, scene: &Scene, theme: Colors) {
    for m in &scene.marks {
        let _ = match m {
            Mark::Path { segs, fill, stroke } => write!(out, r#"<path d="{}"{}/>"#, d(segs), look(fill, stroke, theme)),
            Mark::Rect { at: [x, y, w, h], fill, stroke } => {
                write!(out, r#"<rect x="{}" y="{}" width="{}" height="{}"{}/>"#, tenth(*x), tenth(*y), tenth(*w), tenth(*h), look(fill, stroke, theme))
            }
            Mark::Circle { at: [x, y], r, fill, stroke } => write!(out, r#"<circle cx="{}" cy="{}" r="{r}"{}/>"#, tenth(*x), tenth(*y), look(fill, stroke, theme)),
            Mark::Text(label) => text(out, label, theme),
            Mark::Cells { at, cols, colors } => cells(out, *at, *cols, colors),
        };
    }
}

fn look(fill: &Option<Paint>, stroke: &Option<Stroke>, colors: Colors) -> String {
    let mut out = match fill {
        Some(p) => format!(r#" fill="{}""#, colors.of(p)),
        None => r#" fill="none""#.into(),
    };
    if let Some(s) = stroke {
        let _ = write!(out, r#" stroke="{}" stroke-width="{}""#, colors.of(&s.paint), s.width);
        if let Some([a, b]) = s.dash {
            let _ = write!(out, r#" stroke-dasharray="{a} {b}""#);
        }
        if s.round {
            out.push_str(r#" stroke-linecap="round""#);
        }
    }
    out
}

fn text(out: &mut String, l: &Label, colors: Colors) -> std::fmt::Result {
    let anchor = match l.anchor {
        Anchor::Start => "",
        Anchor::Middle => r#" text-anchor="middle""#,
        Anchor::End => r#" text-anchor="end""#,
    };
    let bold = if l.bold { r#" font-weight="700""# } else { "" };
    let mono = if l.mono { format!(r#" font-family="{MONO}""#) } else { String::new() };
    let halo = if l.halo { format!(r#" stroke="{}" stroke-width="3.5" paint-order="stroke" stroke-linejoin="round""#, colors.of(&Paint::Token("ground"))) } else { String::new() };
    write!(out, r#"<g fill="{}"><text x="{}" y="{}"{anchor}{bold}{mono}{halo}>{}</text></g>"#, colors.of(&l.paint), tenth(l.at[0]), tenth(l.at[1]), escape(&l.text))
}

/// Cells of one colour become one path in the grid's own units: small files without an embedded bitmap.
fn cells(out: &mut String, [x, y, w, h]: [f64; 4], cols: usize, colors: &[Option<super::theme::Rgb>]) -> std::fmt::Result {
    if cols == 0 || colors.is_empty() {
        return Ok(());
    }
    let rows = colors.len().div_ceil(cols);
    let mut by: BTreeMap<super::theme::Rgb, String> = BTreeMap::new();
    for r in 0..rows {
        let row = &colors[r * cols..((r + 1) * cols).min(colors.len())];
        let mut c = 0;
        while c < row.len() {
            let mut n = 1;
            while c + n < row.len() && row[c + n] == row[c] {
                n += 1;
            }
            if let Some(color) = row[c] {
                write!(by.entry(color).or_default(), "M{c} {r}h{n}v1h-{n}z")?;
            }
            c += n;
        }
    }
    write!(out, r#"<g transform="translate({} {}) scale({} {})" shape-rendering="crispEdges">"#, tenth(x), tenth(y), w / cols as f64, h / rows as f64)?;
    for (color, path) in by {
        write!(out, r#"<path d="{path}" fill="{}"/>"#, hex(color))?;
    }
    out.push_str("</g>");
    Ok(())
}

/// Text safe inside an element and inside a quoted attribute. Control characters, which XML cannot hold, are dropped.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c < ' ' || ('\u{fffe}'..='\u{ffff}').contains(&c) => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::scene::{Seg, stroke};
    use super::*;

    fn scene() -> Scene {
        let mut s = Scene::new(100.0, 40.0);
        s.line([0.0, 0.5], [100.0, 0.5], stroke("wire", 1.0).dashed(2.0, 3.0));
        s.shape(vec![Seg::M(0.0, 0.0), Seg::L(4.0, 4.0), Seg::Z], "leaf");
        s.rect([1.0, 2.0, 3.0, 4.0], "cut");
        s.ring([5.0, 5.0], 3.4, "c1");
        s.text(10.0, 20.0, "a < b & \"c\"", Anchor::End).bold().halo();
        s.marks.push(Mark::Cells { at: [0.0, 0.0, 30.0, 20.0], cols: 3, colors: vec![Some([1, 2, 3]), Some([1, 2, 3]), None, Some([255, 0, 0]), None, Some([1, 2, 3])] });
        s
    }

    fn frame() -> Frame {
        Frame {
            title: "Spectrum".into(),
            what: "σ over rank".into(),
            source: "shakespeare-llama · layers.0.<q> · log-log".into(),
            legend: vec![("q".into(), "q".into()), ("gate".into(), "gate".into())],
            sentence: "The first ninety directions rise above a random matrix of this shape; the rest is bulk.".into(),
        }
    }

    #[test]
    fn the_file_carries_title_source_legend_and_sentence() {
        let text = document(&scene(), &frame(), Theme::Light);
        for part in ["<title>Spectrum</title>", "σ over rank", "layers.0.&lt;q&gt;", ">gate</text>", "a &lt; b &amp; &quot;c&quot;", "#1B6844", "stroke-dasharray=\"2 3\"", "rest is bulk."] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains("var(--"), "files know no variables");
        assert!(text.contains("M0 0h2v1h-2zM2 1h1v1h-1z"), "runs of one colour are joined");
    }

    #[test]
    fn the_file_is_well_formed_and_follows_the_theme() {
        for theme in [Theme::Light, Theme::Dark] {
            let text = document(&scene(), &frame(), theme);
            let mut open: Vec<String> = Vec::new();
            for tag in text.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap_or_default();
                if let Some(name) = tag.strip_prefix('/') {
                    assert_eq!(open.pop().as_deref(), Some(name));
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap_or_default().to_string());
                }
            }
            assert!(open.is_empty(), "{open:?}");
            assert!(text.contains(&theme.hex("ground")));
        }
    }

    #[test]
    fn the_page_uses_variables_and_no_inline_style() {
        let text = page(&scene());
        assert!(text.contains("var(--leaf)") && !text.contains("style="), "a strict content policy forbids inline styles");
    }

    #[test]
    fn the_same_scene_is_the_same_file() {
        assert_eq!(document(&scene(), &frame(), Theme::Dark), document(&scene(), &frame(), Theme::Dark));
        assert_eq!(wrapped("one two three", 10.0), ["one two three"]);
        assert!(wrapped(&"word ".repeat(60), 400.0).len() > 3);
        assert!(wrapped("", 100.0).is_empty());
    }
}
