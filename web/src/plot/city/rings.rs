//! Numbered rings around results: those that would overlap share one, and no number lies on another ring.

use crate::plot::scene::{Anchor, Mark, Scene, stroke};

/// A numbered ring around a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Where: in metres on the map, in its own numbers on a plane.
    pub at: [f64; 2],
    /// What stands beside it.
    pub word: String,
}

/// A ring as it is drawn, in pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Its middle.
    pub at: [f64; 2],
    /// Radius.
    pub r: f64,
    /// The numbers in it.
    pub word: String,
    /// Where they are written, and how they hang there.
    pub label: ([f64; 2], Anchor),
}

/// Pixels that are left between two rings.
const GAP: f64 = 3.0;
/// Height and mean width of a letter.
const LETTER: [f64; 2] = [11.0, 7.0];

/// Rings of radius `r` around places on the screen. Rings that overlap become one around all of their places.
pub fn placed(rings: &[([f64; 2], &str)], r: f64) -> Vec<Drawn> {
    let mut groups: Vec<Vec<usize>> = (0..rings.len()).map(|i| vec![i]).collect();
    // Joining two makes a larger ring, which may reach a third.
    while let Some((a, b)) = overlapping(&groups, rings, r) {
        let joined = groups.remove(b);
        groups[a].extend(joined);
    }
    let mut out: Vec<Drawn> = Vec::new();
    for group in &mut groups {
        espalier_methods::order::by(group, |a, b| a.cmp(b));
        let (at, r) = around(group, rings, r);
        let word = group.iter().map(|i| rings[*i].1).collect::<Vec<_>>().join(" ");
        out.push(Drawn { at, r, word, label: ([at[0] + r + 4.5, at[1] + 4.0], Anchor::Start) });
    }
    for i in 0..out.len() {
        out[i].label = free(&out, i);
    }
    out
}

/// The middle of some places, and the radius that leaves each of them `r`.
fn around(group: &[usize], rings: &[([f64; 2], &str)], r: f64) -> ([f64; 2], f64) {
    let middle = [0, 1].map(|axis| group.iter().map(|i| rings[*i].0[axis]).sum::<f64>() / group.len() as f64);
    let far = group.iter().map(|i| (rings[*i].0[0] - middle[0]).hypot(rings[*i].0[1] - middle[1])).fold(0.0, f64::max);
    (middle, r + far)
}

fn overlapping(groups: &[Vec<usize>], rings: &[([f64; 2], &str)], r: f64) -> Option<(usize, usize)> {
    for (a, one) in groups.iter().enumerate() {
        let (p, rp) = around(one, rings, r);
        for (b, two) in groups.iter().enumerate().skip(a + 1) {
            let (q, rq) = around(two, rings, r);
            if (p[0] - q[0]).hypot(p[1] - q[1]) < rp + rq + GAP {
                return Some((a, b));
            }
        }
    }
    None
}

/// The first side of a ring where its numbers lie on no other ring and on no numbers before them; the right one where there is none.
fn free(all: &[Drawn], i: usize) -> ([f64; 2], Anchor) {
    let Drawn { at: [x, y], r, word, .. } = &all[i];
    let wide = LETTER[1] * word.chars().count() as f64;
    let sides = [([x + r + 4.5, y + 4.0], Anchor::Start), ([x - r - 4.5, y + 4.0], Anchor::End), ([*x, y - r - 4.5], Anchor::Middle), ([*x, y + r + 4.5 + LETTER[0]], Anchor::Middle)];
    let taken = |side: &([f64; 2], Anchor)| {
        let own = extent(side, wide);
        let on_ring = all.iter().enumerate().any(|(k, d)| k != i && {
            let near = [0, 1].map(|axis| d.at[axis].clamp(own[axis], own[axis + 2]));
            (near[0] - d.at[0]).hypot(near[1] - d.at[1]) < d.r
        });
        on_ring || all[..i].iter().any(|d| {
            let other = extent(&d.label, LETTER[1] * d.word.chars().count() as f64);
            own[0] < other[2] && other[0] < own[2] && own[1] < other[3] && other[1] < own[3]
        })
    };
    sides.into_iter().find(|s| !taken(s)).unwrap_or(sides[0])
}

/// Left, top, right and bottom of a written word.
fn extent(([x, y], anchor): &([f64; 2], Anchor), wide: f64) -> [f64; 4] {
    let left = match anchor {
        Anchor::Start => *x,
        Anchor::Middle => x - 0.5 * wide,
        Anchor::End => x - wide,
    };
    [left, y - LETTER[0], left + wide, y + 2.0]
}

/// Draws them, `width` wide on a halo of the sheet.
pub fn draw(s: &mut Scene, rings: &[Drawn], width: f64) {
    for ring in rings {
        for (paint, width) in [("sheet", width + 3.2), ("ink", width)] {
            s.marks.push(Mark::Circle { at: ring.at, r: ring.r, fill: None, stroke: Some(stroke(paint, width)) });
        }
    }
    for ring in rings {
        let ([x, y], anchor) = ring.label;
        s.text(x, y, ring.word.clone(), anchor).paint("ink").bold().halo();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_that_would_overlap_share_one() {
        let rings = [([100.0, 100.0], "1"), ([300.0, 100.0], "2"), ([104.0, 100.0], "3"), ([122.0, 100.0], "4"), ([100.0, 300.0], "5")];
        let drawn = placed(&rings, 8.5);
        assert_eq!(drawn.iter().map(|d| d.word.as_str()).collect::<Vec<_>>(), ["1 3 4", "2", "5"]);
        // Every place lies inside its ring, with the room that a ring of its own would have had.
        let first = &drawn[0];
        for x in [100.0, 104.0, 122.0] {
            assert!((x - first.at[0]).hypot(100.0 - first.at[1]) + 8.5 <= first.r + 1e-9, "{first:?}");
        }
        for (i, a) in drawn.iter().enumerate() {
            assert!(drawn[i + 1..].iter().all(|b| (a.at[0] - b.at[0]).hypot(a.at[1] - b.at[1]) > a.r + b.r));
        }
        assert!(placed(&[], 8.5).is_empty());
    }

    #[test]
    fn no_number_lies_on_another_ring() {
        // The second ring stands where the first one's number would: it goes to the left.
        let drawn = placed(&[([100.0, 100.0], "1"), ([123.0, 100.0], "2")], 8.5);
        assert_eq!(drawn.len(), 2);
        assert_eq!((drawn[0].label.1, drawn[1].label.1), (Anchor::End, Anchor::Start));
        // Shut in from both sides it goes above.
        let drawn = placed(&[([100.0, 100.0], "1"), ([123.0, 100.0], "2"), ([77.0, 100.0], "3")], 8.5);
        assert_eq!(drawn[0].label.1, Anchor::Middle);
        assert!(drawn[0].label.0[1] < 100.0);
    }
}
