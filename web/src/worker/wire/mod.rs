//! Commands and replies as bytes, inside the envelopes that `serde_wasm_bindgen` carries between page and worker.
//!
//! Why a format of our own: reading JavaScript objects by field names makes the compiler write, for every type of the protocol, a reader of names, of
//! doubled fields and of missing ones, 110 kB in all, of which the page needs none: both sides are built together from the same types. So a
//! structure is its fields in order, a variant its number; scalars carry one byte that tells their kind, so that a free `serde_json::Value` can be
//! read back too. Integers are variable-length, floats little-endian; arrays of numbers are byte strings.

mod read;
mod write;

use std::fmt;
use std::marker::PhantomData;

use espalier_methods::bytes::as_bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands before a scalar, a list or a map.
mod tag {
    pub const NONE: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const UNSIGNED: u8 = 3;
    pub const SIGNED: u8 = 4;
    pub const FLOAT: u8 = 5;
    pub const TEXT: u8 = 6;
    pub const BYTES: u8 = 7;
    pub const LIST: u8 = 8;
    pub const MAP: u8 = 9;
    pub const SOME: u8 = 10;
}

/// A message that is not of the type it is read as, or a type that this format cannot hold. It says no more: it can only be a bug of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message between page and worker cannot be read")
    }
}

impl std::error::Error for Broken {}

/// Bytes of a message.
///
/// # Errors
/// A type that the format cannot hold (a list of unknown length).
pub fn to_bytes(message: &impl Serialize) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::new();
    as_bytes(|| message.serialize(&mut write::Writer(&mut out)))?;
    Ok(out)
}

/// The message that was written as these bytes.
///
/// # Errors
/// Bytes of another type, cut off, or with something behind them.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    let mut reader = read::Reader(bytes);
    let message = as_bytes(|| T::deserialize(&mut reader))?;
    if reader.0.is_empty() { Ok(message) } else { Err(Broken) }
}

/// A message packed as bytes within an envelope that is not.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed<T>(pub T);

impl<T: Serialize> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Sealed::of(&self.0).map_err(serde::ser::Error::custom)?.serialize(s)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Sealed::<T>::deserialize(d)?.open().map(Self).map_err(serde::de::Error::custom)
    }
}

/// A message that stays bytes until somebody opens it: who only passes it on needs no reader of its type.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed<T> {
    bytes: Vec<u8>,
    of: PhantomData<T>,
}

impl<T: Serialize> Sealed<T> {
    /// Seals a message.
    ///
    /// # Errors
    /// See [`to_bytes`].
    pub fn of(message: &T) -> Result<Self, Broken> {
        Ok(Self { bytes: to_bytes(message)?, of: PhantomData })
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// The message.
    ///
    /// # Errors
    /// See [`from_bytes`].
    pub fn open(&self) -> Result<T, Broken> {
        from_bytes(&self.bytes)
    }
}

impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.bytes)
    }
}

impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self { bytes: d.deserialize_byte_buf(Bytes)?, of: PhantomData })
    }
}

struct Bytes;

impl serde::de::Visitor<'_> for Bytes {
    type Value = Vec<u8>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }
    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
