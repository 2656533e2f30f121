//! How numbers are written everywhere on the page: true minus, thin groups, few digits, one unit.
//!
//! The rules: up to four significant digits for |x| in [1e-3, 1e5), otherwise `1.23e-5`; files in decimal megabytes, memory of the
//! GPU in MiB as WebGPU's limits have it; shares with one decimal; a unit is parted by a no-break space.

/// Between groups of three digits: narrow and never broken.
pub const THIN: char = '\u{202f}';
/// Between a number and its unit.
pub const NBSP: char = '\u{a0}';
/// The minus sign that is as wide as a plus.
pub const MINUS: char = '\u{2212}';
/// Stands for a value that does not exist (a mean of nothing, a NaN).
pub const NONE: &str = "–";

/// An integer in full, in groups: `2 048`. Four digits are grouped as well, so that columns line up.
pub fn count(n: f64) -> String {
    if !n.is_finite() {
        return special(n);
    }
    let digits = format!("{:.0}", n.abs());
    let mut out = String::with_capacity(digits.len() + 6);
    if n < 0.0 && digits != "0" {
        out.push(MINUS);
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(THIN);
        }
        out.push(c);
    }
    out
}

/// A measured number with up to four significant digits.
pub fn number(x: f64) -> String {
    sig(x, 4)
}

/// A measured number with up to `digits` significant digits; trailing zeros are dropped.
pub fn sig(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let a = x.abs();
    if a == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    if !(1e-3..1e5).contains(&a) {
        // Three digits are enough beside an exponent.
        return signed(x, trim(&format!("{:.*e}", digits.min(3) - 1, a)));
    }
    let magnitude = decade(a, digits);
    let decimals = (digits as i32 - 1 - magnitude).max(0) as usize;
    let text = format!("{a:.decimals$}");
    if text.contains('.') {
        return signed(x, trim(&text));
    }
    // Whole numbers above the precision keep their digits: 12 345 is a count more often than a rounding.
    signed(x, count(a))
}

/// A number with exactly `decimals` decimals, for columns whose rows must line up.
pub fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return special(x);
    }
    let text = format!("{:.decimals$}", x.abs());
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
    let mut out = if x < 0.0 && !zero { MINUS.to_string() } else { String::new() };
    out.push_str(&count(whole.parse().unwrap_or(0.0)));
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// Numbers of parameters: `2 048`, `524.3 k`, `4.194 M`, `1.100 B`: four digits, the full count belongs into the hover.
pub fn params(n: f64) -> String {
    scaled(n, &[(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")])
}

/// File sizes, decimal as the hubs show them: `824 B`, `22.6 kB`, `23.07 MB`, `2.20 GB`.
pub fn bytes(n: f64) -> String {
    let (unit, name, decimals) = match n.abs() {
        a if a >= 1e9 => (1e9, "GB", 2),
        a if a >= 1e8 => (1e6, "MB", 0),
        a if a >= 1e6 => (1e6, "MB", 2),
        a if a >= 1e3 => (1e3, "kB", 1),
        _ => (1.0, "B", 0),
    };
    format!("{}{NBSP}{name}", fixed(n / unit, decimals))
}

/// Memory of a GPU, in MiB as the specification's limits are: `388 MiB`, `0.5 MiB`.
pub fn mib(n: f64) -> String {
    let v = n / (1024.0 * 1024.0);
    format!("{}{NBSP}MiB", fixed(v, if v.abs() < 10.0 { 1 } else { 0 }))
}

/// A fraction as a share: `62.5 %`.
pub fn percent(fraction: f64) -> String {
    format!("{}{NBSP}%", fixed(fraction * 100.0, 1))
}

/// A duration: `83 ms`, `1.24 s`, `38 s`, `2 min 05 s`.
pub fn seconds(s: f64) -> String {
    if !s.is_finite() {
        return special(s);
    }
    match s.abs() {
        a if a < 0.000_95 => format!("{}{NBSP}ms", fixed(s * 1e3, 2)),
        a if a < 0.995 => format!("{}{NBSP}ms", fixed(s * 1e3, 0)),
        a if a < 9.995 => format!("{}{NBSP}s", fixed(s, 2)),
        a if a < 59.95 => format!("{}{NBSP}s", fixed(s, 1)),
        a => {
            let whole = a.round() as u64;
            format!("{}{NBSP}min{NBSP}{:02}{NBSP}s", whole / 60, whole % 60)
        }
    }
}

/// Time left, as a clock: `0:03`, `12:40`, `1:02:00`.
pub fn clock(s: f64) -> String {
    if !s.is_finite() || s < 0.0 {
        return NONE.into();
    }
    let whole = s.ceil() as u64;
    let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

/// A shape in mono brackets: `[768, 3072]`.
pub fn shape(extents: impl IntoIterator<Item = f64>) -> String {
    let parts: Vec<String> = extents.into_iter().map(|e| format!("{e:.0}")).collect();
    format!("[{}]", parts.join(", "))
}

/// `1 matrix`, `35 matrices`.
pub fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n as f64), if n == 1 { one } else { many })
}

fn special(x: f64) -> String {
    match x {
        x if x.is_nan() => NONE.into(),
        x if x > 0.0 => "∞".into(),
        _ => format!("{MINUS}∞"),
    }
}

fn signed(x: f64, mut text: String) -> String {
    // The exponent's sign is a true minus as well: `1.23e−5`.
    if let Some(i) = text.find("e-") {
        text.replace_range(i + 1..i + 2, "\u{2212}");
    }
    if x < 0.0 { format!("{MINUS}{text}") } else { text }
}

/// Drops zeros after the point, in front of an exponent too.
fn trim(text: &str) -> String {
    let (mantissa, exponent) = text.find('e').map_or((text, ""), |i| text.split_at(i));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}{exponent}")
}

