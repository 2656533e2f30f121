//! y[i, :] = table[index[i], :], and 0 where the table has no such row. A table over the binding limit is looked through part by part.
//! Bits are moved, not numbers: both element types are served.
//! use lib/index

struct Params {
    /// Indices in this launch.
    count: u32,
    /// Elements a row.
    width: u32,
    /// First row of the table in this launch.
    first: u32,
    /// Rows of the table in this launch.
    rows: u32,
    /// Rows of the whole table.
    all_rows: u32,
    /// First element of this launch's `table` in its binding.
    x_base: u32,
    /// First element of this launch's `index` in its binding.
    i_base: u32,
    /// First element of this launch's `y` in its binding.
    y_base: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> index: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = flat_index(group, groups, lane);
    if i < params.count * params.width {
        let row = index[params.i_base + i / params.width];
        // A row before this part becomes a huge number.
        let here = row - params.first;
        if here < params.rows {
            y[params.y_base + i] = table[params.x_base + here * params.width + i % params.width];
        } else if params.first == 0u && row >= params.all_rows {
            y[params.y_base + i] = 0u;
        }
    }
}
