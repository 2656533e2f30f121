//! GeoJSON collections of points, with the older `crs` member.

use serde_json::Value;

use super::crs::Crs;
use super::error::{GeoError, RowFault};
use super::table::Table;

/// Names of the two columns that a point's coordinates become.
pub const COORDINATES: [&str; 2] = ["x", "y"];

/// Reads a FeatureCollection (or one Feature) of points: properties become columns, coordinates two more. Features without a point are left out and listed.
///
/// # Errors
/// Not GeoJSON, an unknown coordinate system, or no point at all.
pub fn read_geojson(bytes: &[u8], most: usize) -> Result<Table, GeoError> {
    let not = |why: String| GeoError::NotGeoJson { why };
    let value: Value = serde_json::from_slice(bytes).map_err(|e| not(e.to_string()))?;
    let alone = [value.clone()];
    let features = match value["type"].as_str() {
        Some("FeatureCollection") => value["features"].as_array().ok_or_else(|| not("it has no list of features".into()))?.as_slice(),
        Some("Feature") => alone.as_slice(),
        Some(other) => return Err(not(format!("its type is {other}"))),
        None => return Err(not("it has no type".into())),
    };
    let named = value["crs"]["properties"]["name"].as_str();
    let crs = match named {
        Some(name) => Crs::from_name(name).ok_or_else(|| GeoError::UnknownCrs { name: name.to_owned() })?,
        // The standard's own, where nothing is said.
        None => Crs::Wgs84,
    };
    let mut table = Table { names: Vec::new(), rows: Vec::new(), lines: Vec::new(), faults: Vec::new(), crs: named.map(|_| crs), seen: features.len() };
    for f in features {
        for name in f["properties"].as_object().into_iter().flat_map(|p| p.keys()) {
            if !table.names.contains(name) {
                table.names.push(name.clone());
            }
        }
    }
    let properties = table.names.clone();
    table.names.extend(COORDINATES.map(|c| if properties.iter().any(|p| p == c) { format!("geometry.{c}") } else { c.to_owned() }));
    for (i, f) in features.iter().enumerate() {
        let (kind, place) = (f["geometry"]["type"].as_str(), &f["geometry"]["coordinates"]);
        let (x, y) = match (kind, place[0].as_f64(), place[1].as_f64()) {
            (Some("Point"), Some(x), Some(y)) => (x, y),
            (Some("Point"), ..) => {
                table.faults.push(RowFault { row: i + 1, why: "its coordinates are not two numbers".into() });
                continue;
            }
            (Some(other), ..) => {
                table.faults.push(RowFault { row: i + 1, why: format!("it is a {other}, not a Point") });
                continue;
            }
            (None, ..) => {
                table.faults.push(RowFault { row: i + 1, why: "it has no geometry".into() });
                continue;
            }
        };
        if table.rows.len() >= most {
            continue;
        }
        let text = |name: &String| match &f["properties"][name.as_str()] {
            Value::Null => String::new(),
            Value::String(s) => s.clone(),
            other => other.to_string(),
        };
        let mut row: Vec<String> = properties.iter().map(text).collect();
        row.extend([x.to_string(), y.to_string()]);
        table.rows.push(row);
        table.lines.push(i + 1);
    }
    match table.faults.first() {
        Some(first) if table.rows.is_empty() => Err(GeoError::NoRows { rows: table.seen, first: first.clone() }),
        _ if table.rows.is_empty() => Err(GeoError::Empty),
        _ => Ok(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_are_listed_and_points_are_taken() {
        let text = r#"{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::27700"}},"features":[
            {"type":"Feature","properties":{"a":"p","n":3},"geometry":{"type":"Point","coordinates":[530000.5,180000]}},
            {"type":"Feature","properties":{"b":null},"geometry":{"type":"Polygon","coordinates":[]}},
            {"type":"Feature","properties":null,"geometry":null}]}"#;
        let t = read_geojson(text.as_bytes(), 10).unwrap();
        assert_eq!(t.names, ["a", "n", "b", "x", "y"]);
        assert_eq!(t.rows, [["p", "3", "", "530000.5", "180000"]]);
        assert_eq!(t.crs, Some(Crs::BritishGrid));
        assert_eq!(t.faults.len(), 2);
        assert!(t.faults[0].why.contains("Polygon"));
    }

    #[test]
    fn what_is_no_use_is_said() {
        assert!(matches!(read_geojson(b"{", 1), Err(GeoError::NotGeoJson { .. })));
        assert!(matches!(read_geojson(br#"{"type":"Topology"}"#, 1), Err(GeoError::NotGeoJson { .. })));
        assert!(matches!(read_geojson(br#"{"type":"FeatureCollection","features":[]}"#, 1), Err(GeoError::Empty)));
        let far = br#"{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:3857"}},"features":[]}"#;
        assert!(matches!(read_geojson(far, 1), Err(GeoError::UnknownCrs { name }) if name == "EPSG:3857"));
        let polygon = br#"{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[]}}"#;
        assert!(matches!(read_geojson(polygon, 1), Err(GeoError::NoRows { .. })));
    }
}
