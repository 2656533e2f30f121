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

// Of the last four terms the first `some`: vectors of what lies behind a k-major factor are not touched.
fn some_of(i: vec4<u32>, some: u32, by_rows: u32) -> vec4<u32> {
    return select(min(i, vec4<u32>(i.x + (some - 1u) * (i.y - i.x))), i, by_rows == 1u);
}

// The same terms of a left factor's block; the others become 0, also where NaN was read.
fn some_terms(m: mat4x4<f32>, some: u32) -> mat4x4<f32> {
    let alive = vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(some);
    let none = vec4<f32>();
    return mat4x4<f32>(select(none, m[0], alive), select(none, m[1], alive), select(none, m[2], alive), select(none, m[3], alive));
}

fn left_end(i: vec4<u32>, some: u32) -> mat4x4<f32> {
    return some_terms(left(some_of(i, some, left_by_rows)), some);
}

fn right_end(i: vec4<u32>, some: u32) -> mat4x4<f32> {
    return transpose(some_terms(transpose(right(some_of(i, some, right_by_rows))), some));
}

fn add_terms(sum: Tile, upper: mat4x4<f32>, lower: mat4x4<f32>, near: mat4x4<f32>, far: mat4x4<f32>) -> Tile {
    return Tile(sum.upper_left + near * upper, sum.upper_right + far * upper, sum.lower_left + near * lower, sum.lower_right + far * lower);
}

// The results from `row` and `col` on.
fn product(a: Factor, row: u32, b: Factor, col: u32) -> Tile {
    let upper = strip(a, row, left_by_rows);
    let lower = strip(a, row + 4u, left_by_rows);
    let near = strip(b, col, right_by_rows);
    let far = strip(b, col + 4u, right_by_rows);
    let down = select(4u * a.stride, 1u, left_by_rows == 1u);
    let across = select(4u * b.stride, 1u, right_by_rows == 1u);
    var sum = Tile();
    for (var k = 0u; k < params.depth / 4u; k++) {
        sum = add_terms(sum, left(upper + k * down), left(lower + k * down), right(near + k * across), right(far + k * across));
    }
    let some = params.depth % 4u;
    if some > 0u {
        let k = params.depth / 4u;
        let a0 = left_end(upper + k * down, some);
        let a1 = left_end(lower + k * down, some);
        let b0 = right_end(near + k * across, some);
        let b1 = right_end(far + k * across, some);
        sum = add_terms(sum, a0, a1, b0, b1);
    }
    return sum;
}

fn put_row(row: u32, col: u32, value: vec4<f32>) {
    put_one(row, col, value.x);
    put_one(row, col + 1u, value.y);
    put_one(row, col + 2u, value.z);
    put_one(row, col + 3u, value.w);
}

fn put_block(row: u32, col: u32, block: mat4x4<f32>) {
    put_row(row, col, block[0]);
    put_row(row + 1u, col, block[1]);
    put_row(row + 2u, col, block[2]);
    put_row(row + 3u, col, block[3]);
}

fn put(row: u32, col: u32, tile: Tile) {
    put_block(row, col, tile.upper_left);
    put_block(row, col + 4u, tile.upper_right);
    put_block(row + 4u, col, tile.lower_left);
    put_block(row + 4u, col + 4u, tile.lower_right);
}
