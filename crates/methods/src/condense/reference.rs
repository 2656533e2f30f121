//! The authors' own search on DeepSeekMoE-16B: a record to look at, without the model.

use serde::Deserialize;

/// What the file holds. Layers are mixtures: decoder block less one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Published {
    /// Where it comes from, and its licence.
    pub source: String,
    /// What the numbers are.
    pub description: String,
    /// Choices on the calibration texts, `[layer][expert]`.
    pub counts: Vec<Vec<f64>>,
    /// Mean gate weight where chosen, `[layer][expert]`.
    pub mean_weight: Vec<Vec<f64>>,
    /// Experts taken, in order, `[layer]`.
    pub selected_experts: Vec<Vec<u32>>,
    /// Layers in the order of condensing, shared experts only.
    #[serde(rename = "layer_order_S")]
    pub order_s: Vec<u32>,
    /// Layers in the order of condensing, shared and six routed experts.
    #[serde(rename = "layer_order_SR")]
    pub order_sr: Vec<u32>,
}

/// Reads the record.
///
/// # Errors
/// What is not as it should be.
pub fn published(text: &str) -> Result<Published, String> {
    let p: Published = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let (layers, experts) = (p.counts.len(), p.counts.first().map_or(0, Vec::len));
    let even = p.counts.iter().chain(&p.mean_weight).all(|r| r.len() == experts) && p.mean_weight.len() == layers && p.selected_experts.len() == layers;
    let inside = p.selected_experts.iter().flatten().all(|e| (*e as usize) < experts) && p.order_s.iter().chain(&p.order_sr).all(|l| (*l as usize) < layers);
    if even && inside && experts > 0 { Ok(p) } else { Err("its tables do not have the same layers and experts".into()) }
}

impl Published {
    /// Layers × experts, row-major.
    pub fn grid(&self, weights: bool) -> Vec<f64> {
        (if weights { &self.mean_weight } else { &self.counts }).concat()
    }

    /// Place of an expert among its layer's by use, from 1.
    pub fn rank_by_use(&self, layer: usize, expert: u32) -> usize {
        let row = &self.counts[layer];
        let mine = row[expert as usize];
        1 + row.iter().enumerate().filter(|(e, c)| **c > mine || **c == mine && *e < expert as usize).count()
    }

    /// Layers whose first taken expert is their most used one.
    pub fn popular_first(&self) -> usize {
        self.selected_experts.iter().enumerate().filter(|(l, s)| s.first().is_some_and(|e| self.rank_by_use(*l, *e) == 1)).count()
    }
}
