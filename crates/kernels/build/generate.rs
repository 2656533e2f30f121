//! Writes the Rust that `lib.rs` includes: `pub mod FAMILY { pub mod OP { KERNEL, Params } }` and the list of all kernels.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::Compiled;
use super::reflect::{BoundKind, Layout};

/// Writes `kernels.rs` and the texts beside it.
///
/// # Errors
/// What the file system says.
pub fn write(kernels: &[Compiled], out: &Path) -> io::Result<()> {
    for kernel in kernels {
        let folder = out.join("wgsl").join(&kernel.family);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{}.linked.wgsl", kernel.op)), &kernel.linked)?;
        fs::write(folder.join(format!("{}.written.wgsl", kernel.op)), &kernel.written)?;
    }
    fs::write(out.join("kernels.rs"), code(kernels))
}

/// The generated code. Kernels come sorted by family.
pub fn code(kernels: &[Compiled]) -> String {
    let mut text = String::new();
    let mut all = String::new();
    let mut open: Option<&str> = None;
    for kernel in kernels {
        if open != Some(kernel.family.as_str()) {
            if open.is_some() {
                text.push_str("}\n");
            }
            let _ = writeln!(text, "/// Kernels of `shaders/{0}`.\npub mod {1} {{", kernel.family, identifier(&kernel.family));
            open = Some(&kernel.family);
        }
        module(&mut text, kernel);
        let _ = write!(all, "&{}::{}::KERNEL, ", identifier(&kernel.family), identifier(&kernel.op));
    }
    if open.is_some() {
        text.push_str("}\n");
    }
    let _ = writeln!(text, "/// Every kernel, sorted by name.\npub static KERNELS: &[&Kernel] = &[{all}];");
    text
}

fn module(text: &mut String, kernel: &Compiled) {
    let (family, op) = (&kernel.family, &kernel.op);
    let reflection = &kernel.reflection;
    let bindings: String = reflection
        .bindings
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let kind = match b.kind {
                BoundKind::Uniform(bytes) => format!("Uniform({bytes})"),
                BoundKind::Read => "Read".to_string(),
                BoundKind::ReadWrite => "ReadWrite".to_string(),
            };
            format!("crate::Binding {{ index: {i}, name: {:?}, kind: crate::BindingKind::{kind} }}, ", b.name)
        })
        .collect();
    let overrides: String = reflection
        .overrides
        .iter()
        .map(|(name, default)| match default {
            Some(value) => format!("({name:?}, Some({value:?}f64)), "),
            None => format!("({name:?}, None), "),
        })
        .collect();
    let _ = write!(
        text,
        r#"/// `shaders/{family}/{op}.wgsl`.
#[allow(clippy::module_inception, reason = "a family may have an operation of its own name")]
pub mod {module} {{
/// The kernel.
pub static KERNEL: crate::Kernel = crate::Kernel {{
    name: "{family}/{op}",
    source: include_str!(concat!(env!("OUT_DIR"), "/wgsl/{family}/{op}.linked.wgsl")),
    written: include_str!(concat!(env!("OUT_DIR"), "/wgsl/{family}/{op}.written.wgsl")),
    bindings: &[{bindings}],
    workgroup: {workgroup:?},
    overrides: &[{overrides}],
}};
"#,
        module = identifier(op),
        workgroup = reflection.sizes.workgroup,
    );
    if let Some(layout) = &reflection.params {
        params(text, layout);
    }
    text.push_str("}\n");
}

/// The twin of `Params`: same offsets, padding as private fields, and assertions that both are so.
fn params(text: &mut String, layout: &Layout) {
    let mut fields = String::new();
    let mut set = String::new();
    let mut asserts = String::new();
    let mut end = 0;
    let mut pads = 0;
    let mut pad_to = |fields: &mut String, set: &mut String, end: u32, offset: u32| {
        if offset > end {
            let words = (offset - end) / 4;
            let _ = writeln!(fields, "    _pad{pads}: [u32; {words}],");
            let _ = write!(set, "_pad{pads}: [0; {words}], ");
            pads += 1;
        }
    };
    for field in &layout.fields {
        pad_to(&mut fields, &mut set, end, field.offset);
        let name = identifier(&field.name);
        let doc = if field.doc.is_empty() { format!("`{}` of the WGSL.", field.name) } else { field.doc.clone() };
        let _ = writeln!(fields, "    #[doc = {doc:?}]\n    pub {name}: {},", field.rust);
        let _ = write!(set, "{name}, ");
        let _ = writeln!(asserts, "    assert!(core::mem::offset_of!(Params, {name}) == {});", field.offset);
        end = field.offset + field.size;
    }
    pad_to(&mut fields, &mut set, end, layout.size);
    let arguments = layout.fields.iter().map(|f| format!("{}: {}", identifier(&f.name), f.rust)).collect::<Vec<_>>().join(", ");
    let many = if layout.fields.len() > 7 {
        "    #[expect(clippy::too_many_arguments, reason = \"one for each field of the uniform block\")]\n"
    } else {
        ""
    };
    let _ = write!(
        text,
        r#"/// `Params`, laid out as WGSL lays it out ({size} bytes).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {{
{fields}}}
const _: () = {{
    assert!(core::mem::size_of::<Params>() == {size});
{asserts}}};
impl Params {{
    /// All fields, in the order of the WGSL.
{many}    pub const fn new({arguments}) -> Self {{
        Self {{ {set}}}
    }}
}}
impl crate::Params for Params {{
    const KERNEL: &'static crate::Kernel = &KERNEL;
}}
"#,
        size = layout.size,
    );
}

/// A name as Rust takes it.
fn identifier(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum", "extern", "false", "final", "fn",
        "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
        "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_string() }
}
