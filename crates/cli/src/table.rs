//! Plain tables and numbers for a terminal.

/// A table whose columns are as wide as their widest cell.
pub struct Table {
    head: Vec<String>,
    /// Columns of numbers stand to the right.
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Column heads; a leading `>` makes a column of numbers.
    pub fn new(head: &[&'static str]) -> Self {
        Self::owned(head.iter().map(|h| (*h).to_owned()).collect())
    }

    /// The same of heads that are not known beforehand.
    pub fn owned(head: Vec<String>) -> Self {
        Self { right: head.iter().map(|h| h.starts_with('>')).collect(), head: head.iter().map(|h| h.trim_start_matches('>').to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as text, with a line end after each row.
    pub fn text(&self) -> String {
        let width = |s: &str| s.chars().count();
        let head = self.head.clone();
        let widths: Vec<usize> = (0..head.len())
            .map(|c| self.rows.iter().chain([&head]).filter_map(|r| r.get(c)).map(|s| width(s)).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for row in [&head].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (c, cell) in row.iter().enumerate() {
                let gap = " ".repeat(widths.get(c).copied().unwrap_or(0).saturating_sub(width(cell)));
                let sep = if c > 0 { "  " } else { "" };
                let right = self.right.get(c).copied().unwrap_or(false);
                line.push_str(&if right { format!("{sep}{gap}{cell}") } else { format!("{sep}{cell}{gap}") });
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// `124.4 M`.
pub fn count(n: f64) -> String {
    match n {
        n if n >= 999.95e6 => format!("{:.2} B", n / 1e9),
        n if n >= 999.95e3 => format!("{:.1} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n => format!("{n}"),
    }
}

/// `3.43 MB` (decimal, as file sizes are).
pub fn bytes(n: f64) -> String {
    match n {
        n if n >= 999.5e6 => format!("{:.2} GB", n / 1e9),
        n if n >= 999.5e3 => format!("{:.2} MB", n / 1e6),
        n if n >= 1e3 => format!("{:.1} kB", n / 1e3),
        n => format!("{n} B"),
    }
}

/// `62.5 %` of a fraction.
pub fn percent(x: f64) -> String {
    format!("{:.1} %", 100.0 * x)
}

/// Up to four significant digits, `1.23e-5` outside 10⁻³ … 10⁵.
pub fn number(x: f64) -> String {
    let a = x.abs();
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    if !(1e-3..1e5).contains(&a) {
        return format!("{x:.2e}");
    }
    let decimals = (3 - a.log10().floor() as i32).max(0) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `[160, 432]`.
pub fn shape(extents: &[f64]) -> String {
    format!("[{}]", extents.iter().map(f64::to_string).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([count(9999.0), count(124_439_808.0), count(6.9e9), count(999_960.0)], ["9999", "124.4 M", "6.90 B", "1.0 M"]);
        assert_eq!([bytes(12.0), bytes(21_214.0), bytes(3_433_872.0)], ["12 B", "21.2 kB", "3.43 MB"]);
        assert_eq!([number(0.0), number(1.0), number(0.012_345), number(-123.456), number(3.2e-7), number(f64::NAN)], ["0", "1", "0.01235", "-123.5", "3.20e-7", "NaN"]);
        assert_eq!(percent(0.625), "62.5 %");
    }

    #[test]
    fn columns_line_up() {
        let mut t = Table::new(&["name", ">n"]);
        t.row(vec!["α".into(), "10".into()]);
        t.row(vec!["long".into(), "9".into()]);
        assert_eq!(t.text(), "name   n\nα     10\nlong   9\n");
    }
}
