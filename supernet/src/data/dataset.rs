//! A training and a test set that belong together.

use bonas_study::StudyError;

use super::augment::Augment;
use super::fault::DataFault;
use super::images::Images;
use super::normalise::Normalisation;
use super::split::Split;

/// Training and test images of one task, with the training recipe that suits them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What it is, for reports, for example `digits`.
    pub name: String,
    /// Images to search and train on, those of a validation part among them; split it with [`Split`].
    pub train: Images,
    /// Which of `train` a search trains and scores on, where the data have a validation part; none: a share is drawn.
    pub split: Option<Split>,
    /// Images for the final figure only: no search sees them.
    pub test: Images,
    /// Whether the test images are a share that was drawn, as [`LoadOptions`](super::LoadOptions) say.
    pub test_is_drawn: bool,
    /// Image files that cannot be read and were left out.
    pub left_out: Vec<DataFault>,
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
        if train.classes() < 2 {
            return Err("it has one class; two or more can be told apart".to_owned());
        }
        for (part, images) in [("training", &train), ("test", &test)] {
            if let Some(class) = images.class_counts().iter().position(|&count| count == 0) {
                let name = &images.class_names()[class];
                return Err(format!("the {part} part has no image of class {class} ({name})"));
            }
        }
        let normalisation = Normalisation::of(&train);
        Ok(Self {
            name: name.to_owned(),
            train,
            split: None,
            test,
            test_is_drawn: false,
            left_out: Vec::new(),
            normalisation,
            augment,
        })
    }

    /// The same with a validation part of its own, which is a part of `train`.
    ///
    /// # Errors
    /// A reason if the split names an image twice or one that is not there, or a class has no image in one of its parts.
    pub fn with_split(self, split: Split) -> Result<Self, String> {
        let mut labels = vec![None; self.train.len()];
        for (part, indices) in [("training", &split.train), ("validation", &split.validation)] {
            let mut has = vec![false; self.train.classes()];
            for &index in indices {
                let all = labels.len();
                let label =
                    labels.get_mut(index).ok_or_else(|| format!("image {index} of {all}, counted from 0"))?;
                if label.replace(part).is_some() {
                    return Err(format!("image {index} is there twice"));
                }
                has[usize::from(self.train.labels()[index])] = true;
            }
            if let Some(class) = has.iter().position(|has| !has) {
                let name = &self.train.class_names()[class];
                return Err(format!("the {part} part has no image of class {class} ({name})"));
            }
        }
        Ok(Self { split: Some(split), ..self })
    }

    /// The same, whose test images were drawn.
    #[must_use]
    pub(super) fn with_drawn_test(self) -> Self {
        Self { test_is_drawn: true, ..self }
    }

    /// Number of images that are trained on, that a search scores on and that test: the second is none where it is a share
    /// of the first.
    pub fn counts(&self) -> (usize, Option<usize>, usize) {
        let validation = self.split.as_ref().map(|split| split.validation.len());
        (self.train.len() - validation.unwrap_or(0), validation, self.test.len())
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
        let shrunk = Self::new(&self.name, train, test, augment)?;
        let (split, left_out) = (self.split.clone(), self.left_out.clone());
        Ok(Self { split, left_out, test_is_drawn: self.test_is_drawn, ..shrunk })
    }
}
