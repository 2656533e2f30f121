//! Folds the middle axis of x, seen as `outer × axis × inner`: y[o, p, i] over the p-th part of the axis.
//!
//! Either a workgroup makes one result (`alone` = 0): each invocation folds every 256th element, then the 256 results are folded as a
//! tree. Or an invocation makes one by itself: along columns, neighbours beside neighbours, and where many rows are short. The order never depends on timing.
//! use lib/index

struct Params {
    /// Rows of results in this launch: `outer`.
    outer: u32,
    /// Elements of the axis.
    axis: u32,
    /// Elements that lie between one step of the axis and the next.
    inner: u32,
    /// Elements of the axis a part.
    part: u32,
    /// Parts of the axis in this launch.
    parts: u32,
    /// Parts of the axis in all.
    all_parts: u32,
    /// 1 where an invocation makes a result by itself.
    alone: u32,
    /// 0 sum, 1 sum of squares, 2 largest, 3 smallest.
    kind: u32,
    /// Factor for the result.
    scale: f32,
    /// First element of this launch's `x` in its binding.
    x_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, 256>;

const LARGEST = 3.4028234e38;

fn start() -> f32 {
    switch params.kind {
        case 2u: { return -LARGEST; }
        case 3u: { return LARGEST; }
        default: { return 0.0; }
    }
}

fn join(a: f32, b: f32) -> f32 {
    switch params.kind {
        case 2u: { return max(a, b); }
        case 3u: { return min(a, b); }
        default: { return a + b; }
    }
}

// Folds every `step`-th element of the `number`-th result's part, from the `first`-th on.
fn along(number: u32, first: u32, step: u32) -> f32 {
    let i = number % params.inner;
    let p = number / params.inner % params.parts;
    let o = number / params.inner / params.parts;
    let end = min((p + 1u) * params.part, params.axis);
    let base = params.x_base + o * params.axis * params.inner + i;
    var result = start();
    for (var a = p * params.part + first; a < end; a += step) {
        var v = x[base + a * params.inner];
        if params.kind == 1u {
            v = v * v;
        }
        result = join(result, v);
    }
    return result;
}

fn write(number: u32, value: f32) {
    let o = number / params.inner / params.parts;
    y[params.y_base + number + o * (params.all_parts - params.parts) * params.inner] = value * params.scale;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let results = params.outer * params.parts * params.inner;
    if params.alone == 1u {
        let number = flat_index(group, groups, lane);
        if number < results {
            write(number, along(number, 0u, 1u));
        }
    } else {
        let number = flat_group(group, groups);
        if number < results {
            partial[lane] = along(number, lane, 256u);
        }
        workgroupBarrier();
        for (var half = 128u; half > 0u; half = half / 2u) {
            if lane < half {
                partial[lane] = join(partial[lane], partial[lane + half]);
            }
            workgroupBarrier();
        }
        if number < results && lane == 0u {
            write(number, partial[0]);
        }
    }
}
