//! Networks of model folders in libtorch.

use bonas_deploy::folder::{Values, Weights};
use bonas_deploy::{DeployError, Deployed};
use bonas_spaces::network::Network;
use bonas_supernet::model::{Classifier, Placement, Values as NetworkValues};

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
    let mut values = weights.values().map_err(of_deploy)?;
    let mut named = Vec::new();
    for tensor in network.tensors() {
        let Some(Values { shape, numbers }) = values.remove(&tensor.name) else { continue };
        named.push(NetworkValues { name: tensor.place, shape, numbers });
    }
    Ok(Classifier::new(built, &named, placement)?)
}

/// An error of a model folder as one of a study.
pub(crate) fn of_deploy(error: DeployError) -> StudyError {
    match error {
        DeployError::Io { path, source } => StudyError::Io { path, source },
        DeployError::Folder { path, reason } => StudyError::Data { path, reason },
        DeployError::Space(error) => StudyError::Space(error),
        DeployError::Network(_) => StudyError::Training(Box::new(error)),
    }
}
