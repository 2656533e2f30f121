//! A city to look at before anything is learnt: made from a seed, or read from a file.

use espalier_tensor::Session;
use serde::{Deserialize, Serialize};

use super::picture::Urban;
use super::town::{Source, Town};
use crate::config::decode;
use crate::figures::stat;
use crate::method::{Card, Entry, Inputs, Knob, MethodError, Range, Sink};
use crate::report::{Finding, Report};
use crate::work::Desk;

/// Registry key.
pub const CARD_ID: &str = "city";

/// What it is.
pub static CARD: Card = Card {
    id: CARD_ID,
    title: "A city",
    authors: "S. Openshaw",
    year: 1984,
    link: "https://doi.org/10.1068/a160017",
    paragraph: "Points of interest, each with a description, of a made city or of a file. The made one has an old irregular centre, planned outskirts, a river, and \
        districts whose use of land is known. How fine the districts are beside how dense the points lie decides what can be learnt of them.",
    needs: "nothing, or a CSV or GeoJSON of points",
    knobs: &[CITY],
};

/// The knob of the source, which both methods over cities have.
pub const CITY: Knob = Knob {
    key: "city",
    label: "City",
    help: "Made from a seed, or a file with its columns.",
    unit: "",
    range: Range::Elsewhere,
    paper: r#"{"kind":"made","seed":7,"points":20000,"sentences":""}"#,
};

/// Configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it comes from.
    pub city: Source,
}

/// For the registry.
pub const ENTRY: Entry = Entry { card: &CARD, run: |config, inputs, session, sink| Box::pin(run(config, inputs, session, sink)) };

async fn run(config: serde_json::Value, inputs: Inputs<'_>, _: &Session, sink: &dyn Sink) -> Result<Report, MethodError> {
    let config: Config = decode(&CARD, config)?;
    let desk = Desk::new(sink);
    let town = Town::new(&config.city, &inputs.files).await?;
    desk.breathe().await?;
    let picture = town.picture();
    picture.warnings.iter().for_each(|w| desk.warn(w.clone()));
    let (points, texts) = (town.city.points.len(), town.city.texts.len());
    desk.finding(Finding::Urban(Box::new(Urban::City(Box::new(picture)))));
    let stats = vec![stat("points", points as f64, "", ""), stat("different descriptions", texts as f64, "", "")];
    let summary = format!("{}: {points} points with {texts} different descriptions.", town.name);
    Ok(Report { method: CARD.id.into(), config: serde_json::to_value(config).expect("plain data"), summary, stats, figures: Vec::new(), findings: Vec::new(), warnings: desk.warnings() })
}
