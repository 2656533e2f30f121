//! From an address to the files of one checkpoint: the file itself, the shards beside it, or whatever its repository or folder holds.

use std::collections::BTreeSet;
use std::rc::Rc;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::address::{self, Address};
use super::client::Client;
use super::fault::{Fault, Problem};
use super::fetch::Fetch;
use super::source::{FIRST, Place, RemoteSource, Told};
use crate::checkpoint::gather::{base, shard_of};
use crate::checkpoint::{ByteSource, MemorySource, SourceError};

/// Bytes of the first request of each shard: their headers are small, and there are many.
const FIRST_OF_SHARD: u64 = 64 << 10;
/// Shards asked for at once.
const AT_ONCE: usize = 6;
/// Most shards that an index may name.
const MOST_SHARDS: usize = 2000;
/// Longest configuration, index or listing.
const TEXT: u64 = 32 << 20;

/// The files of a checkpoint on a server.
pub struct Found {
    /// For [`Checkpoint::open`](crate::Checkpoint::open).
    pub sources: Vec<Rc<dyn ByteSource>>,
    /// Name for people.
    pub name: String,
    /// What a link to it says.
    pub address: String,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// Finds the files under an address and learns their lengths: for a single file two requests (its first bytes, and `config.json`), for a sharded
/// one those of the index and one a shard.
///
/// # Errors
/// What the network or the server said, or that there is nothing to open, as a [`SourceError`] with its own message.
pub async fn find(fetch: Rc<dyn Fetch>, address: &Address, told: Told) -> Result<Found, SourceError> {
    let (host, hub) = match address {
        Address::Hub { endpoint, .. } => (address::host(endpoint), true),
        Address::Url(url) => (address::host(url), false),
    };
    let search = Search { client: Client { fetch, host: host.to_owned(), hub }, address, told, name: address.name(), text: address.text() };
    let path = match address {
        Address::Hub { path, .. } => path.clone(),
        Address::Url(url) => {
            let path = url.split(['?', '#']).next().unwrap_or(url);
            if path.ends_with('/') { String::new() } else { base(path).to_owned() }
        }
    };
    let mut found = if path.ends_with(".safetensors.index.json") || path.ends_with(".index.json") {
        search.index(&path).await?
    } else if shard_of(base(&path)).is_some() {
        search.shard(&path).await?
    } else if path.rsplit('/').next().is_some_and(|f| f.contains('.')) && !matches!(address, Address::Hub { .. } if path.is_empty()) {
        search.single(&path).await?
    } else {
        search.folder(&path).await?
    };
    found.name = crate::checkpoint::gather::people_name(&found.name);
    Ok(found)
}

struct Search<'a> {
    client: Client,
    address: &'a Address,
    told: Told,
    name: String,
    text: String,
}

