//! Asking for an adapter and a device.

use crate::clock::{self, Clock};
use crate::error::{Error, NoAdapter, Result};
use crate::session::Info;

/// How to open a GPU.
#[derive(Clone, Copy, Debug)]
pub struct GpuOptions {
    /// Take a software adapter, too. It is slower than the CPU twins, so it is for tests and for an explicit wish.
    pub allow_software: bool,
    /// What the face knows of the browser; wgpu tells no difference between a browser without WebGPU and one without an adapter.
    pub presence: Presence,
    /// Milliseconds, for cutting work into submits. Bare wasm has none of its own.
    pub clock: Clock,
    /// Fills every output with the bits of a NaN before it is written, so that a kernel that leaves gaps is found. For tests.
    pub poison: bool,
    /// Bytes of buffers that may be held; more is an out-of-memory error. For tests.
    pub room: Option<u64>,
}

impl Default for GpuOptions {
    fn default() -> Self {
        Self { allow_software: false, presence: Presence::default(), clock: clock::standard, poison: false, room: None }
    }
}

/// Whether the browser shows `navigator.gpu`. Native faces leave it at `Present`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    #[default]
    Present,
    /// It does not, though the context is secure.
    Missing,
    /// It does not, because the context is not secure.
    Insecure,
}

/// A device and what is told of it.
pub struct Opened {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: Info,
}

/// Opens the adapter that suits best.
///
/// # Errors
/// [`Error::NoAdapter`] with its cause; [`Error::Validation`] where the adapter refuses a device.
pub async fn open(options: &GpuOptions) -> Result<Opened> {
    match options.presence {
        Presence::Present => {}
        Presence::Missing => return Err(Error::NoAdapter(NoAdapter::Missing)),
        Presence::Insecure => return Err(Error::NoAdapter(NoAdapter::InsecureContext)),
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let wish = wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    let mut adapter = instance.request_adapter(&wish).await.ok();
    if adapter.is_none() && options.allow_software {
        adapter = instance.request_adapter(&wgpu::RequestAdapterOptions { force_fallback_adapter: true, ..wish }).await.ok();
    }
    let adapter = adapter.ok_or(Error::NoAdapter(NoAdapter::NullAdapter))?;
    if is_software(&adapter.get_info()) && !options.allow_software {
        return Err(Error::NoAdapter(NoAdapter::SoftwareOnly));
    }
    let offered = adapter.limits();
    // The defaults are all that plans rely on. More room for single buffers only spares the user an error.
    let asked = wgpu::Limits {
        max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
        max_buffer_size: offered.max_buffer_size,
        ..wgpu::Limits::defaults()
    };
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("espalier"),
        required_features: wgpu::Features::empty(),
        required_limits: asked.clone(),
        memory_hints: wgpu::MemoryHints::Performance,
        ..Default::default()
    };
    let (device, queue) = adapter
        .request_device(&descriptor)
        .await
        .map_err(|e| Error::Validation { what: "a device with WebGPU's default limits".into(), message: e.to_string() })?;
    let info = describe(&adapter.get_info(), &asked, &offered);
    Ok(Opened { device, queue, info })
}

/// A device that validates and computes nothing.
#[cfg(not(target_arch = "wasm32"))]
pub fn noop() -> Opened {
    let asked = wgpu::Limits::defaults();
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor { required_limits: asked.clone(), ..Default::default() });
    let info = Info { name: "no-op".into(), software: true, ..describe(&device.adapter_info(), &asked, &asked) };
    Opened { device, queue, info }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    info.device_type == wgpu::DeviceType::Cpu
}

fn describe(info: &wgpu::AdapterInfo, asked: &wgpu::Limits, offered: &wgpu::Limits) -> Info {
    let row = |name: &str, of: fn(&wgpu::Limits) -> f64| (name.to_string(), of(asked), of(offered));
    let name = if info.name.is_empty() { "WebGPU adapter".to_string() } else { info.name.clone() };
    let detail = [info.driver.as_str(), info.driver_info.as_str()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" ");
    Info {
        gpu: true,
        name,
        detail,
        software: is_software(info),
        limits: vec![
            row("storage binding, bytes", |l| l.max_storage_buffer_binding_size as f64),
            row("buffer, bytes", |l| l.max_buffer_size as f64),
            row("storage buffers a stage", |l| f64::from(l.max_storage_buffers_per_shader_stage)),
            row("workgroup memory, bytes", |l| f64::from(l.max_compute_workgroup_storage_size)),
            row("invocations a workgroup", |l| f64::from(l.max_compute_invocations_per_workgroup)),
            row("workgroups a dimension", |l| f64::from(l.max_compute_workgroups_per_dimension)),
        ],
        features: Vec::new(),
    }
}
