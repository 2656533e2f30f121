//! What was generated from `shaders/`.

use std::path::Path;

use espalier_kernels::{BindingKind, KERNELS, kernel};

#[test]
fn every_file_is_there_as_it_was_written() {
    let shaders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shaders");
    assert!(KERNELS.is_sorted_by(|a, b| a.name < b.name), "sorted, no name twice");
    assert!(!KERNELS.is_empty());
    for k in KERNELS {
        let text = std::fs::read_to_string(shaders.join(format!("{}.wgsl", k.name))).expect("the file of a kernel");
        assert_eq!(text, k.written);
        assert!(std::ptr::eq(kernel(k.name).expect("found by its name"), *k));
    }
    assert!(kernel("no/such").is_none());
}

#[test]
fn uniforms_come_first_and_only_once() {
    for k in KERNELS {
        for binding in k.bindings {
            assert_eq!(matches!(binding.kind, BindingKind::Uniform(_)), binding.name == "params", "{}", k.name);
            assert!(binding.name != "params" || binding.index == 0, "{}", k.name);
        }
    }
}
