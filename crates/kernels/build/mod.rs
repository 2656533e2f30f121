//! From WGSL files to typed constants: link, validate, reflect, lint, generate. Shared by the build script and its tests.

pub mod generate;
pub mod guard;
pub mod link;
pub mod lints;
pub mod reflect;
pub mod sizes;
pub mod validate;

use std::fmt;
use std::fs;
use std::path::Path;

use reflect::Reflection;

/// What is wrong, and where in the file as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `shaders/FAMILY/OP.wgsl`.
    pub file: String,
    /// From 1; 0 where the whole file is meant.
    pub line: usize,
    /// What, and why it is not allowed.
    pub message: String,
}

impl Fault {
    /// A fault at a line of a file.
    pub fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// One kernel, through all steps but the last.
pub struct Compiled {
    /// Folder.
    pub family: String,
    /// File without its ending.
    pub op: String,
    /// The file as it was written.
    pub written: String,
    /// Library functions and the file, in one.
    pub linked: String,
    /// What the host must know of it.
    pub reflection: Reflection,
}

/// Compiles every `FAMILY/OP.wgsl` under `shaders` and writes the generated code into `out`.
///
/// # Errors
/// Every fault of every shader.
pub fn run(shaders: &Path, out: &Path) -> Result<(), Vec<Fault>> {
    let library = link::Library::read(&shaders.join("lib"))?;
    let mut faults = Vec::new();
    let mut kernels = Vec::new();
    for (family, op, written) in kernel_files(shaders)? {
        match compile(&library, &family, &op, &written) {
            Ok(kernel) => kernels.push(kernel),
            Err(mut more) => faults.append(&mut more),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    generate::write(&kernels, out).map_err(|e| vec![Fault::new(out.display().to_string(), 0, e.to_string())])
}

/// Compiles one kernel from its text.
///
/// # Errors
/// Its faults: of linking, of naga, of reflection, or of the house lints.
pub fn compile(library: &link::Library, family: &str, op: &str, written: &str) -> Result<Compiled, Vec<Fault>> {
    let file = format!("shaders/{family}/{op}.wgsl");
    let linked = link::link(library, &file, written)?;
    let checked = validate::validate(&linked)?;
    let reflection = reflect::reflect(&linked, &checked).map_err(|f| vec![f])?;
    let faults = lints::check(&linked, &checked, &reflection);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Compiled { family: family.into(), op: op.into(), written: written.into(), linked: linked.text, reflection })
}

/// `(family, op, text)` of every kernel, sorted. A missing folder holds none.
fn kernel_files(shaders: &Path) -> Result<Vec<(String, String, String)>, Vec<Fault>> {
    let mut found = Vec::new();
    for family in entries(shaders)? {
        let (name, path) = family;
        if name == "lib" || !path.is_dir() {
            if path.extension().is_some_and(|e| e == "wgsl") {
                return Err(vec![Fault::new(format!("shaders/{name}"), 0, "a kernel lives in a family's folder: shaders/FAMILY/OP.wgsl")]);
            }
            continue;
        }
        for (op, path) in entries(&path)? {
            let shown = format!("shaders/{name}/{op}");
            let Some(op) = op.strip_suffix(".wgsl") else {
                return Err(vec![Fault::new(shown, 0, "only .wgsl files belong in a family's folder")]);
            };
            for part in [name.as_str(), op] {
                check_name(part).map_err(|why| vec![Fault::new(shown.clone(), 0, why)])?;
            }
            let text = fs::read_to_string(&path).map_err(|e| vec![Fault::new(shown, 0, e.to_string())])?;
            found.push((name.clone(), op.to_string(), text));
        }
    }
    Ok(found)
}

/// Names become Rust modules.
fn check_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let good = chars.next().is_some_and(|c| c.is_ascii_lowercase()) && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if good { Ok(()) } else { Err(format!("`{name}` becomes a Rust module: lower-case letters, digits and underscores, a letter first")) }
}

/// Sorted entries of a folder, so that what is generated does not depend on the file system.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, Vec<Fault>> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(vec![Fault::new(folder.display().to_string(), 0, e.to_string())]),
    };
    let mut entries: Vec<_> = listing
        .filter_map(Result::ok)
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    entries.sort();
    Ok(entries)
}
