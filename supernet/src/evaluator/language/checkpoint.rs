//! The state of a training in a file.
//!
//! Shapes: E epochs, C cells.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use super::state::{Curve, State};
use super::{LanguageNet, Text};
use crate::model::{Result, SupernetError, fill_tensors, read_tensors, write_tensors};

/// Numbers of a training in tensors, which a file is read into.
struct Numbers {
    /// Epochs that are done, `[1]`.
    done: Tensor,
    /// Which cells are trained no more, `[C]`.
    failed: Tensor,
    /// Training losses, `[E]`.
    train: Tensor,
    /// Validation losses, `[E, C]`; NaN in epochs without.
    valid: Tensor,
}

impl Numbers {
    fn new(cells: usize, epochs: usize) -> Result<Self> {
        let (cells, epochs) = (cells as i64, epochs as i64);
        let losses = |shape: &[i64]| Tensor::f_full(shape, f64::NAN, (Kind::Double, Device::Cpu));
        let counts = |length| Tensor::f_zeros([length], (Kind::Int64, Device::Cpu));
        Ok(Self {
            done: counts(1)?,
            failed: counts(cells)?,
            train: losses(&[epochs])?,
            valid: losses(&[epochs, cells])?,
        })
    }

    fn of(state: &State<'_>, epochs: usize) -> Result<Self> {
        let numbers = Self::new(state.failed.len(), epochs)?;
        let _ = numbers.done.shallow_clone().f_fill_(state.epochs.len() as i64)?;
        for (cell, failed) in state.failed.iter().enumerate() {
            let _ = numbers.failed.f_get(cell as i64)?.f_fill_(i64::from(*failed))?;
        }
        for (epoch, curve) in state.epochs.iter().enumerate() {
            let epoch = epoch as i64;
            let _ = numbers.train.f_get(epoch)?.f_fill_(curve.train)?;
            for (cell, loss) in curve.valid.iter().enumerate() {
                let _ = numbers.valid.f_get(epoch)?.f_get(cell as i64)?.f_fill_(*loss)?;
            }
        }
        Ok(numbers)
    }

    fn named(&self) -> [(String, Tensor); 4] {
        let Self { done, failed, train, valid } = self;
        [("done", done), ("failed", failed), ("train", train), ("valid", valid)]
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
    }

    /// The epochs that are done. Several cells have validation losses after the last epoch only.
    fn curves(&self, cells: usize) -> Result<Vec<Curve>> {
        let (done, epochs) = (self.done.f_int64_value(&[0])?, self.train.size()[0]);
        let curve = |epoch: i64| {
            let measured = if cells == 1 || epoch + 1 == epochs { cells as i64 } else { 0 };
            let loss = |cell| self.valid.f_double_value(&[epoch, cell]);
            let valid = (0..measured).map(loss).collect::<Result<_, _>>()?;
            Ok(Curve { train: self.train.f_double_value(&[epoch])?, valid })
        };
        (0..done.clamp(0, epochs)).map(curve).collect()
    }
}

/// The name of the tensor that says which training a file is of.
const TRAINING: &str = "training";

/// What a training is of, `[32]`: the bytes of a digest of its text and seed.
pub(super) fn identity(text: &Text, seed: u64) -> Result<Tensor> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.fingerprint().as_bytes()).update(&seed.to_le_bytes());
    let digest = *hasher.finalize().as_bytes();
    let numbers: Vec<i64> = digest.iter().map(|&byte| i64::from(byte)).collect();
    Ok(Tensor::f_from_slice(&numbers)?)
}

/// All tensors of a training by name; those of the state share its memory.
fn tensors(state: &State<'_>, numbers: &Numbers, identity: &Tensor) -> Vec<(String, Tensor)> {
    let weights = state.net.params().iter().map(|(name, tensor)| (name.to_owned(), tensor.detach()));
    let identity = (TRAINING.to_owned(), identity.shallow_clone());
    weights.chain(state.optimizer.state()).chain(numbers.named()).chain([identity]).collect()
}

/// Writes a state between two epochs; the file appears whole or not at all.
///
/// # Errors
/// [`SupernetError::Checkpoint`] and [`SupernetError::Io`] naming the file.
pub(super) fn save(file: &Path, state: &State<'_>, epochs: usize, identity: &Tensor) -> Result<()> {
    write_tensors(file, &tensors(state, &Numbers::of(state, epochs)?, identity))
}

/// Reads a state of a training of so many epochs; on an error, and where the file is of another text or seed
/// ([`identity`]), as after the text has changed, all stays as it was.
///
/// # Errors
/// [`SupernetError::Checkpoint`] for a file that is damaged or of another training.
pub(super) fn load(file: &Path, state: &mut State<'_>, epochs: usize, identity: &Tensor) -> Result<()> {
    let found = read_tensors(file)?;
    if found.get(TRAINING).is_some_and(|other| other.size() != identity.size() || !other.equal(identity)) {
        return Ok(());
    }
    let numbers = Numbers::new(state.failed.len(), epochs)?;
    fill_tensors(file, &tensors(state, &numbers, identity), found)?;
    state.epochs = numbers.curves(state.failed.len())?;
    for (cell, failed) in state.failed.iter_mut().enumerate() {
        *failed = numbers.failed.f_int64_value(&[cell as i64])? != 0;
    }
    if state.failed.len() == 1 {
        let losses = state.epochs.iter().flat_map(|curve| curve.valid.iter().copied());
        state.optimizer.resume(losses.collect());
    }
    Ok(())
}

/// Writes the weights of a model, each under its name.
///
/// # Errors
/// As [`save`].
pub(super) fn save_weights(file: &Path, net: &LanguageNet) -> Result<(), SupernetError> {
    let weights = net.params().iter().map(|(name, tensor)| (name.to_owned(), tensor.detach()));
    write_tensors(file, &weights.collect::<Vec<_>>())
}
