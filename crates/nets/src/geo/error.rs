//! What can be wrong with a file of places.

/// One row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Line of a CSV, or number of a feature, from 1.
    pub row: usize,
    /// What is wrong with it.
    pub why: String,
}

/// A file that no places can be taken from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeoError {
    /// Nothing in it.
    #[error("the file is empty; a CSV needs a line of column names and at least one row")]
    Empty,
    /// Bytes that are no text.
    #[error("byte {at} is not UTF-8 text; save the file as UTF-8")]
    NotText {
        /// Where.
        at: usize,
    },
    /// One column only.
    #[error("the first line, “{line}”, has one column; separate columns by commas, semicolons or tabs")]
    OneColumn {
        /// The line, cut.
        line: String,
    },
    /// A column that is not there.
    #[error("there is no column {name}; there are {}", known.join(", "))]
    NoColumn {
        /// Asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No pair of columns looks like coordinates.
    #[error("no two columns look like coordinates among {}; name them", known.join(", "))]
    NoCoordinates {
        /// What there is.
        known: Vec<String>,
    },
    /// Not JSON, or not GeoJSON.
    #[error("this is not GeoJSON: {why}; a FeatureCollection of points is needed")]
    NotGeoJson {
        /// Why.
        why: String,
    },
    /// Another coordinate system.
    #[error("the coordinates are in {name}, which is not known here; convert them to WGS84 (EPSG:4326) or British National Grid (EPSG:27700)")]
    UnknownCrs {
        /// Its name.
        name: String,
    },
    /// Rows, but none of use.
    #[error("none of {rows} rows can be used; the first: row {}: {}", first.row, first.why)]
    NoRows {
        /// How many there were.
        rows: usize,
        /// The first fault.
        first: RowFault,
    },
}
