//! Sentence embeddings of descriptions: a table of them in a file, and the method that makes them with an open BERT.

use std::collections::{BTreeMap, HashMap};

use espalier_nets::Checkpoint;
use espalier_nets::checkpoint::{ByteSink, Dtype, MemorySink, NoPause, Origin, Output, Plan, WriteError, Writer, codec};
use espalier_nets::models::{Model, sentences};
use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::picture::Urban;
use super::town::PointFile;
use crate::bytes::{F32s, U8s};
use crate::config::decode;
use crate::figures::stat;
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Event, Finding, Report};
use crate::text::named;
use crate::work::Desk;

/// Registry key.
pub const CARD_ID: &str = "sentences";
/// Name of the table that comes with every face: the made city's descriptions by all-MiniLM-L6-v2, `assets/sentences/made-city.safetensors`.
pub const BUNDLED: &str = "all-MiniLM-L6-v2";
/// The table's one tensor, `[texts, width]`.
const TENSOR: &str = "embeddings";
/// Keys of the metadata.
const TEXTS: &str = "espalier.sentences.texts";
const MODEL: &str = "espalier.sentences.model";
/// Sentences that go through the model at once.
const BATCH: usize = 16;

/// What it is.
pub static CARD: Card = Card {
    id: CARD_ID,
    title: "Sentence embeddings",
    authors: "N. Reimers, I. Gurevych",
    year: 2019,
    link: "https://arxiv.org/abs/1908.10084",
    paragraph: "Each sentence goes through a BERT; the mean of the last block's rows, brought to length 1, stands for what the sentence says.",
    needs: "a BERT checkpoint made for sentences (all-MiniLM-L6-v2), its tokenizer, and a text whose documents are the sentences",
    knobs: &[
        Knob { key: "text", label: "Text", help: "Name of the text whose documents are embedded; empty for the first.", unit: "", range: Range::Elsewhere, paper: r#""""# },
        Knob { key: "model", label: "Encoder", help: "What to call the open model in the table.", unit: "", range: Range::Elsewhere, paper: r#""""# },
    ],
};

/// Configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the text, and of the file that holds the sentences themselves as a JSON list, where a table is wanted.
    pub text: String,
    /// What to call the encoder.
    pub model: String,
}

/// What the method found: one row a document, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Embedded {
    /// Name of the text.
    pub text: String,
    /// Numbers a sentence.
    pub width: u32,
    /// `[documents, width]`, of length 1.
    pub rows: F32s,
    /// The sentences, where a file held them.
    pub texts: Vec<String>,
    /// The table as a file; empty without the sentences.
    pub table: U8s,
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, session: &Session, events: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(events);
    let corpus = named(&inputs, &config.text, "text", false)?;
    let model = Model::open(inputs.checkpoint).map_err(|e| MethodError::Inputs(e.to_string()))?;
    let width = model.architecture().hidden;
    let ids: Vec<Vec<u32>> = corpus.documents.iter().map(|d| d.to_vec()).collect();
    let rows = embed(&model, session, &ids, events).await?;
    let summary = format!("{} sentences as rows of {width}.", ids.len());
    let stats = vec![stat("sentences", ids.len() as f64, "", ""), stat("width", width as f64, "", "")];
    let file = inputs.files.iter().find(|f| f.name == corpus.name);
    let texts: Vec<String> = file.and_then(|f| serde_json::from_slice(&f.bytes).ok()).unwrap_or_default();
    let mut sink = MemorySink::default();
    let table = Sentences { model: config.model.clone(), texts, width, rows };
    if table.texts.len() == ids.len() {
        table.write(&BTreeMap::new(), &mut sink).await.map_err(|e| MethodError::Inputs(e.to_string()))?;
    }
    let Sentences { texts, rows, .. } = table;
    desk.finding(Finding::Urban(Box::new(Urban::Sentences(Embedded { text: corpus.name.clone(), width: width as u32, rows: rows.into(), texts, table: sink.bytes.into() }))));
    Ok(Report { method: CARD_ID.into(), config: serde_json::to_value(config).expect("plain data"), summary, stats, figures: Vec::new(), findings: Vec::new(), warnings: desk.warnings() })
}

/// Rows `[sentences, hidden]` of length 1, a few sentences at a time. Sentences longer than the model's context lose their middle: its last token, the end mark, stays.
///
/// # Errors
/// The forward pass's; a cancel.
pub async fn embed(model: &Model<'_>, session: &Session, ids: &[Vec<u32>], sink: &dyn Sink) -> Result<Vec<f32>, MethodError> {
    let context = model.architecture().context.unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(ids.len() * model.architecture().hidden);
    for (i, part) in ids.chunks(BATCH).enumerate() {
        sink.event(Event::Progress { done: (i * BATCH) as f64, total: ids.len() as f64, unit: "sentences".into(), label: String::new() });
        sink.breathe().await?;
        let part: Vec<Vec<u32>> = part.iter().map(|s| if s.len() > context { s[..context - 1].iter().chain(s.last()).copied().collect() } else { s.clone() }).collect();
        let rows = sentences(model, session, &part).await.map_err(|e| MethodError::Inputs(e.to_string()))?;
        out.extend(rows.into_iter().flatten());
    }
    Ok(out)
}

