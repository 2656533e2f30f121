//! A city on the screen: where its metres fall, its points as pixels, its ground as a scene.

pub mod camera;
pub mod dots;
pub mod ground;
pub mod hex;
pub mod hues;
pub mod rings;

pub use camera::Camera;
pub use dots::{Dots, dots, nearest};
