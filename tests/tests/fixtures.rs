//! The conformance runner: `ESPALIER_FIXTURES=DIR cargo xtask test fixtures [FILTER…]` prints one line a case and ends with totals.
//!
//! The folder is `../shared/fixtures` beside the repository unless the variable names another. That it is missing is a failure: a test that
//! quietly does nothing proves nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use espalier_tests::fixtures;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let filter: Vec<String> = args.iter().filter(|a| !a.starts_with("--")).cloned().collect();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."));
    let root = std::env::var_os("ESPALIER_FIXTURES").map_or_else(|| repository.join("../shared/fixtures"), PathBuf::from);
    if !root.is_dir() {
        println!("FAIL  the fixtures are missing: {} is not a folder; set ESPALIER_FIXTURES to where they are", root.display());
        println!("0 passed, 1 failed");
        return ExitCode::FAILURE;
    }
    let suite = match fixtures::discover(&root) {
        Ok(suite) => suite,
        Err(error) => {
            println!("FAIL  {error:#}");
            println!("0 passed, 1 failed");
            return ExitCode::FAILURE;
        }
    };
    if args.iter().any(|a| a == "--list") {
        for case in &suite.cases {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("fixtures in {}; GPU: {}", root.display(), fixtures::adapter());
    let fine = fixtures::run(suite, &filter);
    // The GPU's session must end before the thread's locals do: wgpu's own are gone by then.
    fixtures::close();
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
