//! What stands under the pointer, in words.

use espalier_methods::urban::picture::{CityPicture, Frame};

use crate::plot::city::{Camera, nearest};
use crate::plot::number::fixed;

/// East and north in metres; degrees, where the city is on the earth; and what stands under the pointer.
pub(super) fn read_out(picture: &CityPicture, camera: &Camera, size: [f64; 2], at: [f64; 2]) -> String {
    let place = camera.world(size, at);
    let real = [place[0] + picture.origin[0], place[1] + picture.origin[1]];
    let mut out = if let Frame::Around(_) = picture.frame { String::new() } else { format!("E {} m  N {} m", fixed(real[0], 0), fixed(real[1], 0)) };
    if picture.frame != Frame::Nowhere {
        let [lon, lat] = picture.frame.degrees(real);
        let side = |v: f64, plus: &'static str, minus: &'static str| format!("{}° {}", fixed(v.abs(), 4), if v < 0.0 { minus } else { plus });
        out = format!("{out}  {}  {}", side(lat, "N", "S"), side(lon, "E", "W")).trim_start().to_owned();
    }
    if let Some(text) = nearest(&picture.points, camera, size, at, 8.0).and_then(|i| picture.texts.get(*picture.text_of.get(i)? as usize)) {
        out = format!("{out}  {}", super::say::short(text));
    }
    out
}
