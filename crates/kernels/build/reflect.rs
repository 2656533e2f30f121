//! What the host must know of a kernel: bindings, workgroup size, overrides, the layout of `Params`.

use naga::{AddressSpace, ArraySize, GlobalVariable, Handle, Scalar, ScalarKind, StorageAccess, Type, TypeInner};

use super::Fault;
use super::link::Linked;
use super::sizes::{self, Sizes};
use super::validate::Checked;

/// Everything reflected.
#[derive(Clone, Debug)]
pub struct Reflection {
    /// Group 0, ascending.
    pub bindings: Vec<Bound>,
    /// At the defaults of the overrides.
    pub sizes: Sizes,
    /// Name and default.
    pub overrides: Vec<(String, Option<f64>)>,
    /// The uniform block.
    pub params: Option<Layout>,
}

/// One binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Variable.
    pub name: String,
    /// `Uniform(bytes)`, `Read` or `ReadWrite`, as Rust writes it.
    pub kind: BoundKind,
}

/// Twin of `BindingKind`, which the build script can't see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundKind {
    /// Bytes of the uniform block.
    Uniform(u32),
    /// Read only.
    Read,
    /// Read and write.
    ReadWrite,
}

/// A struct as WGSL lays it out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Fields, ascending.
    pub fields: Vec<Field>,
    /// Bytes, with the padding at the end.
    pub size: u32,
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name.
    pub name: String,
    /// Its doc comment, joined.
    pub doc: String,
    /// Byte offset.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// In Rust.
    pub rust: String,
}

/// Reflects a module with one entry point.
///
/// # Errors
/// The first thing that does not fit the form that every kernel has.
pub fn reflect(linked: &Linked, checked: &Checked) -> Result<Reflection, Fault> {
    let sizes = sizes::sizes(linked, checked)?;
    let bindings = bindings(linked, checked)?;
    let params = match bindings.first() {
        Some((variable, Bound { kind: BoundKind::Uniform(_), .. })) => Some(layout(linked, checked, *variable)?),
        _ => None,
    };
    let bindings = bindings.into_iter().map(|(_, b)| b).collect();
    Ok(Reflection { bindings, sizes, overrides: overrides(linked, checked)?, params })
}

fn bindings(linked: &Linked, checked: &Checked) -> Result<Vec<(Handle<GlobalVariable>, Bound)>, Fault> {
    let module = &checked.module;
    let mut found = Vec::new();
    for (handle, variable) in module.global_variables.iter() {
        let fault = |message: &str| Err(linked.fault(offset(checked, handle), message));
        let Some(binding) = variable.binding else { continue };
        if binding.group != 0 {
            return fault("every binding is in group 0: the session makes one bind group a dispatch");
        }
        let name = variable.name.clone().unwrap_or_default();
        let kind = match variable.space {
            AddressSpace::Uniform => {
                if binding.binding != 0 || name != "params" || module.types[variable.ty].name.as_deref() != Some("Params") {
                    return fault("the one uniform is `@group(0) @binding(0) var<uniform> params: Params`");
                }
                BoundKind::Uniform(module.types[variable.ty].inner.size(module.to_ctx()))
            }
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => BoundKind::ReadWrite,
            AddressSpace::Storage { .. } => BoundKind::Read,
            _ => return fault("kernels bind one uniform and storage buffers, nothing else"),
        };
        found.push((binding.binding, handle, Bound { name, kind }));
    }
    found.sort_by_key(|(index, ..)| *index);
    for (place, (index, handle, _)) in found.iter().enumerate() {
        if place as u32 != *index {
            return Err(linked.fault(
                offset(checked, *handle),
                format!("bindings count from 0 without gaps; `@binding({index})` stands where {place} is due"),
            ));
        }
    }
    Ok(found.into_iter().map(|(_, handle, bound)| (handle, bound)).collect())
}

/// Byte offset of a global in the linked text.
pub fn offset(checked: &Checked, variable: Handle<GlobalVariable>) -> usize {
    checked.module.global_variables.get_span(variable).to_range().map_or(0, |r| r.start)
}

fn layout(linked: &Linked, checked: &Checked, variable: Handle<GlobalVariable>) -> Result<Layout, Fault> {
    let module = &checked.module;
    let at = offset(checked, variable);
    let handle = module.global_variables[variable].ty;
    let TypeInner::Struct { members, span } = &module.types[handle].inner else {
        return Err(linked.fault(at, "`Params` is a struct"));
    };
    let mut fields = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let name = member.name.clone().unwrap_or_default();
        if name.starts_with("_pad") {
            return Err(linked.fault(at, format!("`{name}`: padding is made by the generator; leave it out or name the field otherwise")));
        }
        let Some(rust) = rust_type(module, member.ty) else {
            return Err(linked.fault(at, format!("`Params.{name}`: only u32, i32, f32, their vectors, and arrays of these have a Rust twin")));
        };
        let docs = module.doc_comments.as_ref().and_then(|d| d.struct_members.get(&(handle, i)));
        let doc = docs.map(|lines| lines.iter().map(|l| l.trim_start_matches('/').trim()).collect::<Vec<_>>().join(" ")).unwrap_or_default();
        fields.push(Field { name, doc, offset: member.offset, size: module.types[member.ty].inner.size(module.to_ctx()), rust });
    }
    Ok(Layout { fields, size: *span })
}

/// The Rust type of the same bytes, where its size is the WGSL type's.
fn rust_type(module: &naga::Module, ty: Handle<Type>) -> Option<String> {
    let scalar = |s: Scalar| match (s.kind, s.width) {
        (ScalarKind::Uint, 4) => Some("u32"),
        (ScalarKind::Sint, 4) => Some("i32"),
        (ScalarKind::Float, 4) => Some("f32"),
        _ => None,
    };
    match &module.types[ty].inner {
        TypeInner::Scalar(s) => scalar(*s).map(str::to_string),
        TypeInner::Vector { size, scalar: s } => scalar(*s).map(|s| format!("[{s}; {}]", *size as u8)),
        TypeInner::Array { base, size: ArraySize::Constant(n), stride } => {
            let inner = rust_type(module, *base)?;
            (module.types[*base].inner.size(module.to_ctx()) == *stride).then(|| format!("[{inner}; {n}]"))
        }
        _ => None,
    }
}

fn overrides(linked: &Linked, checked: &Checked) -> Result<Vec<(String, Option<f64>)>, Fault> {
    let module = &checked.module;
    let mut found = Vec::new();
    // Overrides without a name are naga's own, for sizes that are expressions of others.
    for (handle, over) in module.overrides.iter() {
        let Some(name) = over.name.clone() else { continue };
        if over.id.is_some() {
            let at = module.overrides.get_span(handle).to_range().map_or(0, |r| r.start);
            return Err(linked.fault(at, format!("override `{name}`: given by its name, not by `@id`")));
        }
        let default = sizes::default(module, handle);
        found.push((name, default));
    }
    Ok(found)
}