impl Search<'_> {
    fn found(&self, sources: Vec<Rc<dyn ByteSource>>, notes: Vec<String>) -> Found {
        Found { sources, name: self.name.clone(), address: self.text.clone(), notes }
    }

    /// The address of the given file keeps its query (a signature); those beside it have none.
    fn url(&self, path: &str) -> String {
        match self.address {
            Address::Url(url) if base(url.split(['?', '#']).next().unwrap_or(url)) == path => url.clone(),
            _ => self.address.file(path),
        }
    }

    async fn source(&self, path: &str, first: u64) -> Result<RemoteSource, SourceError> {
        let place = Place { name: base(path).to_owned(), url: self.url(path), address: Some(self.text.clone()) };
        RemoteSource::open_at(self.client.clone(), place, first, self.told.clone()).await
    }

    /// `config.json` beside a file; that there is none is no failure, and neither is one that cannot be had.
    async fn config(&self, path: &str) -> (Option<Rc<dyn ByteSource>>, Option<String>) {
        let place = beside(path, "config.json");
        match self.client.text(&self.url(&place), TEXT).await {
            Ok(bytes) => (Some(Rc::new(MemorySource::new("config.json", bytes)) as Rc<dyn ByteSource>), None),
            Err(Fault { problem: Problem::NotFound, .. }) => (None, None),
            Err(fault) => (None, Some(format!("config.json was left out: {}.", fault.what("it").trim_end_matches('.')))),
        }
    }

    async fn single(&self, path: &str) -> Result<Found, SourceError> {
        let (file, (config, note)) = futures::join!(self.source(path, FIRST), self.config(path));
        let file: Rc<dyn ByteSource> = Rc::new(file?);
        Ok(self.found(std::iter::once(file).chain(config).collect(), note.into_iter().collect()))
    }

    /// One shard of a set: the index beside it, or without one the others by their names.
    async fn shard(&self, path: &str) -> Result<Found, SourceError> {
        let Some(shard) = shard_of(base(path)) else { return self.single(path).await };
        match self.index(&beside(path, &format!("{}.safetensors.index.json", shard.stem))).await {
            Err(e) if is_not_found(&e) => {}
            other => return other,
        }
        let names: Vec<String> = (1..=shard.of).take(MOST_SHARDS).map(|n| beside(path, &shard.sibling(n))).collect();
        self.shards(path, names, Vec::new()).await
    }

    async fn index(&self, path: &str) -> Result<Found, SourceError> {
        let fail = |fault| SourceError::remote(base(path), 0..0, fault);
        let bytes = self.client.text(&self.url(path), TEXT).await.map_err(fail)?;
        let bad = |why: String| fail(self.client.fault(Problem::Index { why }));
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| bad(format!("It is not valid JSON: {e}.")))?;
        let map = value.get("weight_map").and_then(Value::as_object).ok_or_else(|| bad("It has no weight_map of tensor names to file names.".into()))?;
        let mut names = BTreeSet::new();
        for file in map.values() {
            let file = file.as_str().filter(|f| !f.is_empty()).ok_or_else(|| bad("The file of a tensor is not a name.".into()))?;
            address::inside(file).map_err(bad)?;
            names.insert(beside(path, file));
        }
        if names.is_empty() || names.len() > MOST_SHARDS {
            return Err(bad(format!("It names {} files.", names.len())));
        }
        let index: Rc<dyn ByteSource> = Rc::new(MemorySource::new(base(path), bytes));
        self.shards(path, names.into_iter().collect(), vec![index]).await
    }

    async fn shards(&self, path: &str, names: Vec<String>, mut sources: Vec<Rc<dyn ByteSource>>) -> Result<Found, SourceError> {
        let open = stream::iter(names.iter()).map(|name| self.source(name, FIRST_OF_SHARD)).buffered(AT_ONCE).try_collect::<Vec<_>>();
        let (shards, (config, note)) = futures::join!(open, self.config(path));
        sources.extend(shards?.into_iter().map(|s| Rc::new(s) as Rc<dyn ByteSource>));
        sources.extend(config);
        Ok(self.found(sources, note.into_iter().collect()))
    }

    /// What a folder holds: `model.safetensors`, else its shards by their index, else what a listing names.
    async fn folder(&self, folder: &str) -> Result<Found, SourceError> {
        let join = |file: &str| if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        match self.single(&join("model.safetensors")).await {
            Err(e) if is_not_found(&e) => {}
            other => return other,
        }
        match self.index(&join("model.safetensors.index.json")).await {
            Err(e) if is_not_found(&e) => {}
            other => return other,
        }
        let files = self.listing(folder).await.map_err(|f| SourceError::remote(&self.name, 0..0, f))?;
        let index = files.iter().find(|(f, _)| f.ends_with(".safetensors.index.json"));
        let largest = files.iter().filter(|(f, _)| f.ends_with(".safetensors")).max_by_key(|(_, size)| *size);
        match (index, largest) {
            (Some((file, _)), _) => self.index(file).await,
            (None, Some((file, _))) if shard_of(base(file)).is_some() => self.shard(file).await,
            (None, Some((file, _))) => {
                let others = files.iter().filter(|(f, _)| f.ends_with(".safetensors") && f != file).count();
                let mut found = self.single(file).await?;
                if others > 0 {
                    found.notes.push(format!("{others} more safetensors files lie in that folder; {} is the largest.", base(file)));
                }
                Ok(found)
            }
            (None, None) => {
                let files = files.into_iter().map(|(f, _)| base(&f).to_owned()).collect();
                Err(SourceError::remote(&self.name, 0..0, self.client.fault(Problem::NothingThere { files })))
            }
        }
    }

    /// Files of a folder of the Hub with their sizes; other servers are not asked.
    async fn listing(&self, folder: &str) -> Result<Vec<(String, u64)>, Fault> {
        let Address::Hub { endpoint, repo, revision, .. } = self.address else { return Ok(Vec::new()) };
        let url = format!("{endpoint}/api/models/{repo}/tree/{}{}{folder}", revision.replace('/', "%2F"), if folder.is_empty() { "" } else { "/" });
        let bytes = self.client.text(&url, TEXT).await?;
        let list: Value = serde_json::from_slice(&bytes).map_err(|e| self.client.fault(Problem::Index { why: format!("The listing is not valid JSON: {e}.") }))?;
        let files = list.as_array().into_iter().flatten().filter(|f| f["type"] == "file");
        Ok(files.filter_map(|f| Some((f["path"].as_str().filter(|p| address::inside(p).is_ok())?.to_owned(), f["size"].as_u64().unwrap_or(0)))).collect())
    }
}

fn is_not_found(e: &SourceError) -> bool {
    matches!(&e.cause, crate::checkpoint::Cause::Remote(f) if f.problem == Problem::NotFound)
}

/// The path of `file` in the folder of `path`.
fn beside(path: &str, file: &str) -> String {
    path.rfind('/').map_or_else(|| file.to_owned(), |i| format!("{}{file}", &path[..=i]))
}
