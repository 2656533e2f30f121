//! `espalier`: the laboratory without a screen.
//!
//! Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 failed, 2 not understood.

mod args;
mod args_prune;
mod city;
mod compare;
mod experts;
mod face;
mod inspect;
mod language;
mod methods;
mod output;
mod run;
mod session;
mod table;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    // An interrupted export leaves nothing half-made behind. Where no handler can be set, only that is lost.
    let _ = ctrlc::set_handler(|| {
        espalier_nets::checkpoint::file::abandon();
        std::process::exit(130);
    });
    let result = match Cli::parse().command {
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Spectra(args) => run::spectra(&args),
        Command::Rank(args) => run::rank(&args),
        Command::Prune(args) => run::prune(&args),
        Command::Diff(args) => compare::diff(&args),
        Command::Replay(args) => compare::replay(&args),
        Command::Perplexity(args) => language::calibrated("perplexity", &args),
        Command::Generate(args) => language::generate(&args),
        Command::Wanda(args) => language::calibrated("wanda", &args),
        Command::Sparsegpt(args) => language::calibrated("sparsegpt", &args),
        Command::Owl(args) => language::calibrated("owl", &args),
        Command::CalibrateStudy(args) => language::calibrated("calibration_study", &args),
        Command::Rules(args) => language::calibrated("rules", &args),
        Command::Sensitivity(args) => language::calibrated("sensitivity", &args),
        Command::Experts(args) => experts::experts(&args),
        Command::Condense(args) => experts::condense(&args),
        Command::Thin(args) => experts::thin(&args),
        Command::City(command) => city::city(&command),
        Command::Methods { json } => methods::methods(json),
    };
    match result {
        Ok(text) => match std::io::stdout().lock().write_all(text.as_bytes()) {
            // The reader of a pipe has seen enough.
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                eprintln!("error: the result could not be printed\n  why: {e}\n  what to do: see where standard output goes");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        },
        Err(failure) => {
            eprint!("{}", failure.text());
            ExitCode::FAILURE
        }
    }
}
