//! The trained network that final training starts from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bonas_deploy::folder::WEIGHTS_FILE;
use bonas_deploy::network::Tensor;
use bonas_deploy::{Deployed, Folder, ModelCard};
use bonas_spaces::Architecture;
use bonas_study::journal::{lock, read_json, write_json};
use bonas_supernet::evaluator::Start;
use serde::{Deserialize, Serialize};

use super::model::values_of;
use super::{Trainings, of_deploy};
use crate::StudyError;

/// The weights of a model folder, for the network of final training.
#[derive(Clone, Debug)]
pub struct Init {
    /// The folder.
    pub folder: PathBuf,
    /// Its tensors in the network that is trained.
    pub start: Arc<Start>,
    /// BLAKE3 hash of its weights.
    pub fingerprint: String,
    /// Number of classes that it has been trained for, where the classifier is drawn for other classes.
    pub other_classes: Option<usize>,
}

impl Trainings<'_> {
    /// What `final.init` names; none where it is not set.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `final.init` for a model of another space, skeleton, size or number of image channels;
    /// [`StudyError::Data`] for a folder that is damaged, or with weights of another network.
    pub fn init(&self) -> Result<Option<Init>, StudyError> {
        let Some(path) = &self.config.finals.init else { return Ok(None) };
        let path = self.config.relative_to.join(path);
        let folder = Folder::read(&path).map_err(of_deploy)?;
        let card = folder.card();
        self.expect_like(card).map_err(|reason| {
            let reason = format!("{}: {reason}", path.display());
            StudyError::Setting { name: "final.init".into(), reason }
        })?;
        let space = &*self.networks.setup().space;
        let weights = folder.weights(&folder.network(space).map_err(of_deploy)?).map_err(of_deploy)?;
        let architecture = space.parse(&card.architecture)?;
        let network = Deployed::new(&self.final_network(&architecture)?).map_err(of_deploy)?;
        let same_classes = self.final_task()?.class_names() == card.classes;
        let classifier = network.classifier();
        let taken = |tensor: &Tensor| same_classes || classifier.iter().all(|own| own.name != tensor.name);
        let values = values_of(network.tensors().into_iter().filter(taken), &weights)?
            .map_err(|reason| StudyError::Data { path: path.join(WEIGHTS_FILE), reason })?;
        Ok(Some(Init {
            start: Arc::new(Start { key: architecture.key(), values }),
            fingerprint: blake3::hash(weights.bytes()).to_hex().to_string(),
            other_classes: (!same_classes).then_some(card.classes.len()),
            folder: path,
        }))
    }

    /// Refuses a model that the network to train is not like, by what the configuration says of it.
    fn expect_like(&self, card: &ModelCard) -> Result<(), String> {
        let (finals, space) = (&self.config.finals, self.networks.setup().space.name());
        if card.space.name != space {
            return Err(format!("its model is of space {}, and {space} is trained", card.space.name));
        }
        let skeleton = self.final_skeleton().map_err(|error| error.to_string())?.name;
        if card.skeleton != skeleton {
            return Err(format!(
                "its model has skeleton {}, and final.skeleton is {skeleton}",
                card.skeleton
            ));
        }
        let built = card.built_skeleton(&*self.networks.setup().space)?;
        for (key, there, here) in
            [("channels", built.channels(), finals.channels), ("layers", built.layers(), finals.layers)]
        {
            if let Some(there) = there.filter(|there| *there != here) {
                return Err(format!("its model has {key} = {there}, and final.{key} is {here}"));
            }
        }
        let image = self.final_task().map_err(|error| error.to_string())?.image();
        if card.input.channels != image.channels {
            return Err(format!(
                "its model reads images of {} channels, and those of data.source have {}",
                card.input.channels, image.channels
            ));
        }
        Ok(())
    }
}

impl Init {
    /// Refuses another architecture than its own.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `final.init`.
    pub fn expect_of(&self, architecture: &Architecture) -> Result<(), StudyError> {
        let (there, here) = (self.start.key, architecture.key());
        if there == here {
            return Ok(());
        }
        let reason = format!(
            "{}: its model is of another architecture (key {there}) than the one to train (key {here}); train its own, or \
             leave it out",
            self.folder.display()
        );
        Err(StudyError::Setting { name: "final.init".into(), reason })
    }

    /// Notes in a file which weights a training starts from, or refuses others than those noted once `has_trained` says that
    /// something depends on them. `folder` is that of the training's study.
    ///
    /// # Errors
    /// [`StudyError::Setting`] named `final.init`; [`StudyError::Io`]; [`StudyError::Locked`] where another process trains there.
    pub(crate) fn keep(
        &self,
        file: &Path,
        folder: &Path,
        has_trained: &dyn Fn() -> bool,
    ) -> Result<(), StudyError> {
        let here = Noted { weights: self.fingerprint.clone() };
        match read_json::<Noted>(file)? {
            None => write_json(file, &here),
            Some(there) if there == here => Ok(()),
            Some(_) if !has_trained() => {
                // Held while looking again, so that nothing is trained meanwhile.
                let _lock = folder.is_dir().then(|| lock(folder)).transpose()?;
                if has_trained() { self.keep(file, folder, &|| true) } else { write_json(file, &here) }
            }
            Some(there) => {
                let reason = format!(
                    "{}: its weights have changed since this training began (BLAKE3 {} then, {} now); put the former back, \
                     or train into another folder",
                    self.folder.display(),
                    there.weights,
                    here.weights
                );
                Err(StudyError::Setting { name: "final.init".into(), reason })
            }
        }
    }

    /// What is taken of the model, in a line.
    pub fn told(&self, classes: usize) -> String {
        let folder = self.folder.display();
        match self.other_classes {
            None => format!("weights: those of {folder}, its classifier among them"),
            Some(there) => format!(
                "weights: those of {folder}; the classifier is new, for {classes} classes: the model is of {there} others"
            ),
        }
    }
}

/// The weights that a training starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// BLAKE3 hash of the file.
    weights: String,
}
