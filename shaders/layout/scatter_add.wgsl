//! y[index[i], :] += x[i, :], chunk by chunk of the indices and in ascending order of i, so that the sum is the same on every run.
//!
//! Stage 0, one invocation an index of the chunk: `link[i]` is one past the next place with the same index (0 where there is none), and
//! `link[count + i]` is 1 where no earlier place has it. Stage 1, one invocation an element of x: the first place of an index walks along
//! the links and adds. No atomics are needed, since only one place writes a row.
//! use lib/index

struct Params {
    /// 0: link; 1: add.
    stage: u32,
    /// Indices in this chunk.
    count: u32,
    /// Elements a row.
    width: u32,
    /// First row of `y` in this launch.
    first: u32,
    /// Rows of `y` in this launch.
    rows: u32,
    /// First element of this chunk's `x` in its binding.
    x_base: u32,
    /// First element of this chunk's `index` in its binding.
    i_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> link: array<u32>;

fn connect(i: u32) {
    if i >= params.count {
        return;
    }
    let row = index[params.i_base + i];
    var next = 0u;
    for (var j = i + 1u; j < params.count; j++) {
        if index[params.i_base + j] == row {
            next = j + 1u;
            break;
        }
    }
    var first = 1u;
    for (var j = 0u; j < i; j++) {
        if index[params.i_base + j] == row {
            first = 0u;
            break;
        }
    }
    link[i] = next;
    link[params.count + i] = first;
}

fn add(i: u32, col: u32) {
    if i >= params.count || link[params.count + i] == 0u {
        return;
    }
    // A row before this part becomes a huge number.
    let here = index[params.i_base + i] - params.first;
    if here >= params.rows {
        return;
    }
    let place = params.y_base + here * params.width + col;
    var sum = y[place];
    var at = i + 1u;
    while at > 0u && at <= params.count {
        sum += x[params.x_base + (at - 1u) * params.width + col];
        at = link[at - 1u];
    }
    y[place] = sum;
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = flat_index(group, groups, lane);
    if params.stage == 0u {
        connect(n);
    } else if n < params.count * params.width {
        add(n / params.width, n % params.width);
    }
}
