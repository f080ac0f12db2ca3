//! Model folders: a network, its weights and where they come from, as two files.
//!
//! `model.safetensors` has the weights under their names in PyTorch; `model.json` is the [`ModelCard`]. The architecture is
//! built again from the card, and every part is checked against the others when a folder is read.

mod card;
#[cfg(test)]
pub(crate) mod tests;
mod weights;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bonas_spaces::SearchSpace;
use bonas_spaces::network::Network;

use crate::Deployed;
use crate::error::{DeployError, Result};

pub use card::{Accuracy, Data, Input, ModelCard, OnBad, Reading, SpaceCard, Training, Untrained};
pub use weights::{Values, Weights};

/// The weights in a model folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// The description in a model folder.
pub const CARD_FILE: &str = "model.json";
/// Version of the format; a folder of a newer one is refused.
pub const FORMAT: u32 = 1;

/// A model folder that was read; its card is checked, its weights are not read yet.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    card: ModelCard,
}

impl Folder {
    /// Whether there is a model folder at a path: one of the files at least.
    pub fn is_at(path: &Path) -> bool {
        [CARD_FILE, WEIGHTS_FILE].iter().any(|file| path.join(file).is_file())
    }

    /// Reads the card of a model folder.
    ///
    /// # Errors
    /// [`DeployError::Folder`] naming the file that is missing, damaged, foreign or newer than this program.
    pub fn read(path: &Path) -> Result<Self> {
        for file in [CARD_FILE, WEIGHTS_FILE] {
            let file = path.join(file);
            match fs::metadata(&file) {
                Ok(there) if there.is_file() => {}
                Ok(_) => return Err(DeployError::folder(file, "it is no file")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(DeployError::folder(file, MISSING));
                }
                Err(source) => return Err(DeployError::Io { path: file, source }),
            }
        }
        let file = path.join(CARD_FILE);
        let bytes = fs::read(&file).map_err(DeployError::io(&file))?;
        Ok(Self { path: path.to_owned(), card: ModelCard::from_json(&file, &bytes)? })
    }

    /// What the folder says of its model.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The file with the weights.
    pub fn weights_file(&self) -> PathBuf {
        self.path.join(WEIGHTS_FILE)
    }

    /// The network of the card, which must be of this space.
    ///
    /// # Errors
    /// [`DeployError::Folder`] naming the part of the card that does not fit.
    pub fn network(&self, space: &dyn SearchSpace) -> Result<Deployed> {
        Ok(self.networks(space)?.1)
    }

    /// The network of the card as a skeleton builds it, and as it is deployed.
    ///
    /// # Errors
    /// As [`Self::network`].
    pub fn networks(&self, space: &dyn SearchSpace) -> Result<(Network, Deployed)> {
        self.card.networks(space).map_err(|reason| DeployError::folder(self.path.join(CARD_FILE), reason))
    }

    /// The weights, which must be those of this network.
    ///
    /// # Errors
    /// [`DeployError::Folder`] naming the tensor that is missing, foreign or of another shape, or the damage.
    pub fn weights(&self, network: &Deployed) -> Result<Weights> {
        let file = self.weights_file();
        let bytes = fs::read(&file).map_err(DeployError::io(&file))?;
        Weights::read(&file, bytes, network, &self.card.key)
    }
}

/// What a folder without one of its files is told.
const MISSING: &str = "there is no such file; a model folder has model.json and model.safetensors, \
    as `bonas train` and the final training of a search write them";
