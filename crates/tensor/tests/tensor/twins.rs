//! Law 1 and law 10: each operation has a kernel and a twin, both agree on every sample, and every plan is valid.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use espalier_tensor::{Session, clock, ops, selftest};

use crate::device;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `family/op` of every file with this ending in the folders under `folder`.
fn files(folder: &Path, ending: &str) -> BTreeSet<String> {
    let entries = |p: &Path| std::fs::read_dir(p).map(|d| d.map(|e| e.expect("readable").path()).collect::<Vec<_>>()).unwrap_or_default();
    let mut found = BTreeSet::new();
    for family in entries(folder).into_iter().filter(|p| p.is_dir()) {
        for file in entries(&family) {
            let name = |p: &Path| p.file_stem().expect("has a name").to_string_lossy().into_owned();
            if file.extension().is_some_and(|e| e == ending) {
                found.insert(format!("{}/{}", name(&family), name(&file)));
            }
        }
    }
    found
}

#[test]
fn every_kernel_has_an_operation_of_its_name() {
    let registered: BTreeSet<&str> = ops::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(registered.len(), ops::ALL.len(), "an operation is registered twice");
    let mut missing = Vec::new();
    for kernel in files(&root().join("shaders"), "wgsl") {
        if kernel.starts_with("lib/") {
            continue;
        }
        let source = root().join("crates/tensor/src");
        // Linear algebra has routines of several kernels, whose twin is one file of `linalg`.
        let routine = kernel.strip_prefix("linalg/").is_some_and(|op| source.join(format!("linalg/{op}.rs")).exists());
        let operation = source.join(format!("ops/{kernel}.rs")).exists() && registered.contains(kernel.as_str());
        if !routine && !operation {
            missing.push(kernel);
        }
    }
    assert!(missing.is_empty(), "kernels without ops/FAMILY/OP.rs and a registry line: {missing:?}");
}

#[test]
fn every_operation_has_a_kernel_of_its_name() {
    let kernels = files(&root().join("shaders"), "wgsl");
    let sources: BTreeSet<_> = files(&root().join("crates/tensor/src/ops"), "rs").into_iter().filter(|n| !n.ends_with("/mod")).collect();
    let lonely: Vec<_> = sources.difference(&kernels).collect();
    assert!(lonely.is_empty(), "ops/FAMILY/OP.rs without shaders/FAMILY/OP.wgsl: {lonely:?}");
    for (name, samples) in ops::ALL {
        assert!(kernels.contains(*name), "{name} is registered without a kernel");
        assert!(!samples().is_empty(), "{name} has no samples");
    }
}

#[test]
fn registry_names_are_the_operations_own() {
    for (name, samples) in ops::ALL {
        for sample in samples() {
            assert_eq!(sample.op.name(), *name, "{}", sample.label);
        }
    }
}

#[test]
fn twins_agree_on_every_sample() {
    let Some(gpu) = device::gpu() else { return };
    let mut failures = Vec::new();
    let summary = pollster::block_on(selftest::self_test(&Session::cpu(), &gpu, clock::standard, |row| {
        println!(
            "{:<28} {:>3} samples  {:>9.2e} of {:>9.2e} allowed  {:>8.1} ms CPU {:>8.1} ms GPU  {}",
            row.op, row.samples, row.difference, row.tolerance, row.millis[0], row.millis[1], row.failure
        );
        if !row.agrees {
            failures.push(format!("{}: {}", row.op, row.failure));
        }
    }))
    .expect("the device stays");
    assert_eq!(summary.ops as usize, ops::ALL.len());
    assert!(failures.is_empty(), "on {}:\n{}", gpu.info().name, failures.join("\n"));
}

#[test]
fn every_plan_is_valid_without_a_driver() {
    let session = Session::noop();
    let mut failures = Vec::new();
    for (name, samples) in ops::ALL {
        for sample in samples() {
            let tensors: Vec<_> = sample.inputs.iter().map(|a| session.upload(a.clone())).collect();
            let output = session.run(sample.op.as_ref(), &tensors.iter().collect::<Vec<_>>());
            match pollster::block_on(session.read(&output)) {
                Ok(array) => assert_eq!(array.spec(), *output.spec()),
                Err(error) => failures.push(format!("{name}, {}: {error}", sample.label)),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
