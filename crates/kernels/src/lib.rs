//! Every WGSL kernel as a typed constant: linked source, reflected bindings, workgroup size, overrides and the `Params` twin.
//!
//! The build script reads `shaders/FAMILY/OP.wgsl`, links what the file asks of `shaders/lib`, validates the result with naga,
//! reflects it and applies the house lints. A shader that breaks one does not build. Nothing here knows wgpu.
//!
//! # What a kernel looks like
//! - `//! use lib/NAME` in the leading comment puts `shaders/lib/NAME.wgsl` before the file, with what that uses, each once.
//! - One entry point, `@compute fn main`, of at most 256 invocations.
//! - Parameters are `struct Params` (u32, i32, f32, vectors and arrays of them) in `@group(0) @binding(0) var<uniform> params: Params`; its
//!   twin is `FAMILY::OP::Params`, with `new` over all fields. Storage buffers follow without gaps, eight at most, all in group 0.
//! - At most 16 KiB of workgroup memory. `override` constants with defaults may size workgroup arrays (`array<f32, TILE * TILE>`)
//!   and the workgroup, as integers, constants and overrides joined by `+ - * / % << >>`; limits are checked at the defaults, and
//!   [`Kernel::workgroup`] is told at them. They are given by name, not by `@id`.
//! - Every index into a storage array of open length is bounded: by an `if` or a loop's condition that compares it (or what it is made
//!   of) with something the host chose, by an early `return`, or by `min`, `clamp` or `%`. `crates/kernels/build/guard/mod.rs` has the rule.
//! - Lengths come from `params`: `arrayLength` may be up to three elements above the tensor's, because bindings are padded to 16 bytes.

/// One compute kernel, ready to be given to any WebGPU implementation.
#[derive(Debug)]
pub struct Kernel {
    /// `family/op`, the place of its file under `shaders/`.
    pub name: &'static str,
    /// Linked WGSL, whole: library functions first, then the file.
    pub source: &'static str,
    /// The file as it was written, for the screen that shows it.
    pub written: &'static str,
    /// Bindings of group 0, ascending and without gaps.
    pub bindings: &'static [Binding],
    /// `@workgroup_size`.
    pub workgroup: [u32; 3],
    /// `override` constants and their defaults (none when the pipeline must give it).
    pub overrides: &'static [(&'static str, Option<f64>)],
}

/// One binding of group 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// `@binding(index)`.
    pub index: u32,
    /// Its variable in the WGSL.
    pub name: &'static str,
    /// What it is.
    pub kind: BindingKind,
}

/// What is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// `var<uniform> params: Params`, of this many bytes.
    Uniform(u32),
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`.
    ReadWrite,
}

/// A generated `Params` twin: the uniform block of one kernel, laid out as WGSL lays it out.
pub trait Params: bytemuck::Pod {
    /// The kernel that these belong to.
    const KERNEL: &'static Kernel;
}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// The kernel of a name (`family/op`).
pub fn kernel(name: &str) -> Option<&'static Kernel> {
    KERNELS.iter().find(|k| k.name == name).copied()
}
