// The inner part of matrix products: one invocation keeps 16 × 8 results in registers, as eight 4 × 4 matrices.
//
// A factor lies by rows (its vectors of four run along k) or k-major (they run along the rows or columns of the result). Either way
// a step of four terms reads 24 vectors for 512 multiply-adds, and a transposition in registers makes up for the difference, so
// no form of the product needs another layout first. Neighbouring invocations share most of what they read; caches serve that, and
// no workgroup memory is needed. On software devices reading is nine tenths of the time: 8 × 8 results take a quarter longer.
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

// 16 × 8 results, four rows of the nearer and of the farther four columns at a time. Each column of a matrix is a row of four results.
struct Tile {
    near: array<mat4x4<f32>, 4>,
    far: array<mat4x4<f32>, 4>,
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

// Where the last four terms of a strip that lies k-major are read instead: not behind its last one.
fn strip_end(factor: Factor, at: u32, by_rows: u32) -> vec4<u32> {
    let last = factor.base + (params.depth - 1u) * factor.stride + min(at, factor.width - 1u) / 4u;
    return vec4<u32>(select(last, 0xffffffffu, by_rows == 1u));
}

// Vectors from one step of four terms to the next.
fn stride_of(factor: Factor, by_rows: u32) -> u32 {
    return select(4u * factor.stride, 1u, by_rows == 1u);
}

// What is left of four rows when the whole steps are done.
fn left_rest(a: Factor, row: u32) -> mat4x4<f32> {
    let at = strip(a, row, left_by_rows) + params.depth / 4u * stride_of(a, left_by_rows);
    return some_terms(left(min(at, strip_end(a, row, left_by_rows))), params.depth % 4u);
}

// The same of four columns.
fn right_rest(b: Factor, col: u32) -> mat4x4<f32> {
    let at = strip(b, col, right_by_rows) + params.depth / 4u * stride_of(b, right_by_rows);
    return transpose(some_terms(transpose(right(min(at, strip_end(b, col, right_by_rows)))), params.depth % 4u));
}

// The sums and four terms more.
fn step(sum: Tile, a0: mat4x4<f32>, a1: mat4x4<f32>, a2: mat4x4<f32>, a3: mat4x4<f32>, near: mat4x4<f32>, far: mat4x4<f32>) -> Tile {
    return Tile(
        array<mat4x4<f32>, 4>(sum.near[0] + near * a0, sum.near[1] + near * a1, sum.near[2] + near * a2, sum.near[3] + near * a3),
        array<mat4x4<f32>, 4>(sum.far[0] + far * a0, sum.far[1] + far * a1, sum.far[2] + far * a2, sum.far[3] + far * a3),
    );
}

// The results from `row` and `col` on.
fn product(a: Factor, row: u32, b: Factor, col: u32) -> Tile {
    let a0 = strip(a, row, left_by_rows);
    let a1 = strip(a, row + 4u, left_by_rows);
    let a2 = strip(a, row + 8u, left_by_rows);
    let a3 = strip(a, row + 12u, left_by_rows);
    let near = strip(b, col, right_by_rows);
    let far = strip(b, col + 4u, right_by_rows);
    let down = stride_of(a, left_by_rows);
    let across = stride_of(b, right_by_rows);
    var sum = Tile();
    for (var k = 0u; k < params.depth / 4u; k++) {
        let d = k * down;
        sum = step(sum, left(a0 + d), left(a1 + d), left(a2 + d), left(a3 + d), right(near + k * across), right(far + k * across));
    }
    // Outside of the loop: a device that runs both sides of a branch would pay for it at every step.
    if params.depth % 4u > 0u {
        sum = step(
            sum,
            left_rest(a, row),
            left_rest(a, row + 4u),
            left_rest(a, row + 8u),
            left_rest(a, row + 12u),
            right_rest(b, col),
            right_rest(b, col + 4u),
        );
    }
    return sum;
}

fn put_four(row: u32, col: u32, results: vec4<f32>) {
    put_one(row, col, results.x);
    put_one(row, col + 1u, results.y);
    put_one(row, col + 2u, results.z);
    put_one(row, col + 3u, results.w);
}

// Written out without the loop, it would take software devices minutes to compile.
fn put(row: u32, col: u32, tile: Tile) {
    var whole = tile;
    for (var i = 0u; i < 16u; i++) {
        put_four(row + i, col, whole.near[i / 4u][i % 4u]);
        put_four(row + i, col + 4u, whole.far[i / 4u][i % 4u]);
    }
}
