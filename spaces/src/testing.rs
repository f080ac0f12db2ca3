//! The contract of [`SearchSpace`] as a test.
//!
//! Run [`check_space`] in the tests of a space of your own: it draws architectures and checks every
//! promise that strategies rely on, with the network where there is one. The spaces of this crate run
//! it too.
//!
//! ```
//! use bonas_spaces::families::transnas::TransNasMacro;
//! use bonas_spaces::testing::check_space;
//!
//! let report = check_space(&TransNasMacro::new(), 1, 20)?;
//! assert_eq!(report.enumerated, 3_256);
//! # Ok::<(), bonas_spaces::testing::BrokenContract>(())
//! ```

use std::collections::HashSet;
use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;

use crate::error::SpaceError;
use crate::graph::{Architecture, Key, OpGraph, OpId, Simplify};
use crate::network::{Network, SkeletonEntry, SkeletonSize, SpaceNetwork, Union};
use crate::notation::Notation;
use crate::space::{SearchSpace, SpaceSize};

/// Spaces of at most this many architectures are enumerated whole.
const ENUMERATE_WHOLE: u128 = 50_000;

/// How many are looked at in larger ones.
const ENUMERATE_SOME: usize = 500;

/// A promise of [`SearchSpace`] that a space breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("space {space:?} breaks its contract: {rule}; seen at {example}")]
pub struct BrokenContract {
    /// Name of the space.
    pub space: String,
    /// The promise.
    pub rule: String,
    /// The architecture that breaks it, and the error, if there is one.
    pub example: String,
}

/// What [`check_space`] has checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContractReport {
    /// Architectures drawn.
    pub samples: usize,
    /// Different keys among them.
    pub distinct: usize,
    /// Neighbours checked.
    pub neighbours: usize,
    /// Architectures enumerated; 0 for a space that does not enumerate.
    pub enumerated: usize,
}

/// Tests every promise of [`SearchSpace`] on `samples` architectures drawn from `seed`.
///
/// - Samples, mutants and neighbours are valid, and equal seeds draw equal ones.
/// - Texts read back to an equal key, and print the same again.
/// - What a notation prints reads back to an equal key, with the name of the notation in front and, unless it
///   has several readings, without.
/// - A mutant differs from its parent, unless the parent has no neighbours.
/// - Neighbours are distinct, leave the original out, and come in a fixed order.
/// - Choices, read and built again, keep the key.
/// - Op graphs are topologically sorted DAGs.
/// - The enumeration agrees with the size, and holds every sample.
/// - If there is a network: every skeleton builds the network of a sample in its published size, the
///   rows of that network add up, and samples have a route through the union of the whole space.
///
/// ```
/// use bonas_spaces::families::nasbench201::NasBench201;
/// use bonas_spaces::testing::check_space;
///
/// let report = check_space(&NasBench201::new(), 1, 20)?;
/// assert_eq!(report.enumerated, 15_625);
/// # Ok::<(), bonas_spaces::testing::BrokenContract>(())
/// ```
///
/// # Errors
/// [`BrokenContract`] with the first promise that does not hold.
pub fn check_space(
    space: &dyn SearchSpace,
    seed: u64,
    samples: usize,
) -> Result<ContractReport, BrokenContract> {
    let mut check = Check { space, report: ContractReport::default(), keys: HashSet::new() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut again = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..samples {
        let architecture = space.sample(&mut rng);
        let copy = space.sample(&mut again);
        check.that(architecture.key() == copy.key(), "equal seeds draw equal samples", &architecture)?;
        check.sampled(&architecture, &mut rng, &mut again)?;
    }
    check.enumeration()?;
    check.network(&mut rng)?;
    check.report.distinct = check.keys.len();
    Ok(check.report)
}

struct Check<'a> {
    space: &'a dyn SearchSpace,
    report: ContractReport,
    keys: HashSet<Key>,
}

