//! Commands on their way to the device: one encoder, one open compute pass, one arena of uniforms, cached bind groups.

use std::collections::HashMap;

use espalier_kernels::BindingKind;

use super::pipelines::Pipelines;
use super::pool::Held;
use crate::op::Launch;

/// Bytes of uniforms a submit.
const ARENA: u64 = 256 << 10;
/// `minUniformBufferOffsetAlignment` of every device.
const ALIGN: usize = 256;

/// A range of a buffer, ready to be bound.
#[derive(Clone, Copy)]
pub struct Range<'a> {
    /// Whose.
    pub held: &'a Held,
    /// Bytes from its start, a multiple of 256.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

type GroupKey = (usize, Vec<(u64, u64, u64)>);

/// What is recorded and not yet submitted.
pub struct Recorder {
    encoder: Option<wgpu::CommandEncoder>,
    pass: Option<wgpu::ComputePass<'static>>,
    arena: wgpu::Buffer,
    uniforms: Vec<u8>,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
}

impl Recorder {
    /// Nothing recorded.
    pub fn new(device: &wgpu::Device) -> Self {
        let arena = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("uniforms"),
            size: ARENA,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self { encoder: None, pass: None, arena, uniforms: Vec::new(), groups: HashMap::new() }
    }

    /// The encoder, outside of any pass.
    pub fn encoder(&mut self, device: &wgpu::Device) -> &mut wgpu::CommandEncoder {
        self.pass = None;
        self.encoder.get_or_insert_with(|| device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()))
    }

    /// False where the next dispatch needs a submit first, for its uniforms.
    pub fn fits(&self, params: &[u8]) -> bool {
        (self.uniforms.len() + params.len()).next_multiple_of(ALIGN) as u64 <= ARENA
    }

    /// Records one dispatch.
    pub fn dispatch(&mut self, device: &wgpu::Device, pipelines: &mut Pipelines, launch: &Launch, ranges: &[Range<'_>]) {
        let kernel = launch.kernel;
        let compiled = pipelines.get(device, kernel, &launch.overrides);
        let key = (compiled.number, ranges.iter().map(|r| (r.held.id(), r.offset, r.size)).collect());
        let arena = &self.arena;
        let group = self.groups.entry(key).or_insert_with(|| {
            let mut storage = ranges.iter();
            let entries: Vec<_> = kernel
                .bindings
                .iter()
                .map(|binding| wgpu::BindGroupEntry {
                    binding: binding.index,
                    resource: wgpu::BindingResource::Buffer(match binding.kind {
                        BindingKind::Uniform(bytes) => {
                            wgpu::BufferBinding { buffer: arena, offset: 0, size: wgpu::BufferSize::new(u64::from(bytes)) }
                        }
                        _ => {
                            let range = storage.next().expect("the plan was checked to bind them all");
                            wgpu::BufferBinding { buffer: range.held.buffer(), offset: range.offset, size: wgpu::BufferSize::new(range.size) }
                        }
                    }),
                })
                .collect();
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(kernel.name), layout: &compiled.layout, entries: &entries })
        });
        let mut offsets = Vec::new();
        if !launch.params.is_empty() {
            offsets.push(self.uniforms.len() as u32);
            self.uniforms.extend_from_slice(&launch.params);
            self.uniforms.resize(self.uniforms.len().next_multiple_of(ALIGN), 0);
        }
        if self.pass.is_none() {
            let encoder = self.encoder.get_or_insert_with(|| device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default()));
            self.pass = Some(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()).forget_lifetime());
        }
        let pass = self.pass.as_mut().expect("opened above");
        pass.set_pipeline(&compiled.pipeline);
        pass.set_bind_group(0, &*group, &offsets);
        let [x, y, z] = launch.groups;
        pass.dispatch_workgroups(x, y, z);
    }

    /// Hands everything over. What the queue wrote before comes before.
    pub fn submit(&mut self, queue: &wgpu::Queue) -> wgpu::SubmissionIndex {
        self.pass = None;
        if !self.uniforms.is_empty() {
            queue.write_buffer(&self.arena, 0, &self.uniforms);
            self.uniforms.clear();
        }
        self.groups.clear();
        queue.submit(self.encoder.take().map(wgpu::CommandEncoder::finish))
    }
}
