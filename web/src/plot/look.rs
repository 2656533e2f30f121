//! How a figure is looked at, as one short text: `log=xy;of=1a2b;zoom=1,64,0.1,2;pin=0,12`. It travels in links.

use std::fmt::{Display, Formatter, Result};

/// Axes, zoom and pin of a figure. Zoom and pin belong to one set of data and are void with another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Logarithmic x and y, where the visitor has chosen.
    pub logs: Option<[bool; 2]>,
    /// Which data zoom and pin belong to: [`of`].
    pub of: u32,
    /// Domain of x and of y.
    pub zoom: Option<[[f64; 2]; 2]>,
    /// Ends of a colour scale that is held, whatever the data.
    pub scale: Option<[f64; 2]>,
    /// Series and place in it.
    pub pin: Option<(usize, usize)>,
}

/// A short sign of a set of data: its source and the lengths of its series.
pub fn of<'a>(parts: impl IntoIterator<Item = (&'a str, usize)>) -> u32 {
    let byte = |h: u32, b: u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    parts.into_iter().fold(0x811c_9dc5, |h, (name, length)| length.to_le_bytes().into_iter().fold(name.bytes().fold(h, byte), byte))
}

impl Look {
    /// Reads a text; what it does not know it leaves out, so that a link from another version still opens.
    pub fn parse(text: &str) -> Self {
        let mut look = Self::default();
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            match key {
                "log" => look.logs = Some([value.contains('x'), value.contains('y')]),
                "of" => look.of = u32::from_str_radix(value, 16).unwrap_or(0),
                "zoom" => look.zoom = numbers::<4>(value).map(|[a, b, c, d]| [[a, b], [c, d]]).filter(|z| z.iter().all(|[a, b]| a < b)),
                "scale" => look.scale = numbers::<2>(value).filter(|[low, high]| low < high),
                "pin" => look.pin = numbers::<2>(value).map(|[s, i]| (s as usize, i as usize)),
                _ => {}
            }
        }
        look
    }

    /// The same with zoom and pin only where they belong to this data.
    pub fn held(mut self, of: u32) -> Self {
        if self.of != of {
            (self.of, self.zoom, self.pin) = (of, None, None);
        }
        self
    }
}

/// Numbers with six digits, which are finer than a pixel.
fn digits(all: &[f64]) -> String {
    let short = |v: &f64| format!("{v:.6e}").parse().unwrap_or(*v).to_string();
    all.iter().map(short).collect::<Vec<_>>().join(",")
}

/// So many finite numbers.
fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let mut out = [0.0; N];
    let mut parts = text.split(',');
    for slot in &mut out {
        *slot = parts.next()?.parse().ok().filter(|v: &f64| v.is_finite())?;
    }
    parts.next().is_none().then_some(out)
}

impl Display for Look {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut parts = Vec::new();
        if let Some([x, y]) = self.logs {
            parts.push(format!("log={}{}", if x { "x" } else { "" }, if y { "y" } else { "" }));
        }
        if let Some(ends) = self.scale {
            parts.push(format!("scale={}", digits(&ends)));
        }
        if self.zoom.is_some() || self.pin.is_some() {
            parts.push(format!("of={:x}", self.of));
        }
        if let Some([[a, b], [c, d]]) = self.zoom {
            parts.push(format!("zoom={}", digits(&[a, b, c, d])));
        }
        if let Some((s, i)) = self.pin {
            parts.push(format!("pin={s},{i}"));
        }
        f.write_str(&parts.join(";"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_comes_back_from_its_text() {
        let all = Look { logs: Some([true, false]), of: 0x1a2b, zoom: Some([[1.0, 64.0], [-0.1, 2.5e-7]]), scale: Some([-0.5, 0.5]), pin: Some((1, 120)) };
        for look in [Look::default(), all.clone(), Look { logs: Some([false, false]), ..Look::default() }, Look { of: 7, pin: Some((0, 3)), ..Look::default() }] {
            assert_eq!(Look::parse(&look.to_string()), look, "{look}");
        }
        assert_eq!(all.to_string(), "log=x;scale=-0.5,0.5;of=1a2b;zoom=1,64,-0.1,0.00000025;pin=1,120");
        assert_eq!(Look::default().to_string(), "");
    }

    #[test]
    fn nonsense_is_left_out_and_other_data_lose_zoom_and_pin() {
        assert_eq!(Look::parse("log=q;zoom=3,1,0,1;pin=x,1;later=9;;"), Look { logs: Some([false, false]), ..Look::default() });
        assert_eq!(Look::parse("zoom=1,inf,0,1"), Look::default());
        let look = Look::parse("log=y;of=5;zoom=1,2,3,4;pin=0,1");
        assert_eq!(look.clone().held(5), look);
        assert_eq!(look.held(6), Look { logs: Some([false, true]), of: 6, ..Look::default() });
    }

    #[test]
    fn the_sign_of_data_tells_names_and_lengths() {
        assert_eq!(of([("a", 3)]), of([("a", 3)]));
        assert!(of([("a", 3)]) != of([("a", 4)]) && of([("a", 3)]) != of([("b", 3)]));
    }
}
