// Householder reflections I − τ·v·vᵀ with v = (1, inverse · tail): they take (head, tail) to (beta, 0).

struct Reflector {
    beta: f32,
    tau: f32,
    // What the tail is multiplied by to give the rest of v.
    inverse: f32,
}

// From the first element and the sum of squares of the others. τ = 2 / vᵀv of the v that is used, so that the reflection is as
// orthogonal as float32 allows even where the square root or the division is off by a few units in the last place.
fn reflector(head: f32, squares: f32) -> Reflector {
    if squares == 0.0 {
        return Reflector(head, 0.0, 0.0);
    }
    let norm = sqrt(head * head + squares);
    let beta = select(norm, -norm, head >= 0.0);
    let inverse = 1.0 / (head - beta);
    return Reflector(beta, 2.0 / (1.0 + inverse * inverse * squares), inverse);
}
