//! The steps of the build script, each with something that passes and something that fails.

#[path = "../build/mod.rs"]
#[expect(dead_code, reason = "the tests drive single steps; the rest serves the build script")]
mod build;

use build::link::Library;
use build::{Compiled, Fault, compile};

fn library() -> Library {
    let files = [
        ("twice", "fn twice(x: f32) -> f32 { return x + x; }\n"),
        ("four", "//! use lib/twice\nfn four(x: f32) -> f32 { return twice(twice(x)); }\n"),
        ("ring_a", "//! use lib/ring_b\n"),
        ("ring_b", "//! use lib/ring_a\n"),
    ];
    Library { files: files.into_iter().map(|(n, t)| (n.to_string(), t.to_string())).collect() }
}

fn build(text: &str) -> Result<Compiled, Vec<Fault>> {
    compile(&library(), "test", "kernel", text)
}

fn good(text: &str) -> Compiled {
    build(text).unwrap_or_else(|faults| panic!("{}", faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")))
}

/// The one fault of a kernel: its line, and a word of its message.
fn bad(text: &str, line: usize, word: &str) {
    let Err(faults) = build(text) else { panic!("accepted, though it should complain about {word}") };
    assert!(faults.iter().any(|f| f.message.contains(word)), "no complaint about {word}: {faults:?}");
    assert!(faults.iter().any(|f| f.line == line), "expected line {line}: {faults:?}");
    assert_eq!(faults[0].file, "shaders/test/kernel.wgsl");
}

/// A kernel over `x` (read) and `y` (write) with this body.
fn over(body: &str) -> String {
    format!(
        "struct Params {{ n: u32, m: u32 }}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> at: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
var<workgroup> tile: array<f32, 64>;
fn raw(i: u32) -> f32 {{ return x[i]; }}
fn safe(r: u32, c: u32) -> f32 {{ if r < params.n && c < params.m {{ return x[r * params.m + c]; }} return 0.0; }}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(local_invocation_index) lid: u32, @builtin(workgroup_id) wg: vec3<u32>,
        @builtin(num_workgroups) count: vec3<u32>) {{
{body}
}}
"
    )
}
/// Line of the first line of the body of [`over`].
const BODY: usize = 12;

#[test]
fn imports_come_before_and_once() {
    let text = "//! use lib/four\n//! use lib/twice\n@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = four(twice(1.0)); }\n";
    let kernel = good(text);
    assert_eq!(kernel.linked.matches("fn twice").count(), 1);
    assert!(kernel.linked.find("fn twice") < kernel.linked.find("fn four"));
    assert_eq!(kernel.written, text);
}

#[test]
fn imports_that_fail() {
    bad("// A comment.\n//! use lib/missing\n@compute @workgroup_size(1) fn main() {}\n", 2, "there is no `shaders/lib/missing.wgsl`");
    bad("@compute @workgroup_size(1) fn main() {}\n//! use lib/twice\n", 2, "leading comment");
    let Err(faults) = build("//! use lib/ring_a\n@compute @workgroup_size(1) fn main() {}\n") else { panic!("a cycle was accepted") };
    assert!(faults[0].message.contains("uses itself"), "{faults:?}");
}

#[test]
fn errors_are_told_at_the_line_that_was_written() {
    bad("//! use lib/four\n\nfn f() -> f32 { return nothing; }\n@compute @workgroup_size(1) fn main() {}\n", 3, "nothing");
    bad("//! use lib/four\n@compute @workgroup_size(1) fn main() {\n  var a: f32 = 1u;\n}\n", 3, "");
}

#[test]
fn directives_move_to_the_top() {
    let kernel = good("//! use lib/twice\nenable f16;\n@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = f32(f16(twice(1.0))); }\n");
    assert!(kernel.linked.starts_with("enable f16;"));
}

#[test]
fn bindings_are_one_uniform_and_storage_in_order() {
    let kernel = good(&over("if gid.x < params.n { y[gid.x] = x[gid.x]; }"));
    let kinds: Vec<_> = kernel.reflection.bindings.iter().map(|b| (b.name.as_str(), b.kind)).collect();
    use build::reflect::BoundKind::{Read, ReadWrite, Uniform};
    assert_eq!(kinds, [("params", Uniform(8)), ("x", Read), ("at", Read), ("y", ReadWrite)]);
    bad("@group(1) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = 1.0; }\n", 1, "group 0");
    bad("@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn main() { y[0] = 1.0; }\n", 1, "without gaps");
    bad("struct P { n: u32 }\n@group(0) @binding(0) var<uniform> p: P;\n@compute @workgroup_size(1) fn main() { _ = p.n; }\n", 2, "params: Params");
}

#[test]
fn params_get_a_twin_with_the_same_offsets() {
    let kernel = good(
        "struct Params {\n  /// Rows.\n  rows: u32,\n  shift: vec3<f32>,\n  sign: i32,\n  strides: array<vec4<u32>, 2>,\n  scale: f32,\n}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = params.scale; }\n",
    );
    let layout = kernel.reflection.params.as_ref().expect("has parameters");
    let fields: Vec<_> = layout.fields.iter().map(|f| (f.name.as_str(), f.offset, f.rust.as_str())).collect();
    assert_eq!(fields, [("rows", 0, "u32"), ("shift", 16, "[f32; 3]"), ("sign", 28, "i32"), ("strides", 32, "[[u32; 4]; 2]"), ("scale", 64, "f32")]);
    assert_eq!(layout.size, 80);
    let code = build::generate::code(&[kernel]);
    for line in ["_pad0: [u32; 3],", "_pad1: [u32; 3],", "#[doc = \"Rows.\"]", "offset_of!(Params, strides) == 32", "pub mod test {", "&test::kernel::KERNEL"] {
        assert!(code.contains(line), "{line} is missing in:\n{code}");
    }
    bad("struct Params { m: mat4x4<f32> }\n@group(0) @binding(0) var<uniform> params: Params;\n@compute @workgroup_size(1) fn main() { _ = params.m; }\n", 2, "Rust twin");
}

#[test]
fn no_kernels_is_no_fault() {
    let code = build::generate::code(&[]);
    assert!(code.contains("pub static KERNELS: &[&Kernel] = &[];"));
}

#[test]
fn one_entry_point_named_main() {
    bad("@compute @workgroup_size(1) fn run() {}\n", 1, "named `main`");
    bad("@compute @workgroup_size(1) fn main() {}\n@compute @workgroup_size(1) fn more() {}\n", 2, "main, more");
    bad("fn f() {}\n", 1, "found: none");
    good("@compute @workgroup_size(1) fn main() {}\n");
}

#[test]
fn invocations_are_limited() {
    good("@compute @workgroup_size(16, 16) fn main() {}\n");
    bad("@compute @workgroup_size(16, 17) fn main() {}\n", 1, "272 invocations");
    good("override W: u32 = 16;\n@compute @workgroup_size(W, W) fn main() {}\n");
    bad("override W: u32 = 32;\n@compute @workgroup_size(W, W) fn main() {}\n", 2, "1024 invocations");
    bad("override W: u32;\n@compute @workgroup_size(W) fn main() {}\n", 2, "can't be told");
}

#[test]
fn storage_buffers_are_limited() {
    let buffers = |n: u32| {
        let lines: String = (0..n).map(|i| format!("@group(0) @binding({i}) var<storage, read> b{i}: array<f32>;\n")).collect();
        format!("{lines}@compute @workgroup_size(1) fn main() {{}}\n")
    };
    good(&buffers(8));
    bad(&buffers(9), 10, "9 storage buffers");
}

#[test]
fn workgroup_memory_is_limited() {
    let memory = |n: &str| format!("override TILE: u32 = 64;\nvar<workgroup> t: array<f32, {n}>;\n@compute @workgroup_size(1) fn main() {{ t[0] = 1.0; }}\n");
    good(&memory("4096"));
    bad(&memory("4097"), 3, "16400 bytes");
    let kernel = good(&memory("TILE * TILE"));
    assert_eq!(kernel.reflection.sizes.memory, 16384);
    assert_eq!(kernel.reflection.overrides, [("TILE".to_string(), Some(64.0))]);
    bad(&memory("TILE * TILE + 1"), 3, "16400 bytes");
}

#[test]
fn guarded_access_passes() {
    for body in [
        "if gid.x >= params.n { return; }\n y[gid.x] = x[gid.x];",
        "let i = gid.x; if i < arrayLength(&y) { y[i] = 1.0; }",
        "y[min(gid.x, params.n - 1u)] = 1.0;",
        "y[clamp(gid.x, 0u, params.n)] = 1.0;",
        "y[gid.x % params.n] = 1.0;",
        "y[0] = 1.0; y[params.n] = 2.0; y[count.x] = 3.0;",
        "if gid.x < params.n && gid.y < params.m { y[gid.y * params.n + gid.x] = 1.0; }",
        "if gid.x >= params.n || gid.y >= params.m { return; } y[gid.y * params.n + gid.x] = 1.0;",
        "if !(gid.x < params.n) { return; } y[gid.x] = 1.0;",
        "if all(gid.xy < vec2(params.n, params.m)) { y[gid.y * params.n + gid.x] = 1.0; }",
        "let row = wg.x; if row >= params.m { return; } for (var k = lid; k < params.n; k += 64u) { y[row * params.n + k] = 1.0; }",
        "var k = lid; while k < params.n { y[k] = 1.0; k += 64u; }",
        "var k = lid; loop { if k >= params.n { break; } y[k] = 1.0; k += 64u; }",
        "for (var t = 0u; t < params.n; t += 16u) { let r = gid.x; let c = t + lid; if r < params.m && c < params.n { tile[lid] = x[r * params.n + c]; } }",
        "if gid.x < params.n { let j = at[gid.x]; if j < params.m { y[gid.x] = x[j]; } }",
        "if gid.x < params.n { let j = min(at[gid.x], params.m - 1u); y[gid.x] = x[j]; }",
        "if gid.x < params.n { for (var j = 0u; j <= gid.x; j++) { y[gid.x] += x[j]; } }",
        "var s = params.n; while s > 0u { s = s >> 1u; y[s] = 1.0; }",
        "if gid.x < params.n { y[gid.x] = raw(gid.x) + safe(gid.x, gid.y); }",
        "let inside = gid.x < params.n; if inside { y[gid.x] = 1.0; }",
        "switch lid { case 0u: { y[0] = 1.0; } default: { if lid < params.n { y[lid] = 2.0; } } }",
        "if gid.x * 4u + 3u < params.n { y[gid.x * 4u + 1u] = 1.0; }",
        "for (var k = 0u; k < params.n; k++) { if k == 3u { continue; } y[k] = 1.0; }",
    ] {
        let text = over(body);
        if let Err(faults) = build(&text) {
            panic!("{body}\n{faults:?}");
        }
    }
}

#[test]
fn unguarded_access_fails() {
    for (body, word) in [
        ("y[gid.x] = 1.0;", "`gid` (component 0)"),
        ("let v = x[gid.x]; if gid.x < params.n { y[gid.x] = v; }", "`x` is read"),
        ("if gid.x < params.n { y[gid.y] = 1.0; }", "component 1"),
        ("if gid.x >= params.n { y[gid.x] = 1.0; }", "component 0"),
        ("if gid.x < params.n { return; } y[gid.x] = 1.0;", "component 0"),
        ("if gid.x < params.n || gid.y < params.m { y[gid.x] = 1.0; }", "component 0"),
        ("if gid.x >= params.n && gid.y >= params.m { return; } y[gid.x] = 1.0;", "component 0"),
        ("if gid.x < lid { y[gid.x] = 1.0; }", "component 0"),
        ("for (var k = lid; k < params.n; k += 64u) { k += 3u; y[k] = 1.0; }", "`k`"),
        ("var k = 0u; loop { y[k] = 1.0; k += 1u; if lid > params.n { break; } }", "`k`"),
        ("if gid.x < params.n { y[at[gid.x]] = 1.0; }", "a loaded value"),
        ("if gid.x < params.n { let j = at[gid.x]; y[j] = 1.0; }", "`j`"),
        ("if gid.x < params.n { y[gid.x] = raw(gid.y); }", "`raw` touches storage"),
        ("if lid == 0u { y[wg.x] = 1.0; }", "`wg`"),
        ("y[max(gid.x, params.n)] = 1.0;", "`gid`"),
    ] {
        bad(&over(body), BODY, word);
    }
}
