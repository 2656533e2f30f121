//! Draws the map: the ground is painted once for a view and moved while the view moves; the points are written as pixels each frame.

use std::rc::Rc;

use espalier_methods::urban::picture::CityPicture;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{HtmlCanvasElement, ImageData};

use super::layer::Layer;
use crate::figures::canvas::{context, density, paint};
use crate::plot::city::ground::{furniture, ground};
use crate::plot::city::rings::Ring;
use crate::plot::city::{Camera, Dots, dots, hex};
use crate::plot::scene::{Scene, polyline, stroke};
use crate::plot::theme::Theme;

/// What is drawn, and where from.
pub(super) struct Painter {
    /// The canvas of the ground, and that of the points over it.
    pub canvases: Option<[HtmlCanvasElement; 2]>,
    /// The view.
    pub camera: Camera,
    /// CSS pixels.
    pub size: [f64; 2],
    /// Theme of the last drawing.
    pub theme: Theme,
    /// The city.
    pub picture: Option<Rc<CityPicture>>,
    /// Its points and their colours.
    pub layer: Rc<Layer>,
    /// Numbered results.
    pub rings: Rc<Vec<Ring>>,
    /// A line that is being drawn around points, in metres.
    pub lasso: Vec<[f64; 2]>,
    /// The ground as it was last painted, and for which view.
    kept: Option<(HtmlCanvasElement, Camera, [f64; 2], Theme)>,
    bytes: Vec<u8>,
    /// Milliseconds that the last drawings took, newest last.
    spent: Vec<f64>,
}

impl Default for Painter {
    fn default() -> Self {
        let camera = Camera { centre: [0.0, 0.0], scale: 0.1 };
        Self { canvases: None, camera, size: [0.0; 2], theme: Theme::Light, picture: None, layer: Rc::default(), rings: Rc::default(), lasso: Vec::new(), kept: None, bytes: Vec::new(), spent: Vec::new() }
    }
}

/// Drawings whose time is remembered.
const REMEMBERED: usize = 60;

impl Painter {
    /// Forgets the painted ground: another city.
    pub fn forget(&mut self) {
        self.kept = None;
    }

    /// Whether the ground on the screen is that of this view.
    pub fn is_sharp(&self) -> bool {
        self.kept.as_ref().is_some_and(|(_, c, s, t)| (*c, *s, *t) == (self.camera, self.size, self.theme))
    }

    /// One drawing. `sharp`: the ground is painted anew where the view is another; else what there is is moved.
    pub fn draw(&mut self, sharp: bool) {
        let started = now();
        let Some([base, ink]) = self.canvases.clone() else { return };
        if self.size[0] < 1.0 || self.size[1] < 1.0 {
            return;
        }
        let density = density();
        let pixels = self.size.map(|v| (v * density).round().max(1.0) as u32);
        for canvas in [&base, &ink] {
            if [canvas.width(), canvas.height()] != pixels {
                canvas.set_width(pixels[0]);
                canvas.set_height(pixels[1]);
            }
        }
        if (sharp || self.kept.is_none()) && !self.is_sharp() {
            self.paint_ground(pixels, density);
        }
        self.show_ground(&base, pixels, density);
        self.show_points(&ink, pixels, density);
        self.spent.push(now() - started);
        if self.spent.len() > REMEMBERED {
            self.spent.remove(0);
        }
        let mean = self.spent.iter().sum::<f64>() / self.spent.len() as f64;
        // For people who measure; the page itself does not read it.
        let _ = ink.set_attribute("data-draw-ms", &format!("{mean:.2}"));
    }

    fn paint_ground(&mut self, pixels: [u32; 2], density: f64) {
        let Some(picture) = &self.picture else { return };
        let canvas = match self.kept.take() {
            Some((canvas, ..)) => Some(canvas),
            None => gloo::utils::document().create_element("canvas").ok().and_then(|e| e.dyn_into().ok()),
        };
        let Some(canvas) = canvas else { return };
        canvas.set_width(pixels[0]);
        canvas.set_height(pixels[1]);
        if let Some(c) = context(&canvas) {
            // A scale by a positive number cannot fail.
            let _ = c.scale(density, density);
            paint(&c, &ground(picture, &self.camera, self.size), self.theme);
        }
        self.kept = Some((canvas, self.camera, self.size, self.theme));
    }

    fn show_ground(&self, base: &HtmlCanvasElement, [w, h]: [u32; 2], density: f64) {
        let (Some(c), Some((kept, camera, size, _))) = (context(base), &self.kept) else { return };
        c.set_fill_style_str(&self.theme.hex("sheet"));
        c.fill_rect(0.0, 0.0, f64::from(w), f64::from(h));
        // Where the corners of what was painted are now.
        let zoom = self.camera.scale / camera.scale;
        let corner = self.camera.screen(self.size, camera.world(*size, [0.0, 0.0]));
        let [x, y] = corner.map(|v| v * density);
        let _ = c.draw_image_with_html_canvas_element_and_dw_and_dh(kept, x, y, f64::from(kept.width()) * zoom, f64::from(kept.height()) * zoom);
    }

    fn show_points(&mut self, ink: &HtmlCanvasElement, [w, h]: [u32; 2], density: f64) {
        let Some(c) = context(ink) else { return };
        self.bytes.clear();
        self.bytes.resize(4 * w as usize * h as usize, 0);
        // Hexagons take the place of the points that they are made of.
        let hexagons = !self.layer.cells.is_empty();
        for set in self.layer.sets.iter().filter(|_| !hexagons) {
            let side = (set.side * density).round().max(1.0) as usize;
            dots(&mut self.bytes, [w as usize, h as usize], &self.camera, density, Dots { places: set.places(), colors: &set.colors, side });
        }
        if let Ok(image) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&self.bytes), w, h) {
            let _ = c.put_image_data(&image, 0.0, 0.0);
        }
        let source = self.picture.as_deref().map_or("", |p| if p.ground.is_some() { "made city: no map data of a real place" } else { "your points; no map under them" });
        c.save();
        let _ = c.scale(density, density);
        if hexagons {
            paint(&c, &hex::drawing(&self.layer.cells, self.layer.across, &self.camera, self.size), self.theme);
        }
        if self.lasso.len() > 1 {
            let mut line = Scene::new(self.size[0], self.size[1]);
            let points: Vec<[f64; 2]> = self.lasso.iter().map(|p| self.camera.screen(self.size, *p)).collect();
            line.path(polyline(&points), stroke("ink", 1.5).dashed(4.0, 3.0));
            paint(&c, &line, self.theme);
        }
        paint(&c, &furniture(&self.camera, self.size, &self.rings, source), self.theme);
        c.restore();
    }
}

fn now() -> f64 {
    gloo::utils::window().performance().map_or(0.0, |p| p.now())
}
