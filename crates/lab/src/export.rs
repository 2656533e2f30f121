//! Writing an edited copy of the open checkpoint, one tensor after another.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use espalier_methods::kept::Kept;
use espalier_methods::magnitude;
use espalier_methods::method::{Inputs, LocalFuture, Sink};
use espalier_methods::report::Event;
use espalier_nets::checkpoint::codec::{encode, zero_where};
use espalier_nets::checkpoint::writer::Writer;
use espalier_nets::checkpoint::{ByteSink, CheckpointError, Dtype, MatrixRef, Origin, Output, Pace, Plan, SinkError, Stopped};
use espalier_tensor::Session;

use espalier_methods::edit::{Edit, Edited, apply, factor_names, factor_shapes, slice_name};
use crate::engine::{End, Open, chosen};
use crate::export_kept;
use crate::export_pruned::Pruner;
use crate::export_thin::{self, Stack};
use crate::host::Host;
use crate::jobs::JobSink;
use crate::protocol::{Edits, Fault};

/// Progress is told at most this often (milliseconds).
const TELL_MS: f64 = 50.0;

/// What an export did.
pub(crate) struct Done {
    pub bytes: u64,
    pub changed: u32,
}

/// How one tensor of the copy comes to be.
pub(crate) enum Make {
    /// The tensor as it is, but for these matrices of it.
    Rewritten { tensor: usize, edits: Vec<(MatrixRef, Edit)> },
    /// One factor of a matrix.
    Factor { matrix: MatrixRef, rank: u32, left: bool },
    /// One slice of a tensor that is split because another slice is factored.
    Slice { matrix: MatrixRef },
    /// Parts of several matrices, stacked.
    Stacked(Stack),
    /// What a calibrated pruning left of these matrices, or their masks.
    Kept { tensor: usize, matrices: Vec<MatrixRef>, masks: bool },
    /// What pruning leaves of it, as ones.
    Mask { tensor: usize, edits: Vec<(MatrixRef, Edit)> },
}

/// What the edits are called in a file's name.
pub(crate) fn word(edits: &Edits) -> &'static str {
    describe(edits).0
}

/// Where an export is to go.
pub(crate) struct Place {
    pub host: Rc<dyn Host>,
    pub job: u32,
    pub name: String,
}

/// The host's sink, asked for when the first bytes come: what fails before leaves no file behind.
pub(crate) struct Late {
    place: Place,
    sink: Option<Box<dyn ByteSink>>,
}

impl Late {
    pub fn new(place: Place) -> Self {
        Self { place, sink: None }
    }

    fn sink(&mut self) -> Result<&mut Box<dyn ByteSink>, SinkError> {
        if self.sink.is_none() {
            self.sink = Some(self.place.host.sink(self.place.job, &self.place.name)?);
        }
        self.sink.as_mut().ok_or_else(|| SinkError { file: self.place.name.clone(), at: 0, why: "it was not opened".into() })
    }
}

impl ByteSink for Late {
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, Result<(), SinkError>> {
        Box::pin(async move { self.sink()?.write(bytes).await })
    }
    fn finish(&mut self) -> LocalFuture<'_, Result<(), SinkError>> {
        Box::pin(async move { self.sink()?.finish().await })
    }
}

