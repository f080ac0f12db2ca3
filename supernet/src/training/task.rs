//! What is learned: images, and which of them train, validate and test.

use bonas_study::StudyError;
use bonas_study::rng::StudyRng;

use crate::data::{Augment, Dataset, ImageShape, Images, Loader, Normalisation, Split};

/// The images a network is scored on, which decides what it may be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Trained on the training part of the split, scored on its validation part: for searches.
    Validation,
    /// Trained on all training images, those of a validation part among them, scored on the test images: for the final
    /// figure only.
    Test,
    /// Trained on the training part of the split as in the search, scored on the test images: for a
    /// final figure on the search's own task.
    TestOfSearch,
}

impl Part {
    /// Whether a network scored on either is trained on the same images.
    pub fn trains_as(self, other: Self) -> bool {
        (self == Self::Test) == (other == Self::Test)
    }
}

/// Images with a fixed split; cheap to clone.
#[derive(Clone, Debug)]
pub struct Task {
    train: Loader,
    test: Loader,
    split: Split,
    all: Vec<usize>,
    normalisation: Normalisation,
}

impl Task {
    /// A task on `dataset`: `limit` training images at most (class-balanced), of which those of its validation part, or
    /// `validation_fraction` where it has none, are held out to score a search on. `augment` replaces the dataset's
    /// usual augmentation. Pixels are normalised by the images that are trained on.
    ///
    /// # Errors
    /// [`StudyError::Setting`] naming the fraction, limit or augmentation that does not fit.
    pub fn new(
        dataset: &Dataset,
        limit: Option<usize>,
        validation_fraction: f64,
        augment: Option<Augment>,
        rng: &mut StudyRng,
    ) -> Result<Self, StudyError> {
        let (images, split) = chosen(dataset, limit, validation_fraction, rng)?;
        let normalisation = Normalisation::of_part(&images, &split.train)?;
        let all = (0..images.len()).collect();
        let train = Loader::new(images, &normalisation, augment.unwrap_or(dataset.augment))?;
        let test = Loader::new(dataset.test.clone(), &normalisation, Augment::none())?;
        Ok(Self { train, test, split, all, normalisation })
    }

    /// Shape of the images.
    pub fn image(&self) -> ImageShape {
        self.train.images().shape()
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.train.images().classes()
    }

    /// Name of every class, in label order.
    pub fn class_names(&self) -> &[String] {
        self.train.images().class_names()
    }

    /// Mean and standard deviation by which pixels are normalised.
    pub fn normalisation(&self) -> &Normalisation {
        &self.normalisation
    }

    /// The training images, augmented when shuffled.
    pub fn training(&self) -> &Loader {
        &self.train
    }

    /// Indices of the images that may be trained on before scoring on `part`.
    pub fn training_indices(&self, part: Part) -> &[usize] {
        match part {
            Part::Validation | Part::TestOfSearch => &self.split.train,
            Part::Test => &self.all,
        }
    }

    /// So many of the images that may be trained on before scoring on `part`, drawn without
    /// replacement; all of them if there are fewer.
    pub fn sample(&self, part: Part, images: usize, rng: &mut StudyRng) -> Vec<usize> {
        let all = self.training_indices(part);
        rand::seq::index::sample(rng, all.len(), images.min(all.len())).iter().map(|i| all[i]).collect()
    }

    /// The images of `part` and their indices.
    pub fn scoring(&self, part: Part) -> (&Loader, Vec<usize>) {
        match part {
            Part::Validation => (&self.train, self.split.validation.clone()),
            Part::Test | Part::TestOfSearch => (&self.test, (0..self.test.images().len()).collect()),
        }
    }
}

/// The training images of a task and their split: the dataset's own, or one that is drawn.
fn chosen(
    dataset: &Dataset,
    limit: Option<usize>,
    validation_fraction: f64,
    rng: &mut StudyRng,
) -> Result<(Images, Split), StudyError> {
    let all = &dataset.train;
    if let Some(own) = &dataset.split {
        return match limit {
            Some(n) => own.limited(all, n, rng),
            None => Ok((all.clone(), own.clone())),
        };
    }
    let images = match limit {
        Some(n) => all.select(&all.subset(n, rng)?)?,
        None => all.clone(),
    };
    let split = Split::stratified(&images, validation_fraction, rng)?;
    Ok((images, split))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bonas_study::rng::stream;

    use super::*;
    use crate::data::digits;

    #[test]
    fn a_validation_part_of_the_data_is_the_one_that_is_scored_on() {
        let (validation, train): (Vec<usize>, Vec<usize>) = (0..1198).partition(|i| i % 4 == 0);
        let own = Split { train, validation };
        let data = digits().unwrap().with_split(own.clone()).unwrap();
        let task = Task::new(&data, None, 0.9, None, &mut stream(0, &[])).unwrap();
        assert_eq!(task.training_indices(Part::Validation), own.train);
        assert_eq!(task.training_indices(Part::TestOfSearch), own.train);
        assert_eq!(task.training_indices(Part::Test).len(), 1198, "final training takes both");
        assert_eq!(task.scoring(Part::Validation).1, own.validation);
        assert_eq!(*task.normalisation(), Normalisation::of_part(&data.train, &own.train).unwrap());
        let task = Task::new(&data, Some(100), 0.9, None, &mut stream(0, &[])).unwrap();
        let sizes = [Part::Validation, Part::Test].map(|part| task.training_indices(part).len());
        assert_eq!((sizes, task.scoring(Part::Validation).1.len()), ([75, 100], 25));
    }
}
