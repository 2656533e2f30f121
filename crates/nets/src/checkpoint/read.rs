//! Reading tensors: their bytes, their values, their matrices.

use std::ops::Range;

use ndarray::Array2;

use super::codec::decode_into;
use super::error::{shape_text, short};
use super::role::{Layout, MatrixRef, Role};
use super::{Checkpoint, CheckpointError, Family, LocalFuture, TensorEntry};

/// Bytes read and decoded at a time, so that a large tensor's bytes and its values are not both in memory.
const PIECE: u64 = 32 << 20;

impl Checkpoint {
    /// One tensor's entry.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuch`] for an index past the last.
    pub fn entry(&self, tensor: usize) -> Result<&TensorEntry, CheckpointError> {
        self.tensors.get(tensor).ok_or_else(|| CheckpointError::NoSuch {
            asked: format!("Tensor number {tensor}"),
            why: format!("it has {} tensors", self.tensors.len()),
        })
    }

    /// Index of the tensor of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.tensors.iter().position(|t| t.name == name)
    }

    /// The header of file `file` as it lies there: eight bytes of length, then JSON. What a link to a local file is known by.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuch`], and the source's.
    pub async fn read_header(&self, file: usize) -> Result<Vec<u8>, CheckpointError> {
        match (self.files.get(file), self.headers.get(file)) {
            (Some(source), Some(range)) => Ok(source.read(range.clone()).await?),
            _ => Err(CheckpointError::NoSuch { asked: format!("File number {file}"), why: format!("it has {} files", self.files.len()) }),
        }
    }

    /// Bytes of one tensor, as they lie in the file; `part` counts from the tensor's first byte.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuch`] for a part outside the tensor, and the source's.
    pub async fn read_bytes(&self, tensor: usize, part: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        let t = self.entry(tensor)?;
        let length = t.range.end - t.range.start;
        if part.start > part.end || part.end > length {
            return Err(CheckpointError::NoSuch {
                asked: format!("Bytes {} to {} of {}", part.start, part.end, short(&t.name)),
                why: format!("it has {length} bytes"),
            });
        }
        if part.is_empty() {
            return Ok(Vec::new());
        }
        let source = self.files.get(t.file).ok_or_else(|| CheckpointError::NoSuch { asked: t.name.clone(), why: "its file is not open".into() })?;
        let wanted = part.end - part.start;
        let bytes = source.read(t.range.start + part.start..t.range.start + part.end).await?;
        if bytes.len() as u64 != wanted {
            let why = format!("{} bytes came instead of {wanted}", bytes.len());
            let range = t.range.start + part.start..t.range.start + part.end;
            return Err(super::SourceError::new(source.name(), range, why).into());
        }
        Ok(bytes)
    }

    /// Elements `part` of one tensor, decoded to floats, in file order. Reads exactly their bytes.
    ///
    /// # Errors
    /// [`CheckpointError::NotDecoded`] for a type that is only listed, [`CheckpointError::TooLarge`], [`CheckpointError::NoSuch`]
    /// for a part outside the tensor, and the source's.
    pub async fn read_part(&self, tensor: usize, part: Range<u64>) -> Result<Vec<f32>, CheckpointError> {
        let t = self.entry(tensor)?;
        if !t.dtype.is_readable() {
            return Err(CheckpointError::NotDecoded { tensor: t.name.clone(), dtype: t.dtype });
        }
        if part.start > part.end || part.end > t.elements() {
            return Err(CheckpointError::NoSuch {
                asked: format!("Elements {} to {} of {}", part.start, part.end, short(&t.name)),
                why: format!("its shape is {}", shape_text(&t.shape)),
            });
        }
        let width = t.dtype.bits() / 8;
        let elements = part.end - part.start;
        let mut out = Vec::new();
        let too_large = || CheckpointError::TooLarge { tensor: t.name.clone(), bytes: elements.saturating_mul(4) };
        out.try_reserve_exact(usize::try_from(elements).map_err(|_| too_large())?).map_err(|_| too_large())?;
        let (mut at, end) = (part.start * width, part.end * width);
        while at < end {
            let stop = end.min(at + PIECE);
            decode_into(t.dtype, &self.read_bytes(tensor, at..stop).await?, &mut out);
            at = stop;
        }
        Ok(out)
    }

    /// One tensor decoded to floats, row-major, in file order.
    ///
    /// # Errors
    /// As [`read_part`](Self::read_part).
    pub async fn read_f32(&self, tensor: usize) -> Result<Vec<f32>, CheckpointError> {
        self.read_part(tensor, 0..self.entry(tensor)?.elements()).await
    }

    /// One matrix as `y = W x` has it, `[out, in]`, in row-major order. Reads exactly the bytes of the tensor or of the slice.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuch`] where `matrix` was not made by this checkpoint's [`matrices`](Self::matrices); else as
    /// [`read_part`](Self::read_part).
    // Boxed: an async function is compiled again in every crate that awaits it.
    #[inline(never)]
    pub fn read_matrix<'a>(&'a self, matrix: &'a MatrixRef) -> LocalFuture<'a, Result<Array2<f32>, CheckpointError>> {
        Box::pin(async move {
            let part = self.elements_of(matrix)?;
            let values = self.read_part(matrix.tensor, part).await?;
            let [rows, columns] = matrix.shape.map(|d| d as usize);
            let values = if matrix.transposed { turn(&values, columns, rows) } else { values };
            Array2::from_shape_vec((rows, columns), values).map_err(|e| no_such(matrix, &e.to_string()))
        })
    }

    /// Where a matrix lies in its tensor: elements, counted in file order.
    ///
    /// # Errors
    /// [`CheckpointError::NoSuch`] where `matrix` does not fit this checkpoint.
    pub fn elements_of(&self, matrix: &MatrixRef) -> Result<Range<u64>, CheckpointError> {
        let t = self.entry(matrix.tensor)?;
        if t.name != matrix.name {
            return Err(no_such(matrix, &format!("tensor number {} is named {}", matrix.tensor, short(&t.name))));
        }
        let size = matrix.shape[0].checked_mul(matrix.shape[1]).ok_or_else(|| no_such(matrix, "its size overflows"))?;
        let slices = match (matrix.slice, t.shape.first()) {
            (None, _) => 1,
            (Some(s), Some(n)) if u64::from(s) < *n => *n,
            (Some(_), _) => return Err(no_such(matrix, &format!("the tensor has shape {}", shape_text(&t.shape)))),
        };
        if size.checked_mul(slices) != Some(t.elements()) {
            return Err(no_such(matrix, &format!("{} is asked for, the tensor has shape {}", shape_text(&matrix.shape), shape_text(&t.shape))));
        }
        let start = u64::from(matrix.slice.unwrap_or(0)) * size;
        Ok(start..start + size)
    }

    /// Every matrix that can be analysed: linears `[out, in]` (Conv1D turned round), convolutions as `[out, in·kh·kw]`, each
    /// slice of fused experts, embeddings and heads. Left out are tensors without elements, of types that are not decoded, integer
    /// codes, masks and other buffers; [`notes`](Self::notes) says so.
    pub fn matrices(&self) -> Vec<MatrixRef> {
        let mut out = Vec::new();
        for (i, t) in self.tensors.iter().enumerate() {
            if t.shape.len() < 2 || t.elements() == 0 || !t.dtype.may_hold_weights() || matches!(t.layout, Layout::Buffer) || t.role == Role::Norm {
                continue;
            }
            let inside = t.block.is_some() || t.role == Role::Conv || self.family == Family::Unknown;
            let one = MatrixRef {
                tensor: i,
                name: t.name.clone(),
                slice: None,
                shape: [t.shape[0], t.shape[1..].iter().product()],
                role: t.role,
                block: t.block,
                expert: t.expert,
                shared: t.shared,
                transposed: false,
                prunable: inside && t.role.is_projection() && t.layout != Layout::Factor,
            };
            match (t.layout, &t.shape[..]) {
                (Layout::InOut, &[input, output]) => out.push(MatrixRef { shape: [output, input], transposed: true, ..one }),
                (Layout::Experts | Layout::ExpertsInOut, &[experts, a, b]) => {
                    let transposed = t.layout == Layout::ExpertsInOut;
                    let shape = if transposed { [b, a] } else { [a, b] };
                    let experts = u32::try_from(experts).unwrap_or(u32::MAX);
                    out.extend((0..experts).map(|e| MatrixRef { slice: Some(e), expert: Some(e), shape, transposed, ..one.clone() }));
                }
                _ => out.push(one),
            }
        }
        out
    }
}

fn no_such(matrix: &MatrixRef, why: &str) -> CheckpointError {
    CheckpointError::NoSuch { asked: format!("Matrix {}", short(&matrix.label())), why: why.into() }
}

/// `[rows, columns]`, row-major, turned into `[columns, rows]`, by tiles that stay in the cache.
fn turn(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut out = vec![0.0; values.len()];
    for r0 in (0..rows).step_by(TILE) {
        for c0 in (0..columns).step_by(TILE) {
            for r in r0..rows.min(r0 + TILE) {
                for c in c0..columns.min(c0 + TILE) {
                    out[c * rows + r] = values[r * columns + c];
                }
            }
        }
    }
    out
}
