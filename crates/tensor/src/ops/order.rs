//! A total order over floats by their bits, the twin of `shaders/lib/order.wgsl`: the sign of zero does not count, NaN of whatever
//! bits comes last.

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// `|x|`.
    Magnitude = 0,
    /// `x`.
    Value = 1,
}

impl By {
    /// An integer that orders as the element does.
    pub fn key(self, x: f32) -> u32 {
        let bits = x.to_bits();
        let size = bits & 0x7fff_ffff;
        match self {
            _ if size > 0x7f80_0000 => u32::MAX,
            Self::Magnitude => size,
            Self::Value if size == 0 => 0x8000_0000,
            Self::Value if bits >> 31 == 1 => !bits,
            Self::Value => bits | 0x8000_0000,
        }
    }

    /// The element that has this key; of zeros the positive one.
    pub fn element(self, key: u32) -> f32 {
        match self {
            _ if key == u32::MAX => f32::NAN,
            Self::Magnitude => f32::from_bits(key),
            Self::Value if key >> 31 == 1 => f32::from_bits(key & 0x7fff_ffff),
            Self::Value => f32::from_bits(!key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_order_as_numbers_do(a: u32, b: u32) {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            for by in [By::Magnitude, By::Value] {
                let number = |v: f32| if by == By::Magnitude { v.abs() } else { v };
                let (p, q) = (number(x), number(y));
                let expected = match (p.is_nan(), q.is_nan()) {
                    (false, false) => p.partial_cmp(&q).expect("neither is NaN"),
                    (s, t) => s.cmp(&t),
                };
                prop_assert_eq!(by.key(x).cmp(&by.key(y)), expected);
                let back = by.element(by.key(x));
                prop_assert!(back == p || (back.is_nan() && p.is_nan()));
            }
        }
    }

    #[test]
    fn zeros_and_nans_are_one_each() {
        for by in [By::Magnitude, By::Value] {
            assert_eq!(by.key(0.0), by.key(-0.0));
            assert_eq!(by.key(f32::NAN), by.key(f32::from_bits(0xff80_0001)));
            assert!(by.key(f32::INFINITY) < by.key(f32::NAN));
        }
    }
}
