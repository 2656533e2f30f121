//! What can be typed.

use std::path::PathBuf;

pub use crate::args_prune::{Calibrated, Chooser, Prune, Texts};
use clap::{Args, Parser, Subcommand, ValueEnum};
use espalier_lab::protocol::DeviceChoice;

/// Looks inside model checkpoints: tensors, singular-value spectra, ranks, magnitude pruning.
#[derive(Debug, Parser)]
#[command(name = "espalier", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the tensors of a checkpoint; with --tensor the statistics of some.
    Inspect(Inspect),
    /// Singular values of every matrix and what they say.
    Spectra(Spectra),
    /// Chooses a rank for every matrix (WeLore) and writes the smaller checkpoint.
    Rank(Rank),
    /// Removes the smallest weights and writes the sparse checkpoint.
    Prune(Prune),
    /// Compares two checkpoints, tensor by tensor.
    Diff(Diff),
    /// Does a run record again and checks that the same comes out.
    Replay(Replay),
    /// Perplexity of a language model on a text.
    #[command(visible_alias = "eval")]
    Perplexity(Calibrated),
    /// Goes on with a text.
    Generate(Generate),
    /// Prunes by magnitude times input norm (Wanda), with perplexity before and after.
    Wanda(Calibrated),
    /// Prunes with an update of what stays (SparseGPT), with perplexity before and after.
    Sparsegpt(Calibrated),
    /// Prunes blocks by their outliers (OWL), with perplexity before and after.
    Owl(Calibrated),
    /// Prunes one part at a time and measures what it costs.
    Sensitivity(Calibrated),
    /// Shows which experts of a mixture a text wakes, and what two texts wake differently.
    Experts(ExpertsArgs),
    /// Turns sparse layers of a mixture of experts into small dense ones (Condense-MoE), measures them and writes the smaller checkpoint.
    Condense(CondenseArgs),
    /// Takes away experts, layers or blocks by hand, measures what is left and writes it.
    Thin(ThinArgs),
    /// Prunes after reading one text after another and judges each on all of them, with several seeds.
    CalibrateStudy(Calibrated),
    /// Compares magnitude, Wanda and SparseGPT, alone and with OWL, at the same number of removed weights and with several seeds.
    Rules(Calibrated),
    /// Trains location embeddings of a city from described points (CaLLiPer), probes them, exports them.
    #[command(subcommand)]
    City(CityCommand),
    /// Lists the methods and their settings.
    Methods {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What every command over a checkpoint takes.
#[derive(Debug, Args)]
pub struct Common {
    /// A .safetensors file, shards and their index, or a model's folder.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// What commands that run a method take.
#[derive(Debug, Args)]
pub struct Run {
    /// Only this matrix (may be given several times; slices of fused experts as NAME#3).
    #[arg(long = "matrix", value_name = "NAME")]
    pub matrices: Vec<String>,
    /// Seed of all randomness.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write the record of what was done here (JSON), for `espalier replay`.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// `espalier diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The checkpoint that is compared with.
    pub first: PathBuf,
    /// The checkpoint that is compared.
    pub second: PathBuf,
    /// Compare the singular values of this matrix too (may be given several times); they come with --json.
    #[arg(long = "spectrum", value_name = "NAME")]
    pub spectra: Vec<String>,
    /// List tensors that are the same, too.
    #[arg(long)]
    pub all: bool,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `espalier replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The record.
    pub record: PathBuf,
    /// The checkpoints that it was made with: a file, an index or a folder each.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A text that it was made with (may be given several times); the tokenizer is taken from beside the checkpoint.
    #[arg(long, value_name = "FILE")]
    pub text: Vec<PathBuf>,
    /// A file of points, labelled places or sentence embeddings that it was made with (may be given several times).
    #[arg(long, value_name = "FILE")]
    pub points: Vec<PathBuf>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Where the result goes.
#[derive(Debug, Args)]
pub struct Output {
    /// Write the new checkpoint here: a .safetensors file, or a folder, which then gets the configuration too.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the output if it exists. The input is never replaced.
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// Any adapter, a software one too.
    Gpu,
}

impl From<Device> for DeviceChoice {
    fn from(d: Device) -> Self {
        match d {
            Device::Auto => Self::Auto,
            Device::Cpu => Self::Cpu,
            Device::Gpu => Self::Gpu,
        }
    }
}

/// `espalier inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub common: Common,
    /// Statistics of this tensor (may be given several times).
    #[arg(long = "tensor", value_name = "NAME")]
    pub tensors: Vec<String>,
}

/// `espalier spectra`.
#[derive(Debug, Args)]
pub struct Spectra {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
}

/// `espalier rank`.
#[derive(Debug, Args)]
pub struct Rank {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub output: Output,
    /// Share of all ranks to remove, 0 to 1; the threshold that comes nearest is searched. [default: 0.5]
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["threshold", "energy"])]
    pub target: Option<f64>,
    /// With --target: the smallest threshold that reaches the target, instead of the nearest.
    #[arg(long, conflicts_with_all = ["threshold", "energy", "uniform"])]
    pub reach: bool,
    /// A threshold on normalised singular values instead of a target.
    #[arg(long, value_name = "K", conflicts_with = "energy")]
    pub threshold: Option<f64>,
    /// As many singular values as hold this share of each matrix's energy, 0 to 1.
    #[arg(long, value_name = "SHARE")]
    pub energy: Option<f64>,
    /// The same share of every matrix's rank (the baseline), by --target.
    #[arg(long, conflicts_with_all = ["threshold", "energy"])]
    pub uniform: bool,
    /// A matrix is factored only where it loses more than this share of its rank. [default: 0.4999]
    #[arg(long, value_name = "SHARE")]
    pub min_ratio: Option<f64>,
    /// Factor only where the pair is smaller than the matrix, too.
    #[arg(long)]
    pub size_aware: bool,
    /// Write factor pairs X.U.weight and X.V.weight (the default).
    #[arg(long, requires = "out", conflicts_with = "dense")]
    pub factors: bool,
    /// Write the product of the factors under the old names: other tools open it, but it is not smaller.
    #[arg(long, requires = "out")]
    pub dense: bool,
}

