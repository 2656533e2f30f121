//! Python's `random.Random(seed).randint`: the published samplers draw with it, and the same seed has to give the same windows.
//!
//! MT19937 (Matsumoto and Nishimura 1998), seeded by an array of the seed's 32-bit words as CPython does; `randint` takes the upper bits of
//! words and rejects what is too large. Only places of texts are drawn with it, on the host; everything else uses the counter-based hash.

const N: usize = 624;
const M: usize = 397;

/// A generator.
#[derive(Clone, Debug)]
pub struct PythonRandom {
    state: Vec<u32>,
    at: usize,
}

impl PythonRandom {
    /// `random.Random(seed)` of a whole number.
    pub fn new(seed: u64) -> Self {
        let key: Vec<u32> = if seed >> 32 == 0 { vec![seed as u32] } else { vec![seed as u32, (seed >> 32) as u32] };
        let mut s = vec![0_u32; N];
        s[0] = 19_650_218;
        for i in 1..N {
            s[i] = 1_812_433_253_u32.wrapping_mul(s[i - 1] ^ (s[i - 1] >> 30)).wrapping_add(i as u32);
        }
        let (mut i, mut j) = (1, 0);
        for _ in 0..N.max(key.len()) {
            s[i] = (s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            (i, j) = (i + 1, (j + 1) % key.len());
            if i == N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        for _ in 0..N - 1 {
            s[i] = (s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == N {
                s[0] = s[N - 1];
                i = 1;
            }
        }
        s[0] = 0x8000_0000;
        Self { state: s, at: N }
    }

    fn word(&mut self) -> u32 {
        if self.at == N {
            let s = &mut self.state;
            for i in 0..N {
                let y = (s[i] & 0x8000_0000) | (s[(i + 1) % N] & 0x7fff_ffff);
                s[i] = s[(i + M) % N] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn bits(&mut self, k: u32) -> u64 {
        if k <= 32 {
            return u64::from(self.word() >> (32 - k));
        }
        let low = u64::from(self.word());
        low | u64::from(self.word() >> (64 - k)) << 32
    }

    /// `randint(low, high)`, both ends included. Panics where there is nothing between them: a bug of the caller.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "nothing lies between {low} and {high}");
        let count = high - low + 1;
        let k = 64 - count.leading_zeros();
        loop {
            let r = self.bits(k);
            if r < count {
                return low + r;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_pythons() {
        // [random.Random(0).randint(0, 11) for _ in range(5)], random.Random(12345).randint(0, 10**6), random.Random(2**40 + 7).randint(5, 5000).
        let mut r = PythonRandom::new(0);
        assert_eq!([0; 5].map(|_| r.between(0, 11)), [6, 6, 0, 4, 8]);
        assert_eq!(PythonRandom::new(12_345).between(0, 1_000_000), 436_857);
        assert_eq!(PythonRandom::new((1 << 40) + 7).between(5, 5000), 4677);
    }
}
