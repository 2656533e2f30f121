//! Python with torch and safetensors that recomputes a number shown here, to be pasted and run beside the file.

use espalier_nets::checkpoint::MatrixRef;

use super::quoted;

/// Opens the file and reads one tensor as `w`, in double precision.
fn read(file: &str, tensor: &str) -> String {
    format!("import torch\nfrom safetensors import safe_open\n\nwith safe_open({}, \"pt\") as f:\n    w = f.get_tensor({}).double()\n", quoted(file), quoted(tensor))
}

/// `w` as the matrix that is shown, `[out, in]`.
fn view(matrix: &MatrixRef, rank: usize) -> String {
    let mut out = String::from("w");
    if let Some(s) = matrix.slice {
        out += &format!("[{s}]");
    } else if rank > 2 {
        out += ".flatten(1)";
    }
    if matrix.transposed {
        out += ".T";
    }
    out
}

/// Statistics of a tensor.
pub fn statistics(file: &str, tensor: &str) -> String {
    format!(
        "{}print(\"shape\", tuple(w.shape), \"zeros\", int((w == 0).sum()))\nprint(\"min\", w.min().item(), \"max\", w.max().item(), \"mean\", w.mean().item(), \"std\", w.std(unbiased=False).item(), \"frobenius\", w.norm().item())\n",
        read(file, tensor)
    )
}

/// Singular values of a matrix; `rank` is the number of the tensor's dimensions.
pub fn spectrum(file: &str, matrix: &MatrixRef, rank: usize) -> String {
    format!(
        "{}s = torch.linalg.svdvals({})\np = s / s.sum()\nprint(\"largest\", s[0].item(), \"stable rank\", ((s**2).sum() / s[0]**2).item(), \"effective rank\", torch.exp(-(p * p.clamp_min(1e-300).log()).sum()).item())\n",
        read(file, &matrix.name),
        view(matrix, rank)
    )
}

/// Zeros and error of magnitude pruning to a sparsity over the whole matrix.
pub fn zeros(file: &str, matrix: &MatrixRef, rank: usize, sparsity: f64) -> String {
    format!(
        "{}m = {}.flatten()\nk = int(m.numel() * {sparsity:?})\ngone = m.abs().sort(stable=True).indices[:k]\npruned = m.clone()\npruned[gone] = 0\nprint(\"zeros\", int((pruned == 0).sum()), \"error\", ((m - pruned).norm() / m.norm()).item())\n",
        read(file, &matrix.name),
        view(matrix, rank)
    )
}

/// How far the same tensor of a second file lies from the first.
pub fn norms(first: &str, second: &str, tensor: &str) -> String {
    format!(
        "{}with safe_open({}, \"pt\") as f:\n    v = f.get_tensor({}).double()\nprint(\"relative\", ((w - v).norm() / w.norm()).item(), \"largest\", (w - v).abs().max().item())\n",
        read(first, tensor),
        quoted(second),
        quoted(tensor)
    )
}
