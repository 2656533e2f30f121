//! Arrays in host memory, and what is known of an array without its values.

use ndarray::{ArcArray, ArrayViewD, IxDyn};

/// Element type on a device. Masks, counts and indices are `U32`, everything else is `F32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 32-bit unsigned integer.
    U32,
}

/// Shape and element type of an array. Both are four bytes wide, so an array of `n` elements takes `4 n` bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
}

impl Spec {
    /// A float array.
    pub fn f32(shape: impl Into<Vec<usize>>) -> Self {
        Self { shape: shape.into(), dtype: DType::F32 }
    }

    /// An integer array.
    pub fn u32(shape: impl Into<Vec<usize>>) -> Self {
        Self { shape: shape.into(), dtype: DType::U32 }
    }

    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True where there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on a device.
    pub fn bytes(&self) -> u64 {
        4 * self.len() as u64
    }
}

/// A host array, cheap to clone (shared until written).
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Floats.
    F32(ArcArray<f32, IxDyn>),
    /// Unsigned integers.
    U32(ArcArray<u32, IxDyn>),
}

impl Array {
    /// Takes row-major values. Panics where their number is not the shape's: that is a bug of the caller, never of user data.
    pub fn from_f32(shape: &[usize], values: Vec<f32>) -> Self {
        Self::F32(ArcArray::from_shape_vec(IxDyn(shape), values).expect("as many values as the shape holds"))
    }

    /// Takes row-major values; panics as [`Array::from_f32`] does.
    pub fn from_u32(shape: &[usize], values: Vec<u32>) -> Self {
        Self::U32(ArcArray::from_shape_vec(IxDyn(shape), values).expect("as many values as the shape holds"))
    }

    /// Shape and element type.
    pub fn spec(&self) -> Spec {
        match self {
            Self::F32(a) => Spec::f32(a.shape()),
            Self::U32(a) => Spec::u32(a.shape()),
        }
    }

    /// View of the floats. Panics on integers.
    pub fn f32(&self) -> ArrayViewD<'_, f32> {
        match self {
            Self::F32(a) => a.view(),
            Self::U32(_) => panic!("a float array was expected"),
        }
    }

    /// View of the integers. Panics on floats.
    pub fn u32(&self) -> ArrayViewD<'_, u32> {
        match self {
            Self::U32(a) => a.view(),
            Self::F32(_) => panic!("an integer array was expected"),
        }
    }

    /// Row-major floats, without a copy where nobody else holds them. Panics on integers.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Self::F32(a) => values(a),
            Self::U32(_) => panic!("a float array was expected"),
        }
    }

    /// Row-major integers, moved as [`Array::into_f32`] does. Panics on floats.
    pub fn into_u32(self) -> Vec<u32> {
        match self {
            Self::U32(a) => values(a),
            Self::F32(_) => panic!("an integer array was expected"),
        }
    }
}

/// Row-major values of an array. A large result is not copied only to be read: it moves where nobody else holds it and it lies so.
fn values<T: Copy>(array: ArcArray<T, IxDyn>) -> Vec<T> {
    let (len, array) = (array.len(), array.into_owned());
    if !array.is_standard_layout() {
        return array.iter().copied().collect();
    }
    match array.into_raw_vec_and_offset() {
        (values, _) if values.len() == len => values,
        (values, start) => values[start.unwrap_or(0)..][..len].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, Slice};

    use super::*;

    #[test]
    fn values_move_where_they_lie_so_and_are_right_where_they_do_not() {
        let array = Array::from_f32(&[2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let Array::F32(all) = &array else { unreachable!() };
        let turned = Array::F32(all.clone().reversed_axes());
        let mut part = all.clone();
        part.slice_axis_inplace(Axis(0), Slice::from(1..));
        assert_eq!(turned.into_f32(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(Array::F32(part).into_f32(), [3.0, 4.0, 5.0]);
        let place = all.as_ptr();
        assert_eq!(array.clone().into_f32(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let moved = array.into_f32();
        assert_eq!(moved.as_ptr(), place);
        let mut alone = ArcArray::from_shape_vec(IxDyn(&[3]), vec![7_u32, 8, 9]).expect("three");
        alone.slice_axis_inplace(Axis(0), Slice::from(..2));
        assert_eq!(Array::U32(alone).into_u32(), [7, 8]);
        assert!(Array::from_u32(&[0, 4], Vec::new()).into_u32().is_empty());
    }
}
