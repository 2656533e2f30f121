//! Finding a device, keeping it, and getting over its loss.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use espalier_tensor::ops::matmul::MatMul;
use espalier_tensor::{Array, Error, GpuOptions, NoAdapter, Presence, Session};
use futures::lock::Mutex;

use crate::fault::no_gpu;
use crate::host::Host;
use crate::protocol::{DeviceChoice, DeviceInfo};

/// Two losses within this time and the face is told to advise the CPU (milliseconds).
const LOSSES_MS: f64 = 60_000.0;

/// The device in use. No adapter is asked for before the first job needs one or the face asks.
pub(crate) struct Devices {
    host: Rc<dyn Host>,
    choice: Cell<DeviceChoice>,
    current: RefCell<Option<(Session, DeviceInfo)>>,
    /// Held while a device is being opened, so that two jobs do not open two.
    opening: Mutex<()>,
    lost: Cell<Option<f64>>,
}

impl Devices {
    pub fn new(host: Rc<dyn Host>) -> Self {
        Self { host, choice: Cell::default(), current: RefCell::default(), opening: Mutex::new(()), lost: Cell::new(None) }
    }

    /// True once there is a session.
    pub fn is_ready(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Name of the device, for messages.
    pub fn name(&self) -> String {
        self.current.borrow().as_ref().map_or_else(|| "none".into(), |(_, info)| info.name.clone())
    }

    /// The session, opened by the choice where there is none.
    pub async fn session(&self) -> Result<(Session, DeviceInfo), Error> {
        let _one = self.opening.lock().await;
        if let Some(current) = &*self.current.borrow() {
            return Ok(current.clone());
        }
        let opened = self.open(self.choice.get()).await?;
        self.current.replace(Some(opened.clone()));
        Ok(opened)
    }

    /// Changes the choice. Where the new device cannot be had, the old one stays.
    pub async fn choose(&self, choice: DeviceChoice) -> Result<DeviceInfo, Error> {
        let _one = self.opening.lock().await;
        let same = self.choice.get() == choice;
        if let (true, Some((_, info))) = (same, &*self.current.borrow()) {
            return Ok(info.clone());
        }
        let opened = self.open(choice).await?;
        self.choice.set(choice);
        let info = opened.1.clone();
        self.current.replace(Some(opened));
        Ok(info)
    }

    /// Takes note of a failure: a lost device is let go, and the next job opens a new one. Says whether it was the second loss in
    /// a short time.
    pub fn failed(&self, e: &Error) -> bool {
        if !matches!(e, Error::Lost { .. }) {
            return false;
        }
        self.current.replace(None);
        let now = self.host.now_ms();
        self.lost.replace(Some(now)).is_some_and(|before| now - before < LOSSES_MS)
    }

    /// Ends the device in use, as a crash of its driver would.
    pub fn destroy(&self) {
        if let Some((session, _)) = &*self.current.borrow() {
            session.destroy();
        }
    }

    /// Opens a GPU whatever it is made of, beside the session in use.
    pub async fn any_gpu(&self) -> Result<Session, Error> {
        Session::gpu(self.options(true)).await
    }

    fn options(&self, allow_software: bool) -> GpuOptions {
        let presence = match self.host.no_gpu() {
            Some(NoAdapter::InsecureContext) => Presence::Insecure,
            Some(NoAdapter::Missing) => Presence::Missing,
            _ => Presence::Present,
        };
        GpuOptions { allow_software, presence, clock: self.host.clock(), ..GpuOptions::default() }
    }

    async fn open(&self, choice: DeviceChoice) -> Result<(Session, DeviceInfo), Error> {
        let (session, absent) = match choice {
            DeviceChoice::Cpu => (Session::cpu(), None),
            DeviceChoice::Gpu => (self.any_gpu().await?, None),
            DeviceChoice::Auto => match Session::gpu(self.options(false)).await {
                Ok(session) => (session, None),
                Err(Error::NoAdapter(cause)) => {
                    let (what, why, advice) = no_gpu(cause);
                    (Session::cpu(), Some((what.to_owned(), format!("{why} {advice}"))))
                }
                Err(e) => (Session::cpu(), Some(("Device refused".to_owned(), format!("The adapter gave no device ({e}). Everything runs on the CPU.")))),
            },
        };
        prove(&session).await?;
        let info = session.info();
        let info = DeviceInfo {
            gpu: info.gpu,
            name: info.name,
            detail: info.detail,
            software: info.software,
            absent,
            limits: info.limits,
            features: info.features,
        };
        Ok((session, info))
    }
}

/// Multiplies once on the CPU: what a face does first, while the rest is still on its way.
///
/// # Errors
/// A wrong product.
pub async fn first_product() -> Result<(), Error> {
    prove(&Session::cpu()).await
}

/// A device is announced when it has multiplied: 64 × 64 ones by ones, every element 64.
async fn prove(session: &Session) -> Result<(), Error> {
    const N: usize = 64;
    let ones = session.upload(Array::from_f32(&[N, N], vec![1.0; N * N]));
    let product = session.read(&session.run(&MatMul::NN, &[&ones, &ones])).await?.into_f32();
    match product.iter().find(|v| **v != N as f32) {
        None => Ok(()),
        Some(v) => Err(Error::Validation { what: "the first product".into(), message: format!("an element is {v} instead of {N}") }),
    }
}
