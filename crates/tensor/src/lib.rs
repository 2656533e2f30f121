//! Arrays on one of two devices, the operations over them, and the linear algebra built on those.
//!
//! Every operation exists twice: as WGSL (through `espalier-kernels`) and as a CPU twin over ndarray views. A [`Session`] is one
//! device; what runs on it gives the same numbers within the operation's stated tolerance. Nothing here knows a model.

pub mod array;
pub mod cancel;
pub mod clock;
pub mod error;
pub mod gemm;
pub mod gpu;
pub mod linalg;
pub mod nn;
pub mod op;
pub mod ops;
pub mod order;
pub mod random;
pub mod selftest;
pub mod session;
pub mod tape;
pub mod train;

pub use array::{Array, DType, Spec};
pub use cancel::Cancel;
pub use error::{Error, NoAdapter, Result};
pub use gpu::{GpuOptions, Presence};
pub use op::{Launch, Op, Plan, Sample, Slot, Tolerance, Value};
pub use session::{Info, Session, Tensor};
