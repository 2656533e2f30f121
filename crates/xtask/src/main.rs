//! `cargo xtask`: set-up, the page, the tests and the measurements of Espalier, each one command.
//!
//! What a command needs and the machine lacks is installed through the ordinary package clients, said aloud, once.

mod assets;
mod bench;
mod order;
mod page;
mod seal;
mod serve;
mod setup;
mod shell;
mod split;
mod tests;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, page, tests and measurements of Espalier")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds the release page and serves it on this computer.
    Serve {
        /// Opens the browser.
        #[arg(long)]
        open: bool,
        /// Port on 127.0.0.1.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Development build that is rebuilt and reloaded when a file changes.
        #[arg(long)]
        dev: bool,
    },
    /// Runs every test, or one layer of them.
    Test {
        /// One layer; all of them by default.
        layer: Option<tests::Layer>,
        /// Only tests whose name holds this.
        filter: Option<String>,
    },
    /// Measures Espalier beside its peers, in one run.
    Bench {
        /// Only items whose name holds one of these, comma-separated: `gemm,svd`.
        #[arg(long)]
        only: Option<String>,
        /// Peers beside Espalier, comma-separated; all by default.
        #[arg(long)]
        peers: Option<String>,
        /// How often every peer takes its turn.
        #[arg(long)]
        rounds: Option<u32>,
        /// Writes the figures here as JSON.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Makes the static site.
    Dist {
        /// Folder to put it in.
        #[arg(long, default_value = "dist")]
        out: PathBuf,
    },
    /// The last step of a build alone, over a folder that trunk has made: content policy and service worker.
    Seal {
        /// Folder of the page.
        out: PathBuf,
    },
    /// Makes the precomputed records that the page shows before anything is loaded.
    Assets,
    /// Installs what the other commands need and says what there is.
    Setup,
}

fn main() -> anyhow::Result<()> {
    std::env::set_current_dir(shell::root())?;
    match Args::parse().task {
        Task::Serve { open, port, dev: true } => serve::watch(port, open),
        Task::Serve { open, port, dev: false } => serve::release(port, open),
        Task::Test { layer, filter } => tests::run(layer, filter.as_deref()),
        Task::Bench { only, peers, rounds, out } => bench::run_bench(only.as_deref(), peers.as_deref(), rounds, out),
        Task::Dist { out } => page::dist(&out),
        Task::Seal { out } => seal::seal(&out),
        Task::Assets => assets::make(),
        Task::Setup => setup::everything().map(|_| ()),
    }
}
