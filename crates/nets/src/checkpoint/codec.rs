//! Elements to `f32` and back.
//!
//! Decoding gives what `torch.Tensor.to(torch.float32)` gives, bit for bit (NaN stays NaN; its payload is not kept by every path).
//! Formats: IEEE 754 for F16, F32, F64; bfloat16 is the upper half of F32; E5M2 is the upper half of F16; E4M3 is the "fn" variant
//! of Micikevicius et al., "FP8 formats for deep learning" (arXiv 2209.05433, §3): bias 7, no infinities, only `S.1111.111` is NaN.

use half::{bf16, f16};

use super::Dtype;

/// Decodes whole elements (little-endian) and appends them to `out`. Returns false, with nothing appended, for a type that is
/// listed but not decoded. A rest of less than one element is left alone.
pub fn decode_into(dtype: Dtype, bytes: &[u8], out: &mut Vec<f32>) -> bool {
    fn each<const N: usize>(bytes: &[u8], out: &mut Vec<f32>, f: impl Fn([u8; N]) -> f32) {
        out.extend(bytes.as_chunks::<N>().0.iter().map(|c| f(*c)));
    }
    match dtype {
        Dtype::F32 => each(bytes, out, f32::from_le_bytes),
        Dtype::F16 => each(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => each(bytes, out, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        Dtype::F8_E4M3 => each(bytes, out, |[b]| e4m3_to_f32(b)),
        Dtype::F8_E5M2 => each(bytes, out, |[b]| f16::from_bits(u16::from(b) << 8).to_f32()),
        Dtype::I8 => each(bytes, out, |[b]| f32::from(b.cast_signed())),
        Dtype::U8 => each(bytes, out, |[b]| f32::from(b)),
        Dtype::BOOL => each(bytes, out, |[b]| f32::from(u8::from(b != 0))),
        Dtype::I16 => each(bytes, out, |b| f32::from(i16::from_le_bytes(b))),
        Dtype::U16 => each(bytes, out, |b| f32::from(u16::from_le_bytes(b))),
        Dtype::I32 => each(bytes, out, |b| i32::from_le_bytes(b) as f32),
        Dtype::U32 => each(bytes, out, |b| u32::from_le_bytes(b) as f32),
        Dtype::I64 => each(bytes, out, |b| i64::from_le_bytes(b) as f32),
        Dtype::U64 => each(bytes, out, |b| u64::from_le_bytes(b) as f32),
        _ => return false,
    }
    true
}

/// E4M3 by its fields: `(-1)^s · 2^(e-7) · (1 + m/8)`, subnormal `2^-6 · m/8`.
fn e4m3_to_f32(b: u8) -> f32 {
    let sign = u32::from(b & 0x80) << 24;
    let magnitude = u32::from(b & 0x7f);
    match magnitude {
        0x7f => f32::from_bits(sign | 0x7fc0_0000),
        // Subnormal: a multiple of 2^-9, exact in f32.
        0..8 => f32::from_bits((magnitude as f32 * (1.0 / 512.0)).to_bits() | sign),
        // Both exponents moved to f32's bias: 127 - 7 = 120.
        _ => f32::from_bits(sign | ((magnitude << 20) + (120 << 23))),
    }
}

/// Values written in an element type, and what was lost on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Little-endian elements.
    pub bytes: Vec<u8>,
    /// Finite values too large for the type: infinite in F16 and BF16, set to the largest finite value in F8 and integers; and
    /// infinities where the type has none.
    pub overflowed: u64,
    /// Non-zero values that became zero.
    pub underflowed: u64,
    /// NaNs set to 0, for types that have none.
    pub nan: u64,
}

/// Encodes `f32` values, rounding to nearest with ties to even. `None` where [`Dtype::is_writable`] says no.
///
/// Overflow goes to infinity in F16 and BF16 as in torch. F8 saturates at its largest finite value (torch makes NaN or infinity of it,
/// which ruins the tensor); an infinity stays one in E5M2 and becomes NaN in E4M3. Integers saturate and BOOL is `value != 0`.
pub fn encode(dtype: Dtype, values: &[f32]) -> Option<Encoded> {
    fn each<const N: usize>(values: &[f32], mut f: impl FnMut(f32) -> ([u8; N], f32)) -> Encoded {
        let mut out = Encoded { bytes: Vec::with_capacity(values.len() * N), ..Encoded::default() };
        for &v in values {
            let (bytes, back) = f(v);
            out.bytes.extend_from_slice(&bytes);
            if v.is_nan() {
                out.nan += u64::from(!back.is_nan());
            } else {
                // Saturation moves the value by more than rounding does; the callers below say so by returning NaN or an infinity.
                out.overflowed += u64::from((v.is_finite() && !back.is_finite()) || (v.is_infinite() && back.is_nan()));
                out.underflowed += u64::from(v != 0.0 && back == 0.0);
            }
        }
        out
    }
    fn whole(v: f32, low: f32, high: f32) -> (f32, f32) {
        let r = v.round_ties_even();
        if v.is_nan() { (0.0, 0.0) } else if (low..=high).contains(&r) { (r, r) } else { (r.clamp(low, high), f32::NAN) }
    }
    Some(match dtype {
        Dtype::F32 => each(values, |v| (v.to_le_bytes(), v)),
        Dtype::F64 => each(values, |v| (f64::from(v).to_le_bytes(), v)),
        Dtype::F16 => each(values, |v| (f16::from_f32(v).to_le_bytes(), f16::from_f32(v).to_f32())),
        Dtype::BF16 => each(values, |v| (bf16::from_f32(v).to_le_bytes(), bf16::from_f32(v).to_f32())),
        Dtype::F8_E4M3 => each(values, |v| f8(v, &E4M3)),
        Dtype::F8_E5M2 => each(values, |v| f8(v, &E5M2)),
        Dtype::I8 => each(values, |v| {
            let (r, back) = whole(v, -128.0, 127.0);
            ((r as i8).to_le_bytes(), back)
        }),
        Dtype::U8 => each(values, |v| {
            let (r, back) = whole(v, 0.0, 255.0);
            ([r as u8], back)
        }),
        Dtype::I16 => each(values, |v| {
            let (r, back) = whole(v, -32768.0, 32767.0);
            ((r as i16).to_le_bytes(), back)
        }),
        Dtype::U16 => each(values, |v| {
            let (r, back) = whole(v, 0.0, 65535.0);
            ((r as u16).to_le_bytes(), back)
        }),
        Dtype::BOOL => each(values, |v| ([u8::from(v != 0.0)], f32::from(u8::from(v != 0.0)))),
        _ => return None,
    })
}

struct F8 {
    mantissa: i32,
    bias: i32,
    largest: u8,
    infinity: Option<u8>,
}

const E4M3: F8 = F8 { mantissa: 3, bias: 7, largest: 0x7e, infinity: None };
const E5M2: F8 = F8 { mantissa: 2, bias: 15, largest: 0x7b, infinity: Some(0x7c) };

/// One byte and what it reads back as; NaN or infinity as the second says "did not fit".
fn f8(v: f32, f: &F8) -> ([u8; 1], f32) {
    let sign = if v.is_sign_negative() { 0x80 } else { 0 };
    if v.is_nan() {
        return ([sign | 0x7f], v);
    }
    if v.is_infinite() {
        return ([sign | f.infinity.unwrap_or(0x7f)], if f.infinity.is_some() { v } else { f32::NAN });
    }
    let a = f64::from(v.abs());
    // Exponent of the unit in the last place; below the smallest normal it stays put. f64 holds every step exactly.
    let exponent = (((a.to_bits() >> 52) as i32) - 1023).max(1 - f.bias);
    let ulp = exponent - f.mantissa;
    let steps = (a * f64::exp2(f64::from(-ulp))).round_ties_even() as i64;
    // A normal number has its leading one in `steps`; adding it to the exponent field carries by itself when rounding reaches the next power.
    let code = (i64::from(exponent + f.bias - 1) << f.mantissa) + steps;
    if code > i64::from(f.largest) { ([sign | f.largest], f32::INFINITY) } else { ([sign | code as u8], (steps as f64 * f64::exp2(f64::from(ulp))) as f32) }
}

/// Sets to zero, in the file's own bytes, the elements for which `zero` says so: what stays keeps every bit, in any type.
/// `zero` is asked once for each whole element of `bytes`, by its position there. Packed types (4 and 6 bits) are left alone and give false.
pub fn zero_where(dtype: Dtype, bytes: &mut [u8], mut zero: impl FnMut(usize) -> bool) -> bool {
    if !dtype.bits().is_multiple_of(8) {
        return false;
    }
    let width = (dtype.bits() / 8) as usize;
    for (i, element) in bytes.chunks_exact_mut(width).enumerate() {
        if zero(i) {
            element.fill(0);
        }
    }
    true
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