/// The power of ten of `a` after it has been rounded to `digits` digits (9.9996 is written 10).
fn decade(a: f64, digits: usize) -> i32 {
    let text = format!("{:.*e}", digits - 1, a);
    text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0)
}

fn scaled(n: f64, units: &[(f64, &str)]) -> String {
    for &(unit, name) in units {
        if n.abs() >= unit {
            let unit = if name == "k" { 1e3 } else { unit };
            let v = n / unit;
            let decimals = (3 - decade(v.abs(), 4)).max(0) as usize;
            return format!("{}{NBSP}{name}", fixed(v, decimals));
        }
    }
    count(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the special spaces and the minus as plain ones, so that a test can be read.
    fn plain(s: String) -> String {
        s.replace([THIN, NBSP], " ").replace(MINUS, "-")
    }

    #[test]
    fn numbers_follow_the_house_rules() {
        let table = [
            (0.0, "0"), (1.0, "1"), (-0.25, "-0.25"), (0.018_42, "0.01842"), (61.82, "61.82"), (1688.4, "1 688"), (12_345.0, "12 345"),
            (99_999.0, "99 999"), (1e5, "1e5"), (123_456.0, "1.23e5"), (0.000_999, "9.99e-4"), (1.234e-5, "1.23e-5"), (-4.0e-9, "-4e-9"),
            (9.999_6, "10"), (0.001, "0.001"), (f64::NAN, "–"), (f64::INFINITY, "∞"), (f64::NEG_INFINITY, "-∞"),
        ];
        for (x, want) in table {
            assert_eq!(plain(number(x)), want, "{x}");
        }
    }

    #[test]
    fn the_minus_is_a_true_one_and_groups_are_thin() {
        assert_eq!(number(-2048.0), "\u{2212}2\u{202f}048");
        assert_eq!(sig(1.5e-7, 3), "1.5e\u{2212}7");
        assert_eq!(count(-0.2), "0");
    }

    #[test]
    fn parameters_and_sizes() {
        let table = [(2048.0, "2 048"), (524_288.0, "524.3 k"), (4_194_304.0, "4.194 M"), (124_439_808.0, "124.4 M"), (1_100_048_384.0, "1.100 B"), (6.9e9, "6.900 B"), (9_999.0, "9 999")];
        for (x, want) in table {
            assert_eq!(plain(params(x)), want);
        }
        let table = [(824.0, "824 B"), (22_600.0, "22.6 kB"), (23_068_672.0, "23.07 MB"), (121e6, "121 MB"), (2.2e9, "2.20 GB")];
        for (x, want) in table {
            assert_eq!(plain(bytes(x)), want);
        }
        assert_eq!(plain(mib(388.0 * 1048576.0)), "388 MiB");
        assert_eq!(plain(mib(524_288.0)), "0.5 MiB");
    }

    #[test]
    fn shares_times_and_columns() {
        assert_eq!(plain(percent(0.625)), "62.5 %");
        assert_eq!(plain(percent(-0.0001)), "0.0 %");
        assert_eq!(plain(seconds(0.083)), "83 ms");
        assert_eq!(plain(seconds(1.24)), "1.24 s");
        assert_eq!(plain(seconds(125.0)), "2 min 05 s");
        assert_eq!(clock(2.4), "0:03");
        assert_eq!(clock(3720.0), "1:02:00");
        assert_eq!(plain(fixed(-1234.5, 2)), "-1 234.50");
        assert_eq!(shape([768.0, 3072.0]), "[768, 3072]");
        assert_eq!(plural(1, "matrix", "matrices"), "1 matrix");
    }
}
