//! Weights in safetensors files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rand::{Rng, RngExt};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::json;

use super::FORMAT;
use crate::Deployed;
use crate::error::{DeployError, Result};
use crate::network::{Fill, Tensor};

/// The one key of the metadata: with several, the order of which is that of a hash map, equal weights would have
/// different bytes.
const METADATA: &str = "bonas";

/// The weights of a network, checked.
#[derive(Clone, Debug)]
pub struct Weights {
    bytes: Vec<u8>,
}

/// Whose weights a file should have, and what to do where it has not.
#[derive(Clone, Copy, Debug)]
struct Origin {
    network: &'static str,
    remedy: &'static str,
}

/// The weights of a model folder.
const FOLDER: Origin = Origin { network: "the network of model.json", remedy: "write the folder again" };
/// The weights that a training left.
const TRAINING: Origin = Origin {
    network: "the trained network",
    remedy: "delete it and train into another folder, where its model folder will be written",
};

/// One tensor of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub numbers: Vec<f32>,
}

impl Weights {
    /// The weights of a network out of a file that has them under their names in a supernet, for an architecture with
    /// this key. What the deployed network has not is left out.
    ///
    /// # Errors
    /// [`DeployError::Folder`] naming the file, and the tensor that is missing or does not fit.
    pub fn of_supernet(file: &Path, bytes: &[u8], network: &Deployed, key: &str) -> Result<Self> {
        let source = parsed(file, bytes, TRAINING)?;
        let tensors = network.tensors();
        let mut views = Vec::with_capacity(tensors.len());
        for tensor in &tensors {
            views.push((tensor.name.as_str(), view(file, &source, &tensor.place, tensor, TRAINING)?));
        }
        let written = written(views, key).map_err(|error| DeployError::folder(file, error.to_string()))?;
        Ok(Self { bytes: written })
    }

    /// Weights drawn as PyTorch draws them ([`Fill`]), of a network that is not trained, for an architecture with this
    /// key. The same generator gives the same bytes.
    ///
    /// # Errors
    /// [`DeployError::Network`] for a tensor larger than safetensors hold.
    pub fn drawn(network: &Deployed, key: &str, rng: &mut dyn Rng) -> Result<Self> {
        let tensors = network.tensors();
        let data: Vec<Vec<u8>> = tensors.iter().map(|tensor| drawn(tensor, rng)).collect();
        let refused = |error: SafeTensorError| DeployError::Network(error.to_string());
        let mut views = Vec::with_capacity(tensors.len());
        for (tensor, bytes) in tensors.iter().zip(&data) {
            let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(refused)?;
            views.push((tensor.name.as_str(), view));
        }
        Ok(Self { bytes: written(views, key).map_err(refused)? })
    }

