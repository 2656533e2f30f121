//! Play, pause, step: what a person does to a run while it runs.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// A run's switch. The face holds it beside the run; both live on one thread. Who cancels a paused run has to call [`Control::play`] too, so that it wakes and sees it.
#[derive(Default)]
pub struct Control {
    /// Steps that may still be taken; `None` for as many as it likes.
    left: Cell<Option<u32>>,
    enough: Cell<bool>,
    /// Somebody wants the run as it stands.
    wanted: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Control {
    /// Runs on.
    pub fn play(&self) {
        self.set(None);
    }

    /// Stops before the next step.
    pub fn pause(&self) {
        self.set(Some(0));
    }

    /// Takes so many steps and stops.
    pub fn step(&self, steps: u32) {
        self.set(Some(steps));
    }

    /// Ends the loop that steps; what comes after it is done.
    pub fn enough(&self) {
        self.enough.set(true);
        self.play();
    }

    /// Asks for the run as it stands; one that waits wakes for it, takes no step, and waits again.
    pub fn save(&self) {
        self.wanted.set(true);
        self.wake();
    }

    /// Whether it is asked for.
    pub fn is_wanted(&self) -> bool {
        self.wanted.get()
    }

    /// It has been handed over.
    pub fn given(&self) {
        self.wanted.set(false);
    }

    /// Whether the loop is to end.
    pub fn is_enough(&self) -> bool {
        self.enough.get()
    }

    /// Whether it waits.
    pub fn is_paused(&self) -> bool {
        self.left.get() == Some(0)
    }

    fn set(&self, left: Option<u32>) {
        self.left.set(left);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits until a step may be taken, and counts it; or until the run is asked for, which is no step.
    pub async fn leave(&self) {
        poll_fn(|cx| match self.left.get() {
            _ if self.wanted.get() => Poll::Ready(()),
            Some(0) => {
                self.waiting.replace(Some(cx.waker().clone()));
                Poll::Pending
            }
            Some(n) => {
                self.left.set(Some(n - 1));
                Poll::Ready(())
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_paused_run_waits_and_a_step_is_one() {
        let control = Control::default();
        assert!(control.leave().now_or_never().is_some());
        control.step(2);
        assert!(control.leave().now_or_never().is_some());
        assert!(control.leave().now_or_never().is_some());
        assert!(control.is_paused());
        assert!(control.leave().now_or_never().is_none());
        control.play();
        assert!(control.leave().now_or_never().is_some());
    }

    #[test]
    fn who_asks_for_a_paused_run_wakes_it_without_a_step() {
        let control = Control::default();
        control.step(1);
        control.save();
        assert!(control.leave().now_or_never().is_some() && control.is_wanted());
        control.given();
        assert!(!control.is_paused(), "the step is still there");
        assert!(control.leave().now_or_never().is_some());
        assert!(control.leave().now_or_never().is_none(), "and only that one");
        control.save();
        assert!(control.leave().now_or_never().is_some() && control.is_paused());
    }
}