impl Check<'_> {
    fn that(&self, holds: bool, rule: &str, architecture: &Architecture) -> Result<(), BrokenContract> {
        if holds { Ok(()) } else { Err(self.broken(rule, architecture, &"")) }
    }

    /// The value, or the rule that an error breaks.
    fn ok<T>(
        &self,
        result: Result<T, SpaceError>,
        rule: &str,
        at: &Architecture,
    ) -> Result<T, BrokenContract> {
        result.map_err(|error| self.broken(rule, at, &error))
    }

    fn broken(&self, rule: &str, architecture: &Architecture, why: &dyn fmt::Display) -> BrokenContract {
        let text = self.space.format(architecture).unwrap_or_else(|error| error.to_string());
        BrokenContract {
            space: self.space.name().to_owned(),
            rule: rule.to_owned(),
            example: format!("{text} (key {}) {why}", architecture.key()).trim_end().to_owned(),
        }
    }

    /// `rng` and `again` are in the same state, before and after.
    fn sampled(
        &mut self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        again: &mut dyn Rng,
    ) -> Result<(), BrokenContract> {
        self.report.samples += 1;
        self.keys.insert(architecture.key());
        self.valid(architecture, "samples are valid")?;
        self.text(architecture)?;
        self.notations(architecture)?;
        self.graphs(architecture)?;
        self.choices(architecture)?;
        let neighbours = self.neighbours(architecture)?;
        let child = self.mutant(architecture, rng)?;
        let twin = self.mutant(architecture, again)?;
        self.that(child.key() == twin.key(), "equal seeds draw equal mutants", architecture)?;
        let changed = child.key() != architecture.key();
        self.that(changed || neighbours == 0, "a mutant differs from its parent", architecture)
    }

    fn valid(&self, architecture: &Architecture, rule: &str) -> Result<(), BrokenContract> {
        self.ok(self.space.check(architecture), rule, architecture)?;
        let own = architecture.check_vocabulary(self.space.vocabulary());
        self.ok(own, "architectures carry the space's vocabulary", architecture)
    }

    fn text(&self, architecture: &Architecture) -> Result<(), BrokenContract> {
        let text = self.ok(self.space.format(architecture), "valid architectures print", architecture)?;
        let read = self.ok(self.space.parse(&text), "what format prints, parse reads", architecture)?;
        self.valid(&read, "parsed architectures are valid")?;
        self.that(read.key() == architecture.key(), "text reads back to an equal key", architecture)?;
        let printed = self.ok(self.space.format(&read), "parsed architectures print", architecture)?;
        self.that(printed == text, "text reads back and prints the same", architecture)
    }

    fn notations(&self, architecture: &Architecture) -> Result<(), BrokenContract> {
        for Notation { name, .. } in self.space.notations() {
            let text = match self.space.format_as(architecture, name) {
                Err(SpaceError::CannotSay { .. }) => continue,
                text => self.ok(text, "a notation prints what it can say", architecture)?,
            };
            for text in [format!("{name}:{text}"), text] {
                match self.space.parse(&text) {
                    Err(SpaceError::Digest { .. } | SpaceError::Ambiguous { .. }) => {}
                    read => {
                        let read = self.ok(read, "what a notation prints, parse reads", architecture)?;
                        let same = read.key() == architecture.key();
                        self.that(same, "a notation reads back to an equal key", architecture)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn choices(&self, architecture: &Architecture) -> Result<(), BrokenContract> {
        let Some(space) = self.space.choices() else { return Ok(()) };
        let (counts, read) = (space.counts(), space.read(architecture));
        let read = self.ok(read, "valid architectures are choices", architecture)?;
        let inside = read.len() == counts.len() && read.iter().zip(&counts).all(|(choice, n)| choice < n);
        self.that(inside, "there is one choice a position, below its count", architecture)?;
        let built = self.ok(space.build(&read), "choices that were read build", architecture)?;
        let keeps = built.is_some_and(|built| built.key() == architecture.key());
        self.that(keeps, "choices read and built keep the key", architecture)?;
        for choices in [counts.iter().map(|n| n - 1).collect(), vec![0; counts.len()]] {
            let built =
                self.ok(space.build(&choices), "combinations of choices are no errors", architecture)?;
            built.map_or(Ok(()), |built| self.valid(&built, "what choices build is valid"))?;
        }
        self.that(space.build(&counts).is_err(), "a choice that is not there is refused", architecture)
    }

    fn mutant(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, BrokenContract> {
        let child =
            self.ok(self.space.mutate(architecture, rng), "valid architectures mutate", architecture)?;
        self.valid(&child, "mutants are valid")?;
        Ok(child)
    }

    fn neighbours(&mut self, architecture: &Architecture) -> Result<usize, BrokenContract> {
        let list = || self.ok(self.space.neighbours(architecture), "neighbours exist", architecture);
        let (neighbours, again) = (list()?, list()?);
        self.that(neighbours == again, "neighbours come in an order of their own", architecture)?;
        let mut seen = HashSet::from([architecture.key()]);
        for neighbour in &neighbours {
            self.valid(neighbour, "neighbours are valid")?;
            let rule = "neighbours are distinct and leave the original out";
            self.that(seen.insert(neighbour.key()), rule, architecture)?;
        }
        self.report.neighbours += neighbours.len();
        Ok(neighbours.len())
    }

    fn graphs(&self, architecture: &Architecture) -> Result<(), BrokenContract> {
        for simplify in [Simplify::Pruned, Simplify::Raw] {
            let graphs = architecture.op_graphs_with(simplify);
            let rule = "there is one op graph a cell";
            self.that(graphs.len() == architecture.cells().len() && !graphs.is_empty(), rule, architecture)?;
            for graph in &graphs {
                let rule = "op graphs have inputs first, output last and edges that go upwards";
                self.that(self.is_op_graph(graph), rule, architecture)?;
            }
        }
        Ok(())
    }

    fn is_op_graph(&self, graph: &OpGraph) -> bool {
        let inputs = self.space.vocabulary().inputs();
        let labels: Vec<OpId> = graph.labels().collect();
        let first = (0..inputs).map(|i| OpId::input(i as u16));
        let last = labels.len().checked_sub(1);
        let inside = labels.get(inputs..last.unwrap_or(0)).unwrap_or_default();
        first.eq(labels.iter().take(inputs).copied())
            && labels.last() == Some(&OpId::OUTPUT)
            && inside.iter().all(|op| op.index() >= OpId::input(inputs as u16).index())
            && graph.edges().all(|(from, to)| from < to && to >= inputs && Some(from) != last)
    }

    fn network(&self, rng: &mut dyn Rng) -> Result<(), BrokenContract> {
        let Some(network) = self.space.network() else { return Ok(()) };
        let (sample, whole) = (self.space.sample(rng), network.whole());
        let route = whole.route(&sample);
        self.ok(route, "samples have a route through the union of the whole space", &sample)?;
        self.that(!network.skeletons().is_empty(), "a network has a skeleton", &sample)?;
        for entry in network.skeletons() {
            let known = network.skeleton_named(entry.name).is_ok_and(|found| std::ptr::eq(found, *entry));
            self.that(known, "skeletons have different names", &sample)?;
            self.skeleton(entry, network, &sample)?;
        }
        Ok(())
    }

    fn skeleton(
        &self,
        entry: &SkeletonEntry,
        network: &dyn SpaceNetwork,
        sample: &Architecture,
    ) -> Result<(), BrokenContract> {
        let union = self.ok(Union::of(std::slice::from_ref(sample)), "samples have a union", sample)?;
        for auxiliary in [false, true] {
            let built = entry.build(&SkeletonSize { auxiliary, ..SkeletonSize::default() });
            let refused = auxiliary && !entry.auxiliary;
            let rule = "skeletons say whether they may have an auxiliary head";
            self.that(built.is_err() == refused, rule, sample)?;
            let Ok(skeleton) = built else { continue };
            let built = skeleton.network(&union, &network.ops());
            let built = self.ok(built, "samples fit the skeletons in their published size", sample)?;
            self.that(built.auxiliary.is_some() == auxiliary, rule, sample)?;
            self.rows(&built, sample)?;
            let positive = built.params() > 0 && built.macs() > 0;
            self.that(positive, "networks have parameters and multiply-adds", sample)?;
            let (channels, layers) = (skeleton.channels(), skeleton.layers());
            let same = entry.build(&SkeletonSize { channels, layers, auxiliary, ..SkeletonSize::default() });
            let same = same.and_then(|skeleton| skeleton.network(&union, &network.ops()));
            let same = same.is_ok_and(|same| (same.params(), same.macs()) == (built.params(), built.macs()));
            self.that(same, "skeletons say the channels and layers that they are built in", sample)?;
        }
        Ok(())
    }

    fn rows(&self, network: &Network, sample: &Architecture) -> Result<(), BrokenContract> {
        let total = network.rows().fold((0, 0), |(params, macs), row| (params + row.params, macs + row.macs));
        let rule = "the rows of a network add up to its parameters and multiply-adds";
        self.that(total == (network.params(), network.macs()), rule, sample)
    }

    fn enumeration(&mut self) -> Result<(), BrokenContract> {
        let Some(all) = self.space.enumerate() else { return Ok(()) };
        let (SpaceSize::Unique(size) | SpaceSize::AtMost(size)) = self.space.size();
        let whole = size <= ENUMERATE_WHOLE;
        let limit = if whole { usize::MAX } else { ENUMERATE_SOME };
        let (mut keys, mut last) = (HashSet::new(), None);
        for architecture in all.take(limit) {
            self.report.enumerated += 1;
            if keys.len() < ENUMERATE_SOME {
                self.valid(&architecture, "enumerated architectures are valid")?;
            }
            keys.insert(architecture.key());
            last = Some(architecture);
        }
        let Some(last) = last else { return Ok(()) };
        let found = keys.len() as u128;
        let counted = format!("the size is {}, the enumeration has {found} keys", self.space.size());
        let exact = whole && matches!(self.space.size(), SpaceSize::Unique(_));
        self.that(found <= size && (!exact || found == size), &counted, &last)?;
        let missing = whole && !self.keys.is_subset(&keys);
        self.that(!missing, "the enumeration holds every sample", &last)
    }
}

#[cfg(test)]
mod tests;
