//! Which places are like a place, or like what somebody writes.

use super::ngrams;
use super::picture::CityPicture;
use super::town::TEXT_WIDTH;

/// Numbers that spellings are compared by.
const SPELLING: usize = 8192;

/// Cosines of all rows (of length 1) with one direction, which need not have length 1.
pub fn cosines(rows: &[f32], direction: &[f32]) -> Vec<f32> {
    let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
    rows.chunks(direction.len().max(1)).map(|row| row.iter().zip(direction).map(|(a, b)| a * b).sum::<f32>() / length).collect()
}

/// Words as the city's descriptions are embedded: by letter groups; or, where a sentence encoder made the rows, as the row of the description that is spelt most alike, which is
/// named. `None` for a city without texts.
pub fn embedded<'c>(city: &'c CityPicture, words: &str) -> Option<(Vec<f32>, Option<&'c str>)> {
    if city.encoder.is_empty() {
        return Some((ngrams::embed(&[words.to_owned()], TEXT_WIDTH), None));
    }
    // So wide that hardly two letter groups fall on one place.
    let wide = |text: &str| ngrams::embed(&[text.to_owned()], SPELLING);
    let own = wide(words);
    let alike: Vec<f32> = city.texts.iter().map(|t| cosines(&wide(t), &own).first().copied().unwrap_or(0.0)).collect();
    let nearest = *largest(&alike, 1).first()? as usize;
    let width = city.text_rows.len() / city.texts.len().max(1);
    Some((city.text_rows.get(nearest * width..(nearest + 1) * width)?.to_vec(), Some(&city.texts[nearest])))
}

/// Where a text lies among the places: its row through the trained projection `[text width + 1, width]`, whose last row is added. `None` where the projection has another
/// text width.
pub fn direction(row: &[f32], projection: &[f32], width: usize) -> Option<Vec<f32>> {
    if width == 0 || projection.len() != (row.len() + 1) * width {
        return None;
    }
    let mut out = projection[row.len() * width..].to_vec();
    for (x, weights) in row.iter().zip(projection.chunks(width)).filter(|(x, _)| **x != 0.0) {
        out.iter_mut().zip(weights).for_each(|(o, w)| *o += x * w);
    }
    Some(out)
}

/// Indices of the `k` largest values, larger ones first, equal ones by their index; NaN is left out.
pub fn largest(values: &[f32], k: usize) -> Vec<u32> {
    let mut all: Vec<u32> = (0..values.len() as u32).filter(|i| !values[*i as usize].is_nan()).collect();
    let order = |a: &u32, b: &u32| values[*b as usize].total_cmp(&values[*a as usize]).then(a.cmp(b));
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
        all.truncate(k);
    }
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first() {
        assert_eq!(largest(&[0.1, 0.9, f32::NAN, 0.9, -1.0], 3), [1, 3, 0]);
        assert_eq!(largest(&[1.0], 5), [0]);
        assert_eq!(cosines(&[1.0, 0.0, 0.0, 1.0], &[0.0, 2.0]), [0.0, 1.0]);
    }

    #[test]
    fn a_text_goes_through_the_projection() {
        assert_eq!(direction(&[2.0, 0.0], &[1.0, 5.0, 7.0, 7.0, 0.5, 0.0], 2), Some(vec![2.5, 10.0]));
        assert_eq!(direction(&[2.0], &[1.0; 6], 2), None);
    }

    #[test]
    fn words_are_letter_groups_or_the_description_that_is_spelt_alike() {
        let texts = ["A place of foundries, a type of manufacture", "A place of cafés, a type of eating and drinking"].map(str::to_owned);
        let grams = CityPicture { texts: texts.to_vec(), ..CityPicture::default() };
        assert_eq!(embedded(&grams, "bakery"), Some((ngrams::embed(&["bakery".into()], TEXT_WIDTH), None)));
        let rows = CityPicture { encoder: "m".into(), text_rows: vec![1.0, 2.0, 3.0, 4.0].into(), ..grams };
        assert_eq!(embedded(&rows, "cafés"), Some((vec![3.0, 4.0], Some(texts[1].as_str()))));
        assert_eq!(embedded(&rows, "a foundry"), Some((vec![1.0, 2.0], Some(texts[0].as_str()))));
    }
}