/// Writes the copy into a sink.
#[expect(clippy::too_many_arguments, reason = "what to write, from where, and whom to tell")]
pub(crate) async fn export(
    open: &Open,
    edits: &Edits,
    provenance: Vec<(String, String)>,
    session: &Session,
    host: &dyn Host,
    sink: &JobSink,
    file: &mut dyn ByteSink,
    kept: Option<Rc<Kept>>,
) -> Result<Done, End> {
    let (outputs, makes) = match (edits, &kept) {
        (Edits::Thin { plan }, _) => export_thin::outputs(open, plan)?,
        (Edits::Calibrated { masks, .. }, Some(kept)) => export_kept::outputs(open, kept, *masks)?,
        (Edits::Masks { .. }, _) => masks(open, resolve(open, edits, session, sink).await?)?,
        _ => outputs(open, resolve(open, edits, session, sink).await?)?,
    };
    let metadata = metadata(open, edits, provenance);
    let plan = Plan::new(outputs, &metadata)?;
    let maker = Maker { open, session, sink, kept, pairs: RefCell::default() };
    let pruner = Pruner { open, session, sink };
    let label = RefCell::new(String::new());
    let pace = Told { host, sink, label: &label, told: Cell::new(f64::NEG_INFINITY) };
    let mut writer = Writer::begin(&plan, file, &pace).await?;
    for output in plan.outputs() {
        label.replace(output.name.clone());
        match (output.origin, makes.get(&output.name)) {
            (Origin::Copied(tensor), _) => writer.copy(&open.checkpoint, tensor).await?,
            (Origin::Produced, Some(make)) => match pruner.takes(make) {
                Some((tensor, edits, masks)) => pruner.put(tensor, &edits, masks, &mut writer).await?,
                None => {
                    let bytes = maker.bytes(output, make).await?;
                    writer.put_whole(output, &bytes).await?;
                }
            },
            (Origin::Produced, None) => return Err(Fault::no_matrix(&output.name).into()),
        }
    }
    let bytes = writer.finish().await?;
    let changed = makes.values().filter(|m| !matches!(m, Make::Slice { .. } | Make::Factor { left: false, .. })).count();
    Ok(Done { bytes, changed: u32::try_from(changed).unwrap_or(u32::MAX) })
}

/// One edit a matrix, in the checkpoint's order.
async fn resolve(open: &Open, edits: &Edits, session: &Session, sink: &JobSink) -> Result<Vec<(MatrixRef, Edit)>, End> {
    match edits {
        Edits::Rank { ranks, factors } => {
            let by_label: HashMap<&str, u32> = ranks.iter().map(|(n, r)| (n.as_str(), *r)).collect();
            let known: HashMap<String, &MatrixRef> = open.matrices.iter().map(|m| (m.label(), m)).collect();
            for (name, rank) in ranks {
                let matrix = known.get(name).ok_or_else(|| Fault::no_matrix(name))?;
                let full = matrix.shape[0].min(matrix.shape[1]);
                if *rank == 0 || u64::from(*rank) > full {
                    return Err(Fault::no_rank(name, *rank, full).into());
                }
            }
            let edit = |rank: u32| if *factors { Edit::Factor { rank } } else { Edit::Truncate { rank } };
            Ok(open.matrices.iter().filter_map(|m| Some((m.clone(), edit(*by_label.get(m.label().as_str())?)))).collect())
        }
        // Whole tensors come and go: there is no edit of single matrices.
        Edits::Thin { .. } => Ok(Vec::new()),
        // The engine has what it left, or has said why not.
        Edits::Calibrated { method, .. } => Err(Fault::nothing_kept(method).into()),
        Edits::Magnitude { config, matrices } | Edits::Masks { config, matrices } => {
            let config = espalier_methods::config::decode::<magnitude::Config>(&magnitude::CARD, config.clone())?;
            let matrices = chosen(&open.matrices, matrices.as_deref())?;
            let inputs = Inputs { checkpoint: &open.checkpoint, matrices, known: Vec::new(), seed: 0, texts: Vec::new(), kept: Default::default(), files: Vec::new() };
            let picks = magnitude::plan(&config, &inputs, session, sink).await?;
            Ok(picks.into_iter().map(|p| (p.matrix, Edit::Prune(p.selection))).collect())
        }
    }
}

