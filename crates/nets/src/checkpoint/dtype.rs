//! Element types of safetensors 0.8.

macro_rules! dtypes {
    ($($name:ident $bits:literal),* $(,)?) => {
        /// Element type, spelled as the file spells it. The order is the file format's own: a writer puts wider types first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[allow(non_camel_case_types, missing_docs, reason = "the file format's own names")]
        pub enum Dtype {
            $($name,)*
        }

        impl Dtype {
            /// Every element type of the format.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Bits of one element: 4 and 6 for the packed ones, so a tensor's bytes are `elements · bits / 8`.
            pub fn bits(self) -> u64 {
                match self { $(Self::$name => $bits,)* }
            }

            /// The name in the file: `BF16`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The type of that name, letter for letter.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

dtypes! {
    BOOL 8, F4 4, F6_E2M3 6, F6_E3M2 6, U8 8, I8 8, F8_E5M2 8, F8_E4M3 8, F8_E8M0 8, F8_E4M3FNUZ 8, F8_E5M2FNUZ 8,
    I16 16, U16 16, F16 16, BF16 16, I32 32, U32 32, F32 32, C64 64, F64 64, I64 64, U64 64,
}

impl Dtype {
    /// Whether values can be decoded to `f32` here; the others are listed only.
    pub fn is_readable(self) -> bool {
        !matches!(
            self,
            Self::F4 | Self::F6_E2M3 | Self::F6_E3M2 | Self::F8_E8M0 | Self::F8_E4M3FNUZ | Self::F8_E5M2FNUZ | Self::C64
        )
    }

    /// Whether `f32` values can be written in it; the wide integers cannot be made from `f32` without loss.
    pub fn is_writable(self) -> bool {
        self.is_readable() && !matches!(self, Self::I32 | Self::U32 | Self::I64 | Self::U64)
    }

    /// Whether a tensor of it may hold weights: floats, and the signed bytes of an eight-bit quantisation. Other integers are
    /// indices, masks or packed codes, whose spectrum means nothing.
    pub fn may_hold_weights(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16 | Self::F8_E4M3 | Self::F8_E5M2 | Self::I8)
    }

    /// Bytes that `elements` of it take, or `None` where the number overflows or does not end on a whole byte.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        let bits = elements.checked_mul(self.bits())?;
        (bits % 8 == 0).then_some(bits / 8)
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_agrees_with_the_safetensors_crate() {
        for &d in Dtype::ALL {
            let theirs: safetensors::Dtype = serde_json::from_str(&format!("\"{d}\"")).unwrap();
            assert_eq!(theirs.bitsize() as u64, d.bits(), "{d}");
            assert_eq!(Dtype::from_name(d.name()), Some(d));
            for &e in Dtype::ALL {
                let other: safetensors::Dtype = serde_json::from_str(&format!("\"{e}\"")).unwrap();
                assert_eq!(d.cmp(&e), theirs.cmp(&other), "{d} {e}");
            }
        }
        assert_eq!(Dtype::ALL.len(), 22);
        assert_eq!(Dtype::from_name("f32"), None);
    }

    #[test]
    fn bytes_of_packed_types_end_on_whole_bytes() {
        assert_eq!(Dtype::F4.bytes(6), Some(3));
        assert_eq!(Dtype::F4.bytes(3), None);
        assert_eq!(Dtype::F6_E2M3.bytes(4), Some(3));
        assert_eq!(Dtype::F6_E2M3.bytes(2), None);
        assert_eq!(Dtype::F64.bytes(u64::MAX / 8), None);
    }
}
