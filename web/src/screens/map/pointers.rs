//! Pointers on the map: one moves it or clicks, two zoom it.

use crate::plot::city::Camera;

/// A pointer that moved less than this has clicked.
const CLICK: f64 = 4.0;

/// Pointers that are down: one moves the map, two zoom it.
#[derive(Default)]
pub(super) struct Held {
    pointers: Vec<(i32, [f64; 2])>,
    way: f64,
    two: bool,
}

/// What a movement does to the view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// By so many pixels.
    Pan([f64; 2]),
    /// At a place, by a factor.
    Zoom([f64; 2], f64),
}

impl Change {
    /// The view after it.
    pub fn apply(self, camera: &Camera, size: [f64; 2]) -> Camera {
        match self {
            Self::Pan(by) => camera.panned(by),
            Self::Zoom(at, factor) => camera.zoomed(size, at, factor),
        }
    }
}

impl Held {
    /// One is put down.
    pub fn down(&mut self, id: i32, at: [f64; 2]) {
        if self.pointers.is_empty() {
            (self.way, self.two) = (0.0, false);
        }
        self.pointers.retain(|(p, _)| *p != id);
        self.pointers.push((id, at));
        self.two |= self.pointers.len() > 1;
    }

    /// One is moved; what that does, if anything.
    pub fn moved(&mut self, id: i32, to: [f64; 2]) -> Option<Change> {
        let i = self.pointers.iter().position(|(p, _)| *p == id)?;
        let from = self.pointers[i].1;
        let by = [to[0] - from[0], to[1] - from[1]];
        self.way += by[0].hypot(by[1]);
        self.pointers[i].1 = to;
        match self.pointers.len() {
            1 if self.way >= CLICK => Some(Change::Pan(by)),
            2 => {
                let other = self.pointers[1 - i].1;
                let far = |p: [f64; 2]| (p[0] - other[0]).hypot(p[1] - other[1]).max(8.0);
                Some(Change::Zoom([0.5 * (to[0] + other[0]), 0.5 * (to[1] + other[1])], far(to) / far(from)))
            }
            _ => None,
        }
    }

    /// Whether that was a click.
    pub fn up(&mut self, id: i32) -> bool {
        let known = self.pointers.iter().any(|(p, _)| *p == id);
        self.pointers.retain(|(p, _)| *p != id);
        known && self.pointers.is_empty() && self.way < CLICK && !self.two
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pointer_moves_or_clicks_and_two_zoom() {
        let mut h = Held::default();
        h.down(1, [10.0, 10.0]);
        assert_eq!(h.moved(1, [11.0, 10.0]), None);
        assert!(h.up(1), "a pixel is a click");
        h.down(1, [10.0, 10.0]);
        assert_eq!(h.moved(1, [20.0, 10.0]), Some(Change::Pan([10.0, 0.0])));
        assert!(!h.up(1));
        h.down(1, [0.0, 0.0]);
        h.down(2, [100.0, 0.0]);
        assert_eq!(h.moved(2, [200.0, 0.0]), Some(Change::Zoom([100.0, 0.0], 2.0)));
        assert!(!h.up(2) && !h.up(1), "two fingers do not click");
    }
}
