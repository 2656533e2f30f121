//! What the engine needs from the face that runs it.

use std::rc::Rc;

use espalier_methods::pool::Pool;
use espalier_nets::checkpoint::remote::Fetch;
use espalier_nets::checkpoint::{ByteSink, SinkError};
use espalier_tensor::NoAdapter;
use espalier_tensor::clock::Clock;

use crate::protocol::Reply;

pub use espalier_methods::method::LocalFuture;

/// A face: a worker behind a page, a command line, a test.
pub trait Host {
    /// Takes an answer.
    fn reply(&self, reply: Reply);

    /// Hears each step of the run record as it is noted: a face whose engine may end keeps them for the next ([`Engine::remember`](crate::Engine::remember)).
    fn noted(&self, _step: &str) {}

    /// Milliseconds since some start; never goes back.
    fn now_ms(&self) -> f64;

    /// The same clock for the device, which keeps it; without state.
    fn clock(&self) -> Clock {
        espalier_tensor::clock::standard
    }

    /// Lets the event loop run once, so that a cancel can arrive.
    fn pause(&self) -> LocalFuture<'_, ()>;

    /// Where the bytes of an export go; `name` is a proposal.
    ///
    /// # Errors
    /// The place cannot be written to.
    fn sink(&self, job: u32, name: &str) -> Result<Box<dyn ByteSink>, SinkError>;

    /// Whether the engine begins a job anew when its device is lost. A face that shows the loss and asks its visitor says no.
    fn begins_anew(&self) -> bool {
        true
    }

    /// Who helps with work that is independent by matrix on the CPU; made when it is first needed.
    fn pool(&self) -> Option<Rc<dyn Pool>> {
        None
    }

    /// Who speaks HTTP for addresses that are opened; `None` where nobody does.
    fn fetch(&self) -> Option<Rc<dyn Fetch>> {
        None
    }

    /// Bytes that a run on the CPU may hold at once; `None` where nobody knows a limit. A page has what 32 bits can address.
    fn memory(&self) -> Option<f64> {
        cfg!(target_arch = "wasm32").then_some(4_294_967_296.0)
    }

    /// What the surroundings say of WebGPU before an adapter is asked for: an insecure context, a browser without it.
    fn no_gpu(&self) -> Option<NoAdapter> {
        None
    }
}
