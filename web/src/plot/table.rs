//! The numbers behind a figure: shown as a table, saved as CSV.

use super::number;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Text, left-aligned.
    Text(String),
    /// A number, right-aligned; CSV has it in full, the table as the page writes numbers.
    Number(f64),
}

impl From<&str> for Cell {
    fn from(s: &str) -> Self {
        Self::Text(s.into())
    }
}

impl From<String> for Cell {
    fn from(s: String) -> Self {
        Self::Text(s)
    }
}

impl From<f64> for Cell {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl Cell {
    /// As the page writes it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(t) => t.clone(),
            Self::Number(x) => number::number(*x),
        }
    }
}

/// Named columns (with their units) and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Column names, unit in brackets: `error [%]`.
    pub columns: Vec<String>,
    /// Rows, each as long as the columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(row.into_iter().map(Into::into).collect());
    }

    /// As CSV (RFC 4180, `\r\n`, point as decimal sign, numbers so that they read back to the same bits, empty for NaN).
    ///
    /// A text that a spreadsheet would take for a formula is set off by an apostrophe: tensor names come from strangers' files.
    pub fn csv(&self) -> String {
        let mut out = String::new();
        let head: Vec<String> = self.columns.iter().map(|c| quoted(c)).collect();
        line(&mut out, &head);
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|c| match c {
                    Cell::Text(t) => quoted(t),
                    Cell::Number(x) if x.is_nan() => String::new(),
                    Cell::Number(x) => format!("{x}"),
                })
                .collect();
            line(&mut out, &cells);
        }
        out
    }
}

fn line(out: &mut String, cells: &[String]) {
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn quoted(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_string() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_and_reads_back() {
        let mut t = Table::new(["name", "σ"]);
        t.push([Cell::from("a, \"b\""), Cell::from(0.1 + 0.2)]);
        t.push([Cell::from("=cmd()"), Cell::from(f64::NAN)]);
        assert_eq!(t.csv(), "name,σ\r\n\"a, \"\"b\"\"\",0.30000000000000004\r\n'=cmd(),\r\n");
        assert_eq!("0.30000000000000004".parse::<f64>().unwrap(), 0.1 + 0.2);
    }

    #[test]
    fn cells_are_shown_as_the_page_writes_numbers() {
        assert_eq!(Cell::from(0.123_456).shown(), "0.1235");
        assert_eq!(Cell::from("q").shown(), "q");
    }
}
