//! Running other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The repository's top folder.
pub fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// First executable of this name in `PATH`.
pub fn which(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|dir| dir.join(name)).find(|file| executable(file))
}

/// True for a file that can be run.
#[cfg(unix)]
pub fn executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// True for a file that can be run.
#[cfg(not(unix))]
pub fn executable(file: &Path) -> bool {
    file.is_file() || file.with_extension("exe").is_file()
}

/// Runs to the end with this terminal; an exit code other than 0 is an error that names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("could not start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a step that takes long: says what and how long it should take, keeps its output in a log, shows the log's end on failure.
pub fn step(what: &str, expected: &str, command: &mut Command) -> Result<Duration> {
    timed(what, expected, || quiet(command))
}

/// Does something that takes long: says what, how long it should take, and how long it took.
pub fn timed(what: &str, expected: &str, work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    println!("  {what} (about {expected}) …");
    let start = Instant::now();
    work()?;
    let took = start.elapsed();
    println!("  {what}: done in {:.0} s", took.as_secs_f64());
    Ok(took)
}

/// Runs to the end without a word; on failure the end of its output is shown.
pub fn quiet(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("could not start `{shown}`"))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr);
        let lines: Vec<&str> = text.lines().collect();
        eprintln!("{}", lines[lines.len().saturating_sub(25)..].join("\n"));
        bail!("`{shown}` ended with {}", out.status);
    }
    Ok(())
}

/// What a program prints on standard output, trimmed; `None` where it fails.
pub fn output(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// A command as one would type it.
pub fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}