/// `espalier experts`.
#[derive(Debug, Args)]
pub struct ExpertsArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub texts: Texts,
    /// The text itself, instead of a file.
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// A second text to compare with.
    #[arg(long, value_name = "TEXT")]
    pub second: Option<String>,
    /// Most tokens of each text. [default: 1024]
    #[arg(long, value_name = "N")]
    pub most: Option<u32>,
}

/// `espalier condense`.
#[derive(Debug, Args)]
pub struct CondenseArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub texts: Texts,
    /// sr keeps shared and some routed experts, s the shared ones alone. [default: sr]
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// Mixtures to condense. [default: a third of them]
    #[arg(long, value_name = "N")]
    pub layers: Option<u32>,
    /// Routed experts that a condensed layer keeps. [default: as many as a token is sent to]
    #[arg(long, value_name = "N")]
    pub experts: Option<u32>,
    /// js, mse or cosine. [default: js]
    #[arg(long, value_name = "MEASURE")]
    pub metric: Option<String>,
    /// Measure other ways of making the model as small, too.
    #[arg(long)]
    pub rivals: bool,
    /// Any other setting of the method (may be given several times).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `espalier thin`.
#[derive(Debug, Args)]
pub struct ThinArgs {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub texts: Texts,
    /// Experts that go: BLOCK:EXPERT,EXPERT,… (may be given several times).
    #[arg(long, value_name = "BLOCK:EXPERTS")]
    pub drop: Vec<String>,
    /// A block whose routed experts all go; its shared experts stay (may be given several times).
    #[arg(long, value_name = "BLOCK")]
    pub drop_layer: Vec<u32>,
    /// A block whose whole mixture goes, shared experts and all; its attention stays (may be given several times).
    #[arg(long, value_name = "BLOCK")]
    pub drop_mixture: Vec<u32>,
    /// A block that goes whole; those behind it are numbered anew (may be given several times).
    #[arg(long, value_name = "BLOCK")]
    pub drop_block: Vec<u32>,
}

