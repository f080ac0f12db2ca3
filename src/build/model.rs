//! Networks of model folders in libtorch.

use bonas_deploy::Deployed;
use bonas_deploy::folder::{Values, Weights};
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
    let mut values = weights.values().map_err(of_deploy)?;
    let mut named = Vec::new();
    for tensor in network.tensors() {
        let Some(Values { shape, numbers }) = values.remove(&tensor.name) else { continue };
        named.push(NetworkValues { name: tensor.place, shape, numbers });
    }
    Ok(Classifier::new(built, &named, placement)?)
}
