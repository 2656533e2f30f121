//! Workgroup size and workgroup memory, with `override` constants at their defaults.
//!
//! An override may size a workgroup array (`array<f32, TILE * TILE>`) and may stand in `@workgroup_size`. The lints and
//! [`Reflection`](super::reflect::Reflection) then hold for the defaults; whoever launches with another value answers for it,
//! and the device checks it. An override without a default may do neither, because nothing could be checked. The sizes may be
//! expressions of `+ - * / % << >>` over integers, constants and overrides.

use naga::{AddressSpace, ArraySize, BinaryOperator as Op, Expression as E, Handle, Literal, Override, Type, TypeInner};

use super::Fault;
use super::link::Linked;
use super::validate::Checked;

/// What a workgroup takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Invocations a dimension.
    pub workgroup: [u32; 3],
    /// Bytes of workgroup memory, each variable rounded up to 16 as WebGPU counts.
    pub memory: u64,
}

/// Sizes at the defaults.
///
/// # Errors
/// A size that can't be told.
pub fn sizes(linked: &Linked, checked: &Checked) -> Result<Sizes, Fault> {
    let module = &checked.module;
    let mut memory = 0;
    for (handle, variable) in module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::WorkGroup) {
        let at = super::reflect::offset(checked, handle);
        let bytes = bytes(module, variable.ty).ok_or_else(|| unknown(linked, at))?;
        memory += bytes.next_multiple_of(16);
    }
    let mut workgroup = [1; 3];
    if let Some(entry) = module.entry_points.first() {
        workgroup = entry.workgroup_size;
        for (size, written) in workgroup.iter_mut().zip(entry.workgroup_size_overrides.into_iter().flatten()) {
            let Some(written) = written else { continue };
            let value = value(module, written).filter(|v| *v >= 1.0);
            *size = value.ok_or_else(|| unknown(linked, linked.text.len()))? as u32;
        }
    }
    Ok(Sizes { workgroup, memory })
}

fn unknown(linked: &Linked, at: usize) -> Fault {
    linked.fault(
        at,
        "a size of the workgroup or of its memory can't be told at build time, so its limits can't be checked: \
         write it as integers, constants and overrides with defaults, joined by + - * / % << >>",
    )
}

fn bytes(module: &naga::Module, ty: Handle<Type>) -> Option<u64> {
    match module.types[ty].inner {
        TypeInner::Array { size: ArraySize::Pending(over), stride, .. } => Some(u64::from(stride) * default(module, over)? as u64),
        TypeInner::Array { base, size: ArraySize::Constant(n), .. } if matches!(module.types[base].inner, TypeInner::Array { .. }) => {
            Some(u64::from(n.get()) * bytes(module, base)?)
        }
        _ => module.types[ty].inner.try_size(module.to_ctx()).map(u64::from),
    }
}

/// The default of an override.
pub fn default(module: &naga::Module, over: Handle<Override>) -> Option<f64> {
    value(module, module.overrides[over].init?)
}

/// An expression outside of functions, overrides at their defaults.
fn value(module: &naga::Module, expression: Handle<E>) -> Option<f64> {
    match &module.global_expressions[expression] {
        E::Literal(literal) => literal_value(*literal),
        E::Constant(constant) => value(module, module.constants[*constant].init),
        E::Override(over) => default(module, *over),
        E::ZeroValue(_) => Some(0.0),
        E::As { expr, .. } => value(module, *expr),
        E::Binary { op, left, right } => {
            let (a, b) = (value(module, *left)?, value(module, *right)?);
            let whole = a.fract() == 0.0 && b.fract() == 0.0;
            match op {
                Op::Add => Some(a + b),
                Op::Subtract => Some(a - b),
                Op::Multiply => Some(a * b),
                Op::Divide if b != 0.0 => Some(if whole { (a / b).trunc() } else { a / b }),
                Op::Modulo if b != 0.0 => Some(a % b),
                Op::ShiftLeft if whole => Some(a * b.exp2()),
                Op::ShiftRight if whole => Some((a / b.exp2()).floor()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn literal_value(literal: Literal) -> Option<f64> {
    Some(match literal {
        Literal::U32(v) => f64::from(v),
        Literal::I32(v) => f64::from(v),
        Literal::F32(v) => f64::from(v),
        Literal::Bool(v) => f64::from(u8::from(v)),
        Literal::AbstractInt(v) => v as f64,
        Literal::AbstractFloat(v) => v,
        _ => return None,
    })
}