/// `espalier generate`.
#[derive(Debug, Args)]
pub struct Generate {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub run: Run,
    /// The text to go on with.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub prompt: String,
    /// A tokenizer.json, or `bytes`.
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// How many tokens to add at most.
    #[arg(long, value_name = "N")]
    pub tokens: Option<u32>,
    /// 0 takes the likeliest word.
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Only among so many likeliest words.
    #[arg(long, value_name = "N")]
    pub top_k: Option<u32>,
    /// Only among the likeliest that hold this share.
    #[arg(long, value_name = "SHARE")]
    pub top_p: Option<f64>,
    /// Any other setting of the method.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// `espalier city`.
#[derive(Debug, Subcommand)]
pub enum CityCommand {
    /// Trains a location encoder; --out saves the run, --resume goes on from one.
    Train {
        #[command(flatten)]
        run: CityRun,
        /// Save the run here as .safetensors.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Go on from a saved run over the same points with the same settings, but for the epochs.
        #[arg(long, value_name = "FILE")]
        resume: Option<PathBuf>,
        /// Write the record of the run (JSON), for `espalier replay`. With `--set seeds=N` the probes are part of it.
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Trains, then predicts labels of places from the embedding and from baselines.
    Probe {
        #[command(flatten)]
        run: CityRun,
        /// Labelled places: CSV or GeoJSON. [default: the land use of a made city]
        #[arg(long, value_name = "FILE")]
        labels: Option<PathBuf>,
        /// The column of the label.
        #[arg(long, value_name = "NAME")]
        label: Option<String>,
        /// Columns of counts instead of one label: their shares are predicted.
        #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "label", requires = "labels")]
        shares: Vec<String>,
        /// A hidden layer of this width in the probe; without it the probe is linear.
        #[arg(long, value_name = "N")]
        hidden: Option<usize>,
        /// Probes with that many seeds, at most five.
        #[arg(long, default_value_t = 5)]
        seeds: usize,
    },
    /// Embeddings of places from a saved run, as CSV on standard output.
    Export {
        #[command(flatten)]
        run: CityRun,
        /// Where to embed: CSV or GeoJSON.
        #[arg(long, value_name = "FILE")]
        places: PathBuf,
        /// The saved run.
        #[arg(long, value_name = "FILE")]
        trained: PathBuf,
    },
    /// Embeds the descriptions with a sentence encoder (all-MiniLM-L6-v2) and writes the table that --sentences takes.
    Embed {
        #[command(flatten)]
        run: CityRun,
        /// The encoder's folder: weights, config.json, tokenizer.json.
        #[arg(long, value_name = "FOLDER")]
        model: PathBuf,
        /// What to call the encoder. [default: its folder's name]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Where to write the table (.safetensors, 16-bit floats).
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// What every command over a city takes.
#[derive(Clone, Debug, Args)]
pub struct CityRun {
    /// Described points: CSV or GeoJSON, in WGS84 or British National Grid.
    #[arg(value_name = "POINTS", required_unless_present = "made")]
    pub points: Option<PathBuf>,
    /// A made city of this seed instead of a file.
    #[arg(long, value_name = "SEED", conflicts_with = "points")]
    pub made: Option<u64>,
    /// Points of the made city.
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "made")]
    pub count: u32,
    /// The column of the description; guessed where it is not given.
    #[arg(long, value_name = "NAME")]
    pub text: Option<String>,
    /// Sentence embeddings of the descriptions, as `city embed` writes them; `grams` for the built-in letter groups. [default: the bundled ones of a made city, grams for a file]
    #[arg(long, value_name = "FILE")]
    pub sentences: Option<PathBuf>,
    /// The column of the easting or longitude; guessed where it is not given.
    #[arg(long, value_name = "NAME", requires = "y")]
    pub x: Option<String>,
    /// The column of the northing or latitude.
    #[arg(long, value_name = "NAME", requires = "x")]
    pub y: Option<String>,
    /// The paper's sizes instead of those that train in minutes on two processor cores.
    #[arg(long)]
    pub paper: bool,
    /// Times that every point is seen.
    #[arg(long)]
    pub epochs: Option<u32>,
    /// Points a step.
    #[arg(long)]
    pub batch: Option<usize>,
    /// Seed of first weights, order, dropout and split.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Any other setting of the method `calliper` (may be given several times).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Device::Auto)]
    pub device: Device,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}
