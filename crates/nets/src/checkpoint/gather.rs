//! From a handful of files to the ones that make one checkpoint.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use espalier_tensor::order;
use serde_json::Value;

use super::error::short;
use super::sniff::{Foreign, SNIFF, sniff};
use super::{ByteSource, CheckpointError};

/// Longest `config.json` and index that are read.
const JSON_CAP: u64 = 64 << 20;

const SAME_NAME: &str = "a file of the same name was given before it";

/// The files of one checkpoint.
pub(crate) struct Gathered {
    /// In the order of their names.
    pub files: Vec<Rc<dyn ByteSource>>,
    /// Tensor to file name, where there is an index.
    pub index: Option<BTreeMap<String, String>>,
    pub config: Option<Value>,
    pub notes: Vec<String>,
    pub read: u64,
}

/// `STEM-00002-of-00003.safetensors`.
#[derive(Debug, PartialEq)]
pub(crate) struct Shard<'a> {
    pub stem: &'a str,
    pub number: u32,
    pub of: u32,
    digits: usize,
}

impl Shard<'_> {
    /// The name of shard `number` of the same set.
    pub fn sibling(&self, number: u32) -> String {
        let digits = self.digits;
        format!("{}-{number:0digits$}-of-{:0digits$}.safetensors", self.stem, self.of)
    }
}

/// A file's name without its ending and its number among shards; any other name as it is.
pub(crate) fn people_name(name: &str) -> String {
    let stem = shard_of(name).map(|s| s.stem.to_owned());
    stem.unwrap_or_else(|| name.trim_end_matches(".index.json").trim_end_matches(".safetensors").to_owned())
}

pub(crate) fn shard_of(name: &str) -> Option<Shard<'_>> {
    let (rest, of) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let digits = number.len();
    let parse = |s: &str| (s.len() <= 6 && !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<u32>().ok()).flatten();
    let (number, of) = (parse(number)?, parse(of)?);
    (number >= 1 && number <= of).then_some(Shard { stem, number, of, digits })
}

/// The last part of a path, whatever system it comes from.
pub(crate) fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

enum Sort {
    Weights,
    Index,
    Config,
    OtherJson,
    Foreign(Foreign),
    /// Nothing that is known, under a name that promises nothing.
    Strange,
}

async fn sort(source: &dyn ByteSource, read: &mut u64) -> Result<Sort, CheckpointError> {
    let name = base(source.name()).to_ascii_lowercase();
    if name.ends_with(".json") {
        return Ok(if name.contains("index") {
            Sort::Index
        } else if name.starts_with("config") {
            Sort::Config
        } else {
            Sort::OtherJson
        });
    }
    // Judged when it is opened.
    if name.ends_with(".safetensors") {
        return Ok(Sort::Weights);
    }
    let head = source.read(0..source.len().min(SNIFF)).await?;
    *read += head.len() as u64;
    let plausible = head.first_chunk::<8>().is_some_and(|b| u64::from_le_bytes(*b).checked_add(8).is_some_and(|end| end <= source.len())) && head.get(8) == Some(&b'{');
    if plausible {
        return Ok(Sort::Weights);
    }
    Ok(sniff(&name, &head).map_or(Sort::Strange, Sort::Foreign))
}

async fn read_json(source: &dyn ByteSource, read: &mut u64) -> Result<Result<Value, String>, CheckpointError> {
    if source.len() > JSON_CAP {
        return Ok(Err(format!("it is {} bytes long, more than any such file", source.len())));
    }
    let bytes = source.read(0..source.len()).await?;
    *read += bytes.len() as u64;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(serde_json::from_slice(text).map_err(|e| format!("it is not valid JSON: {e}")))
}

