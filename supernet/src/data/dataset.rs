//! A training and a test set that belong together.

use bonas_study::StudyError;

use super::augment::Augment;
use super::images::Images;
use super::normalise::Normalisation;

/// Training and test images of one task, with the training recipe that suits them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is, for reports, for example `digits`.
    pub name: String,
    /// Images to search and train on; split it with [`Split`](super::Split).
    pub train: Images,
    /// Images for the final figure only: no search sees them.
    pub test: Images,
    /// Mean and standard deviation of the training images.
    pub normalisation: Normalisation,
    /// The usual augmentation for this kind of image.
    pub augment: Augment,
}

impl Dataset {
    /// A dataset of a user's own; the normalisation is computed from `train`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if the parts differ in shape or classes, or a class has no image in
    /// one of them, or the augmentation does not fit the shape.
    pub fn new(name: &str, train: Images, test: Images, augment: Augment) -> Result<Self, StudyError> {
        augment.check(train.shape())?;
        Self::checked(name, train, test, augment)
            .map_err(|reason| StudyError::Setting { name: format!("dataset {name}"), reason })
    }

    /// As [`Dataset::new`], with a bare reason for readers that know the file; the augmentation
    /// is the reader's and fits.
    pub(super) fn checked(name: &str, train: Images, test: Images, augment: Augment) -> Result<Self, String> {
        if train.shape() != test.shape() {
            return Err(format!("training images are {}, test images are {}", train.shape(), test.shape()));
        }
        if train.class_names() != test.class_names() {
            let (a, b) = (train.classes(), test.classes());
            return Err(format!("the classes of the training part ({a}) and of the test part ({b}) differ"));
        }
        for (part, images) in [("training", &train), ("test", &test)] {
            if let Some(class) = images.class_counts().iter().position(|&count| count == 0) {
                let name = &images.class_names()[class];
                return Err(format!("the {part} part has no image of class {class} ({name})"));
            }
        }
        let normalisation = Normalisation::of(&train);
        Ok(Self { name: name.to_owned(), train, test, normalisation, augment })
    }

    /// The same task with [shrunk](Images::shrunk) images, padded for crops in proportion (rounded up).
    ///
    /// # Errors
    /// [`StudyError::Setting`] if `factor` does not divide both sides, or too little is left of the image
    /// for the augmentation.
    pub fn shrunk(&self, factor: usize) -> Result<Self, StudyError> {
        let (train, test) = (self.train.shrunk(factor)?, self.test.shrunk(factor)?);
        let augment = Augment { crop_padding: self.augment.crop_padding.div_ceil(factor), ..self.augment };
        augment.check(train.shape()).map_err(|_| StudyError::Setting {
            name: "shrink".to_owned(),
            reason: format!(
                "{factor} leaves {} of images of {}, too little for random crops; take a smaller number",
                train.shape(),
                self.train.shape()
            ),
        })?;
        Self::new(&self.name, train, test, augment)
    }
}
