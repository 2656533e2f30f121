//! Where milliseconds come from.

/// Milliseconds since some moment. Faces give their own: only `web` may ask a browser for the time.
pub type Clock = fn() -> f64;

/// The standard library's monotonic clock.
#[cfg(not(target_arch = "wasm32"))]
pub fn standard() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// There is no clock in bare wasm: `NaN`, which everything that measures takes for "unknown".
#[cfg(target_arch = "wasm32")]
pub fn standard() -> f64 {
    f64::NAN
}
