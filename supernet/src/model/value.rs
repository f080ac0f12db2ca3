//! Tensors that several layers read.
//!
//! Shapes: B images, C channels, H×W pixels.

use std::cell::OnceCell;
use std::rc::Rc;

use tch::Tensor;

use super::error::Result;

/// A tensor that several layers read, with its ReLU, which many of them begin with.
///
/// A concatenation stays in parts until it is read. Its ReLU concatenates those of the parts, so
/// that the gradient of a part is a dense tensor and not a strided view of the whole: backward
/// through batch normalisation takes several times as long for the latter.
#[derive(Debug, Default)]
pub(super) struct Value {
    parts: Vec<Rc<Value>>,
    raw: OnceCell<Tensor>,
    relu: OnceCell<Tensor>,
}

impl Value {
    pub(super) fn new(raw: Tensor) -> Self {
        Self { raw: OnceCell::from(raw), ..Self::default() }
    }

    /// `n` maps of `[B, C, H, W]` as one of `[B, n·C, H, W]`.
    pub(super) fn concat(parts: Vec<Rc<Value>>) -> Self {
        Self { parts, ..Self::default() }
    }

    /// The tensor itself.
    pub(super) fn raw(&self) -> Result<&Tensor> {
        Self::once(&self.raw, || self.concatenated(Value::raw))
    }

    /// max(0, x).
    pub(super) fn relu(&self) -> Result<&Tensor> {
        Self::once(&self.relu, || match self.raw.get() {
            Some(raw) => Ok(raw.f_relu()?),
            None => self.concatenated(Value::relu),
        })
    }

    fn once(cell: &OnceCell<Tensor>, make: impl FnOnce() -> Result<Tensor>) -> Result<&Tensor> {
        if let Some(made) = cell.get() {
            return Ok(made);
        }
        let made = make()?;
        Ok(cell.get_or_init(|| made))
    }

    fn concatenated(&self, of: fn(&Value) -> Result<&Tensor>) -> Result<Tensor> {
        let parts = self.parts.iter().map(|part| of(part)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::f_cat(&parts, 1)?) // [B, n·C, H, W]
    }
}
