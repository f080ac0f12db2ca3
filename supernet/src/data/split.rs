//! Class-balanced splits and subsets.

use bonas_study::StudyError;
use bonas_study::rng::StudyRng;
use rand::seq::SliceRandom;

use super::images::Images;

/// A split of a training set into a part to train on and a part to score on, as indices into it.
///
/// The two parts are disjoint, cover the set and are sorted. Every class has at least one image in
/// each part, and otherwise the same share of both, to within one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices to train on, ascending.
    pub train: Vec<usize>,
    /// Indices to score on, ascending.
    pub validation: Vec<usize>,
}

impl Split {
    /// Splits `images` class by class, `validation_fraction` of them to the validation part.
    ///
    /// Deterministic: a function of the labels, the fraction and the state of `rng`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if the fraction is not inside `(0, 1)`, or a class has only one
    /// image.
    ///
    /// # Examples
    /// ```
    /// use bonas_study::rng;
    /// use bonas_supernet::data::{Split, digits};
    /// let data = digits()?;
    /// let split = Split::stratified(&data.train, 0.5, &mut rng::stream(0, &[]))?;
    /// assert_eq!((split.train.len(), split.validation.len()), (599, 599));
    /// # Ok::<(), bonas_study::StudyError>(())
    /// ```
    pub fn stratified(
        images: &Images,
        validation_fraction: f64,
        rng: &mut StudyRng,
    ) -> Result<Self, StudyError> {
        Self::of_first(images, images.len(), validation_fraction, rng)
    }

    /// As [`Split::stratified`], of the first `n` images alone.
    pub(super) fn of_first(
        images: &Images,
        n: usize,
        validation_fraction: f64,
        rng: &mut StudyRng,
    ) -> Result<Self, StudyError> {
        if !(validation_fraction > 0.0 && validation_fraction < 1.0) {
            return Err(bad("validation fraction", format!("{validation_fraction} is not between 0 and 1")));
        }
        let members = by_class(images, 0..n);
        let counts: Vec<usize> = members.iter().map(Vec::len).collect();
        if let Some(class) = counts.iter().position(|&count| count == 1) {
            let name = &images.class_names()[class];
            return Err(bad("images", format!("class {name} has only one image; a split needs two or more")));
        }
        let most: Vec<usize> = counts.iter().map(|count| count.saturating_sub(1)).collect();
        let total = (n as f64 * validation_fraction).round() as usize;
        let (validation, train) = draw(members, &apportion(&counts, &most, total), rng);
        Ok(Self { train, validation })
    }

    /// At most `n` of the images of both parts, in proportion and class by class: those images, and their split.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if `n` leaves no image of a class in one of the parts, or is above the number of images.
    pub fn limited(
        &self,
        images: &Images,
        n: usize,
        rng: &mut StudyRng,
    ) -> Result<(Images, Self), StudyError> {
        let parts = [&self.train, &self.validation].map(|part| by_class(images, part.iter().copied()));
        let counts = parts.each_ref().map(|part| part.iter().map(Vec::len).collect::<Vec<_>>());
        let classes = counts.each_ref().map(|counts| counts.iter().filter(|&&count| count > 0).count());
        let (all, least) = (self.train.len() + self.validation.len(), classes[0] + classes[1]);
        if n < least || n > all {
            let reason =
                format!("{n} images; valid: {least} (one a class to train and one to validate) to {all}");
            return Err(bad("subset", reason));
        }
        let validated = (n as f64 * self.validation.len() as f64 / all as f64).round() as usize;
        let validated = validated.clamp(classes[1], self.validation.len());
        let validated = validated.clamp(n - self.train.len().min(n), n - classes[0]);
        let [train, validation] = parts;
        let (train, _) = draw(train, &apportion(&counts[0], &counts[0], n - validated), rng);
        let (validation, _) = draw(validation, &apportion(&counts[1], &counts[1], validated), rng);
        let split = Self { train: (0..train.len()).collect(), validation: (train.len()..n).collect() };
        Ok((images.select(&[train, validation].concat())?, split))
    }
}

