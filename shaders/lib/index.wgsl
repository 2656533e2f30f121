// Grids are folded over x and y because a dimension holds at most 65 535 workgroups; these unfold them.

// Number of this workgroup.
fn flat_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}

// Number of this invocation in workgroups of 256.
fn flat_index(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
    return flat_group(group, groups) * 256u + lane;
}
