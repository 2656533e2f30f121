//! Random numbers without a state: each is a hash of (seed, stream, index), so any of them can be made at any time, on any device, and the
//! integers are equal to the bit (law 5).

/// Four words from four: pcg4d (Jarzynski and Olano, *Hash Functions for GPU Rendering*, JCGT 9(3), 2020) with a third round, because
/// after two the upper bits of the counter do not reach the lower bits of the result.
pub fn hash4(counter: [u32; 4]) -> [u32; 4] {
    let round = |mut v: [u32; 4]| {
        for (i, j, k) in [(0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)] {
            v[i] = v[i].wrapping_add(v[j].wrapping_mul(v[k]));
        }
        v
    };
    let fold = |v: [u32; 4]| v.map(|x| x ^ (x >> 16));
    let start = counter.map(|c| c.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    round(fold(round(fold(round(start)))))
}

/// A sequence of random numbers: a seed and which of its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Same seed, same numbers.
    pub seed: u64,
    /// Different streams of a seed have nothing to do with each other.
    pub stream: u32,
}

impl Stream {
    /// A stream of a seed.
    pub fn new(seed: u64, stream: u32) -> Self {
        Self { seed, stream }
    }

    /// The `index`-th word.
    pub fn word(self, index: u32) -> u32 {
        hash4([index, self.stream, self.seed as u32, (self.seed >> 32) as u32])[0]
    }

    /// The `index`-th number of [0, 1), a multiple of 2⁻²⁴.
    pub fn uniform(self, index: u32) -> f32 {
        (self.word(index) >> 8) as f32 / 16_777_216.0
    }

    /// The `index`-th integer below `bound`: the upper word of a product, which favours no integer by more than `bound` / 2³².
    pub fn below(self, index: u32, bound: u32) -> u32 {
        ((u64::from(self.word(index)) * u64::from(bound)) >> 32) as u32
    }

    /// The `index`-th normally distributed number.
    pub fn normal(self, index: u32) -> f32 {
        normal_quantile(self.word(index) >> 8)
    }
}

/// √2 · erf⁻¹(x) at x = (2n + 1)/2²⁴ − 1 for n of 24 bits, by Giles' approximation (*Approximating the erfinv function*, GPU Computing Gems
/// Jade Edition, ch. 10, 2010; single precision).
pub fn normal_quantile(n: u32) -> f32 {
    const CENTRE: [f32; 9] = [
        2.810_226_4e-8,
        3.432_739_4e-7,
        -3.523_387_7e-6,
        -4.391_506_5e-6,
        0.000_218_580_87,
        -0.001_253_725,
        -0.004_177_681_6,
        0.246_640_73,
        1.501_409_4,
    ];
    const TAIL: [f32; 9] = [
        -0.000_200_214_26,
        0.000_100_950_56,
        0.001_349_343_2,
        -0.003_673_428_4,
        0.005_739_507_7,
        -0.007_622_461_3,
        0.009_438_870_5,
        1.001_674,
        2.832_976_8,
    ];
    let x = (2 * n as i32 + 1 - 16_777_216) as f32 / 16_777_216.0;
    let w = -((1.0 - x) * (1.0 + x)).ln();
    let (w, series) = if w < 5.0 { (w - 2.5, CENTRE) } else { (w.sqrt() - 3.0, TAIL) };
    std::f32::consts::SQRT_2 * series.into_iter().fold(0.0, |p, c| c + p * w) * x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        // Φ⁻¹ of 0.75, 0.975, 0.9999 and 0.999999 (tabled); n is the nearest of 2²⁴ cells, whose width adds 2⁻²⁵ / φ(z).
        for (share, z) in [(0.75, 0.674_489_750_f64), (0.975, 1.959_963_985), (0.9999, 3.719_016_485), (0.999_999, 4.753_424_309)] {
            let n = (share * 16_777_216.0_f64 - 0.5).round();
            let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let cell = (share - (n + 0.5) / 16_777_216.0).abs() / density;
            // 3e-7 is Giles' relative error; f32 rounds 1 − x at 2⁻²⁵, which the density magnifies too.
            let tolerance = 4e-7 * z + cell + 2.0_f64.powi(-25) / (2.0 * density);
            for (n, z) in [(n as u32, z), ((16_777_215.0 - n) as u32, -z)] {
                let error = f64::from(normal_quantile(n)) - z;
                assert!(error.abs() <= tolerance, "{share}: {error:e} of {tolerance:e}");
            }
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let n = 100_000;
        let moments = |f: &dyn Fn(u32) -> f32| {
            let (mut sum, mut squares) = (0.0, 0.0);
            (0..n).map(f).for_each(|x| {
                sum += f64::from(x);
                squares += f64::from(x).powi(2);
            });
            let mean = sum / f64::from(n);
            (mean, squares / f64::from(n) - mean * mean)
        };
        // Five standard errors: of a mean σ/√n; of a variance √((μ₄ − σ⁴)/n), μ₄ = 3 (normal), 1/80 (uniform).
        let five = 5.0 / f64::from(n).sqrt();
        for stream in 0..3 {
            let s = Stream::new(7, stream);
            let (mean, variance) = moments(&|i| s.normal(i));
            assert!(mean.abs() < five && (variance - 1.0).abs() < five * 2.0_f64.sqrt(), "{mean} {variance}");
            let (mean, variance) = moments(&|i| s.uniform(i));
            assert!((mean - 0.5).abs() < five * (1.0_f64 / 12.0).sqrt(), "{mean}");
            assert!((variance - 1.0 / 12.0).abs() < five * (1.0_f64 / 80.0 - 1.0 / 144.0).sqrt(), "{variance}");
        }
    }

    #[test]
    fn every_bit_of_the_counter_moves_half_of_the_bits() {
        // A word of which each bit flips with probability 1/2 has a mean of 16 flips and a variance of 8: over 1000 trials a standard error
        // of √8/√1000 = 0.09. Six of them, for 128 bits tried.
        for bit in 0..128 {
            let flips: u32 = (0..1000_u32)
                .map(|i| {
                    let counter = [i, i.wrapping_mul(77), 5, 0];
                    let mut other = counter;
                    other[bit / 32] ^= 1 << (bit % 32);
                    (hash4(counter)[0] ^ hash4(other)[0]).count_ones()
                })
                .sum();
            let mean = f64::from(flips) / 1000.0;
            assert!((mean - 16.0).abs() < 0.6, "bit {bit}: {mean}");
        }
    }
}
