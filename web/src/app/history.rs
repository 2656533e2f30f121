//! Undo and redo: one step a gesture, at most a hundred.

use crate::app::state::Edit;

/// Steps that are kept.
pub const STEPS: usize = 100;

/// What an edit belongs to: a click or a typed number is a step of its own; all edits of one drag are one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// A step of its own.
    Step,
    /// Part of the drag with this number.
    Drag(u32),
}

/// The stacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    undo: Vec<Edit>,
    redo: Vec<Edit>,
    drag: Option<u32>,
}

impl History {
    /// Remembers `before` unless the same drag has done so already.
    pub fn push(&mut self, before: Edit, gesture: Gesture) {
        if let Gesture::Drag(id) = gesture {
            if self.drag == Some(id) {
                return;
            }
            self.drag = Some(id);
        } else {
            self.drag = None;
        }
        if self.undo.len() == STEPS {
            self.undo.remove(0);
        }
        self.undo.push(before);
        self.redo.clear();
    }

    /// One step back from `now`.
    pub fn undo(&mut self, now: Edit) -> Option<Edit> {
        let back = self.undo.pop()?;
        self.redo.push(now);
        self.drag = None;
        Some(back)
    }

    /// One step forward from `now`.
    pub fn redo(&mut self, now: Edit) -> Option<Edit> {
        let on = self.redo.pop()?;
        self.undo.push(now);
        self.drag = None;
        Some(on)
    }

    /// Steps that can be taken back.
    pub fn depth(&self) -> usize {
        self.undo.len()
    }

    /// Steps that can be taken again.
    pub fn ahead(&self) -> usize {
        self.redo.len()
    }
}
