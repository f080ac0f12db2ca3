#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::catalogue::{SPACES, spaces_with};
use crate::families::darts::Darts;
use crate::families::nasbench101::NasBench101;
use crate::families::nasbench201::{NasBench201, Uniqueness};
use crate::graph::Vocabulary;

#[test]
fn every_space_of_the_catalogue_keeps_the_contract() {
    for entry in SPACES.iter() {
        let (space, raw) = (entry.space(), entry.raw_space());
        let names = space.cell_names().len();
        let cells = space.sample(&mut ChaCha8Rng::seed_from_u64(1)).cells().len();
        assert!(names == cells || (names == 0 && cells == 1), "{}: {names} names", entry.name);
        assert!(!entry.about.is_empty() && SPACES.get(entry.name).is_ok());
        for space in [space].into_iter().chain(raw) {
            assert_eq!(space.name(), entry.name);
            let report = check_space(&*space, 7, 4).unwrap();
            assert!(report.samples == 4 && report.neighbours > 4, "{}: {report:?}", space.name());
        }
    }
}

#[test]
fn the_other_forms_of_the_spaces_keep_the_contract() {
    let mut spaces: Vec<Box<dyn SearchSpace>> = vec![Box::new(Darts::one_cell())];
    for rule in [Uniqueness::Published, Uniqueness::Skips, Uniqueness::Raw, Uniqueness::Function] {
        spaces.push(Box::new(NasBench201::with_uniqueness(rule)));
    }
    for space in spaces {
        let report = check_space(&*space, 7, 25).unwrap();
        assert_eq!(report.samples, 25, "{}", space.name());
        assert!(report.distinct > 20 && report.neighbours > 25 * 15, "{}: {report:?}", space.name());
    }
}

#[test]
fn an_unknown_space_and_an_unknown_skeleton_name_the_nearest() {
    let message = SPACES.get("nasbench202").unwrap_err().to_string();
    assert!(message.starts_with("unknown space `nasbench202`; did you mean `nasbench201`?"), "{message}");
    let darts = Darts::new();
    let message = darts.network().unwrap().skeleton_named("dart").unwrap_err().to_string();
    assert!(message.starts_with("unknown skeleton `dart`; did you mean `darts`?"), "{message}");
}

#[test]
fn a_space_without_a_network_says_so() {
    let space = Darts::one_cell();
    let error = space.require_network().err().unwrap();
    assert_eq!(error, SpaceError::NoNetwork { space: "darts-one-cell".to_owned() });
    assert!(error.to_string().starts_with("darts-one-cell has no network here"), "{error}");
    // Every space of the catalogue has image networks or recurrent cells.
    assert_eq!(spaces_with(|space| space.network().is_none() == space.recurrent().is_none()), [""; 0]);
}

/// NAS-Bench-201 with one promise broken.
#[derive(Debug)]
struct Broken(NasBench201, &'static str);

impl SearchSpace for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.0.vocabulary()
    }
    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        if self.1 == "samples are valid" {
            return NasBench101::new().sample(rng);
        }
        self.0.sample(rng)
    }
    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        if self.1 == "a mutant differs from its parent" {
            return Ok(architecture.clone());
        }
        self.0.mutate(architecture, rng)
    }
    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let mut all = self.0.neighbours(architecture)?;
        if self.1.contains("leave the original out") {
            all.push(architecture.clone());
        }
        Ok(all)
    }
    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.0.check(architecture)
    }
    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(if self.1.starts_with("the size is") { 6_467 } else { 6_466 })
    }
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let skipped = if self.1.starts_with("the enumeration") { 15_000 } else { 0 };
        Some(Box::new(self.0.enumerate()?.skip(skipped)))
    }
    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        self.0.format(architecture)
    }
    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let fixed = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
        self.0.parse(if self.1 == "text reads back to an equal key" { fixed } else { text })
    }
}

#[test]
fn broken_promises_are_found() {
    let promises = [
        "samples are valid",
        "a mutant differs from its parent",
        "neighbours are distinct and leave the original out",
        "text reads back to an equal key",
        "the size is 6467 unique, the enumeration has 6466 keys",
    ];
    for promise in promises {
        let broken = check_space(&Broken(NasBench201::new(), promise), 1, 10).unwrap_err();
        assert_eq!(broken.rule, promise);
        assert!(broken.to_string().contains("\"broken\" breaks its contract"), "{broken}");
    }
    let short = check_space(&Broken(NasBench201::new(), "the enumeration"), 1, 10).unwrap_err();
    assert!(short.rule.contains("the enumeration has"), "{short}");
    assert!(check_space(&Broken(NasBench201::new(), ""), 1, 10).is_ok());
}

/// What `bonas describe` prints adds up, with and without the auxiliary head.
#[test]
fn the_rows_of_every_printed_network_add_up_to_its_total() {
    let mut heads = 0;
    for entry in SPACES.iter() {
        let space = entry.space();
        let Some(network) = space.network() else { continue };
        let sample = space.sample(&mut ChaCha8Rng::seed_from_u64(3));
        let union = Union::of(&[sample]).unwrap();
        for skeleton in network.skeletons() {
            for auxiliary in [false, true] {
                let size = SkeletonSize { auxiliary, ..SkeletonSize::default() };
                let Ok(built) = skeleton.build(&size) else { continue };
                assert!(built.channels().is_some(), "{skeleton:?}");
                let plan = built.network(&union, &network.ops()).unwrap();
                let text = plan.to_string();
                let (rows, total) = text.split_once("\ntotal").unwrap();
                let numbers = |line: &str| -> Vec<u64> {
                    line.split_whitespace().rev().take(2).map(|word| word.parse().unwrap()).collect()
                };
                let sum = rows
                    .lines()
                    .skip(1)
                    .map(numbers)
                    .fold([0, 0], |sum, row| [sum[0] + row[0], sum[1] + row[1]]);
                assert_eq!(sum.to_vec(), numbers(total.lines().next().unwrap()), "{text}");
                assert_eq!(text.contains("auxiliary"), auxiliary);
                heads += usize::from(auxiliary);
            }
        }
    }
    assert!(heads > 1);
}
