//! What a method says, heard by a test.

use std::cell::{Cell, RefCell};

use espalier_methods::method::LocalFuture;
use espalier_methods::{Event, MethodError, Sink};

/// Keeps what was said, and cancels at the first breath at which a test has heard enough.
#[derive(Default)]
pub struct Ear {
    /// In order.
    pub events: RefCell<Vec<Event>>,
    /// How often there was a chance to cancel, this one included.
    pub breaths: Cell<usize>,
    enough: Option<fn(&Ear) -> bool>,
}

impl Ear {
    pub fn until(enough: fn(&Ear) -> bool) -> Self {
        Self { enough: Some(enough), ..Self::default() }
    }

    /// How many events are of a kind.
    pub fn count(&self, kind: fn(&Event) -> bool) -> usize {
        self.events.borrow().iter().filter(|e| kind(e)).count()
    }
}

impl Sink for Ear {
    fn event(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }
    fn breathe(&self) -> LocalFuture<'_, Result<(), MethodError>> {
        self.breaths.set(self.breaths.get() + 1);
        let stop = self.enough.is_some_and(|enough| enough(self));
        Box::pin(std::future::ready(if stop { Err(MethodError::Cancelled) } else { Ok(()) }))
    }
}
