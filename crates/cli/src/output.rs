//! Where a result goes: never over its input, never over something else without `--force`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::args::{Common, Output};
use crate::session::Failure;

/// Small files that belong to a model's folder and are worth taking along.
const COMPANIONS: [&str; 11] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
];

/// A checked place.
#[derive(Debug)]
pub struct Target {
    /// The safetensors file.
    pub file: PathBuf,
    /// The folder that gets the configuration too.
    folder: Option<PathBuf>,
}

/// Checks the place before any work is done. `None` where nothing is to be written.
pub fn target(common: &Common, output: &Output) -> Result<Option<Target>, Failure> {
    let Some(out) = &output.out else { return Ok(None) };
    let is_file = out.extension().is_some_and(|e| e == "safetensors") && !out.is_dir();
    let target = if is_file { Target { file: out.clone(), folder: None } } else { Target { file: out.join("model.safetensors"), folder: Some(out.clone()) } };
    if let Some(input) = inputs(common).into_iter().find(|i| same(i, &target.file) || target.folder.as_deref().is_some_and(|f| i.parent().is_some_and(|p| same(p, f)))) {
        return Err(refuse(
            format!("{} was not written", target.file.display()),
            format!("It would replace or stand beside its own input, {}.", input.display()),
            "Give --out another name or folder; the input is never changed.",
        ));
    }
    if target.file.exists() && !output.force {
        return Err(refuse(format!("{} was not written", target.file.display()), "There is a file of that name already.".into(), "Choose another name, or add --force to replace it."));
    }
    let parent = target.file.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent {
        fs::create_dir_all(parent).map_err(|e| refuse(format!("{} could not be made", parent.display()), format!("{e}."), "Choose a place that may be written to."))?;
    }
    Ok(Some(target))
}

impl Target {
    /// The folder, where one was asked for.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Copies the configuration, the tokenizer and classes of the model's own beside the weights, where a folder was asked for.
    pub fn companions(&self, common: &Common) -> Result<(), Failure> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for from in common.files.iter().filter_map(|f| if f.is_dir() { Some(f.as_path()) } else { f.parent() }) {
            let from = if from.as_os_str().is_empty() { Path::new(".") } else { from };
            let classes = classes(from);
            for name in COMPANIONS.iter().copied().chain(classes.iter().map(String::as_str)) {
                let (source, copy) = (from.join(name), folder.join(name));
                if source.is_file() && !copy.exists() {
                    fs::copy(&source, &copy).map_err(|e| refuse(format!("{} could not be written", copy.display()), format!("{e}."), "See that there is room, then copy the file by hand."))?;
                }
            }
        }
        Ok(())
    }
}

/// Python files that `config.json` may name in its `auto_map`: models that transformers does not know bring their own.
fn classes(folder: &Path) -> Vec<String> {
    let named = |n: &String| (n.starts_with("modeling_") || n.starts_with("configuration_")) && n.ends_with(".py");
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|e| e.file_name().into_string().ok()).filter(named).collect()
}

/// The weight files that are read.
fn inputs(common: &Common) -> Vec<PathBuf> {
    let weights = |p: &Path| p.extension().is_some_and(|e| e == "safetensors");
    let mut out = Vec::new();
    for file in &common.files {
        let folder = if file.is_dir() { Some(file.as_path()) } else { None };
        match folder.and_then(|f| fs::read_dir(f).ok()) {
            Some(entries) => out.extend(entries.flatten().map(|e| e.path()).filter(|p| weights(p))),
            None => out.push(file.clone()),
        }
    }
    out
}

fn same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn refuse(what: String, why: String, advice: &str) -> Failure {
    Failure::Usage(what, why, advice.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_a_model_are_taken_along_and_nothing_else() {
        let from = tempfile::tempdir().expect("a folder");
        for name in ["modeling_deepseek.py", "configuration_deepseek.py", "train.py", "modeling_notes.txt"] {
            fs::write(from.path().join(name), name).expect("it is written");
        }
        let mut found = classes(from.path());
        found.sort();
        assert_eq!(found, ["configuration_deepseek.py", "modeling_deepseek.py"]);
        assert!(classes(Path::new("no such folder")).is_empty());
    }
}
