//! Reads `shaders/`, and writes what `lib.rs` includes. A shader that breaks a rule stops the build with its file and line.

use std::path::PathBuf;

#[path = "build/mod.rs"]
mod build;

fn main() {
    let shaders = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("../../shaders");
    let out = PathBuf::from(env("OUT_DIR"));
    for path in ["build.rs", "build", "../../shaders"] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Err(faults) = build::run(&shaders, &out) {
        for fault in &faults {
            println!("cargo::error={}", fault.to_string().replace('\n', "\\n"));
        }
        std::process::exit(1);
    }
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for build scripts"))
}
