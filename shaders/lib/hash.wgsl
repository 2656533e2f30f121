// Random words without a state: a hash of four numbers (pcg4d of Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020).
// Only wrapping integer arithmetic, so the words are the same on every device.

fn hash4(counter: vec4<u32>) -> vec4<u32> {
    var v = counter * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}
