//! A stand-in for a sentence encoder: hashed 3- and 4-grams. It knows letters, not meanings; faces have to say so.

use espalier_tensor::random::hash4;

/// Embeds texts as rows of `width`, of length 1: each gram of the lower-case text (with its ends marked) adds ±1 at a hashed place. An empty text has its ends.
pub fn embed(texts: &[String], width: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(texts.len() * width);
    for text in texts {
        let letters: Vec<char> = format!("⟨{}⟩", text.to_lowercase()).chars().collect();
        let mut row = vec![0.0_f32; width];
        for n in [3, 4] {
            for gram in letters.windows(n.min(letters.len())) {
                let mut word = [n as u32, 0, 0, 0];
                gram.iter().enumerate().for_each(|(i, c)| word[1 + i % 3] = word[1 + i % 3].wrapping_mul(0x0100_0193) ^ u32::from(*c));
                let [place, sign, ..] = hash4(word);
                row[((u64::from(place) * width as u64) >> 32) as usize] += if sign & 1 == 0 { 1.0 } else { -1.0 };
            }
        }
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
        out.extend(row.iter().map(|x| x / norm));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_texts_are_near() {
        let texts = ["a place of coffee shop", "a place of coffee shops", "a steel foundry", ""].map(str::to_owned);
        let e = embed(&texts, 384);
        let dot = |a: usize, b: usize| e[a * 384..][..384].iter().zip(&e[b * 384..][..384]).map(|(x, y)| x * y).sum::<f32>();
        assert!((0..4).all(|i| (dot(i, i) - 1.0).abs() < 1e-5));
        assert!(dot(0, 1) > 0.8 && dot(0, 2) < 0.3, "{} {}", dot(0, 1), dot(0, 2));
    }
}
