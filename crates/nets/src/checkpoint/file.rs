//! Native files, as sources of bytes and as places to write.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::SystemTime;

use super::source::{ByteSource, LocalFuture, SourceError};
use super::sink::{ByteSink, SinkError};

/// A native file, read by ranges. What is read is read at once, on the calling thread.
pub struct FileSource {
    name: String,
    path: PathBuf,
    file: File,
    length: u64,
    /// When it was last written to, as the system told on opening.
    written: Option<SystemTime>,
}

impl FileSource {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// The system's, with the path.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        let path = path.as_ref();
        let fail = |e: &dyn std::fmt::Display| SourceError::new(path.display().to_string(), 0..0, e.to_string());
        let file = File::open(path).map_err(|e| fail(&e))?;
        let meta = file.metadata().map_err(|e| fail(&e))?;
        if meta.is_dir() {
            return Err(fail(&"it is a folder"));
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, path: path.to_path_buf(), file, length: meta.len(), written: meta.modified().ok() })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the file differs from what was opened, in words; `None` where it is the same. A file that was replaced under its name is
    /// still the one that was opened; one that was written to is not.
    fn changed(&self) -> Option<String> {
        let meta = self.file.metadata().ok()?;
        if meta.len() != self.length {
            return Some(format!("it was {} bytes long and is now {}", self.length, meta.len()));
        }
        (self.written.is_some() && meta.modified().ok() != self.written).then(|| "it was written to after it was opened".into())
    }

    fn read_now(&self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        if range.end > self.length || range.start > range.end {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "past the end of the file"));
        }
        let n = usize::try_from(range.end - range.start).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut out = Vec::new();
        out.try_reserve_exact(n).map_err(|_| io::ErrorKind::OutOfMemory)?;
        out.resize(n, 0);
        read_exact_at(&self.file, &mut out, range.start)?;
        Ok(out)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut at: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

impl ByteSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }
    fn len(&self) -> u64 {
        self.length
    }
    fn read(&self, range: Range<u64>) -> LocalFuture<'_, Result<Vec<u8>, SourceError>> {
        let read = self.read_now(&range);
        // Looked at after the read: a change before or during it is seen.
        let out = match (self.changed(), read) {
            (Some(why), _) => Err(SourceError::changed(&self.name, range, why)),
            (None, Ok(bytes)) => Ok(bytes),
            (None, Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => Err(SourceError::new(&self.name, range, "the file was never that long")),
            (None, Err(e)) => Err(SourceError::new(&self.name, range, e.to_string())),
        };
        Box::pin(async move { out })
    }
}

/// The sources of one checkpoint named on a command line: a folder gives its files, a safetensors file or index also its neighbours
/// `config.json` and, for a shard or an index, the files of the same set. Sorted by name; what cannot belong is sorted out by
/// [`Checkpoint::open`](super::Checkpoint::open).
///
/// # Errors
/// The first path that cannot be opened.
pub fn sources_at(paths: &[impl AsRef<Path>]) -> Result<Vec<Rc<dyn ByteSource>>, SourceError> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut add = |p: PathBuf| {
        if !files.contains(&p) {
            files.push(p);
        }
    };
    for path in paths {
        let path = path.as_ref();
        if path.is_dir() {
            neighbours(path, |n| n.ends_with(".safetensors") || n.ends_with(".safetensors.index.json") || n == "config.json")?.into_iter().for_each(&mut add);
            continue;
        }
        add(path.to_path_buf());
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let set = super::gather::shard_of(&name).map(|s| s.stem.to_string()).or_else(|| name.strip_suffix(".safetensors.index.json").map(str::to_string));
        neighbours(folder, |n| {
            n == "config.json"
                || set.as_deref().is_some_and(|stem| super::gather::shard_of(n).is_some_and(|s| s.stem == stem) || n.strip_suffix(".safetensors.index.json") == Some(stem))
        })?
        .into_iter()
        .for_each(&mut add);
    }
    files.into_iter().map(|p| Ok(Rc::new(FileSource::open(p)?) as Rc<dyn ByteSource>)).collect()
}

fn neighbours(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, SourceError> {
    let fail = |e: io::Error| SourceError::new(folder.display().to_string(), 0..0, e.to_string());
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_name().to_str().is_some_and(&wanted) && entry.path().is_file() {
            out.push(entry.path());
        }
    }
    out.sort();
    Ok(out)
}

/// Half-made files of this process.
static PARTIALS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn partials() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    PARTIALS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Removes the half-made files of every [`FileSink`] that is not finished: for a process that is about to end.
pub fn abandon() {
    for partial in partials().drain(..) {
        // That it may be gone already changes nothing.
        let _ = std::fs::remove_file(partial);
    }
}

/// A native file that appears under its name only when it is whole: it is written beside it and renamed at the end, so the file it
/// replaces may be the one being read. Dropped unfinished, it leaves nothing behind.
pub struct FileSink {
    path: PathBuf,
    partial: PathBuf,
    file: Option<File>,
    written: u64,
}

impl FileSink {
    /// Begins a file.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, SinkError> {
        let path = path.as_ref().to_path_buf();
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(|e| SinkError { file: path.display().to_string(), at: 0, why: e.to_string() })?;
        partials().push(partial.clone());
        Ok(Self { path, partial, file: Some(file), written: 0 })
    }

    fn error(&self, e: &io::Error) -> SinkError {
        SinkError { file: self.path.display().to_string(), at: self.written, why: e.to_string() }
    }
}

impl ByteSink for FileSink {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let Some(file) = self.file.as_mut() else {
                return Err(self.error(&io::Error::other("it is finished already")));
            };
            match io::Write::write_all(file, bytes) {
                Ok(()) => {
                    self.written += bytes.len() as u64;
                    Ok(())
                }
                Err(e) => Err(self.error(&e)),
            }
        })
    }

    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let Some(file) = self.file.take() else { return Ok(()) };
            partials().retain(|p| *p != self.partial);
            let done = file.sync_all().and_then(|()| std::fs::rename(&self.partial, &self.path));
            if let Err(e) = done {
                // The half-made file is of no use to anyone; that it may already be gone changes nothing.
                let _ = std::fs::remove_file(&self.partial);
                return Err(self.error(&e));
            }
            Ok(())
        })
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            partials().retain(|p| *p != self.partial);
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}
