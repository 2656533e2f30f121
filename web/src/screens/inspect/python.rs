//! The same number in Python: a snippet that repeats what is shown, so that a visitor can check the page.

use espalier_lab::protocol::TensorRow;
use espalier_nets::checkpoint::MatrixRef;

/// Reads the tensor and prints its statistics and singular values.
pub fn snippet(file: &str, tensor: &TensorRow, matrix: Option<&MatrixRef>) -> String {
    let text = |s: &str| serde_json::Value::from(s).to_string();
    let mut out = format!(
        "import torch\nfrom safetensors import safe_open\n\nwith safe_open({}, \"pt\") as f:\n    w = f.get_tensor({}).double()\nprint(w.shape, w.std(correction=0), w.abs().max())\n",
        text(file),
        text(&tensor.name)
    );
    if let Some(m) = matrix {
        let mut view = String::from("w");
        if let Some(s) = m.slice {
            view += &format!("[{s}]");
        }
        if tensor.shape.len() > 2 && m.slice.is_none() {
            view += ".flatten(1)";
        }
        if m.transposed {
            view += ".T";
        }
        out += &format!("s = torch.linalg.svdvals({view})\nprint(s[:5], \"stable rank\", (s**2).sum() / s[0]**2)\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use espalier_nets::checkpoint::Role;

    use super::super::filter::tests::row;
    use super::*;

    #[test]
    fn names_are_quoted_and_the_matrix_is_the_one_shown() {
        let t = row("a\"b", Role::Conv, Some(0), &[4.0, 3.0, 3.0, 3.0]);
        let m = MatrixRef { tensor: 0, name: t.name.clone(), slice: None, shape: [4, 27], role: Role::Conv, block: None, expert: None, shared: false, transposed: false, prunable: true };
        let s = snippet("x.safetensors", &t, Some(&m));
        assert!(s.contains(r#"get_tensor("a\"b")"#) && s.contains("svdvals(w.flatten(1))"), "{s}");
        assert!(!snippet("x", &t, None).contains("svdvals"));
    }
}
