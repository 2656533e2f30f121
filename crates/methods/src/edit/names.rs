//! What edited tensors are called and in which shapes they are written.

use espalier_nets::checkpoint::{MatrixRef, TensorEntry};

/// Names of the two factors that replace a matrix, as WeLore's code names them: `X.weight` → `X.U.weight` and `X.V.weight`; a slice of a fused
/// tensor `X` → `X.3.U.weight` and `X.3.V.weight`.
pub fn factor_names(matrix: &MatrixRef) -> (String, String) {
    let stem = matrix.name.strip_suffix(".weight").unwrap_or(&matrix.name);
    let stem = matrix.slice.map_or_else(|| stem.to_owned(), |i| format!("{stem}.{i}"));
    (format!("{stem}.U.weight"), format!("{stem}.V.weight"))
}

/// Name of a slice that stays dense while another slice of its fused tensor is factored, so that the tensor is split: `X.3.weight`.
pub fn slice_name(matrix: &MatrixRef) -> String {
    let stem = matrix.name.strip_suffix(".weight").unwrap_or(&matrix.name);
    matrix.slice.map_or_else(|| matrix.name.clone(), |i| format!("{stem}.{i}.weight"))
}

/// Shapes under which the two factors of rank r are written. Linears: `[out, r]` and `[r, in]`, in the order of `nn.Linear` for a Conv1D too.
/// A convolution `[out, in, kh, kw]` becomes one with r outputs and the same kernel, `[r, in, kh, kw]` (V), and a 1 × 1 one,
/// `[out, r, 1, 1]` (U), run one after the other.
pub fn factor_shapes(matrix: &MatrixRef, tensor: &TensorEntry, rank: u32) -> (Vec<u64>, Vec<u64>) {
    let r = u64::from(rank);
    match &tensor.shape[..] {
        [out, rest @ ..] if matrix.slice.is_none() && rest.len() > 1 => {
            let mut u = vec![*out, r];
            u.resize(tensor.shape.len(), 1);
            let mut v = vec![r];
            v.extend(rest);
            (u, v)
        }
        _ => (vec![matrix.shape[0], r], vec![r, matrix.shape[1]]),
    }
}

/// A matrix `[out, in]` in the order in which its tensor (or its slice of it) lies in the file: a Conv1D is turned back, a convolution's rows
/// are its kernels already. `values` and masks alike.
pub fn to_file_order<T: Copy>(matrix: &MatrixRef, values: &[T]) -> Vec<T> {
    matrix.to_file_order(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use espalier_nets::Checkpoint;
    use espalier_nets::checkpoint::Dtype;
    use espalier_nets::testing::Builder;

    fn open(b: &Builder) -> Checkpoint {
        pollster::block_on(Checkpoint::open(vec![b.source("model.safetensors")])).expect("a well-formed file")
    }

    #[test]
    fn factors_are_named_as_the_published_code_names_them() {
        let name = "model.layers.0.self_attn.q_proj.weight";
        let c = open(&Builder::new().made_up(name, &[6, 4]).made_up("conv1.weight", &[8, 3, 3, 3]));
        let m = c.matrices();
        let q = m.iter().find(|m| m.name == name).expect("q");
        let stem = "model.layers.0.self_attn.q_proj";
        assert_eq!(factor_names(q), (format!("{stem}.U.weight"), format!("{stem}.V.weight")));
        assert_eq!(factor_shapes(q, &c.tensors[q.tensor], 2), (vec![6, 2], vec![2, 4]));
        let k = m.iter().find(|m| m.name == "conv1.weight").expect("a convolution");
        assert_eq!(factor_shapes(k, &c.tensors[k.tensor], 5), (vec![8, 5, 1, 1], vec![5, 3, 3, 3]));
        assert_eq!(Dtype::F32, c.tensors[k.tensor].dtype);
    }

    #[test]
    fn slices_carry_their_number() {
        let c = open(&Builder::new().made_up("w.weight", &[2, 3]));
        let mut m = c.matrices().remove(0);
        m.slice = Some(3);
        m.name = "model.layers.1.mlp.experts.down_proj".into();
        assert_eq!(factor_names(&m).1, "model.layers.1.mlp.experts.down_proj.3.V.weight");
        assert_eq!(slice_name(&m), "model.layers.1.mlp.experts.down_proj.3.weight");
    }
}
