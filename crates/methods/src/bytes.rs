//! Arrays of numbers that cross the worker boundary as bytes and print as plain numbers in JSON.
//!
//! serde has no way to tell serde-wasm-bindgen from serde_json (both call themselves human-readable), so the worker's codec says it:
//! inside [`as_bytes`] an array is one byte string, outside it is a list of numbers.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

thread_local!(static BYTES: Cell<bool> = const { Cell::new(false) });

/// Runs `f` with arrays written as byte strings. Reading accepts both forms always.
pub fn as_bytes<T>(f: impl FnOnce() -> T) -> T {
    let before = BYTES.replace(true);
    let out = f();
    BYTES.set(before);
    out
}

macro_rules! array {
    ($name:ident, $t:ty, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name(pub Vec<$t>);

        impl Deref for $name {
            type Target = [$t];
            fn deref(&self) -> &[$t] {
                &self.0
            }
        }

        impl From<Vec<$t>> for $name {
            fn from(v: Vec<$t>) -> Self {
                Self(v)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if BYTES.get() {
                    let bytes: Vec<u8> = self.0.iter().flat_map(|v| v.to_le_bytes()).collect();
                    s.serialize_bytes(&bytes)
                } else {
                    s.collect_seq(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl<'de> Visitor<'de> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("numbers, or their little-endian bytes")
                    }
                    fn visit_bytes<E: serde::de::Error>(self, b: &[u8]) -> Result<$name, E> {
                        const N: usize = size_of::<$t>();
                        if b.len() % N != 0 {
                            return Err(E::invalid_length(b.len(), &self));
                        }
                        let read = |c: &[u8]| {
                            let mut a = [0; N];
                            a.copy_from_slice(c);
                            <$t>::from_le_bytes(a)
                        };
                        Ok($name(b.chunks_exact(N).map(read).collect()))
                    }
                    fn visit_byte_buf<E: serde::de::Error>(self, b: Vec<u8>) -> Result<$name, E> {
                        self.visit_bytes(&b)
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$name, A::Error> {
                        let mut out = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1 << 16));
                        while let Some(v) = seq.next_element()? {
                            out.push(v);
                        }
                        Ok($name(out))
                    }
                }
                if BYTES.get() { d.deserialize_byte_buf(V) } else { d.deserialize_any(V) }
            }
        }
    };
}

array!(F32s, f32, "Single-precision numbers.");
array!(F64s, f64, "Double-precision numbers.");
array!(U32s, u32, "Unsigned integers.");
array!(U8s, u8, "Bytes.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_a_list_of_numbers_and_reads_back() {
        let a = F64s(vec![1.5, -2.0]);
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(text, "[1.5,-2.0]");
        assert_eq!(serde_json::from_str::<F64s>(&text).unwrap(), a);
    }
}
