//! Lists the surrogates, acquisitions and selections of this crate by name.
//!
//! Use it to build a part from a name, and wherever the choices are listed: help texts, error
//! messages, tests. To add a part, write its file with an [`PartEntry`], and add its line to the list beside
//! the `mod` lines: [`SURROGATES`] in `models`, [`ACQUISITIONS`] in `acquisition`, [`SELECTIONS`] in
//! `selection`.
//!
//! ```
//! use bonas_surrogate::catalogue::SURROGATES;
//!
//! let trees = SURROGATES.get("trees").expect("trees are in the catalogue");
//! assert_eq!(trees.build(&())?.name(), "trees");
//! # Ok::<(), bonas_surrogate::SurrogateError>(())
//! ```

use crate::surrogate::Surrogate;

pub use crate::acquisition::{ACQUISITIONS, AcquisitionEntry};
pub use crate::entry::PartEntry;
pub use crate::models::{SURROGATES, load_saved};
pub use crate::selection::{SELECTIONS, SelectionEntry};
pub use crate::surrogate::SurrogateEntry;

/// Names of the surrogates of this build that have a property, for messages that say which to use.
///
/// ```
/// use bonas_surrogate::{catalogue::surrogates_that, Surrogate};
///
/// assert!(surrogates_that(|s| s.has_joint_posterior()).contains(&"graph-gp"));
/// ```
pub fn surrogates_that(has: impl Fn(&dyn Surrogate) -> bool) -> Vec<&'static str> {
    let having = |entry: &&'static SurrogateEntry| entry.build(&()).is_ok_and(|surrogate| has(&*surrogate));
    SURROGATES.iter().filter(having).map(PartEntry::name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bonas_spaces::catalogue::Catalogue;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Saved;
    use crate::acquisition::{AcquisitionSettings, Ucb};
    use crate::models::{PriorMean, WlGp};
    use crate::selection::SelectionSettings;
    use crate::testing::{
        check_acquisition, check_selection, check_surrogate, toy_architectures, toy_known, toy_observations,
    };

    fn check_names<P: ?Sized + 'static, S: 'static>(catalogue: &Catalogue<PartEntry<P, S>>) {
        assert_eq!(
            catalogue.names().collect::<BTreeSet<_>>().len(),
            catalogue.names().len(),
            "a name stands twice"
        );
        for entry in catalogue.iter() {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(entry.name().chars().all(kebab), "{} is not kebab-case", entry.name());
            let about = entry.about();
            let one_line = !about.is_empty() && !about.contains('\n') && !about.ends_with('.');
            assert!(one_line, "{}: {about}", entry.name());
            assert!(catalogue.get(entry.name()).is_ok());
        }
        assert!(catalogue.get("no such part").is_err());
    }

    #[test]
    fn names_are_unique_and_say_what_they_are() {
        check_names(&SURROGATES);
        check_names(&ACQUISITIONS);
        check_names(&SELECTIONS);
    }

    #[test]
    fn every_surrogate_keeps_the_contract() {
        let (observations, candidates) = (toy_observations(12, 4), toy_architectures(8, 5));
        for entry in SURROGATES.iter() {
            match entry.build(&()) {
                Ok(surrogate) => {
                    assert_eq!(surrogate.name(), entry.name());
                    check_surrogate(&*surrogate, &observations, &candidates, 6);
                }
                Err(error) => {
                    assert!(entry.needs_torch() && cfg!(not(feature = "torch")), "{error}");
                    let error = error.to_string();
                    assert!(error.contains(entry.name()) && error.contains("libtorch"), "{error}");
                }
            }
        }
    }

    /// Of the catalogue, and around one of it prior knowledge; loaded by the name that is saved.
    #[test]
    fn every_surrogate_is_saved_and_loaded_by_its_name() {
        let (observations, candidates) = (toy_observations(12, 4), toy_architectures(8, 5));
        let known = toy_known(|i, _| (i % 7) as f64);
        let mut surrogates: Vec<_> = SURROGATES.iter().filter_map(|entry| entry.build(&()).ok()).collect();
        surrogates.push(Box::new(PriorMean::new(Box::<WlGp>::default(), known)));
        for surrogate in surrogates {
            let fitted = surrogate.fit(&observations, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
            let bytes = fitted.save().unwrap().to_bytes().unwrap();
            let loaded = load_saved(&Saved::from_bytes(&bytes).unwrap(), &[]).unwrap();
            assert_eq!(loaded.predict(&candidates).unwrap(), fitted.predict(&candidates).unwrap());
        }
        let unknown = Saved::of("no such part", &()).unwrap();
        let error = load_saved(&unknown, &[]).err().unwrap().to_string();
        assert!(error.contains("no such part") && error.contains("Surrogate::load"), "{error}");
    }

    #[test]
    fn every_acquisition_keeps_the_contract() {
        for entry in ACQUISITIONS.iter() {
            let acquisition = entry.build(&AcquisitionSettings::default()).unwrap();
            assert_eq!(acquisition.name(), entry.name());
            check_acquisition(&*acquisition, 7);
        }
    }

    #[test]
    fn every_selection_keeps_the_contract() {
        for entry in SELECTIONS.iter() {
            check_selection(&*entry.build(&SelectionSettings::default()).unwrap(), 11);
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let bad = AcquisitionSettings { gamma: -1.0, ..AcquisitionSettings::default() };
        let error = Ucb::ENTRY.build(&bad).unwrap_err().to_string();
        assert!(error.contains("gamma = -1"), "{error}");
    }
}