impl Images {
    /// Indices of `n` images, ascending, drawn so that every class keeps its share (to within one
    /// image) and has at least one.
    ///
    /// # Errors
    /// [`StudyError::Setting`] if `n` is below the number of classes or above that of images.
    pub fn subset(&self, n: usize, rng: &mut StudyRng) -> Result<Vec<usize>, StudyError> {
        let counts = self.class_counts();
        let least = counts.iter().filter(|&&count| count > 0).count();
        if n < least || n > self.len() {
            return Err(bad("subset", format!("{n} images; valid: {least} (one a class) to {}", self.len())));
        }
        Ok(draw(by_class(self, 0..self.len()), &apportion(&counts, &counts, n), rng).0)
    }
}

fn bad(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}

/// Shares `total` among classes in proportion to `counts`, by largest remainder (the first of
/// equals); each non-empty class gets at least 1 and at most `most` of its images.
fn apportion(counts: &[usize], most: &[usize], total: usize) -> Vec<usize> {
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let quotas: Vec<f64> = counts.iter().map(|&count| count as f64 * total as f64 / all).collect();
    let least = |class: usize| usize::from(counts[class] > 0);
    let mut shares: Vec<usize> = quotas
        .iter()
        .enumerate()
        .map(|(class, quota)| (*quota as usize).min(most[class]).max(least(class)))
        .collect();
    let owed = |shares: &[usize], class: usize| quotas[class] - shares[class] as f64;
    while shares.iter().sum::<usize>() < total {
        let open = (0..counts.len()).filter(|&class| shares[class] < most[class]);
        let Some(next) = open.rev().max_by(|&a, &b| owed(&shares, a).total_cmp(&owed(&shares, b))) else {
            break;
        };
        shares[next] += 1;
    }
    while shares.iter().sum::<usize>() > total {
        let open = (0..counts.len()).filter(|&class| shares[class] > least(class));
        let Some(next) = open.min_by(|&a, &b| owed(&shares, a).total_cmp(&owed(&shares, b))) else { break };
        shares[next] -= 1;
    }
    shares
}

/// Some images of a set, class by class.
fn by_class(images: &Images, indices: impl IntoIterator<Item = usize>) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); images.classes()];
    for index in indices {
        members[usize::from(images.labels()[index])].push(index);
    }
    members
}

/// Draws `shares[class]` images of every class: `(drawn, left)`, both ascending.
fn draw(mut by_class: Vec<Vec<usize>>, shares: &[usize], rng: &mut StudyRng) -> (Vec<usize>, Vec<usize>) {
    let (mut drawn, mut left) = (Vec::new(), Vec::new());
    for (members, &share) in by_class.iter_mut().zip(shares) {
        members.shuffle(rng);
        drawn.extend_from_slice(&members[..share]);
        left.extend_from_slice(&members[share..]);
    }
    drawn.sort_unstable();
    left.sort_unstable();
    (drawn, left)
}

#[cfg(test)]
mod tests {
    use super::apportion;

    #[test]
    fn shares_follow_the_largest_remainder_and_the_bounds() {
        // Quotas 2.5, 1.5, 1: the tie of remainders goes to the first class.
        assert_eq!(apportion(&[5, 3, 2], &[5, 3, 2], 5), [3, 1, 1]);
        // A class of two of a hundred still gets one; the large class pays for it.
        assert_eq!(apportion(&[98, 2], &[97, 1], 10), [9, 1]);
        assert_eq!(apportion(&[98, 2], &[97, 1], 90), [89, 1]);
        // Never all of a class.
        assert_eq!(apportion(&[50, 3], &[49, 2], 51), [49, 2]);
        // An empty class stays empty.
        assert_eq!(apportion(&[4, 0, 4], &[4, 0, 4], 4), [2, 0, 2]);
    }
}