/// Sorts the files given and chooses the ones of one checkpoint; says of every other why it was left out.
pub(crate) async fn gather(sources: Vec<Rc<dyn ByteSource>>) -> Result<Gathered, CheckpointError> {
    let given: Vec<String> = sources.iter().map(|s| s.name().to_string()).collect();
    let (mut notes, mut read) = (Vec::new(), 0);
    let (mut weights, mut indexes, mut configs, mut foreign, mut strange) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for s in sources {
        match sort(&*s, &mut read).await? {
            Sort::Weights => weights.push(s),
            Sort::Index => indexes.push(s),
            Sort::Config => configs.push(s),
            Sort::OtherJson => notes.push(left_out(s.name(), "of JSON files only config.json and the index of the shards are read")),
            Sort::Foreign(f) => foreign.push((s.name().to_string(), f)),
            Sort::Strange => strange.push(s),
        }
    }
    if weights.is_empty()
        && indexes.is_empty()
        && let Some((file, found)) = foreign.iter().find(|(_, f)| *f != Foreign::Text).or(foreign.first())
    {
        return Err(CheckpointError::Foreign { file: file.clone(), found: *found });
    }
    if weights.is_empty() && indexes.is_empty() {
        // Reading its header says what is wrong with it.
        weights.append(&mut strange);
    }
    notes.extend(strange.iter().map(|s| left_out(s.name(), "its first bytes are not those of a safetensors file")));
    notes.extend(foreign.iter().map(|(name, f)| left_out(name, &format!("it is {}, not safetensors", f.phrase()))));
    order::by(&mut weights, |a, b| base(a.name()).cmp(base(b.name())));

    let mut index = None;
    let mut index_error = None;
    // The index that names most of the files given counts.
    let mut best: Option<(usize, String, BTreeMap<String, String>)> = None;
    for s in &indexes {
        match read_json(&**s, &mut read).await?.and_then(weight_map) {
            Ok(map) => {
                let named: BTreeSet<&str> = order::gather(map.values().map(|f| base(f)));
                let hits = weights.iter().filter(|w| named.contains(base(w.name()))).count();
                if best.as_ref().is_none_or(|(n, ..)| hits > *n) {
                    if let Some((_, before, _)) = best.replace((hits, s.name().to_string(), map)) {
                        notes.push(left_out(&before, "another index fits the files better"));
                    }
                } else {
                    notes.push(left_out(s.name(), "another index fits the files better"));
                }
            }
            Err(why) => index_error = Some(CheckpointError::Index { file: s.name().into(), why }),
        }
    }
    let alone = weights.len() == 1 && shard_of(base(weights[0].name())).is_none();
    let files = match best {
        // A whole file beside the index of its shards: the shards are not needed.
        Some((0, name, _)) if alone => {
            notes.push(left_out(&name, &format!("it does not name {}", short(weights[0].name()))));
            weights
        }
        Some((_, name, map)) => {
            let files = by_index(weights, &name, &map, &mut notes)?;
            index = Some(map);
            files
        }
        None => match index_error {
            Some(e) if !alone => return Err(e),
            other => {
                notes.extend(other.map(|e| format!("{}: {}", e.what(), e.why())));
                by_names(weights, &given, &mut notes)?
            }
        },
    };

    let mut config = None;
    for s in &configs {
        if config.is_some() {
            notes.push(left_out(s.name(), "another configuration was given before it"));
            continue;
        }
        match read_json(&**s, &mut read).await? {
            Ok(value) => config = Some(value),
            Err(why) => notes.push(left_out(s.name(), &why)),
        }
    }
    Ok(Gathered { files, index, config, notes, read })
}

fn left_out(name: &str, why: &str) -> String {
    format!("{} was left out: {why}.", short(name))
}

fn weight_map(value: Value) -> Result<BTreeMap<String, String>, String> {
    let Some(Value::Object(map)) = value.get("weight_map") else {
        return Err("it has no weight_map of tensor names to file names".into());
    };
    let mut out = BTreeMap::new();
    for (tensor, file) in map {
        let Some(file) = file.as_str().filter(|f| !f.is_empty()) else {
            return Err(format!("the file of tensor {} is not a name", short(tensor)));
        };
        out.insert(tensor.clone(), file.to_string());
    }
    if out.is_empty() { Err("its weight_map is empty".into()) } else { Ok(out) }
}

