//! The colour tokens by name: the page has them as CSS variables, canvases and exported files need their values.

/// An sRGB colour.
pub type Rgb = [u8; 3];

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Ink on paper.
    #[default]
    Light,
    /// Chalk on slate.
    Dark,
}

/// Name, value on light, value on dark.
const TOKENS: &[(&str, u32, u32)] = &[
    ("ground", 0xF3F5F1, 0x101412),
    ("sheet", 0xFCFCFA, 0x171C19),
    ("well", 0xE6E9E3, 0x232A26),
    ("ink", 0x18201B, 0xE4E9E4),
    ("ink-2", 0x46504A, 0xB6BFB8),
    ("ink-3", 0x5B655F, 0x98A29B),
    ("wire", 0xCBD1CA, 0x323A35),
    ("edge", 0x747D77, 0x747F78),
    ("leaf", 0x1B6844, 0x7FC8A0),
    ("on-leaf", 0xFFFFFF, 0x0E1511),
    ("leaf-wash", 0xDDE9E1, 0x1C3025),
    ("cut", 0xA3371C, 0xF29272),
    ("cut-wash", 0xF3E1DA, 0x3A221A),
    ("warn", 0x7A5000, 0xE2B254),
    ("warn-wash", 0xF2E8D0, 0x342A14),
    ("ghost", 0x6B756F, 0x8E9891),
    ("focus", 0x1558C0, 0x8FB8FF),
    ("q", 0x00589A, 0x3FA0DC),
    ("k", 0x258AC2, 0x7CC8F2),
    ("v", 0x008563, 0x2FBF97),
    ("o", 0x59615C, 0xA7B0A9),
    ("gate", 0xB27300, 0xE69F00),
    ("up", 0x857900, 0xE3D43A),
    ("down", 0xC85200, 0xF07C33),
    ("expert", 0xB3558A, 0xDA8FBB),
    ("router", 0x18201B, 0xE4E9E4),
    ("c1", 0x0072B2, 0x3FA0DC),
    ("c2", 0xB27300, 0xE69F00),
    ("c3", 0x008563, 0x2FBF97),
    ("c4", 0xB3558A, 0xDA8FBB),
    ("c5", 0x258AC2, 0x7CC8F2),
    ("c6", 0xC85200, 0xF07C33),
    ("c7", 0x857900, 0xE3D43A),
    ("c8", 0x59615C, 0xA7B0A9),
    ("water", 0xD3DEE2, 0x16222A),
    ("park", 0xDDE6D6, 0x18231B),
    ("street", 0xD9DDD7, 0x262C29),
    ("road", 0xC3C9C2, 0x37403A),
];

impl Theme {
    /// Value of a token; `ink` for an unknown name, so that nothing is ever invisible.
    pub fn rgb(self, token: &str) -> Rgb {
        let (_, light, dark) = TOKENS.iter().find(|t| t.0 == token).copied().unwrap_or(("ink", 0x18201B, 0xE4E9E4));
        let v = if self == Theme::Dark { dark } else { light };
        [(v >> 16) as u8, (v >> 8) as u8, v as u8]
    }

    /// Value of a token as CSS writes it: `#1B6844`.
    pub fn hex(self, token: &str) -> String {
        hex(self.rgb(token))
    }
}

/// A colour as CSS writes it.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// The token of a name; `ink` for an unknown one.
pub fn token(name: &str) -> &'static str {
    TOKENS.iter().find(|t| t.0 == name).map_or("ink", |t| t.0)
}

/// Whether a name is a token (a report may name any colour).
pub fn is_token(name: &str) -> bool {
    TOKENS.iter().any(|t| t.0 == name)
}

/// Contrast of two colours as WCAG 2 defines it, 1 to 21.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let luminance = |c: Rgb| {
        let [r, g, b] = c.map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_marks_stand_out_on_both_grounds() {
        for theme in [Theme::Light, Theme::Dark] {
            for ground in ["ground", "sheet"] {
                for text in ["ink", "ink-2", "ink-3", "leaf", "cut", "warn"] {
                    assert!(contrast(theme.rgb(text), theme.rgb(ground)) >= 4.5, "{text} on {ground}, {theme:?}");
                }
                for mark in ["edge", "ghost", "q", "k", "v", "o", "gate", "up", "down", "expert", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"] {
                    assert!(contrast(theme.rgb(mark), theme.rgb(ground)) >= 3.0, "{mark} on {ground}, {theme:?}");
                }
            }
        }
    }

    #[test]
    fn the_style_sheet_has_the_same_colours() {
        let css = include_str!("../../../assets/styles/espalier.css");
        for (name, ..) in TOKENS {
            let (light, dark) = (Theme::Light.hex(name), Theme::Dark.hex(name));
            assert!(css.contains(&format!("--{name}:light-dark({light},{dark});")), "--{name} is {light} and {dark} in files and on canvases");
        }
    }

    #[test]
    fn unknown_names_are_ink() {
        assert_eq!(Theme::Light.hex("no-such"), "#18201B");
        assert_eq!(Theme::Dark.hex("leaf"), "#7FC8A0");
        assert!(is_token("gate") && !is_token("no-such"));
    }
}