/// The tensors of the copy, and how those that are not copied come to be, by name.
fn outputs(open: &Open, edits: Vec<(MatrixRef, Edit)>) -> Result<(Vec<Output>, HashMap<String, Make>), End> {
    let mut by_tensor: BTreeMap<usize, Vec<(MatrixRef, Edit)>> = BTreeMap::new();
    for (matrix, edit) in edits {
        by_tensor.entry(matrix.tensor).or_default().push((matrix, edit));
    }
    let mut outputs = Vec::new();
    let mut makes = HashMap::new();
    for (tensor, entry) in open.checkpoint.tensors.iter().enumerate() {
        let Some(edits) = by_tensor.remove(&tensor) else {
            outputs.extend(Output::copied(&open.checkpoint, tensor));
            continue;
        };
        if !entry.dtype.is_writable() {
            return Err(Fault::from(&CheckpointError::NotDecoded { tensor: entry.name.clone(), dtype: entry.dtype }).into());
        }
        let mut made = |name: String, shape: Vec<u64>, make: Make| {
            outputs.push(Output { name: name.clone(), dtype: entry.dtype, shape, origin: Origin::Produced });
            makes.insert(name, make);
        };
        let factored = |e: &Edit| matches!(e, Edit::Factor { .. });
        if !edits.iter().any(|(_, e)| factored(e)) {
            made(entry.name.clone(), entry.shape.clone(), Make::Rewritten { tensor, edits });
            continue;
        }
        // A tensor that holds several matrices is split as soon as one of them is factored.
        let ranks: HashMap<Option<u32>, u32> =
            edits.iter().filter_map(|(m, e)| if let Edit::Factor { rank } = e { Some((m.slice, *rank)) } else { None }).collect();
        for matrix in open.matrices.iter().filter(|m| m.tensor == tensor) {
            match ranks.get(&matrix.slice) {
                Some(&rank) => {
                    let (u, v) = factor_names(matrix);
                    let (u_shape, v_shape) = factor_shapes(matrix, entry, rank);
                    made(u, u_shape, Make::Factor { matrix: matrix.clone(), rank, left: true });
                    made(v, v_shape, Make::Factor { matrix: matrix.clone(), rank, left: false });
                }
                None => made(slice_name(matrix), matrix.shape.to_vec(), Make::Slice { matrix: matrix.clone() }),
            }
        }
    }
    Ok((outputs, makes))
}

/// The masks of pruned tensors, and nothing else.
fn masks(open: &Open, edits: Vec<(MatrixRef, Edit)>) -> Result<(Vec<Output>, HashMap<String, Make>), End> {
    let mut by_tensor: BTreeMap<usize, Vec<(MatrixRef, Edit)>> = BTreeMap::new();
    for (matrix, edit) in edits {
        by_tensor.entry(matrix.tensor).or_default().push((matrix, edit));
    }
    let mut outputs = Vec::new();
    let mut makes = HashMap::new();
    for (tensor, edits) in by_tensor {
        let entry = open.checkpoint.entry(tensor)?;
        outputs.push(Output { name: entry.name.clone(), dtype: Dtype::U8, shape: entry.shape.clone(), origin: Origin::Produced });
        makes.insert(entry.name.clone(), Make::Mask { tensor, edits });
    }
    Ok((outputs, makes))
}

/// Makes the bytes of edited tensors.
struct Maker<'a> {
    open: &'a Open,
    session: &'a Session,
    sink: &'a JobSink,
    kept: Option<Rc<Kept>>,
    /// Second factors of pairs whose first is written; its turn comes next.
    pairs: RefCell<HashMap<String, Vec<f32>>>,
}

