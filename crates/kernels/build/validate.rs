//! naga's parser and validator, with errors told at the line of the file that was written.

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use super::Fault;
use super::link::Linked;

/// A module that naga accepts.
pub struct Checked {
    /// Its IR.
    pub module: naga::Module,
    /// Types and uses.
    pub info: ModuleInfo,
}

/// Parses and validates. Optional WGSL features are only known where the text enables them, as browsers have it.
///
/// # Errors
/// The first error of the parser or of the validator, with its notes.
pub fn validate(linked: &Linked) -> Result<Checked, Vec<Fault>> {
    let capabilities = capabilities(&linked.text);
    let mut frontend = naga::front::wgsl::Frontend::new_with_options(naga::front::wgsl::Options { parse_doc_comments: true, capabilities });
    let module = frontend.parse(&linked.text).map_err(|e| {
        let offset = e.location(&linked.text).map_or(0, |l| l.offset as usize);
        let labels = e.labels().map(|(_, label)| label.to_string()).filter(|l| !l.is_empty());
        let notes = e.notes().map(str::to_string);
        let message = [e.message().to_string()].into_iter().chain(labels).chain(notes).collect::<Vec<_>>().join("; ");
        vec![linked.fault(offset, message)]
    })?;
    let info = Validator::new(ValidationFlags::all(), capabilities).validate(&module).map_err(|e| {
        let offset = e.spans().find_map(|(span, _)| span.to_range()).map_or(0, |r| r.start);
        let mut message = e.as_inner().to_string();
        let mut cause = std::error::Error::source(e.as_inner());
        while let Some(next) = cause {
            message = format!("{message}: {next}");
            cause = next.source();
        }
        vec![linked.fault(offset, message)]
    })?;
    Ok(Checked { module, info })
}

fn capabilities(text: &str) -> Capabilities {
    let enabled = |name: &str| text.lines().any(|l| l.trim_start().starts_with("enable ") && l.contains(name));
    let mut capabilities = Capabilities::empty();
    if enabled("f16") {
        capabilities |= Capabilities::SHADER_FLOAT16;
    }
    if enabled("subgroups") {
        capabilities |= Capabilities::SUBGROUP;
    }
    capabilities
}
