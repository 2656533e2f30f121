// Sums over a workgroup of 256 that come before each invocation.

var<workgroup> scan_sums: array<u32, 256>;

// Sum of the values of this invocation and of all before it. Every invocation of the workgroup has to call it.
fn inclusive_scan(lane: u32, value: u32) -> u32 {
    workgroupBarrier();
    scan_sums[lane] = value;
    workgroupBarrier();
    for (var reach = 1u; reach < 256u; reach = reach * 2u) {
        var before = 0u;
        if lane >= reach {
            before = scan_sums[lane - reach];
        }
        workgroupBarrier();
        scan_sums[lane] = scan_sums[lane] + before;
        workgroupBarrier();
    }
    return scan_sums[lane];
}