impl Maker<'_> {
    async fn bytes(&self, output: &Output, make: &Make) -> Result<Vec<u8>, End> {
        self.sink.breathe().await?;
        let checkpoint = &self.open.checkpoint;
        match make {
            Make::Rewritten { tensor, edits } => {
                let mut bytes = checkpoint.read_bytes(*tensor, 0..checkpoint.entry(*tensor)?.bytes()).await?;
                let width = (output.dtype.bits() / 8) as usize;
                for (matrix, edit) in edits {
                    let elements = checkpoint.elements_of(matrix)?;
                    let part = &mut bytes[elements.start as usize * width..elements.end as usize * width];
                    self.rewrite(matrix, *edit, output.dtype, part).await?;
                }
                Ok(bytes)
            }
            Make::Factor { matrix, rank, left } => {
                let kept = self.pairs.borrow_mut().remove(&output.name);
                let values = match kept {
                    Some(values) => values,
                    None => self.factor(matrix, *rank, *left).await?,
                };
                self.encoded(output, &values)
            }
            Make::Mask { tensor, edits } => {
                let mut kept = vec![1u8; usize::try_from(checkpoint.entry(*tensor)?.elements()).unwrap_or(usize::MAX)];
                for (matrix, edit) in edits {
                    let values = checkpoint.read_matrix(matrix).await?;
                    if values.iter().any(|v| !v.is_finite()) {
                        continue;
                    }
                    let Edited::Pruned { mask, .. } = apply(*edit, values, self.session).await? else { continue };
                    let part = checkpoint.elements_of(matrix)?;
                    let mask = matrix.to_file_order(&mask);
                    kept[part.start as usize..part.end as usize].iter_mut().zip(mask).for_each(|(k, m)| *k = u8::from(m == 0));
                }
                Ok(kept)
            }
            Make::Stacked(stack) => export_thin::bytes(self.open, output, stack).await,
            Make::Kept { tensor, matrices, masks } => match &self.kept {
                Some(kept) => export_kept::bytes(self.open, kept, *tensor, matrices, *masks, |n, d, v| self.encode(n, d, v)).await,
                None => Err(Fault::nothing_kept("the pruning").into()),
            },
            Make::Slice { matrix } => {
                let values = checkpoint.read_matrix(matrix).await?;
                self.encoded(output, values.as_standard_layout().as_slice().unwrap_or_default())
            }
        }
    }

    /// Changes the bytes of one matrix where they lie.
    async fn rewrite(&self, matrix: &MatrixRef, edit: Edit, dtype: Dtype, bytes: &mut [u8]) -> Result<(), End> {
        let values = self.open.checkpoint.read_matrix(matrix).await?;
        let bad = values.iter().filter(|v| !v.is_finite()).count();
        if bad > 0 {
            self.sink.event(Event::Warning(not_finite(matrix, bad as u64)));
            return Ok(());
        }
        match apply(edit, values, self.session).await? {
            // Weights that stay keep their very bits.
            Edited::Pruned { mask, .. } => {
                let mask = matrix.to_file_order(&mask);
                if !zero_where(dtype, bytes, |i| mask[i] != 0) {
                    return Err(Fault::from(&CheckpointError::NotDecoded { tensor: matrix.name.clone(), dtype }).into());
                }
            }
            Edited::Dense(dense) => {
                let values = matrix.to_file_order(dense.as_standard_layout().as_slice().unwrap_or_default());
                let made = self.encode(&matrix.label(), dtype, &values)?;
                bytes.copy_from_slice(&made);
            }
            Edited::Factors { .. } => return Err(Fault::no_matrix(&matrix.label()).into()),
        }
        Ok(())
    }

    /// One factor; the other one is kept for its turn.
    async fn factor(&self, matrix: &MatrixRef, rank: u32, left: bool) -> Result<Vec<f32>, End> {
        let values = self.open.checkpoint.read_matrix(matrix).await?;
        let Edited::Factors { u, v } = apply(Edit::Factor { rank }, values, self.session).await? else {
            return Err(Fault::no_matrix(&matrix.label()).into());
        };
        let flat = |a: ndarray::Array2<f32>| a.as_standard_layout().iter().copied().collect::<Vec<f32>>();
        let (u_name, v_name) = factor_names(matrix);
        let (mine, other, name) = if left { (u, v, v_name) } else { (v, u, u_name) };
        self.pairs.borrow_mut().insert(name, flat(other));
        Ok(flat(mine))
    }

    fn encoded(&self, output: &Output, values: &[f32]) -> Result<Vec<u8>, End> {
        self.encode(&output.name, output.dtype, values)
    }

    fn encode(&self, name: &str, dtype: Dtype, values: &[f32]) -> Result<Vec<u8>, End> {
        let made = encode(dtype, values).ok_or_else(|| Fault::from(&CheckpointError::NotDecoded { tensor: name.into(), dtype }))?;
        if made.overflowed > 0 {
            self.sink.event(Event::Warning(format!("{} values of {name} do not fit {dtype} and became its largest or infinite", made.overflowed)));
        }
        Ok(made.bytes)
    }
}

