// Random words without a state: a hash of four numbers, pcg4d of Jarzynski and Olano (Hash Functions for GPU Rendering, JCGT 9(3), 2020)
// with a third round, because after two the upper bits of the counter do not reach the lower bits of the result.
// Only wrapping integer arithmetic, so the words are the same on every device.

fn hash_round(word: vec4<u32>) -> vec4<u32> {
    var v = word;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

fn hash4(counter: vec4<u32>) -> vec4<u32> {
    var v = hash_round(counter * 1664525u + 1013904223u);
    v = hash_round(v ^ (v >> vec4<u32>(16u)));
    return hash_round(v ^ (v >> vec4<u32>(16u)));
}
