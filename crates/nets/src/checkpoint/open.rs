//! Opening a checkpoint: its files, their headers, and what the names in them mean.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::config::Config;
use super::error::{list, short};
use super::family::recognise;
use super::gather::{base, gather};
use super::header::read_header;
use super::role::{Layout, Role};
use super::{ByteSource, Checkpoint, CheckpointError, MemorySource, TensorEntry};

impl Checkpoint {
    /// Opens one checkpoint from files given in any order: safetensors, shards with their index, `config.json`; others are left
    /// out with a note. Reads headers only.
    ///
    /// Shards are paired by the index, or without one by their names (`-00001-of-00003`). Of several checkpoints `model.safetensors`
    /// or else the largest is opened, and a note names the others.
    ///
    /// # Errors
    /// The first thing that makes the whole unusable, as a [`CheckpointError`] that says what to do.
    pub async fn open(sources: Vec<Rc<dyn ByteSource>>) -> Result<Self, CheckpointError> {
        let gathered = gather(sources).await?;
        let mut notes = gathered.notes;
        let mut header_bytes = gathered.read;
        let mut headers = Vec::with_capacity(gathered.files.len());
        let mut metadata = BTreeMap::new();
        let mut tensors = Vec::new();
        for (file, source) in gathered.files.iter().enumerate() {
            let header = read_header(&**source).await?;
            header_bytes += header.read;
            headers.push(0..header.length);
            if file == 0 {
                metadata = header.metadata;
            }
            notes.extend(header.notes);
            tensors.extend(header.tensors.into_iter().map(|t| TensorEntry {
                name: t.name,
                dtype: t.dtype,
                shape: t.shape,
                file,
                range: t.range,
                role: Role::Other,
                block: None,
                expert: None,
                shared: false,
                layout: Layout::Plain,
            }));
        }
        let mut tensors = one_of_each(tensors, &gathered.files, gathered.index.as_ref(), &mut notes)?;
        if tensors.is_empty() {
            notes.push("The checkpoint holds no tensors.".into());
        }
        let settings = match &gathered.config {
            Some(raw) => {
                let (config, doubts) = Config::read(raw);
                notes.extend(doubts);
                config
            }
            None => Config::default(),
        };
        let found = recognise(&mut tensors, &settings);
        notes.extend(found.notes);
        Ok(Self {
            files: gathered.files,
            tensors,
            config: gathered.config,
            settings,
            family: found.family,
            blocks: found.blocks,
            metadata,
            notes,
            header_bytes,
            headers,
        })
    }

    /// Opens one file in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn from_bytes(name: &str, bytes: impl Into<Rc<[u8]>>) -> Result<Self, CheckpointError> {
        Self::open(vec![Rc::new(MemorySource::new(name, bytes))]).await
    }
}

/// Every name once. A tensor in two shards is taken from where the index says; without that it is an error.
fn one_of_each(
    tensors: Vec<TensorEntry>,
    files: &[Rc<dyn ByteSource>],
    index: Option<&BTreeMap<String, String>>,
    notes: &mut Vec<String>,
) -> Result<Vec<TensorEntry>, CheckpointError> {
    let file_name = |t: &TensorEntry| base(files[t.file].name());
    let mut place: HashMap<&str, usize> = HashMap::with_capacity(tensors.len());
    let mut drop = vec![false; tensors.len()];
    let mut twice = Vec::new();
    for (i, t) in tensors.iter().enumerate() {
        let Some(before) = place.insert(&t.name, i) else { continue };
        let said = index.and_then(|m| m.get(&t.name)).map(|f| base(f));
        let loser = match said {
            Some(f) if f == file_name(t) => before,
            Some(f) if f == file_name(&tensors[before]) => i,
            _ => {
                let files = [file_name(&tensors[before]).to_string(), file_name(t).to_string()];
                return Err(CheckpointError::TwoShards { tensor: t.name.clone(), files });
            }
        };
        drop[loser] = true;
        if loser == i {
            place.insert(&t.name, before);
        }
        twice.push(t.name.clone());
    }
    if !twice.is_empty() {
        notes.push(format!("In two shards, taken from the one that the index names: {}.", list(&twice)));
    }
    if let Some(map) = index {
        let absent: Vec<String> = map.keys().filter(|name| !place.contains_key(name.as_str())).cloned().collect();
        if !absent.is_empty() {
            notes.push(format!("The index lists {} tensors that no shard holds: {}.", absent.len(), list(&absent)));
        }
        let unlisted: Vec<String> = tensors.iter().filter(|t| !map.contains_key(&t.name)).map(|t| t.name.clone()).collect();
        if !unlisted.is_empty() {
            notes.push(format!("{} tensors of the shards are not in the index and are taken all the same: {}.", unlisted.len(), list(&unlisted)));
        }
        let strays: Vec<String> = tensors
            .iter()
            .enumerate()
            .filter(|(i, t)| !drop[*i] && map.get(&t.name).is_some_and(|f| base(f) != file_name(t)))
            .map(|(_, t)| t.name.clone())
            .collect();
        if !strays.is_empty() {
            notes.push(format!("The index names another shard for {} than the one that holds it; the tensor is taken from where it is.", short(&list(&strays))));
        }
    }
    let mut dropped = drop.into_iter();
    Ok(tensors.into_iter().filter(|_| !dropped.next().unwrap_or(false)).collect())
}
