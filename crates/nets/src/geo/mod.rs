//! Points on the earth from files of people: CSV and GeoJSON, WGS84 and British National Grid.

pub mod crs;
mod csv;
mod error;
mod geojson;
mod table;

pub use crs::{Crs, Plane};
pub use csv::{Csv, read_csv};
pub use error::{GeoError, RowFault};
pub use geojson::read_geojson;
pub use table::{Columns, Points, Table, places};