/// The files that the index names, in the order of their names.
fn by_index(weights: Vec<Rc<dyn ByteSource>>, index: &str, map: &BTreeMap<String, String>, notes: &mut Vec<String>) -> Result<Vec<Rc<dyn ByteSource>>, CheckpointError> {
    let named: BTreeSet<&str> = order::gather(map.values().map(|f| base(f)));
    let mut files: BTreeMap<String, Rc<dyn ByteSource>> = BTreeMap::new();
    for w in weights {
        let name = base(w.name()).to_string();
        if !named.contains(name.as_str()) {
            notes.push(left_out(&name, &format!("{} does not name it", short(index))));
            continue;
        }
        match files.entry(name) {
            Entry::Vacant(place) => {
                place.insert(w);
            }
            Entry::Occupied(place) => notes.push(left_out(place.key(), SAME_NAME)),
        }
    }
    let missing: Vec<String> = named.iter().filter(|n| !files.contains_key(**n)).map(|n| n.to_string()).collect();
    if !missing.is_empty() {
        return Err(CheckpointError::MissingShards { named_by: index.into(), count: missing.len(), missing, of: named.len() });
    }
    Ok(files.into_values().collect())
}

/// Without an index: a set of shards by their names, or one file. Of several the largest is opened, `model.safetensors` before others.
fn by_names(weights: Vec<Rc<dyn ByteSource>>, given: &[String], notes: &mut Vec<String>) -> Result<Vec<Rc<dyn ByteSource>>, CheckpointError> {
    let mut sets: BTreeMap<(String, u32), Vec<Rc<dyn ByteSource>>> = BTreeMap::new();
    for (i, w) in weights.into_iter().enumerate() {
        let name = base(w.name());
        // A file that is no shard is a set by itself; its place keeps two of the same name apart.
        let key = shard_of(name).map_or_else(|| (format!("{name}\0{i}"), 0), |s| (s.stem.to_string(), s.of));
        sets.entry(key).or_default().push(w);
    }
    let size = |set: &Vec<Rc<dyn ByteSource>>| set.iter().fold(0u64, |n, f| n.saturating_add(f.len()));
    let first = |set: &Vec<Rc<dyn ByteSource>>| base(set[0].name()) == "model.safetensors";
    let chosen = sets.iter().max_by(|(a, x), (b, y)| first(x).cmp(&first(y)).then(size(x).cmp(&size(y))).then(b.cmp(a))).map(|(k, _)| k.clone());
    let Some(files) = chosen.and_then(|k| sets.remove(&k)) else {
        return Err(CheckpointError::NothingToOpen { given: given.to_vec() });
    };
    let opened = base(files[0].name());
    for other in sets.values().flatten() {
        notes.push(left_out(other.name(), &format!("it does not belong to {}, which was opened; open it by itself", short(opened))));
    }
    let Some(of) = shard_of(opened).map(|s| s.of) else { return Ok(files) };
    let mut by_number: BTreeMap<u32, Rc<dyn ByteSource>> = BTreeMap::new();
    let (stem, digits) = shard_of(opened).map(|s| (s.stem.to_string(), s.digits)).unwrap_or_default();
    for f in &files {
        let Some(s) = shard_of(base(f.name())) else { continue };
        match by_number.entry(s.number) {
            Entry::Vacant(place) => {
                place.insert(f.clone());
            }
            Entry::Occupied(_) => notes.push(left_out(f.name(), SAME_NAME)),
        }
    }
    let missing = (1..=of).filter(|n| !by_number.contains_key(n));
    let count = missing.clone().count();
    if count > 0 {
        // Names for the message only: a name may claim a million shards.
        let named = missing.take(count.min(1000)).map(|n| format!("{stem}-{n:0digits$}-of-{of:0digits$}.safetensors")).collect();
        return Err(CheckpointError::MissingShards { named_by: opened.into(), missing: named, count, of: of as usize });
    }
    Ok(by_number.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_known_by_their_names() {
        let s = shard_of("model-00002-of-00003.safetensors").unwrap();
        assert_eq!((s.stem, s.number, s.of, s.digits), ("model", 2, 3, 5));
        assert_eq!(shard_of("a-b-1-of-2.safetensors").unwrap().stem, "a-b");
        for no in ["model.safetensors", "model-00004-of-00003.safetensors", "model-0-of-2.safetensors", "model-x-of-2.safetensors", "model-00001-of-00003.bin", "-of-.safetensors"] {
            assert_eq!(shard_of(no), None, "{no}");
        }
        assert_eq!(base("C:\\models\\a.safetensors"), "a.safetensors");
        assert_eq!(base("models/a.safetensors"), "a.safetensors");
    }
}
