// Sums over a workgroup of up to 256 that come before each invocation. Two levels of sixteen: few barriers matter more than few
// additions, above all where a barrier is a change of threads.

var<workgroup> scan_values: array<u32, 256>;
var<workgroup> scan_runs: array<u32, 16>;

// Sum of the values of this invocation and of all before it. Every invocation of the workgroup has to call it.
fn inclusive_scan(lane: u32, value: u32) -> u32 {
    workgroupBarrier();
    scan_values[lane] = value;
    workgroupBarrier();
    let run = lane / 16u;
    var upto = value;
    for (var i = run * 16u; i < lane; i++) {
        upto += scan_values[i];
    }
    if lane % 16u == 15u {
        scan_runs[run] = upto;
    }
    workgroupBarrier();
    for (var i = 0u; i < run; i++) {
        upto += scan_runs[i];
    }
    return upto;
}
