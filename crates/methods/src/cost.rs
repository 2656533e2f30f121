//! What a run will need, by arithmetic over shapes: a face shows it before the run.

use serde_json::Value;

/// The work of a run, in units that a probe can time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Shapes of the matrices that are decomposed.
    pub decomposed: Vec<[u64; 2]>,
    /// Elements that are looked at (selected, masked, summed), over all passes.
    pub scanned: f64,
    /// How often every matrix is read.
    pub passes: u32,
}

/// Multiplications of one spectrum of an `[m, n]` matrix: the Gram matrix of the shorter side, and its tridiagonal form (4/3 p³) with slack.
pub fn decomposition(shape: [u64; 2]) -> f64 {
    let [m, n] = shape.map(|d| d as f64);
    let (long, short) = (m.max(n), m.min(n));
    long * short * short + 2.0 * short.powi(3)
}

/// The work of `method` over matrices of these shapes; `None` for a method whose cost does not follow from shapes.
pub fn cost(method: &str, config: &Value, shapes: &[[u64; 2]]) -> Option<Cost> {
    let elements: f64 = shapes.iter().map(|[a, b]| *a as f64 * *b as f64).sum();
    let is = |key: &str, value: &str| config.get(key).and_then(Value::as_str) == Some(value);
    Some(match method {
        "spectra" | "welore" => Cost { decomposed: shapes.to_vec(), scanned: elements, passes: 1 },
        "magnitude" => {
            let decomposed = if is("allocation", "spectrum") { shapes.to_vec() } else { Vec::new() };
            // A global cut takes three passes before the masks are made.
            let passes = 1 + if is("scope", "global") { 3 } else { u32::from(!decomposed.is_empty()) };
            Cost { decomposed, scanned: elements * f64::from(passes), passes }
        }
        "profile" | "magnitude_profile" => Cost { decomposed: Vec::new(), scanned: elements * 2.0, passes: 1 },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_follow_shapes_and_settings() {
        let shapes = [[4, 8], [16, 2]];
        let c = cost("spectra", &Value::Null, &shapes).unwrap();
        assert_eq!((c.decomposed.len(), c.scanned, c.passes), (2, 64.0, 1));
        assert_eq!(cost("magnitude", &serde_json::json!({ "scope": "global" }), &shapes).unwrap().passes, 4);
        assert_eq!(cost("magnitude", &serde_json::json!({ "allocation": "spectrum" }), &shapes).unwrap().decomposed.len(), 2);
        assert!(cost("unheard of", &Value::Null, &shapes).is_none());
        // A wide matrix costs what its transpose costs.
        assert_eq!(decomposition([3, 9]), decomposition([9, 3]));
    }
}
