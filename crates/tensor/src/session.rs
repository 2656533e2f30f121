//! One device with five verbs: allocate, upload, run, read, free.

use std::rc::Rc;

use crate::array::{Array, Spec};
use crate::error::Result;
use crate::op::Op;

/// A device. Everything but [`Session::read`] only records; program order is kept.
#[derive(Clone)]
pub struct Session {
    _todo: Rc<()>,
}

/// An array on a session's device; freed when the last clone is dropped.
#[derive(Clone)]
pub struct Tensor {
    _spec: Rc<Spec>,
}

impl Tensor {
    /// Shape and element type.
    pub fn spec(&self) -> &Spec {
        &self._spec
    }
}

impl Session {
    /// Zeros.
    pub fn allocate(&self, _spec: Spec) -> Tensor {
        unimplemented!()
    }

    /// Copies host values to the device.
    pub fn upload(&self, _array: Array) -> Tensor {
        unimplemented!()
    }

    /// Records an operation. Panics on shapes that do not fit.
    pub fn run(&self, _op: &dyn Op, _inputs: &[&Tensor]) -> Tensor {
        unimplemented!()
    }

    /// Waits for everything recorded and copies one tensor back: the only place where earlier failures surface.
    pub async fn read(&self, _tensor: &Tensor) -> Result<Array> {
        unimplemented!()
    }
}
