//! The linker. In its leading comment a file says `//! use lib/NAME`; the text of `shaders/lib/NAME.wgsl` is then put before it,
//! with what that uses before that, each once. `enable` and `requires` lines move to the top, as WGSL demands.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Fault, entries};

/// The files of `shaders/lib` by name.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Text by name without ending.
    pub files: BTreeMap<String, String>,
}

impl Library {
    /// Reads a folder; a missing one is empty.
    ///
    /// # Errors
    /// A file that can't be read or isn't WGSL.
    pub fn read(folder: &Path) -> Result<Self, Vec<Fault>> {
        let mut files = BTreeMap::new();
        for (name, path) in entries(folder)? {
            let shown = format!("shaders/lib/{name}");
            let Some(stem) = name.strip_suffix(".wgsl") else {
                return Err(vec![Fault::new(shown, 0, "only .wgsl files belong in shaders/lib")]);
            };
            let text = fs::read_to_string(&path).map_err(|e| vec![Fault::new(shown.clone(), 0, e.to_string())])?;
            files.insert(stem.to_string(), text);
        }
        Ok(Self { files })
    }
}

/// Linked text that still knows where each line came from.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    /// Whole WGSL.
    pub text: String,
    /// File and line of every line of `text`.
    origins: Vec<(String, usize)>,
}

impl Linked {
    /// File and line of a byte offset.
    pub fn at(&self, offset: usize) -> (&str, usize) {
        let upto = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = upto.iter().filter(|b| **b == b'\n').count();
        let (file, line) = &self.origins[line.min(self.origins.len() - 1)];
        (file, *line)
    }

    /// A fault at a byte offset.
    pub fn fault(&self, offset: usize, message: impl Into<String>) -> Fault {
        let (file, line) = self.at(offset);
        Fault::new(file, line, message)
    }

    fn push(&mut self, line: &str, file: &str, number: usize) {
        self.text.push_str(line);
        self.text.push('\n');
        self.origins.push((file.to_string(), number));
    }
}

/// Puts a kernel and what it uses into one text.
///
/// # Errors
/// An unknown import, a cycle, or a `use` line after the leading comment.
pub fn link(library: &Library, file: &str, written: &str) -> Result<Linked, Vec<Fault>> {
    let mut order = Vec::new();
    visit(library, file, written, &mut Vec::new(), &mut order).map_err(|f| vec![f])?;
    let texts = order.iter().map(|name| (format!("shaders/lib/{name}.wgsl"), library.files[name].as_str())).chain([(file.to_string(), written)]);

    let mut linked = Linked::default();
    let mut directives = Vec::new();
    let mut body = Vec::new();
    for (file, text) in texts {
        for (i, line) in text.lines().enumerate() {
            if is_directive(line) {
                directives.push((line.to_string(), file.clone(), i + 1));
            } else if let Some(rest) = line.strip_prefix("//!") {
                // A comment about the whole file may only stand at the top of a module, and this one may not be there any more.
                body.push((format!("//{rest}"), file.clone(), i + 1));
            } else {
                body.push((line.to_string(), file.clone(), i + 1));
            }
        }
    }
    directives.dedup_by(|a, b| a.0.trim() == b.0.trim());
    for (line, file, number) in &directives {
        linked.push(line, file, *number);
    }
    for (line, file, number) in body {
        linked.push(&line, &file, number);
    }
    if linked.origins.is_empty() {
        linked.push("", file, 1);
    }
    Ok(linked)
}

/// A directive that WGSL wants before every declaration.
fn is_directive(line: &str) -> bool {
    let line = line.trim_start();
    ["enable ", "requires "].iter().any(|word| line.starts_with(word))
}

/// Depth first, so that what is used comes before what uses it.
fn visit(library: &Library, file: &str, text: &str, open: &mut Vec<String>, order: &mut Vec<String>) -> Result<(), Fault> {
    for (line, name) in uses(file, text)? {
        if order.contains(&name) {
            continue;
        }
        if open.contains(&name) {
            return Err(Fault::new(file, line, format!("`lib/{name}` uses itself, through {}", open.join(" → "))));
        }
        let Some(used) = library.files.get(&name) else {
            let known = library.files.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Fault::new(file, line, format!("there is no `shaders/lib/{name}.wgsl`; there are: {known}")));
        };
        open.push(name.clone());
        visit(library, &format!("shaders/lib/{name}.wgsl"), used, open, order)?;
        open.pop();
        order.push(name);
    }
    Ok(())
}

/// Line and name of every `//! use lib/NAME`.
fn uses(file: &str, text: &str) -> Result<Vec<(usize, String)>, Fault> {
    let mut found = Vec::new();
    let mut leading = true;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        let words = line.strip_prefix("//!").map(str::trim).and_then(|rest| rest.strip_prefix("use "));
        if let Some(path) = words {
            let Some(name) = path.trim().strip_prefix("lib/") else {
                // A sentence of the leading comment may start with "use".
                continue;
            };
            if !leading {
                return Err(Fault::new(file, i + 1, "`use` lines belong into the leading comment, where a reader looks for them"));
            }
            found.push((i + 1, name.to_string()));
        } else if !(line.is_empty() || line.starts_with("//")) {
            leading = false;
        }
    }
    Ok(found)
}
