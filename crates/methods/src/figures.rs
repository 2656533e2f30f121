//! Small helpers for the figures that methods make.

use espalier_nets::checkpoint::{MatrixRef, Role};

use crate::report::{Axis, Figure, FigureKind, Series, Stat};

/// An axis on a linear scale.
pub fn axis(name: &str, unit: &str) -> Axis {
    Axis { name: name.into(), unit: unit.into(), log: false }
}

/// An axis on a logarithmic scale.
pub fn log_axis(name: &str, unit: &str) -> Axis {
    Axis { log: true, ..axis(name, unit) }
}

/// A figure.
pub fn figure(id: &str, title: &str, sentence: impl Into<String>, kind: FigureKind) -> Figure {
    Figure { id: id.into(), title: title.into(), sentence: sentence.into(), kind }
}

/// A headline number.
pub fn stat(label: &str, value: f64, unit: &str, context: impl Into<String>) -> Stat {
    Stat { label: label.into(), value, unit: unit.into(), context: context.into() }
}

/// A curve or a group of points.
pub fn series(label: impl Into<String>, color: &str, x: Vec<f64>, y: Vec<f64>) -> Series {
    Series { label: label.into(), color: color.into(), x: x.into(), y: y.into() }
}

/// Palette key of a matrix, by its role.
pub fn color(matrix: &MatrixRef) -> &'static str {
    match matrix.role {
        Role::Q => "q",
        Role::K => "k",
        Role::V => "v",
        Role::O => "o",
        _ if matrix.expert.is_some() || matrix.shared => "expert",
        Role::Gate | Role::GateUp => "gate",
        Role::Up => "up",
        Role::Down => "down",
        Role::Router => "router",
        Role::Qkv => "c1",
        Role::Conv => "c2",
        Role::Embedding | Role::Head => "c3",
        _ => "c4",
    }
}

/// A number for a table cell: four significant digits, powers of ten where plain digits would be long.
pub fn digits(v: f64) -> String {
    let size = v.abs();
    if v == 0.0 {
        "0".into()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{v:.3e}")
    } else {
        let places = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{v:.places$}")
    }
}

/// A fraction as a percentage with one decimal.
pub fn percent(v: f64) -> String {
    format!("{:.1} %", 100.0 * v)
}

/// The middle value; NaN where there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    crate::order::by_number(&mut values, |v| *v);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits() {
        assert_eq!([0.0, 2.7166, 1234.56, 0.0123456, 1e-7, 2e9].map(digits), ["0", "2.717", "1235", "0.01235", "1.000e-7", "2.000e9"]);
    }

    #[test]
    fn medians() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (2.0, 2.5));
        assert!(median(vec![]).is_nan());
    }
}
