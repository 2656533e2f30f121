//! A scene painted on a canvas: fast curves on the page, and the PNG.

use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::plot::scene::{Anchor, Label, Mark, Scene, Seg, Stroke};
use crate::plot::theme::{Rgb, Theme, hex};

const FONT: &str = "B612, system-ui, sans-serif";
const MONO: &str = "ui-monospace, Menlo, Consolas, monospace";

/// Device pixels per CSS pixel that are worth drawing.
pub fn density() -> f64 {
    web_sys::window().map_or(1.0, |w| w.device_pixel_ratio()).clamp(1.0, 3.0)
}

/// The 2d context of a canvas.
pub fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok().flatten()?.dyn_into().ok()
}

/// Sizes a canvas to the scene at `density` device pixels a CSS pixel, clears it, and paints.
pub fn fresh(canvas: &HtmlCanvasElement, scene: &Scene, theme: Theme, density: f64) {
    canvas.set_width((scene.width * density).round() as u32);
    canvas.set_height((scene.height * density).round() as u32);
    if let Some(c) = context(canvas) {
        // Setting the size has cleared it and reset its transformation.
        let _ = c.scale(density, density);
        paint(&c, scene, theme);
    }
}

/// Paints all marks.
pub fn paint(c: &CanvasRenderingContext2d, scene: &Scene, theme: Theme) {
    for m in &scene.marks {
        match m {
            Mark::Path { segs, fill, stroke } => {
                c.begin_path();
                trace(c, segs);
                finish(c, fill.as_ref().map(|p| p.value(theme)), stroke.as_ref(), theme);
            }
            Mark::Rect { at: [x, y, w, h], fill, stroke } => {
                c.begin_path();
                c.rect(*x, *y, *w, *h);
                finish(c, fill.as_ref().map(|p| p.value(theme)), stroke.as_ref(), theme);
            }
            Mark::Circle { at: [x, y], r, fill, stroke } => {
                c.begin_path();
                // The radius is a constant of ours and not negative, the only case that fails.
                let _ = c.arc(*x, *y, *r, 0.0, std::f64::consts::TAU);
                finish(c, fill.as_ref().map(|p| p.value(theme)), stroke.as_ref(), theme);
            }
            Mark::Text(label) => text(c, label, theme),
            Mark::Cells { at, cols, colors } => cells(c, *at, *cols, colors),
        }
    }
}

fn trace(c: &CanvasRenderingContext2d, segs: &[Seg]) {
    for s in segs {
        match *s {
            Seg::M(x, y) => c.move_to(x, y),
            Seg::L(x, y) => c.line_to(x, y),
            Seg::Q(a, b, x, y) => c.quadratic_curve_to(a, b, x, y),
            Seg::Z => c.close_path(),
        }
    }
}

fn finish(c: &CanvasRenderingContext2d, fill: Option<String>, stroke: Option<&Stroke>, theme: Theme) {
    if let Some(f) = fill {
        c.set_fill_style_str(&f);
        c.fill();
    }
    if let Some(s) = stroke {
        c.set_stroke_style_str(&s.paint.value(theme));
        c.set_line_width(s.width);
        c.set_line_cap(if s.round { "round" } else { "butt" });
        c.set_line_join("round");
        let dash: js_sys::Array = s.dash.iter().flatten().map(|d| wasm_bindgen::JsValue::from_f64(*d)).collect();
        // Dashes are constants of ours, finite and not negative.
        let _ = c.set_line_dash(&dash);
        c.stroke();
    }
}

fn text(c: &CanvasRenderingContext2d, l: &Label, theme: Theme) {
    c.set_font(&format!("{} 11px {}", if l.bold { "700" } else { "400" }, if l.mono { MONO } else { FONT }));
    c.set_text_align(match l.anchor {
        Anchor::Start => "left",
        Anchor::Middle => "center",
        Anchor::End => "right",
    });
    if l.halo {
        c.set_stroke_style_str(&theme.hex("ground"));
        c.set_line_width(3.5);
        c.set_line_join("round");
        let _ = c.stroke_text(&l.text, l.at[0], l.at[1]);
    }
    c.set_fill_style_str(&l.paint.value(theme));
    // Text at finite places cannot fail.
    let _ = c.fill_text(&l.text, l.at[0], l.at[1]);
}

fn cells(c: &CanvasRenderingContext2d, [x, y, w, h]: [f64; 4], cols: usize, colors: &[Option<Rgb>]) {
    if cols == 0 {
        return;
    }
    let rows = colors.len().div_ceil(cols);
    let (cw, ch) = (w / cols as f64, h / rows.max(1) as f64);
    for (i, color) in colors.iter().enumerate() {
        let Some(color) = color else { continue };
        let (col, row) = ((i % cols) as f64, (i / cols) as f64);
        c.set_fill_style_str(&hex(*color));
        // Edges on whole pixels of the grid, a hair wider than the cell: no seams between neighbours.
        c.fill_rect(x + col * cw, y + row * ch, cw + 0.3, ch + 0.3);
    }
}

/// One pixel a cell, for a canvas that the style sheet scales without smoothing; missing cells are transparent.
pub fn pixels(canvas: &HtmlCanvasElement, cols: usize, rows: usize, colors: &[Option<Rgb>]) {
    canvas.set_width(cols.max(1) as u32);
    canvas.set_height(rows.max(1) as u32);
    let Some(c) = context(canvas) else { return };
    let mut bytes = Vec::with_capacity(colors.len() * 4);
    for color in colors {
        let [r, g, b] = color.unwrap_or([0; 3]);
        bytes.extend([r, g, b, if color.is_some() { 255 } else { 0 }]);
    }
    if let Ok(image) = web_sys::ImageData::new_with_u8_clamped_array_and_sh(wasm_bindgen::Clamped(&bytes), cols.max(1) as u32, rows.max(1) as u32) {
        let _ = c.put_image_data(&image, 0.0, 0.0);
    }
}
