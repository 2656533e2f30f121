//! The conformance runner: `ESPALIER_FIXTURES=DIR cargo xtask test fixtures [FILTER…]` prints one line a case and ends with totals.
//!
//! The folder is `../shared/fixtures` beside the repository unless the variable names another. That it is missing is a failure: a test that
//! quietly does nothing proves nothing.

use std::process::ExitCode;

use espalier_tests::fixtures;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let filter: Vec<String> = args.iter().filter(|a| !a.starts_with("--")).cloned().collect();
    // Missing is a failure, with a message that says what to set.
    let root = espalier_tests::places::fixtures();
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
