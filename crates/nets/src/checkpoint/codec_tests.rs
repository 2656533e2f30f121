use super::*;

fn decode(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    let mut out = Vec::new();
    assert!(decode_into(dtype, bytes, &mut out));
    out
}

/// `(-1)^s · 2^(e - bias) · (1 + m / 2^bits)` in float64, straight from the definition and independent of the code under test.
fn by_definition(sign: bool, exponent: i32, mantissa: i32, mantissa_bits: i32, bias: i32) -> f64 {
    let m = f64::from(mantissa) / f64::from(1 << mantissa_bits);
    let magnitude = if exponent == 0 { f64::powi(2.0, 1 - bias) * m } else { f64::powi(2.0, exponent - bias) * (1.0 + m) };
    if sign { -magnitude } else { magnitude }
}

fn same(a: f32, b: f64) -> bool {
    if b.is_nan() { a.is_nan() } else { a.to_bits() == (b as f32).to_bits() }
}

#[test]
fn all_f16_and_bf16_patterns_decode_by_definition_and_go_back() {
    for bits in 0..=u16::MAX {
        let bytes = bits.to_le_bytes();
        let (s, e, m) = (bits >> 15 == 1, i32::from(bits >> 10 & 0x1f), i32::from(bits & 0x3ff));
        let sign = if s { -1.0 } else { 1.0 };
        let expected = match (e, m) {
            (31, 0) => sign * f64::INFINITY,
            (31, _) => f64::NAN,
            _ => by_definition(s, e, m, 10, 15),
        };
        let got = decode(Dtype::F16, &bytes)[0];
        assert!(same(got, expected), "f16 {bits:04x}: {got} {expected}");
        assert!(same(f16::from_bits(bits).to_f32(), expected));
        if !got.is_nan() {
            assert_eq!(encode(Dtype::F16, &[got]).unwrap().bytes, bytes, "f16 {bits:04x}");
        }
        let got = decode(Dtype::BF16, &bytes)[0];
        assert_eq!(got.to_bits() & 0xffbf_ffff, u32::from(bits) << 16 & 0xffbf_ffff, "bf16 {bits:04x}");
        assert_eq!(got.is_nan(), bits & 0x7f80 == 0x7f80 && bits & 0x7f != 0);
        if !got.is_nan() {
            assert_eq!(encode(Dtype::BF16, &[got]).unwrap().bytes, bytes, "bf16 {bits:04x}");
        }
    }
}

#[test]
fn all_f8_patterns_decode_by_definition_and_go_back() {
    for b in 0..=u8::MAX {
        let s = b >> 7 == 1;
        let sign = if s { -1.0 } else { 1.0 };
        let e4m3 = if b & 0x7f == 0x7f { f64::NAN } else { by_definition(s, i32::from(b >> 3 & 15), i32::from(b & 7), 3, 7) };
        let e5m2 = match b & 0x7f {
            0x7c => sign * f64::INFINITY,
            0x7d..=0x7f => f64::NAN,
            _ => by_definition(s, i32::from(b >> 2 & 31), i32::from(b & 3), 2, 15),
        };
        for (dtype, expected) in [(Dtype::F8_E4M3, e4m3), (Dtype::F8_E5M2, e5m2)] {
            let got = decode(dtype, &[b])[0];
            assert!(same(got, expected), "{dtype} {b:02x}: {got} {expected}");
            if !got.is_nan() {
                let back = encode(dtype, &[got]).unwrap();
                assert_eq!((back.bytes, back.overflowed), (vec![b], 0), "{dtype} {b:02x}");
            }
        }
    }
    // Spelled-out ends of both ranges.
    assert_eq!(decode(Dtype::F8_E4M3, &[0x7e, 0x01, 0x08, 0x38, 0xfe]), [448.0, 0.001_953_125, 0.015_625, 1.0, -448.0]);
    assert_eq!(decode(Dtype::F8_E5M2, &[0x7b, 0x01, 0x04, 0x3c, 0xfb]), [57344.0, 1.525_878_9e-5, 6.103_515_6e-5, 1.0, -57344.0]);
}

