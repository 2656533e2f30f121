//! Compiled kernels, once for each set of `override` values.

use std::collections::HashMap;

use espalier_kernels::{BindingKind, Kernel};

use crate::order::by;

/// A pipeline and the layout of its one bind group.
#[derive(Clone)]
pub struct Compiled {
    /// Key of bind groups that fit.
    pub number: usize,
    /// Pipeline.
    pub pipeline: wgpu::ComputePipeline,
    /// Group 0; the uniform, where there is one, has a dynamic offset.
    pub layout: wgpu::BindGroupLayout,
}

type Key = (&'static str, Vec<(&'static str, u64)>);

/// All that were needed so far.
#[derive(Default)]
pub struct Pipelines {
    modules: HashMap<&'static str, (wgpu::ShaderModule, wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    compiled: HashMap<Key, Compiled>,
}

impl Pipelines {
    /// The pipeline of a kernel, compiled at its first use.
    pub fn get(&mut self, device: &wgpu::Device, kernel: &'static Kernel, overrides: &[(&'static str, f64)]) -> &Compiled {
        let mut sorted: Vec<_> = overrides.iter().map(|(name, value)| (*name, value.to_bits())).collect();
        by(&mut sorted, Ord::cmp);
        let number = self.compiled.len();
        let modules = &mut self.modules;
        self.compiled.entry((kernel.name, sorted)).or_insert_with(|| {
            let (module, layout, pipeline_layout) = modules.entry(kernel.name).or_insert_with(|| module(device, kernel));
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(kernel.name),
                layout: Some(pipeline_layout),
                module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions { constants: overrides, ..Default::default() },
                cache: None,
            });
            Compiled { number, pipeline, layout: layout.clone() }
        })
    }
}

fn module(device: &wgpu::Device, kernel: &'static Kernel) -> (wgpu::ShaderModule, wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let module = device
        .create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(kernel.name), source: wgpu::ShaderSource::Wgsl(kernel.source.into()) });
    let entries: Vec<_> = kernel
        .bindings
        .iter()
        .map(|binding| wgpu::BindGroupLayoutEntry {
            binding: binding.index,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding.kind {
                    BindingKind::Uniform(_) => wgpu::BufferBindingType::Uniform,
                    BindingKind::Read => wgpu::BufferBindingType::Storage { read_only: true },
                    BindingKind::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
                },
                has_dynamic_offset: matches!(binding.kind, BindingKind::Uniform(_)),
                min_binding_size: match binding.kind {
                    BindingKind::Uniform(bytes) => wgpu::BufferSize::new(u64::from(bytes)),
                    _ => None,
                },
            },
            count: None,
        })
        .collect();
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(kernel.name), entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(kernel.name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    (module, layout, pipeline_layout)
}