/// Descriptions and their rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentences {
    /// The model that made them.
    pub model: String,
    /// The descriptions, each once.
    pub texts: Vec<String>,
    /// Numbers a row.
    pub width: usize,
    /// `[texts, width]`.
    pub rows: Vec<f32>,
}

impl Sentences {
    /// Reads a table, as [`write`](Self::write) writes it.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] for a file that is none; the checkpoint's own.
    pub async fn read(file: &PointFile) -> Result<Self, MethodError> {
        let checkpoint = Checkpoint::from_bytes(&file.name, file.bytes.to_vec()).await?;
        let none = |why: &str| MethodError::Inputs(format!("{} is no table of sentence embeddings: {why}; make one with `espalier city embed`", file.name));
        let texts: Vec<String> = checkpoint.metadata.get(TEXTS).and_then(|t| serde_json::from_str(t).ok()).ok_or_else(|| none("its metadata lists no texts"))?;
        let at = checkpoint.tensors.iter().position(|t| t.name == TENSOR).ok_or_else(|| none("it has no tensor `embeddings`"))?;
        let rows = checkpoint.read_f32(at).await?;
        let width = rows.len() / texts.len().max(1);
        if width == 0 || rows.len() != texts.len() * width || rows.iter().any(|v| !v.is_finite()) {
            return Err(none("it does not hold one row of finite numbers a text"));
        }
        Ok(Self { model: checkpoint.metadata.get(MODEL).cloned().unwrap_or_default(), texts, width, rows })
    }

    /// Writes it as safetensors of 16-bit floats. `about` is added to the metadata.
    ///
    /// # Errors
    /// The sink's.
    pub async fn write(&self, about: &BTreeMap<String, String>, sink: &mut dyn ByteSink) -> Result<u64, WriteError> {
        let mut metadata = about.clone();
        metadata.insert(MODEL.into(), self.model.clone());
        metadata.insert(TEXTS.into(), serde_json::to_string(&self.texts).expect("plain data"));
        let output = Output { name: TENSOR.into(), dtype: Dtype::F16, shape: vec![self.texts.len() as u64, self.width as u64], origin: Origin::Produced };
        let plan = Plan::new(vec![output], &metadata)?;
        let mut writer = Writer::begin(&plan, sink, &NoPause).await?;
        writer.put(&codec::encode(Dtype::F16, &self.rows).map(|e| e.bytes).unwrap_or_default()).await?;
        writer.finish().await
    }

    /// The rows of these texts, behind one another.
    ///
    /// # Errors
    /// [`MethodError::Inputs`] with the first text that it has not.
    pub fn of(&self, texts: &[String]) -> Result<Vec<f32>, MethodError> {
        let known: HashMap<&str, usize> = self.texts.iter().enumerate().map(|(i, t)| (t.as_str(), i)).collect();
        let mut out = Vec::with_capacity(texts.len() * self.width);
        for text in texts {
            let i = known.get(text.as_str()).ok_or_else(|| MethodError::Inputs(format!("the sentence embeddings ({}) have no row for “{text}”; embed these descriptions with the model, or take the built-in letter groups", self.model)))?;
            out.extend(&self.rows[i * self.width..][..self.width]);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pollster::block_on;

    #[test]
    fn a_table_comes_back_and_names_what_it_has_not() {
        let table = Sentences { model: "m".into(), texts: vec!["a “b”".into(), "c".into()], width: 2, rows: vec![0.5, -1.0, 0.25, 0.0] };
        let mut sink = MemorySink::default();
        block_on(table.write(&BTreeMap::from([("licence".to_owned(), "x".to_owned())]), &mut sink)).unwrap();
        let file = PointFile { name: "t".into(), bytes: sink.bytes.into() };
        assert_eq!(block_on(Sentences::read(&file)).unwrap(), table);
        assert_eq!(table.of(&["c".into(), "a “b”".into()]).unwrap(), [0.25, 0.0, 0.5, -1.0]);
        assert!(table.of(&["d".into()]).unwrap_err().to_string().contains('d'));
        let other = PointFile { name: "mine.csv".into(), bytes: b"x,y\n".to_vec().into() };
        assert!(block_on(Sentences::read(&other)).is_err());
    }
}
