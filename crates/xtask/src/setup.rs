//! What the other commands need and a machine with only Rust lacks.
//!
//! Tools of a fixed version go to `$CARGO_HOME/espalier/NAME-VERSION`, so that they are shared by all checkouts, found again without
//! asking anyone, and never take the place of the user's own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};

use crate::shell::{executable, output, run, step, which};

const WASM: &str = "wasm32-unknown-unknown";
/// 0.22 wants a newer compiler than `rust-version`.
const TRUNK: &str = "0.21.14";
/// Debian's binaryen cannot read what today's compiler writes; the npm package runs on Node.
const BINARYEN: &str = "132";
const AXE: &str = "4.10.3";

/// Where the tools are.
pub struct Tools {
    /// Folders to put before `PATH`.
    pub path: Vec<PathBuf>,
    /// `wasm-opt`, where Node is there to run it.
    pub wasm_opt: Option<PathBuf>,
}

impl Tools {
    /// `PATH` with the tools in front.
    pub fn env_path(&self) -> std::ffi::OsString {
        let old = std::env::var_os("PATH").unwrap_or_default();
        let all = self.path.iter().cloned().chain(std::env::split_paths(&old));
        std::env::join_paths(all).unwrap_or(old)
    }
}

/// What a browser test needs.
pub struct Browser {
    /// Chromium.
    pub chromium: PathBuf,
    /// Its driver, of the same version.
    pub driver: PathBuf,
}

/// Everything, for `cargo xtask setup` and a first full test.
pub fn everything() -> Result<(Tools, Browser)> {
    let tools = page_tools()?;
    let browser = browser()?;
    axe()?;
    vulkan()?;
    println!("Ready: `cargo xtask serve` opens the lab, `cargo xtask test` runs every test.");
    Ok((tools, browser))
}

/// Tools that build the page.
pub fn page_tools() -> Result<Tools> {
    tools(Pace::Full)
}

/// Installs what page and browser tests need while other work goes on, which it leaves the machine to. What fails here is tried again, and said,
/// by whoever needs it.
pub fn ahead() -> JoinHandle<()> {
    thread::spawn(|| {
        tools(Pace::Spare).and_then(|_| browser()).and_then(|_| axe()).ok();
    })
}

/// How much of the machine an installation may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Full,
    /// What others leave idle.
    Spare,
}

fn tools(pace: Pace) -> Result<Tools> {
    wasm_target()?;
    let home = tools_home()?;
    let bindgen = locked("wasm-bindgen")?;
    let trunk = cargo_tool(&home, pace, "trunk", TRUNK, "trunk", &["--locked", "--no-default-features"], "3 minutes")?;
    // Without --locked: its lock file names a dependency that may be out of reach. Without what talks to a network, which only its test runner does.
    let cli = cargo_tool(&home, pace, "wasm-bindgen-cli", &bindgen, "wasm-bindgen", &["--bin", "wasm-bindgen", "--no-default-features"], "a minute")?;
    let wasm_opt = wasm_opt(&home)?;
    Ok(Tools { path: vec![trunk, cli], wasm_opt })
}

/// axe-core from npm, which looks for what keeps people from using the page: its one file. It is run by tests and never shipped.
pub fn axe() -> Result<PathBuf> {
    let dir = tools_home()?.join(format!("axe-core-{AXE}"));
    let file = dir.join("node_modules/axe-core/axe.min.js");
    if file.exists() {
        return Ok(file);
    }
    if which("npm").is_none() {
        bail!("the browser tests need axe-core, which comes from npm: install Node, then run this again");
    }
    std::fs::create_dir_all(&dir)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-fund", "--no-audit", "--prefix"]).arg(&dir).arg(format!("axe-core@{AXE}"));
    step(&format!("Installing axe-core {AXE} from npm"), "10 seconds", &mut npm)?;
    Ok(file)
}

/// Chromium and its driver.
pub fn browser() -> Result<Browser> {
    let named = |variable: &str| match std::env::var_os(variable).map(PathBuf::from) {
        Some(file) if !executable(&file) => bail!("{variable} names {}, which is no program; set it to the file of one, or unset it", file.display()),
        file => Ok(file),
    };
    let [own_chromium, own_driver] = [named("CHROMIUM")?, named("CHROMEDRIVER")?];
    let find = || {
        let chromium = own_chromium.clone().or_else(|| which("chromium")).or_else(|| which("google-chrome"))?;
        let driver = own_driver.clone().or_else(|| which("chromedriver"))?;
        Some(Browser { chromium, driver })
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    debian(&["chromium", "chromium-driver"], "a browser for the tests")?;
    find().context("chromium and chromedriver were installed but are not on PATH; set CHROMIUM and CHROMEDRIVER to their files")
}

/// A Vulkan driver, for running the shaders natively: the machine's own, or Mesa's software one.
pub fn vulkan() -> Result<()> {
    let there = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].iter().any(|dir| std::fs::read_dir(dir).is_ok_and(|mut d| d.next().is_some()));
    if there || !cfg!(target_os = "linux") {
        return Ok(());
    }
    debian(&["mesa-vulkan-drivers", "libvulkan1"], "a software Vulkan driver, so that the shaders run natively in tests")
}

