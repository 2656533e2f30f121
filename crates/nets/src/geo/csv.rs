//! CSV as people save it: quotes, either line ending, a byte-order mark, and commas, semicolons, tabs or bars between columns.

use super::error::{GeoError, RowFault};
use super::table::Table;

/// A CSV and how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Csv {
    /// What it holds.
    pub table: Table,
    /// What stands between columns.
    pub separator: char,
}

/// Separators that are tried, in the order in which equal counts are decided.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// Reads a CSV. Rows with more or fewer cells than there are columns are left out and listed; at most `most` rows are kept, and how many there were is told.
///
/// # Errors
/// Not text, empty, or one column only.
pub fn read_csv(bytes: &[u8], most: usize) -> Result<Csv, GeoError> {
    let text = std::str::from_utf8(bytes).map_err(|e| GeoError::NotText { at: e.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|l| !l.trim().is_empty()).ok_or(GeoError::Empty)?;
    // The separator is what the first line has most of, outside quotes.
    let count = |sep: char| first.chars().fold((0, false), |(n, quoted), c| (n + usize::from(c == sep && !quoted), quoted != (c == '"'))).0;
    let separator = SEPARATORS.into_iter().rev().max_by_key(|s| count(*s)).filter(|s| count(*s) > 0);
    let separator = separator.ok_or_else(|| GeoError::OneColumn { line: first.chars().take(60).collect() })?;
    let mut rows = Rows { rest: text, line: 1, separator };
    let names: Vec<String> = loop {
        match rows.next() {
            Some((_, cells)) if cells.iter().all(|c| c.trim().is_empty()) => {}
            Some((_, cells)) => break cells.into_iter().map(|c| c.trim().to_owned()).collect(),
            None => return Err(GeoError::Empty),
        }
    };
    let mut table = Table { names, rows: Vec::new(), lines: Vec::new(), faults: Vec::new(), crs: None, seen: 0 };
    for (line, cells) in rows {
        if cells.len() == 1 && cells[0].trim().is_empty() {
            continue;
        }
        table.seen += 1;
        if cells.len() != table.names.len() {
            table.faults.push(RowFault { row: line, why: format!("{} cells instead of {}", cells.len(), table.names.len()) });
        } else if table.rows.len() < most {
            table.rows.push(cells);
            table.lines.push(line);
        }
    }
    Ok(Csv { table, separator })
}

/// Rows of cells, with the line on which each begins.
struct Rows<'a> {
    rest: &'a str,
    line: usize,
    separator: char,
}

impl Iterator for Rows<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.line;
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let mut chars = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' if quoted || cell.is_empty() => quoted = !quoted,
                '\n' if !quoted => {
                    self.line += 1;
                    end = at + 1;
                    break;
                }
                '\n' => {
                    self.line += 1;
                    cell.push(c);
                }
                '\r' if !quoted => {}
                c if c == self.separator && !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        self.rest = &self.rest[end..];
        cells.push(cell);
        Some((start, cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_as_people_save_it() {
        let csv = read_csv("\u{feff}a;b;c\r\n1;\"x; \"\"y\"\"\nz\";3\r\n\r\n4;5\r\n6;7;8".as_bytes(), 10).unwrap();
        assert_eq!(csv.separator, ';');
        assert_eq!(csv.table.names, ["a", "b", "c"]);
        assert_eq!(csv.table.rows, [vec!["1", "x; \"y\"\nz", "3"], vec!["6", "7", "8"]]);
        assert_eq!(csv.table.lines, [2, 6]);
        assert_eq!(csv.table.faults, [RowFault { row: 5, why: "2 cells instead of 3".into() }]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(read_csv(b"", 1), Err(GeoError::Empty));
        assert_eq!(read_csv(b" \n\n", 1), Err(GeoError::Empty));
        assert!(matches!(read_csv(b"only\n1\n", 1), Err(GeoError::OneColumn { .. })));
        assert_eq!(read_csv(b"a,b\n\xff,1", 1), Err(GeoError::NotText { at: 4 }));
        // An open quote swallows the rest, which is then one row of too few cells.
        assert_eq!(read_csv(b"a,b\n1,\"2\n3,4", 9).unwrap().table.rows.len(), 1);
    }

    #[test]
    fn no_more_rows_are_kept_than_were_asked_for() {
        let csv = read_csv(b"a,b\n1,2\n3,4\n5,6\n", 2).unwrap();
        assert_eq!((csv.table.rows.len(), csv.table.seen), (2, 3));
    }
}
