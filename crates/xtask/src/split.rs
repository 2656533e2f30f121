//! Takes the application apart: each screen that is a split point becomes a wasm file of its own, fetched when it is needed.
//!
//! Trunk knows nothing of this: what it has built is replaced by the application without those screens, under the same name.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use wasm_split_cli_support::{Options, transform};

use crate::page::{files, target};
use crate::setup::Tools;
use crate::shell::run;

/// Splits the application of a page that trunk has built into `out`.
pub fn split(tools: &Tools, out: &Path) -> Result<()> {
    let app = files(out)?.into_iter().filter_map(|f| Some(f.file_name()?.to_str()?.strip_suffix("_bg.wasm")?.to_owned())).find(|n| n.starts_with("app-"));
    let app = app.context("trunk has built no application")?;
    let whole = target().join("wasm32-unknown-unknown/release/app.wasm");
    let work = target().join("parts");
    fs::remove_dir_all(&work).ok();
    let bytes = fs::read(&whole).with_context(|| whole.display().to_string())?;
    // All names follow the application's, which holds a hash: files of two versions are never mixed.
    let hash = app.trim_start_matches("app-");
    let (link, main) = (format!("./parts-{hash}.js"), work.join("app.wasm"));
    let module = format!("./{app}.js");
    let mut options = Options::new(&bytes);
    options.output_dir = &work;
    options.main_out_path = &main;
    options.link_name = &link;
    options.main_module = &module;
    let parts = transform(options).map_err(|e| anyhow!("the application could not be split: {e:#}"))?;
    let script = work.join(&link);
    let mut text = fs::read_to_string(&script)?;
    for part in &parts.split_modules {
        let name = part.file_stem().context("a part has a name")?.to_string_lossy();
        text = text.replace(&format!("\"./{name}.wasm\""), &format!("\"./{name}-{hash}.wasm\""));
        fs::copy(part, out.join(format!("{name}-{hash}.wasm")))?;
    }
    fs::write(out.join(&link), text)?;
    preload(out, &app, &link)?;
    let mut bindgen = Command::new("wasm-bindgen");
    bindgen.env("PATH", tools.env_path()).args(["--target", "web", "--no-typescript", "--keep-lld-exports", "--out-name", &app, "--out-dir"]).arg(out);
    run(bindgen.arg(&main))
}

/// Has the page fetch the file that loads parts together with the application, which imports it: found only there, it would be waited for.
fn preload(out: &Path, app: &str, link: &str) -> Result<()> {
    let index = out.join("index.html");
    let page = fs::read_to_string(&index)?;
    let first = format!("<link rel=\"modulepreload\" href=\"./{app}.js\"");
    let both = format!("<link rel=\"modulepreload\" href=\"{link}\" crossorigin=\"anonymous\">{first}");
    if !page.contains(&first) {
        bail!("{} preloads no application", index.display());
    }
    Ok(fs::write(&index, page.replacen(&first, &both, 1))?)
}