fn wasm_target() -> Result<()> {
    let installed = output("rustup", &["target", "list", "--installed"]);
    let sysroot = output("rustc", &["--print", "sysroot"]).context("rustc is not on PATH; install Rust from https://rustup.rs")?;
    if installed.is_some_and(|list| list.lines().any(|l| l == WASM)) || Path::new(&sysroot).join("lib/rustlib").join(WASM).exists() {
        return Ok(());
    }
    if which("rustup").is_none() {
        bail!("the {WASM} target is missing and there is no rustup to add it; install the target with your Rust, then run this again");
    }
    step(&format!("Adding the {WASM} target"), "20 seconds", Command::new("rustup").args(["target", "add", WASM])).map(|_| ())
}

fn tools_home() -> Result<PathBuf> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir().context("no home folder; set CARGO_HOME")?.join(".cargo"),
    };
    Ok(home.join("espalier"))
}

/// Version of a package in `Cargo.lock`.
fn locked(package: &str) -> Result<String> {
    let lock = std::fs::read_to_string("Cargo.lock").context("Cargo.lock is missing; run `cargo generate-lockfile`")?;
    let head = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|l| *l != head).skip(1);
    let version = lines.next().and_then(|l| l.strip_prefix("version = \"")).and_then(|l| l.strip_suffix('"'));
    version.map(str::to_owned).with_context(|| format!("{package} is not in Cargo.lock"))
}

/// A program of exactly this version: the user's own if it is that, else from crates.io. Gives its folder.
fn cargo_tool(home: &Path, pace: Pace, package: &str, version: &str, program: &str, flags: &[&str], expected: &str) -> Result<PathBuf> {
    let dir = home.join(format!("{package}-{version}")).join("bin");
    if executable(&dir.join(program)) {
        return Ok(dir);
    }
    if let Some(own) = which(program).filter(|p| output(p, &["--version"]).is_some_and(|v| v.split_whitespace().any(|w| w == version))) {
        return Ok(own.parent().map(Path::to_path_buf).unwrap_or_default());
    }
    let root = dir.parent().unwrap_or(home);
    let mut cargo = match which("nice") {
        Some(nice) if pace == Pace::Spare => {
            let mut command = Command::new(nice);
            command.args(["-n", "19", "cargo"]);
            command
        }
        _ => Command::new("cargo"),
    };
    cargo.args(["install", package, "--version", version, "--root"]).arg(root).args(flags);
    // They run for seconds: what their authors ask of the optimiser would take minutes.
    cargo.envs([("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")]);
    step(&format!("Installing {package} {version} from crates.io"), expected, &mut cargo)?;
    Ok(dir)
}

fn wasm_opt(home: &Path) -> Result<Option<PathBuf>> {
    let dir = home.join(format!("binaryen-{BINARYEN}"));
    let program = dir.join("node_modules/.bin/wasm-opt");
    if program.exists() {
        return Ok(Some(program));
    }
    if which("npm").is_none() || which("node").is_none() {
        println!("  wasm-opt is left out: it comes with the npm package `binaryen` and there is no Node here. The page is about 20 % larger and works the same.");
        return Ok(None);
    }
    std::fs::create_dir_all(&dir)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-fund", "--no-audit", "--prefix"]).arg(&dir).arg(format!("binaryen@{BINARYEN}"));
    step(&format!("Installing wasm-opt (binaryen {BINARYEN}) from npm"), "10 seconds", &mut npm)?;
    Ok(Some(program))
}

/// Installs Debian packages, or says what to type where that cannot be done from here.
fn debian(packages: &[&str], why: &str) -> Result<()> {
    let list = packages.join(" ");
    if which("apt-get").is_none() {
        bail!("{why}: please install {list} (Debian's names) with this system's package manager, then run this again");
    }
    if output("id", &["-u"]).as_deref() != Some("0") {
        bail!("{why}: type\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends {list}\n\nthen run this again");
    }
    println!("  Installing {list} from Debian: {why} (about a minute) …");
    let mut apt = Command::new("apt-get");
    run(apt.env("DEBIAN_FRONTEND", "noninteractive").args(["update", "-qq"]))?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    step(&format!("Installing {list}"), "1 minute", &mut apt).map(|_| ())
}
