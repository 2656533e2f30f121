//! Writing.

use std::fmt::Display;

use serde::ser::{self, Serialize};

use super::{Broken, tag};

/// Writes to the end of a list of bytes.
pub(super) struct Writer<'a>(pub &'a mut Vec<u8>);

impl ser::Error for Broken {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

impl Writer<'_> {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tagged(&mut self, tag: u8, value: u64) -> Result<(), Broken> {
        self.0.push(tag);
        self.number(value);
        Ok(())
    }

    fn counted(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Broken> {
        self.tagged(tag, bytes.len() as u64)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn variant(&mut self, index: u32) -> Result<(), Broken> {
        self.number(index.into());
        Ok(())
    }
}

macro_rules! integers {
    ($($name:ident $t:ty, $tag:expr, $map:expr;)*) => { $(
        fn $name(self, v: $t) -> Result<(), Broken> {
            self.tagged($tag, $map(v.into()))
        }
    )* };
}

/// Small magnitudes of either sign become small numbers.
fn zigzag(v: i64) -> u64 {
    (v << 1 ^ v >> 63) as u64
}

impl ser::Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Broken;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers! {
        serialize_u8 u8, tag::UNSIGNED, |v: u64| v;
        serialize_u16 u16, tag::UNSIGNED, |v: u64| v;
        serialize_u32 u32, tag::UNSIGNED, |v: u64| v;
        serialize_u64 u64, tag::UNSIGNED, |v: u64| v;
        serialize_i8 i8, tag::SIGNED, zigzag;
        serialize_i16 i16, tag::SIGNED, zigzag;
        serialize_i32 i32, tag::SIGNED, zigzag;
        serialize_i64 i64, tag::SIGNED, zigzag;
    }

    fn serialize_bool(self, v: bool) -> Result<(), Broken> {
        self.0.push(if v { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Result<(), Broken> {
        self.serialize_f64(v.into())
    }

    fn serialize_f64(self, v: f64) -> Result<(), Broken> {
        self.0.push(tag::FLOAT);
        self.0.extend_from_slice(&v.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Broken> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), Broken> {
        self.counted(tag::TEXT, v.as_bytes())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Broken> {
        self.counted(tag::BYTES, v)
    }

    fn serialize_none(self) -> Result<(), Broken> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Broken> {
        self.0.push(tag::SOME);
        v.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Broken> {
        self.0.push(tag::NONE);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Broken> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Broken> {
        self.variant(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<(), Broken> {
        v.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, index: u32, _: &'static str, v: &T) -> Result<(), Broken> {
        self.variant(index)?;
        v.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Broken> {
        self.tagged(tag::LIST, len.ok_or(Broken)? as u64)?;
        Ok(self)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Broken> {
        self.tagged(tag::MAP, len.ok_or(Broken)? as u64)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Broken> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Broken> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Broken> {
        self.variant(index)?;
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Broken> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Broken> {
        self.variant(index)?;
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($kind:ident $method:ident ($($key:ty)?);)*) => { $(
        impl ser::$kind for &mut Writer<'_> {
            type Ok = ();
            type Error = Broken;
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? v: &T) -> Result<(), Broken> {
                v.serialize(&mut **self)
            }
            fn end(self) -> Result<(), Broken> {
                Ok(())
            }
        }
    )* };
}

parts! {
    SerializeSeq serialize_element ();
    SerializeTuple serialize_element ();
    SerializeTupleStruct serialize_field ();
    SerializeTupleVariant serialize_field ();
    SerializeStruct serialize_field (&'static str);
    SerializeStructVariant serialize_field (&'static str);
}

impl ser::SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = Broken;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Broken> {
        key.serialize(&mut **self)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Broken> {
        v.serialize(&mut **self)
    }
    fn end(self) -> Result<(), Broken> {
        Ok(())
    }
}
