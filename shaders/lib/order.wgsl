// A total order over the bits of floats, as integers: the sign of zero does not count, NaN of whatever bits comes last.
// Only bits are looked at, because a device may take comparisons with NaN as it likes and flush subnormals.

// Key of a value: ascending.
fn value_key(bits: u32) -> u32 {
    let size = bits & 0x7fffffffu;
    if size > 0x7f800000u {
        return 0xffffffffu;
    }
    if size == 0u {
        return 0x80000000u;
    }
    return select(bits | 0x80000000u, ~bits, bits > 0x80000000u);
}

// Key of a magnitude: ascending.
fn magnitude_key(bits: u32) -> u32 {
    let size = bits & 0x7fffffffu;
    return select(size, 0xffffffffu, size > 0x7f800000u);
}

// `by` = 0: magnitude; 1: value.
fn sort_key(bits: u32, by: u32) -> u32 {
    if by == 0u {
        return magnitude_key(bits);
    }
    return value_key(bits);
}

// The bits that have this key (of a NaN: the quiet one without a sign).
fn key_bits(key: u32, by: u32) -> u32 {
    if key == 0xffffffffu {
        return 0x7fc00000u;
    }
    if by == 0u {
        return key;
    }
    return select(~key, key & 0x7fffffffu, key >= 0x80000000u);
}
