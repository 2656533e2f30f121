//! How long the probes behind an estimate take.

use std::cell::{Cell, RefCell};

use crate::engine::End;
use crate::host::Host;
use crate::protocol::DeviceInfo;

/// What takes longer than this, in milliseconds, is not timed again on the same GPU: one in software needs seconds for what a real one does in a few
/// milliseconds, and every change of a setting would wait for them. What is shorter is timed anew and follows what else the machine does; so is
/// everything on the CPU, where code that has just come runs slowly at first.
const LONG: f64 = 250.0;

/// Probes that took long, by device.
#[derive(Default)]
pub(crate) struct Speeds {
    /// Their device. One that was lost and found again is the same.
    device: RefCell<DeviceInfo>,
    /// Name of the probe and its seconds.
    long: RefCell<Vec<(&'static str, f64)>>,
}

impl Speeds {
    /// A watch for a device; what is known of another one is forgotten.
    pub fn on<'a>(&'a self, device: &DeviceInfo, host: &'a dyn Host) -> Stopwatch<'a> {
        if *self.device.borrow() != *device {
            self.device.replace(device.clone());
            self.long.borrow_mut().clear();
        }
        Stopwatch { speeds: self, host, keeps: device.gpu, earlier: Cell::new(false) }
    }
}

/// Times probes on one device.
pub(crate) struct Stopwatch<'a> {
    speeds: &'a Speeds,
    host: &'a dyn Host,
    /// Whether the device is a GPU.
    keeps: bool,
    /// True once an answer came from an earlier time.
    earlier: Cell<bool>,
}

impl Stopwatch<'_> {
    /// Seconds that a probe takes, the last of so many `runs`: the first may compile what the others use.
    pub async fn time(&self, name: &'static str, runs: u32, probe: impl AsyncFn() -> Result<(), espalier_tensor::Error>) -> Result<f64, End> {
        let known = self.speeds.long.borrow().iter().find(|(n, _)| *n == name).map(|(_, seconds)| *seconds);
        if let Some(seconds) = known {
            self.earlier.set(true);
            return Ok(seconds);
        }
        let mut took = 0.0;
        for _ in 0..runs {
            let start = self.host.now_ms();
            probe().await.map_err(End::from_device)?;
            took = self.host.now_ms() - start;
        }
        if self.keeps && took > LONG {
            self.speeds.long.borrow_mut().push((name, took / 1e3));
        }
        Ok(took / 1e3)
    }

    /// When the answers were found, in words.
    pub fn when(&self) -> &'static str {
        if self.earlier.get() { "earlier on this device" } else { "just now" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::LocalFuture;
    use crate::protocol::Reply;
    use espalier_nets::checkpoint::{ByteSink, SinkError};

    /// A clock that goes on by so much at each look.
    struct Slow(Cell<f64>, f64);

    impl Host for Slow {
        fn reply(&self, _: Reply) {}
        fn now_ms(&self) -> f64 {
            self.0.set(self.0.get() + self.1);
            self.0.get()
        }
        fn pause(&self) -> LocalFuture<'_, ()> {
            Box::pin(async {})
        }
        fn sink(&self, _: u32, _: &str) -> Result<Box<dyn ByteSink>, SinkError> {
            unreachable!("nothing is written")
        }
    }

    #[test]
    fn what_takes_long_is_timed_once_a_device_and_what_is_short_each_time() {
        for (gpu, a_look, timed) in [(true, 100.0, 3), (true, 300.0, 2), (false, 300.0, 3)] {
            let (speeds, host, ran) = (Speeds::default(), Slow(Cell::new(0.0), a_look), Cell::new(0));
            let probe = async || {
                ran.set(ran.get() + 1);
                Ok(())
            };
            let device = |name: &str| DeviceInfo { gpu, name: name.into(), ..DeviceInfo::default() };
            for (name, when) in [("a", "just now"), ("a", if timed == 2 { "earlier on this device" } else { "just now" }), ("b", "just now")] {
                let watch = speeds.on(&device(name), &host);
                let Ok(seconds) = pollster::block_on(watch.time("product", 1, &probe)) else { panic!("it is timed") };
                assert_eq!((seconds, watch.when()), (a_look / 1e3, when));
            }
            assert_eq!(ran.get(), timed);
        }
    }
}
