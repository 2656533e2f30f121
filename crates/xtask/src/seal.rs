//! The last step of a build: a strict content policy, no script inside the page, and what is needed to open it without a network.
//!
//! Trunk starts the application from a script inside the page, which a policy without exceptions forbids: it is moved to a file.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Hosts that the page may ask when the visitor opens a model of the Hub: the Hub and where it keeps its files.
const HUB: &str = "https://huggingface.co https://*.huggingface.co https://*.hf.co";

/// The policy. `wasm-unsafe-eval` allows WebAssembly and nothing else; pictures that are saved pass through blobs.
fn policy() -> String {
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' {HUB}; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// Seals the page in a folder. Doing it twice changes nothing.
pub fn seal(out: &Path) -> Result<()> {
    let index = out.join("index.html");
    let page = fs::read_to_string(&index).with_context(|| index.display().to_string())?;
    if let Some((before, script, after)) = inline(&page) {
        let app = script.split("from './").nth(1).and_then(|s| s.split(".js'").next()).context("the start script names no application")?;
        let assets = crate::shell::root().join("assets/app");
        fs::write(out.join("start.js"), fs::read_to_string(assets.join("start.js"))?.replace("@APP@", app))?;
        let sealed = format!("{before}<script type=\"module\" src=\"./start.js\"></script>{after}");
        let meta = format!("<meta charset=\"utf-8\">\n  <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", policy());
        fs::write(&index, sealed.replacen("<meta charset=\"utf-8\">", &meta, 1))?;
    }
    let page = fs::read_to_string(&index)?;
    if inline(&page).is_some() || !page.contains("Content-Security-Policy") {
        bail!("{} still holds a script of its own or no policy", index.display());
    }
    load_at_once(out)?;
    keep(out)
}

/// Trunk's loaders of workers fetch a program once its script has been read: here both are fetched at once, which saves a way over the network, and the script is called as it
/// wants to be (the older way is warned of on every visitor's console).
fn load_at_once(out: &Path) -> Result<()> {
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix("_loader.js") {
            let text = fs::read_to_string(&path)?;
            if text.trim() == format!("importScripts(\"./{name}.js\");wasm_bindgen(\"./{name}_bg.wasm\");") {
                fs::write(&path, format!("const program = fetch('./{name}_bg.wasm');\nimportScripts('./{name}.js');\nwasm_bindgen({{ module_or_path: program }});\n"))?;
            } else if !text.starts_with("const program") {
                bail!("{file} is not as trunk used to write it");
            }
        }
    }
    Ok(())
}

/// The script inside the page, with what stands before and after it.
fn inline(page: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = page.split_once("<script type=\"module\">")?;
    let (script, after) = rest.split_once("</script>")?;
    Some((before, script, after))
}

/// Writes the service worker with the list of all files and a version that is theirs: any changed byte makes another one.
fn keep(out: &Path) -> Result<()> {
    let worker = out.join("sw.js");
    let mut files: Vec<PathBuf> = Vec::new();
    walk(out, &mut files)?;
    files.retain(|f| *f != worker);
    files.sort();
    let mut hash = DefaultHasher::new();
    let mut names = Vec::new();
    for file in &files {
        let name = file.strip_prefix(out)?.to_string_lossy().replace('\\', "/");
        (&name, fs::read(file)?).hash(&mut hash);
        names.push(if name == "index.html" { "'./'".to_owned() } else { format!("'./{name}'") });
    }
    let template = fs::read_to_string(crate::shell::root().join("assets/app/sw.js"))?;
    let text = template.replace("@VERSION@", &format!("{:016x}", hash.finish())).replace("/*@FILES@*/", &names.join(", "));
    Ok(fs::write(worker, text)?)
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_sealed_once_and_its_version_follows_its_bytes() {
        let out = std::env::temp_dir().join(format!("espalier-seal-{}", std::process::id()));
        fs::create_dir_all(out.join("assets")).expect("a folder");
        let put = |name: &str, text: &str| fs::write(out.join(name), text).expect("a file");
        let read = |name: &str| fs::read_to_string(out.join(name)).expect("a file");
        put("index.html", "<head><meta charset=\"utf-8\"><script type=\"module\">\nimport init, * as b from './app-1a.js';\n</script></head>");
        put("assets/a.bin", "1");
        put("worker_loader.js", "importScripts(\"./worker.js\");wasm_bindgen(\"./worker_bg.wasm\");");
        seal(&out).expect("it is sealed");
        let loader = read("worker_loader.js");
        assert!(loader.starts_with("const program = fetch('./worker_bg.wasm');\nimportScripts('./worker.js');"), "{loader}");
        let page = read("index.html");
        assert!(page.contains("src=\"./start.js\"") && page.contains("default-src 'self'") && !page.contains("import init"), "{page}");
        assert!(read("start.js").contains("'./app-1a_bg.wasm'"));
        let first = read("sw.js");
        assert!(first.contains("'./', ") && first.contains("'./assets/a.bin'") && !first.contains("sw.js'") && !first.contains('@'), "{first}");
        seal(&out).expect("again");
        assert_eq!((read("index.html"), read("sw.js")), (page, first.clone()));
        assert_eq!(read("worker_loader.js"), loader);
        put("assets/a.bin", "2");
        seal(&out).expect("again");
        assert_ne!(read("sw.js"), first);
        fs::remove_dir_all(out).ok();
    }
}