/// Why a matrix stayed as it is.
pub(crate) fn not_finite(matrix: &MatrixRef, count: u64) -> String {
    format!("{} holds {count} NaN or infinite values and was copied as it is", matrix.label())
}

/// Tells progress in bytes and breathes.
struct Told<'a> {
    host: &'a dyn Host,
    sink: &'a JobSink,
    label: &'a RefCell<String>,
    told: Cell<f64>,
}

impl Pace for Told<'_> {
    fn pace(&self, done: u64, total: u64) -> LocalFuture<'_, Result<(), Stopped>> {
        Box::pin(async move {
            let now = self.host.now_ms();
            if done == total || now - self.told.get() >= TELL_MS {
                self.told.set(now);
                let label = self.label.borrow().clone();
                self.sink.event(Event::Progress { done: done as f64, total: total as f64, unit: "bytes".into(), label });
            }
            self.sink.breathe().await.map_err(|_| Stopped)
        })
    }
}

fn describe(edits: &Edits) -> (&'static str, serde_json::Value) {
    match edits {
        Edits::Rank { ranks, factors } => {
            let ranks: BTreeMap<&str, u32> = ranks.iter().map(|(n, r)| (n.as_str(), *r)).collect();
            (if *factors { "factored" } else { "low-rank" }, serde_json::json!({ "method": "welore", "form": if *factors { "factors" } else { "dense" }, "ranks": ranks }))
        }
        Edits::Thin { plan } => ("condensed", serde_json::json!({ "method": "condense", "plan": plan })),
        Edits::Masks { config, matrices } => ("masks", serde_json::json!({ "method": "magnitude", "form": "masks, 1 = kept", "config": config, "matrices": matrices })),
        Edits::Calibrated { method, config, matrices, seed, masks } => {
            let word = match (masks, method.as_str()) {
                (true, _) => "masks",
                (false, "wanda") => "wanda",
                (false, "sparsegpt") => "sparsegpt",
                (false, "owl") => "owl",
                (false, _) => "pruned",
            };
            (word, serde_json::json!({ "method": method, "form": if *masks { "masks, 1 = kept" } else { "pruned" }, "config": config, "matrices": matrices, "seed": seed.to_string() }))
        }
        Edits::Magnitude { config, matrices } => ("pruned", serde_json::json!({ "method": "magnitude", "config": config, "matrices": matrices })),
    }
}

/// The line that says which checkpoint a copy was made of; a record that is done again gives the name of then.
pub(crate) const SOURCE: &str = "espalier.source";

/// The source's own lines, and where the copy comes from.
fn metadata(open: &Open, edits: &Edits, provenance: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut out = open.checkpoint.metadata.clone();
    out.entry("format".into()).or_insert_with(|| "pt".into());
    let source = provenance.iter().rev().find(|(key, _)| key == SOURCE).map_or_else(|| open.name.clone(), |(_, name)| name.clone());
    out.extend(provenance);
    out.insert("espalier.version".into(), env!("CARGO_PKG_VERSION").into());
    out.insert("espalier.edit".into(), describe(edits).1.to_string());
    out.insert(SOURCE.into(), source);
    out.insert("espalier.source_header_sha256".into(), open.header_hash.clone());
    out
}
