//! The house lints. Each says why it is there.

use naga::ShaderStage;

use super::Fault;
use super::guard;
use super::link::Linked;
use super::reflect::{BoundKind, Reflection};
use super::validate::Checked;

/// Invocations a workgroup: WebGPU's default limit.
pub const INVOCATIONS: u64 = 256;
/// Storage buffers a stage: WebGPU's default limit.
pub const STORAGE_BUFFERS: usize = 8;
/// Bytes of workgroup memory: WebGPU's default limit.
pub const WORKGROUP_MEMORY: u64 = 16 * 1024;

/// Applies all of them.
pub fn check(linked: &Linked, checked: &Checked, reflection: &Reflection) -> Vec<Fault> {
    let mut faults = Vec::new();
    entry_point(linked, checked, &mut faults);
    limits(linked, reflection, &mut faults);
    // The guard lint reads the entry point; without exactly one there is nothing to say yet.
    if faults.is_empty() {
        faults.extend(guard::check(linked, checked));
    }
    faults
}

fn entry_point(linked: &Linked, checked: &Checked, faults: &mut Vec<Fault>) {
    let entries = &checked.module.entry_points;
    let good = entries.len() == 1 && entries[0].name == "main" && entries[0].stage == ShaderStage::Compute;
    if !good {
        let names: Vec<_> = entries.iter().map(|e| e.name.as_str()).collect();
        faults.push(linked.fault(
            linked.text.len(),
            format!(
                "one file, one compute entry point, named `main` (found: {}): a kernel is found by its file, not by a second name",
                if names.is_empty() { "none".to_string() } else { names.join(", ") }
            ),
        ));
    }
}

fn limits(linked: &Linked, reflection: &Reflection, faults: &mut Vec<Fault>) {
    let sizes = reflection.sizes;
    let invocations: u64 = sizes.workgroup.iter().map(|n| u64::from(*n)).product();
    let mut say = |message: String| faults.push(linked.fault(linked.text.len(), message));
    if invocations > INVOCATIONS {
        say(format!("{invocations} invocations a workgroup; every WebGPU device allows {INVOCATIONS}, many no more"));
    }
    if sizes.workgroup[2] > 64 {
        say(format!("workgroup size {} in z; every WebGPU device allows 64, many no more", sizes.workgroup[2]));
    }
    let storage = reflection.bindings.iter().filter(|b| !matches!(b.kind, BoundKind::Uniform(_))).count();
    if storage > STORAGE_BUFFERS {
        say(format!("{storage} storage buffers; every WebGPU device allows {STORAGE_BUFFERS}, many no more"));
    }
    if sizes.memory > WORKGROUP_MEMORY {
        say(format!("{} bytes of workgroup memory; every WebGPU device allows {WORKGROUP_MEMORY}, many no more", sizes.memory));
    }
}
