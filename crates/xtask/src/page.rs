//! The page: built by trunk, made smaller by wasm-opt, weighed against its budget.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::order;
use crate::seal::seal;
use crate::setup::{self, Tools};
use crate::shell::{quiet, step, timed};
use crate::split::split;

/// Where builds of the page go unless told otherwise.
pub fn folder() -> PathBuf {
    target().join("page")
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// `cargo xtask dist`.
pub fn dist(out: &Path) -> Result<()> {
    let tools = setup::page_tools()?;
    release(&tools, out)?;
    let weight = weigh(out)?;
    println!("{}", weight.text());
    println!("The site is in {}; put it on any static host (no headers needed).", out.display());
    Ok(())
}

/// Release page in `out`.
pub fn release(tools: &Tools, out: &Path) -> Result<()> {
    let out = std::path::absolute(out)?;
    fs::create_dir_all(&out)?;
    // Trunk builds one program after the other, and the last minute of each keeps one core busy: built here first, all four end side by side.
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--manifest-path", "web/Cargo.toml"]);
    step("Compiling the page", "5 minutes the first time", cargo.args(PROGRAMS.iter().flat_map(|p| ["--bin", p])))?;
    let mut trunk = trunk(tools, "build");
    trunk.args(["--release", "--dist"]).arg(&out);
    step("Putting the page together", "10 seconds", &mut trunk)?;
    split(tools, &out)?;
    if let Some(wasm_opt) = &tools.wasm_opt {
        timed("Making it smaller", "2 minutes the first time", || optimise_all(wasm_opt, &out))?;
    }
    seal(&out)
}

/// The programs that the page is made of: the application, the worker without and with all methods, the tokenizer.
const PROGRAMS: [&str; 4] = ["app", "worker", "worker-whole", "tokens"];

/// Every wasm file of a page, one for each core at a time, the largest first.
fn optimise_all(wasm_opt: &Path, out: &Path) -> Result<()> {
    let mut wasm: Vec<PathBuf> = files(out)?.into_iter().filter(|f| f.extension().is_some_and(|e| e == "wasm")).collect();
    wasm.sort_by_key(|f| f.metadata().map_or(0, |m| m.len()));
    let waiting = Mutex::new(wasm);
    let next = || waiting.lock().ok().and_then(|mut w| w.pop());
    let work = || {
        while let Some(wasm) = next() {
            // The worker computes; the rest only draws.
            let worker = wasm.file_name().is_some_and(|n| n.to_string_lossy().starts_with("worker"));
            optimise(wasm_opt, &wasm, if worker { "-O2" } else { "-Oz" })?;
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        hands.into_iter().try_for_each(|h| h.join().unwrap_or_else(|_| bail!("a thread that ran wasm-opt broke")))
    })
}

/// What the compiler may have used.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Makes one wasm file smaller and faster, in place, and puts its functions in an order that compresses well.
///
/// That takes half a minute a file, so what came of it is kept: the same bytes, treated in the same way, are not worked on twice.
pub fn optimise(wasm_opt: &Path, wasm: &Path, level: &str) -> Result<()> {
    let name = unhashed(&wasm.file_name().context("a wasm file has a name")?.to_string_lossy());
    let kept = target().join("optimised");
    fs::create_dir_all(&kept)?;
    let [before, after, how] = ["before", "after", "how"].map(|what| kept.join(format!("{name}.{what}")));
    let bytes = fs::read(wasm)?;
    let manner = format!("{} {level} {FEATURES:?} {}", wasm_opt.display(), order::VERSION);
    if fs::read(&before).is_ok_and(|b| b == bytes) && fs::read_to_string(&how).is_ok_and(|h| h == manner) && after.exists() {
        fs::copy(&after, wasm)?;
        return Ok(());
    }
    let small = wasm.with_extension("opt");
    let mut opt = Command::new(wasm_opt);
    opt.args([level, "--strip-debug", "--strip-producers"]).args(FEATURES);
    quiet(opt.arg(wasm).arg("-o").arg(&small))?;
    fs::write(wasm, order::named(&fs::read(&small)?)?)?;
    let mut sort = Command::new(wasm_opt);
    sort.args(["--reorder-functions-by-name", "--strip-debug"]).args(FEATURES);
    quiet(sort.arg(wasm).arg("-o").arg(&small))?;
    fs::rename(&small, wasm)?;
    // The note of how comes last: a run that is cut short leaves nothing that looks whole.
    fs::remove_file(&how).ok();
    fs::write(&before, bytes)?;
    fs::copy(wasm, &after)?;
    Ok(fs::write(&how, manner)?)
}

/// A file's name without the hash that trunk put into it, so that what is kept of one build takes the place of what was kept of the last.
fn unhashed(name: &str) -> String {
    name.split_inclusive(['-', '_', '.']).filter(|part| part.len() < 12 || !part[..part.len() - 1].bytes().all(|b| b.is_ascii_hexdigit())).collect()
}

/// A trunk command that does not look for tools of its own on the network.
pub fn trunk(tools: &Tools, verb: &str) -> Command {
    let mut trunk = Command::new("trunk");
    trunk.env("PATH", tools.env_path()).env_remove("NO_COLOR").args([verb, "--offline", "true"]);
    trunk
}

/// Bytes as they travel.
#[derive(Default)]
pub struct Weight {
    /// What must arrive before the first paint: page with the first screen in it, styles, fonts, icon.
    pub paint: u64,
    /// What must arrive before a visitor can act: the above, the application's scripts and its wasm.
    pub shell: u64,
    /// Screens and panels, fetched when the page has come to rest or when one is asked for.
    pub later: u64,
    /// The worker that a visit starts with: its script and its wasm.
    pub worker: u64,
    /// The worker with every method, fetched when one of the others is asked for.
    pub whole: u64,
    /// The tokenizer, which is fetched when a text is first tokenized.
    pub tokens: u64,
}

impl Weight {
    /// Law 9 of the design.
    pub const GOAL: u64 = 350_000;
    /// What the worker should weigh that a visit starts with.
    pub const WORKER_GOAL: u64 = 500_000;
    /// Law 9 for the worker with everything.
    pub const WHOLE_GOAL: u64 = 1_500_000;
    /// What is held: the page may become lighter, not heavier. Lower these with every saving.
    pub const PAINT_LIMIT: u64 = 80_000;
    /// See [`Weight::PAINT_LIMIT`].
    pub const SHELL_LIMIT: u64 = 275_000;
    /// See [`Weight::PAINT_LIMIT`].
    pub const LATER_LIMIT: u64 = 775_000;
    /// See [`Weight::PAINT_LIMIT`].
    pub const WORKER_LIMIT: u64 = 500_000;
    /// Law 9 gives worker and tokenizer 1.5 MB together.
    pub const TOKENS_GOAL: u64 = 1_000_000;

    /// Each part: name, bytes, goal, what is held.
    pub fn parts(&self) -> [(&'static str, u64, u64, u64); 6] {
        [
            ("first paint", self.paint, Self::GOAL, Self::PAINT_LIMIT),
            ("shell", self.shell, Self::GOAL, Self::SHELL_LIMIT),
            ("screens, when needed", self.later, Self::LATER_LIMIT, Self::LATER_LIMIT),
            ("worker", self.worker, Self::WORKER_GOAL, Self::WORKER_LIMIT),
            ("whole worker", self.whole, Self::WHOLE_GOAL, Self::WHOLE_GOAL),
            ("tokenizer, when needed", self.tokens, Self::TOKENS_GOAL, Self::TOKENS_GOAL),
        ]
    }

    /// One line for people.
    pub fn text(&self) -> String {
        let part = |(what, bytes, goal, limit): (&str, u64, u64, u64)| {
            let over = if bytes > goal { format!(" (goal {} kB: not reached)", goal / 1000) } else { String::new() };
            format!("{what} {:.1} kB of {} kB{over}", bytes as f64 / 1000.0, limit / 1000)
        };
        format!("page weight, gzip: {}", self.parts().map(part).join(", "))
    }
}

/// Weighs a built page, each file gzipped on its own as a host would send it.
pub fn weigh(out: &Path) -> Result<Weight> {
    let mut weight = Weight::default();
    for file in files(out)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("worker-whole") {
            weight.whole += gzip(&file)?;
        } else if name.starts_with("worker") {
            weight.worker += gzip(&file)?;
        } else if name.starts_with("split_") || name.starts_with("chunk_") {
            weight.later += gzip(&file)?;
        } else if name.starts_with("tokens") {
            weight.tokens += gzip(&file)?;
        } else if matches!(ending.as_str(), "html" | "css" | "woff2" | "svg") {
            weight.paint += gzip(&file)?;
        } else if matches!(ending.as_str(), "js" | "wasm") {
            weight.shell += gzip(&file)?;
        }
    }
    if weight.paint == 0 || weight.shell == 0 || weight.worker == 0 || weight.whole == 0 {
        bail!("{} holds no built page", out.display());
    }
    weight.shell += weight.paint;
    Ok(weight)
}

fn gzip(file: &Path) -> Result<u64> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

/// All files of a folder, whole tree, except bundled checkpoints.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|n| n != "checkpoints") {
                found.extend(files(&path)?);
            }
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_build_goes_by_the_name_without_its_hash() {
        assert_eq!(unhashed("app-1ad064850e95f1ef_bg.wasm"), "app-bg.wasm");
        assert_eq!(unhashed("split_work-1ad064850e95f1ef.wasm"), "split_work-wasm");
        assert_eq!(unhashed("worker-whole_bg.wasm"), "worker-whole_bg.wasm");
    }
}
