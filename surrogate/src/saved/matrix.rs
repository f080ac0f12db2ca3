//! Matrices with the order of their values in memory, which decides the last bits of products.
//!
//! The order that `ndarray` gives a loaded matrix is row by row, whatever it was.

use ndarray::{Array2, ShapeBuilder};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
struct Stored {
    shape: (usize, usize),
    by_columns: bool,
    values: Vec<f64>,
}

pub(crate) fn serialize<S: Serializer>(matrix: &Array2<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let by_columns = !matrix.is_standard_layout() && matrix.t().is_standard_layout();
    let values =
        if by_columns { matrix.t().iter().copied().collect() } else { matrix.iter().copied().collect() };
    Stored { shape: matrix.dim(), by_columns, values }.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Array2<f64>, D::Error> {
    let Stored { shape, by_columns, values } = Stored::deserialize(deserializer)?;
    Array2::from_shape_vec(shape.set_f(by_columns), values).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Own(#[serde(with = "super")] Array2<f64>);

    #[test]
    fn both_orders_come_back() {
        let rows = ndarray::array![[1.0, 2.0, 3.0], [4.0, -0.0, f64::MIN_POSITIVE]];
        for matrix in [rows.clone(), rows.clone().reversed_axes(), rows.t().as_standard_layout().into_owned()]
        {
            let bytes = postcard::to_stdvec(&Own(matrix.clone())).unwrap();
            let back: Own = postcard::from_bytes(&bytes).unwrap();
            assert_eq!((back.0.strides(), &back.0), (matrix.strides(), &matrix));
        }
    }
}
