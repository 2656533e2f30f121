//! What can go wrong on a device.

/// Result of device work.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure that a session reports, at the latest at its next read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The device is gone; every tensor on it with it.
    #[error("the GPU was lost ({reason}); open a new session and load the tensors again")]
    Lost {
        /// The driver's words.
        reason: String,
    },
    /// The device had no room.
    #[error("the device had no room for {bytes} more bytes ({what}); free something, choose smaller inputs, or use the CPU")]
    OutOfMemory {
        /// What the buffer was for.
        what: String,
        /// Bytes asked for.
        bytes: u64,
        /// Bytes that the session held at that moment.
        held: u64,
    },
    /// A shader or a dispatch was refused: a bug of ours.
    #[error("the GPU refused {what}: {message}")]
    Validation {
        /// Which kernel or call.
        what: String,
        /// The implementation's words.
        message: String,
    },
    /// No adapter, for one of three reasons that a face words differently.
    #[error("no GPU: {0}")]
    NoAdapter(NoAdapter),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A matrix that must be positive definite is not.
    #[error("the matrix is not positive definite (pivot {index} is {pivot:e})")]
    NotPositiveDefinite {
        /// Row of the failing pivot.
        index: usize,
        /// Its value.
        pivot: f64,
    },
    /// The values hold NaN or infinities where none can be used.
    #[error("{count} of the values are NaN or infinite; {what} needs finite values")]
    NotFinite {
        /// What was to be computed.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// An iteration did not end.
    #[error("{what} did not converge")]
    NoConvergence {
        /// The routine.
        what: &'static str,
    },
}

/// Why there is no GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAdapter {
    /// The page is not in a secure context (http on an address that is not this computer), so the browser hides WebGPU.
    #[error("this page is not in a secure context, so the browser hides WebGPU")]
    InsecureContext,
    /// The browser has no WebGPU.
    #[error("this browser has no WebGPU")]
    Missing,
    /// WebGPU is there but no adapter answers (policy, virtual machine, hardware acceleration off, no driver).
    #[error("WebGPU is there but gave no adapter")]
    NullAdapter,
    /// Only a software adapter answered, and it was not asked for by name.
    #[error("only a software adapter answered, slower than the CPU path")]
    SoftwareOnly,
}