    /// Weights in the form of a model folder, which must be those of this network.
    pub(super) fn read(file: &Path, bytes: Vec<u8>, network: &Deployed, key: &str) -> Result<Self> {
        check_metadata(file, &bytes, key)?;
        let source = parsed(file, &bytes, FOLDER)?;
        let tensors = network.tensors();
        for tensor in &tensors {
            view(file, &source, &tensor.name, tensor, FOLDER)?;
        }
        let ours = |name: &str| tensors.iter().any(|tensor| tensor.name == name);
        let mut names = source.names();
        names.sort();
        if let Some(name) = names.into_iter().find(|name| !ours(name) && !is_counter(name)) {
            let reason = format!("it has {name}, which the network of model.json has not");
            return Err(DeployError::folder(file, reason));
        }
        Ok(Self { bytes })
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The tensors by name; counters of batches, which PyTorch writes, are left out.
    ///
    /// # Errors
    /// [`DeployError::Network`] for bytes that are no weights, and for a tensor of other numbers than F32.
    pub fn values(&self) -> Result<BTreeMap<String, Values>> {
        let source = SafeTensors::deserialize(&self.bytes)
            .map_err(|error| DeployError::Network(format!("its weights cannot be read ({error:?})")))?;
        let tensors = source.tensors().into_iter().filter(|(name, _)| !is_counter(name));
        let values = |(name, view): (String, TensorView<'_>)| {
            let (numbers, rest) = view.data().as_chunks();
            if view.dtype() != Dtype::F32 || !rest.is_empty() {
                return Err(DeployError::Network(format!("{name} is {:?}, expected F32", view.dtype())));
            }
            let numbers = numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            Ok((name, Values { shape: view.shape().to_vec(), numbers }))
        };
        tensors.map(values).collect()
    }
}

/// The file with some tensors, for an architecture with a key.
fn written(views: Vec<(&str, TensorView<'_>)>, key: &str) -> std::result::Result<Vec<u8>, SafeTensorError> {
    let metadata = json!({"format": FORMAT, "key": key}).to_string();
    safetensors::serialize(views, &Some(HashMap::from([(METADATA.to_owned(), metadata)])))
}

/// The numbers of a tensor before training.
fn drawn(tensor: &Tensor, rng: &mut dyn Rng) -> Vec<u8> {
    let count = tensor.shape.iter().product();
    match tensor.fill {
        Fill::Uniform(bound) => {
            (0..count).flat_map(|_| (rng.random_range(-bound..bound) as f32).to_le_bytes()).collect()
        }
        Fill::Constant(value) => value.to_le_bytes().repeat(count),
    }
}

/// Whether a tensor counts batches, as PyTorch does beside running statistics.
fn is_counter(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}

fn parsed<'a>(file: &Path, bytes: &'a [u8], origin: Origin) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| {
        let reason = format!("it is no whole safetensors file ({error:?}); {}", origin.remedy);
        DeployError::folder(file, reason)
    })
}

/// A tensor of a file, if it is as expected.
fn view<'a>(
    file: &Path,
    source: &'a SafeTensors<'a>,
    name: &str,
    expected: &Tensor,
    Origin { network, remedy }: Origin,
) -> Result<TensorView<'a>> {
    let found = source.tensor(name).map_err(|_| {
        let reason = format!("it has no {name}, which {network} has; {remedy}");
        DeployError::folder(file, reason)
    })?;
    if found.dtype() != Dtype::F32 || found.shape() != expected.shape {
        let reason = format!(
            "{name} is {:?} {:?}, and {network} has F32 {:?}; {remedy}",
            found.dtype(),
            found.shape(),
            expected.shape
        );
        return Err(DeployError::folder(file, reason));
    }
    Ok(found)
}

/// Refuses weights of another architecture, and those of a newer format. Weights without metadata of ours, as PyTorch
/// writes them, are taken for what they hold.
fn check_metadata(file: &Path, bytes: &[u8], key: &str) -> Result<()> {
    let bad = |reason: String| Err(DeployError::folder(file, reason));
    let Ok((_, header)) = SafeTensors::read_metadata(bytes) else {
        return parsed(file, bytes, FOLDER).map(drop);
    };
    let Some(text) = header.metadata().as_ref().and_then(|map| map.get(METADATA)) else { return Ok(()) };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
        return bad(format!("its metadata {METADATA:?} is no JSON: {text}"));
    };
    if let Some(newer) = value["format"].as_u64().filter(|&format| format > u64::from(FORMAT)) {
        return bad(format!(
            "format {newer}, and this program knows those up to {FORMAT}; take a newer bonas"
        ));
    }
    match value["key"].as_str() {
        Some(other) if other != key => bad(format!(
            "its weights are of architecture {other}, and model.json describes {key}; the two files are of different \
             models"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is left out but the counters of batches.
    #[test]
    fn other_numbers_than_f32_are_refused() {
        let bytes = [0; 8];
        let of = |name: &str| {
            let view = TensorView::new(Dtype::F64, vec![1], &bytes).unwrap();
            Weights { bytes: safetensors::serialize([(name, view)], &None).unwrap() }.values()
        };
        let error = of("stem.0.weight").unwrap_err().to_string();
        assert!(error.ends_with("stem.0.weight is F64, expected F32"), "{error}");
        assert!(of("stem.1.num_batches_tracked").unwrap().is_empty());
    }
}
