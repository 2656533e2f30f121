//! Nearest points, by a lattice over them.

/// Points sorted into square cells.
pub struct Near<'a> {
    points: &'a [[f64; 2]],
    from: [f64; 2],
    side: f64,
    cells: [usize; 2],
    /// Where each cell's points begin in `order`; one more at the end.
    starts: Vec<u32>,
    order: Vec<u32>,
}

/// Points a cell, on average.
const FILL: f64 = 8.0;
/// Most cells on a side.
const MOST: f64 = 1024.0;

impl<'a> Near<'a> {
    /// Sorts the points.
    pub fn new(points: &'a [[f64; 2]]) -> Self {
        let edge = |axis: usize, pick: fn(f64, f64) -> f64, start: f64| points.iter().map(|p| p[axis]).fold(start, pick);
        let from = [edge(0, f64::min, f64::INFINITY), edge(1, f64::min, f64::INFINITY)];
        let spans = [edge(0, f64::max, f64::NEG_INFINITY) - from[0], edge(1, f64::max, f64::NEG_INFINITY) - from[1]];
        let largest = spans[0].max(spans[1]).max(f64::MIN_POSITIVE);
        // A line of points has no area: there the longer side is shared out.
        let even = (spans[0] * spans[1] * FILL / points.len().max(1) as f64).sqrt();
        let side = if even.is_finite() { even.max(largest / MOST) } else { 1.0 };
        let cells = spans.map(|s| if s.is_finite() { (s / side) as usize + 1 } else { 1 });
        let mut all = Self { points, from, side, cells, starts: vec![0; cells[0] * cells[1] + 1], order: vec![0; points.len()] };
        let of: Vec<usize> = points.iter().map(|p| all.index(all.cell(*p))).collect();
        of.iter().for_each(|c| all.starts[c + 1] += 1);
        (1..all.starts.len()).for_each(|i| all.starts[i] += all.starts[i - 1]);
        let mut next = all.starts.clone();
        for (i, c) in of.into_iter().enumerate() {
            all.order[next[c] as usize] = i as u32;
            next[c] += 1;
        }
        all
    }

    fn cell(&self, place: [f64; 2]) -> [usize; 2] {
        [0, 1].map(|axis| (((place[axis] - self.from[axis]) / self.side).max(0.0) as usize).min(self.cells[axis] - 1))
    }

    fn index(&self, [c, r]: [usize; 2]) -> usize {
        r * self.cells[0] + c
    }

    /// Indices of the `k` points nearest to a place, nearer ones first, equally far ones by their index.
    pub fn nearest(&self, place: [f64; 2], k: usize) -> Vec<u32> {
        let k = k.min(self.points.len());
        let mut found: Vec<(f64, u32)> = Vec::new();
        let middle = self.cell(place);
        let most = self.cells[0].max(self.cells[1]);
        for ring in 0..=most {
            self.ring(middle, ring, |i| {
                let p = self.points[i as usize];
                found.push(((p[0] - place[0]).powi(2) + (p[1] - place[1]).powi(2), i));
            });
            if found.len() < k {
                continue;
            }
            found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Whatever lies in a farther ring is at least this far from the place.
            let safe = [0, 1].map(|axis| {
                let low = self.from[axis] + middle[axis] as f64 * self.side - ring as f64 * self.side;
                let high = low + (2 * ring + 1) as f64 * self.side;
                (place[axis] - low).min(high - place[axis])
            });
            let safe = safe[0].min(safe[1]).max(0.0);
            if k == 0 || found[k - 1].0 < safe * safe {
                break;
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.truncate(k);
        found.into_iter().map(|(_, i)| i).collect()
    }

    /// Gives the points of the cells `ring` away from a cell.
    fn ring(&self, [c, r]: [usize; 2], ring: usize, mut give: impl FnMut(u32)) {
        let mut at = |x: usize, y: usize| {
            let i = self.index([x, y]);
            self.order[self.starts[i] as usize..self.starts[i + 1] as usize].iter().for_each(|p| give(*p));
        };
        // Only what lies in the lattice is walked along: points on a line have one row of cells and a thousand rings.
        let both = |middle: usize, cells: usize| [middle.checked_sub(ring), (ring > 0).then_some(middle + ring)].into_iter().flatten().filter(move |i| *i < cells);
        for y in both(r, self.cells[1]) {
            (c.saturating_sub(ring)..(c + ring + 1).min(self.cells[0])).for_each(|x| at(x, y));
        }
        // The corners were those of the rows.
        for x in both(c, self.cells[0]) {
            ((r + 1).saturating_sub(ring)..(r + ring).min(self.cells[1])).for_each(|y| at(x, y));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_tensor::random::Stream;

    fn slow(points: &[[f64; 2]], place: [f64; 2], k: usize) -> Vec<u32> {
        let mut all: Vec<(f64, u32)> = points.iter().zip(0..).map(|(p, i)| ((p[0] - place[0]).powi(2) + (p[1] - place[1]).powi(2), i)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.into_iter().take(k).map(|(_, i)| i).collect()
    }

    #[test]
    fn the_lattice_finds_what_a_search_through_all_finds() {
        let stream = Stream::new(3, 9);
        let draw = |i: u32| f64::from(stream.uniform(i));
        let clouds: [Vec<[f64; 2]>; 5] = [
            (0..700).map(|i| [draw(2 * i) * 900.0, draw(2 * i + 1) * 40.0]).collect(),
            // Many at the same places.
            (0..300).map(|i| [(draw(i) * 5.0).floor(), (draw(i + 999) * 5.0).floor()]).collect(),
            vec![[4.0, 4.0]; 7],
            (0..50).map(|i| [f64::from(i), 3.0]).collect(),
            vec![[1.0, 2.0]],
        ];
        for points in clouds {
            let near = Near::new(&points);
            for i in 0..60 {
                let place = [draw(5000 + i) * 1100.0 - 100.0, draw(6000 + i) * 60.0 - 10.0];
                let place = if i % 3 == 0 { points[i as usize % points.len()] } else { place };
                for k in [0, 1, 5, 20, 1000] {
                    assert_eq!(near.nearest(place, k), slow(&points, place, k), "{place:?} {k}");
                }
            }
        }
        assert!(Near::new(&[]).nearest([0.0, 0.0], 3).is_empty());
    }
}
