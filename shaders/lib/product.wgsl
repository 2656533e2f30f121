// The inner part of matrix products: one invocation keeps 8 × 8 results in registers, as four 4 × 4 matrices.
//
// A factor lies by rows (its vectors of four run along k) or k-major (they run along the rows or columns of the result). Either way
// a step of four terms reads sixteen vectors for 256 multiply-adds, and a transposition in registers makes up for the difference, so
// no form of the product needs another layout first. Neighbouring invocations share most of what they read; caches serve that, and
// no workgroup memory is needed.
//
// The file that takes this in defines `left_at` and `right_at`, which read one vector of a factor, `put_one`, which takes a result,
// and `params.depth`, the terms of the sum.

// 1 where the left factor lies by rows, 0 where it is k-major.
override left_by_rows: u32 = 0u;
// The same of the right factor.
override right_by_rows: u32 = 0u;

// A factor as it is bound.
struct Factor {
    // First vector.
    base: u32,
    // Vectors from one row of the factor to the next.
    stride: u32,
    // Rows or columns of the result that it stands for.
    width: u32,
}

// 8 × 8 results. Each column of a matrix is a row of four results.
struct Tile {
    upper_left: mat4x4<f32>,
    upper_right: mat4x4<f32>,
    lower_left: mat4x4<f32>,
    lower_right: mat4x4<f32>,
}

// Where the four vectors of four rows (or columns) from `at` on begin. At the factor's edge vectors inside are read again; nobody
// puts their results.
fn strip(factor: Factor, at: u32, by_rows: u32) -> vec4<u32> {
    let four = vec4<u32>(0u, 1u, 2u, 3u);
    if by_rows == 1u {
        return factor.base + min(at + four, vec4<u32>(factor.width - 1u)) * factor.stride;
    }
    return factor.base + four * factor.stride + min(at, factor.width - 1u) / 4u;
}

// Each column holds four terms of one row.
fn left(i: vec4<u32>) -> mat4x4<f32> {
    let read = mat4x4<f32>(left_at(i.x), left_at(i.y), left_at(i.z), left_at(i.w));
    if left_by_rows == 1u {
        return read;
    }
    return transpose(read);
}

// Each column holds one term of four columns of the result.
fn right(i: vec4<u32>) -> mat4x4<f32> {
    let read = mat4x4<f32>(right_at(i.x), right_at(i.y), right_at(i.z), right_at(i.w));
    if right_by_rows == 1u {
        return transpose(read);
    }
    return read;
}

// The first `some` of four terms of a left factor's block; the others become 0, also where NaN was read.
fn some_terms(m: mat4x4<f32>, some: u32) -> mat4x4<f32> {
    let alive = vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(some);
    let none = vec4<f32>();
    return mat4x4<f32>(select(none, m[0], alive), select(none, m[1], alive), select(none, m[2], alive), select(none, m[3], alive));
}

// Where a strip's last vector begins: a k-major factor is not read behind its last term.
fn strip_end(factor: Factor, at: u32, by_rows: u32) -> vec4<u32> {
    let last = factor.base + (params.depth - 1u) * factor.stride + min(at, factor.width - 1u) / 4u;
    return vec4<u32>(select(last, 0xffffffffu, by_rows == 1u));
}

// The results from `row` and `col` on.
fn product(a: Factor, row: u32, b: Factor, col: u32) -> Tile {
    let upper = strip(a, row, left_by_rows);
    let lower = strip(a, row + 4u, left_by_rows);
    let near = strip(b, col, right_by_rows);
    let far = strip(b, col + 4u, right_by_rows);
    let upper_end = strip_end(a, row, left_by_rows);
    let lower_end = strip_end(a, row + 4u, left_by_rows);
    let near_end = strip_end(b, col, right_by_rows);
    let far_end = strip_end(b, col + 4u, right_by_rows);
    let down = select(4u * a.stride, 1u, left_by_rows == 1u);
    let across = select(4u * b.stride, 1u, right_by_rows == 1u);
    var sum = Tile();
    for (var k = 0u; k < params.depth / 4u; k++) {
        let a0 = left(upper + k * down);
        let a1 = left(lower + k * down);
        let b0 = right(near + k * across);
        let b1 = right(far + k * across);
        sum = Tile(sum.upper_left + b0 * a0, sum.upper_right + b1 * a0, sum.lower_left + b0 * a1, sum.lower_right + b1 * a1);
    }
    // Outside of the loop: a device that runs both sides of a branch would pay for it at every step.
    let some = params.depth % 4u;
    if some > 0u {
        let k = params.depth / 4u;
        let a0 = some_terms(left(min(upper + k * down, upper_end)), some);
        let a1 = some_terms(left(min(lower + k * down, lower_end)), some);
        let b0 = transpose(some_terms(transpose(right(min(near + k * across, near_end))), some));
        let b1 = transpose(some_terms(transpose(right(min(far + k * across, far_end))), some));
        sum = Tile(sum.upper_left + b0 * a0, sum.upper_right + b1 * a0, sum.lower_left + b0 * a1, sum.lower_right + b1 * a1);
    }
    return sum;
}

fn put_block(row: u32, col: u32, results: mat4x4<f32>) {
    var block = results;
    for (var i = 0u; i < 4u; i++) {
        for (var j = 0u; j < 4u; j++) {
            put_one(row + i, col + j, block[i][j]);
        }
    }
}

fn put(row: u32, col: u32, tile: Tile) {
    put_block(row, col, tile.upper_left);
    put_block(row, col + 4u, tile.upper_right);
    put_block(row + 4u, col, tile.lower_left);
    put_block(row + 4u, col + 4u, tile.lower_right);
}
