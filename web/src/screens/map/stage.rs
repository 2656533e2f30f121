//! When the map is drawn: at the browser's next frame, and once more, with the ground painted anew, when the view has come to rest.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use espalier_methods::urban::picture::CityPicture;
use gloo::render::{AnimationFrame, request_animation_frame};
use gloo::timers::callback::Timeout;
use yew::Callback;

use super::painter::Painter;
use crate::plot::city::Camera;

/// After this long without a move the ground is painted for the new view.
const SETTLE_MS: u32 = 120;

/// Drawing when the browser is ready to, and painting the ground when the view has come to rest.
#[derive(Clone, Default)]
pub(super) struct Stage {
    /// What is drawn.
    pub painter: Rc<RefCell<Painter>>,
    pending: Rc<Cell<bool>>,
    frame: Rc<RefCell<Option<AnimationFrame>>>,
    settle: Rc<RefCell<Option<Timeout>>>,
    /// Somebody has moved it since it was last told where it rests.
    moved: Rc<Cell<bool>>,
    /// Is told the view when it has come to rest after a move.
    pub rested: Rc<RefCell<Callback<Camera>>>,
}

impl Stage {
    /// What is left on the page of a map that is gone would be drawn into nothing.
    pub fn leave(&self) {
        self.frame.replace(None);
        self.settle.replace(None);
    }

    /// Draws when the browser is ready to.
    pub fn draw(&self) {
        if self.pending.replace(true) {
            return;
        }
        let stage = self.clone();
        let frame = request_animation_frame(move |_| {
            stage.pending.set(false);
            stage.painter.borrow_mut().draw(false);
            stage.rest();
        });
        self.frame.replace(Some(frame));
    }

    fn rest(&self) {
        if self.painter.borrow().is_sharp() {
            return;
        }
        let stage = self.clone();
        self.settle.replace(Some(Timeout::new(SETTLE_MS, move || {
            stage.painter.borrow_mut().draw(true);
            if stage.moved.replace(false) {
                let camera = stage.painter.borrow().camera;
                let told = stage.rested.borrow().clone();
                told.emit(camera);
            }
        })));
    }

    /// Changes the view.
    pub fn look(&self, change: impl FnOnce(&Camera, [f64; 2]) -> Camera) {
        {
            let mut p = self.painter.borrow_mut();
            p.camera = change(&p.camera, p.size);
        }
        self.moved.set(true);
        self.draw();
    }
}

/// The view that shows the whole city.
pub(super) fn whole(picture: &CityPicture, size: [f64; 2]) -> Camera {
    Camera::fit(picture.extent, size, picture.ground.is_some())
}
