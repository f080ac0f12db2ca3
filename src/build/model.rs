//! Networks of model folders in libtorch.

use bonas_deploy::folder::{Values, Weights};
use bonas_deploy::network::Tensor;
use bonas_deploy::{DeployError, Deployed};
use bonas_spaces::network::Network;
use bonas_supernet::model::{Classifier, Placement, Values as NetworkValues};

use super::of_deploy;
use crate::StudyError;

/// A network with its weights: as its skeleton builds it, and as it is deployed.
///
/// # Errors
/// [`StudyError`] for weights that are not of the network, and what libtorch refuses.
pub fn classifier(
    built: &Network,
    network: &Deployed,
    weights: &Weights,
    placement: Placement,
) -> Result<Classifier, StudyError> {
    let values = values_of(network.tensors(), weights)?;
    let values = values.map_err(|reason| of_deploy(DeployError::Network(reason)))?;
    Ok(Classifier::new(built, &values, placement)?)
}

/// The values of some tensors of a network, under the names that they have in libtorch. Weights that lack one, or have it in
/// another shape, give the reason in words.
///
/// # Errors
/// [`StudyError::Training`] for weights that cannot be read.
pub(super) fn values_of(
    tensors: impl IntoIterator<Item = Tensor>,
    weights: &Weights,
) -> Result<Result<Vec<NetworkValues>, String>, StudyError> {
    let mut found = weights.values().map_err(of_deploy)?;
    let mut value = |Tensor { name, place, shape, .. }: Tensor| {
        let Values { shape: there, numbers } =
            found.remove(&name).ok_or_else(|| format!("it has no {name}, which the network has"))?;
        if there != shape {
            return Err(format!("{name} is {there:?}, and in the network {shape:?}"));
        }
        Ok(NetworkValues { name: place, shape, numbers })
    };
    Ok(tensors.into_iter().map(&mut value).collect())
}