#[test]
fn f8_encoding_is_the_nearest_value_with_ties_to_even() {
    for dtype in [Dtype::F8_E4M3, Dtype::F8_E5M2] {
        let table: Vec<(u8, f32)> = (0..=0x7fu8).map(|b| (b, decode(dtype, &[b])[0])).filter(|(_, v)| v.is_finite()).collect();
        for pair in table.windows(2) {
            let ((low_code, low), (high_code, high)) = (pair[0], pair[1]);
            let middle = (low + high) / 2.0;
            let even = if low_code % 2 == 0 { low_code } else { high_code };
            for (v, code) in [(low, low_code), (middle, even), (middle.next_down(), low_code), (middle.next_up(), high_code), (-middle, even | 0x80)] {
                assert_eq!(encode(dtype, &[v]).unwrap().bytes, [code], "{dtype} {v}");
            }
        }
    }
    let e = encode(Dtype::F8_E4M3, &[449.0, 1e9, f32::INFINITY, f32::NAN, 1e-9]).unwrap();
    assert_eq!((e.bytes, e.overflowed, e.underflowed, e.nan), (vec![0x7e, 0x7e, 0x7f, 0x7f, 0x00], 2, 1, 0));
    let e = encode(Dtype::F8_E5M2, &[1e9, f32::NEG_INFINITY]).unwrap();
    assert_eq!((e.bytes, e.overflowed), (vec![0x7b, 0xfc], 1));
}

#[test]
fn narrowing_counts_what_it_loses() {
    // 65520 is the tie between the largest f16 (65504) and what would be 65536.
    let e = encode(Dtype::F16, &[65519.0, 65520.0, -1e6, f32::INFINITY, 1e-9, 0.0, -0.0]).unwrap();
    assert_eq!((e.overflowed, e.underflowed), (2, 1));
    let back = decode(Dtype::F16, &e.bytes);
    assert_eq!(back[..4], [65504.0, f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY]);
    assert!(back[6].is_sign_negative());
    let e = encode(Dtype::BF16, &[f32::MAX, 1.0 + f32::exp2(-8.0), 1.0 + 3.0 * f32::exp2(-8.0)]).unwrap();
    // 1 + 2^-8 is a tie that goes down to even, 1 + 3·2^-8 one that goes up to even.
    assert_eq!(decode(Dtype::BF16, &e.bytes), [f32::INFINITY, 1.0, 1.015_625]);
    assert_eq!(e.overflowed, 1);
    let e = encode(Dtype::I8, &[0.5, 1.5, -200.0, f32::NAN, 127.0]).unwrap();
    assert_eq!((e.bytes, e.overflowed, e.underflowed, e.nan), (vec![0, 2, 0x80, 0, 127], 1, 1, 1));
    assert_eq!(encode(Dtype::I64, &[1.0]), None);
}

#[test]
fn integers_and_doubles_decode_as_a_cast() {
    assert_eq!(decode(Dtype::I8, &[0xff, 0x7f, 0x80]), [-1.0, 127.0, -128.0]);
    assert_eq!(decode(Dtype::U8, &[0xff, 0]), [255.0, 0.0]);
    assert_eq!(decode(Dtype::BOOL, &[0, 1, 7]), [0.0, 1.0, 1.0]);
    assert_eq!(decode(Dtype::I16, &(-300i16).to_le_bytes()), [-300.0]);
    assert_eq!(decode(Dtype::U16, &65535u16.to_le_bytes()), [65535.0]);
    // 2^24 + 1 is a tie between two floats: to even.
    assert_eq!(decode(Dtype::I32, &16_777_217i32.to_le_bytes()), [16_777_216.0]);
    assert_eq!(decode(Dtype::U32, &u32::MAX.to_le_bytes()), [4_294_967_296.0]);
    assert_eq!(decode(Dtype::I64, &i64::MIN.to_le_bytes()), [-f32::exp2(63.0)]);
    assert_eq!(decode(Dtype::U64, &u64::MAX.to_le_bytes()), [f32::exp2(64.0)]);
    assert_eq!(decode(Dtype::F64, &(1.0f64 + f64::powi(2.0, -24)).to_le_bytes()), [1.0]);
    assert!(!decode_into(Dtype::C64, &[0; 8], &mut Vec::new()));
    for &d in Dtype::ALL {
        assert_eq!(decode_into(d, &[0; 8], &mut Vec::new()), d.is_readable(), "{d}");
        assert_eq!(encode(d, &[0.0]).is_some(), d.is_writable(), "{d}");
    }
}

#[test]
fn zeroing_keeps_every_other_bit() {
    let mut bytes: Vec<u8> = (1..=24).collect();
    assert!(zero_where(Dtype::F64, &mut bytes, |i| i == 1));
    assert_eq!(bytes[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[8..16], [0; 8]);
    assert_eq!(bytes[16..], [17, 18, 19, 20, 21, 22, 23, 24]);
    assert!(!zero_where(Dtype::F4, &mut bytes, |_| true));
}
