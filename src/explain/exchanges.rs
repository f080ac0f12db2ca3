//! Exchanges of one operation for another, as a space allows them.

use std::collections::{BTreeMap, BTreeSet};

use bonas_spaces::{Architecture, Cell, OpId, Role, SearchSpace, Vocabulary};

use crate::StudyError;
use crate::drawing::cell_title;

/// Where an operation stands: a cell, and a node or an edge of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) cell: usize,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Node(usize),
    Edge(usize, usize),
}

/// The operations that can stand at a place of one architecture, each with what the architecture is then: its own first.
pub(super) type Options = BTreeMap<Place, Vec<(OpId, Architecture)>>;

/// The exchanges of some architectures.
pub(super) struct Exchanges {
    /// For each architecture.
    pub(super) of: Vec<Options>,
    /// Every place at which there is an exchange.
    places: Vec<Place>,
}

impl Exchanges {
    /// All exchanges that a space allows in these architectures.
    ///
    /// # Errors
    /// [`StudyError::Space`] for architectures of another space.
    pub(super) fn of<'a>(
        space: &dyn SearchSpace,
        architectures: impl Iterator<Item = &'a Architecture>,
    ) -> Result<Self, StudyError> {
        let of: Vec<Options> = architectures.map(|one| options(space, one)).collect::<Result<_, _>>()?;
        let places: BTreeSet<Place> = of.iter().flat_map(BTreeMap::keys).copied().collect();
        Ok(Self { of, places: places.into_iter().collect() })
    }

    /// Every place at which there is an exchange, in order.
    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }
}

/// The exchanges that a space allows in an architecture.
pub(super) fn options(space: &dyn SearchSpace, architecture: &Architecture) -> Result<Options, StudyError> {
    let mut options = Options::new();
    let (own, changes) = single_changes(space, architecture)?;
    for other in changes {
        if let Some((place, [from, to])) = exchange(&own, &other) {
            let there = options.entry(place).or_insert_with(|| vec![(from, own.clone())]);
            if there.iter().all(|(op, _)| *op != to) {
                there.push((to, other));
            }
        }
    }
    Ok(options)
}

/// An architecture, and those that are one choice away from it, where the space is one of choices, isomorphic ones among them; else
/// its neighbours. The first is an equal one with its nodes in the order of the others.
fn single_changes(
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> Result<(Architecture, Vec<Architecture>), StudyError> {
    let Some(choices) = space.choices() else {
        return Ok((architecture.clone(), space.neighbours(architecture)?));
    };
    let mut options = choices.read(architecture)?;
    let own = choices.build(&options)?.unwrap_or_else(|| architecture.clone());
    let mut changes = Vec::new();
    for (position, count) in choices.counts().into_iter().enumerate() {
        let taken = options[position];
        for option in (0..count).filter(|&option| option != taken) {
            options[position] = option;
            changes.extend(choices.build(&options)?);
        }
        options[position] = taken;
    }
    Ok((own, changes))
}

/// The first place at which two architectures have different operations, and these; none where they differ in more than that. Where
/// one choice sets several operations, as that of all layers of a stage, each of them must be the same exchange.
fn exchange(one: &Architecture, other: &Architecture) -> Option<(Place, [OpId; 2])> {
    let (vocabulary, cells) = (one.vocabulary(), one.cells().iter().zip(other.cells()));
    if one.cells().len() != other.cells().len() {
        return None;
    }
    let mut first: Option<(Place, [OpId; 2])> = None;
    for (cell, (one, other)) in cells.enumerate() {
        let (one, other) = (labels(one), labels(other));
        if one.len() != other.len() {
            return None;
        }
        for ((at, from), (there, to)) in one.into_iter().zip(other) {
            if at != there {
                return None;
            }
            if from != to {
                if !is_operation(vocabulary, from) || !is_operation(vocabulary, to) {
                    return None;
                }
                match first {
                    None => first = Some((Place { cell, at }, [from, to])),
                    Some((_, pair)) if pair == [from, to] => {}
                    Some(_) => return None,
                }
            }
        }
    }
    first
}

/// The label of each node and each edge of a cell, in an order that does not depend on that of its edges.
fn labels(cell: &Cell) -> Vec<(At, OpId)> {
    let graph = cell.graph();
    let nodes = graph.node_indices().map(|node| (At::Node(node.index()), graph[node]));
    let edges =
        graph.raw_edges().iter().map(|e| (At::Edge(e.source().index(), e.target().index()), e.weight));
    let mut labels: Vec<(At, OpId)> = nodes.chain(edges).collect();
    labels.sort_unstable();
    labels
}

fn is_operation(vocabulary: &Vocabulary, label: OpId) -> bool {
    matches!(vocabulary.role(label), Role::Compute | Role::Identity | Role::Zero)
}

impl Place {
    /// What the place is called in an architecture that has it: `node 2`, `input -> 1`, with the name of the cell where there are
    /// several.
    pub(super) fn name(self, like: &Architecture, cell_names: &[&str]) -> String {
        let cells = like.cells();
        let node = |index: usize| node_name(&cells[self.cell], index, like.vocabulary());
        let at = match self.at {
            At::Node(index) => format!("node {index}"),
            At::Edge(from, to) => format!("{} -> {}", node(from), node(to)),
        };
        match cells.len() {
            1 => at,
            count => format!("{}, {at}", cell_title(cell_names, self.cell, count)),
        }
    }
}

/// What a node is called: inputs and output by name, others by number.
pub(super) fn node_name(cell: &Cell, index: usize, vocabulary: &Vocabulary) -> String {
    let label = cell.graph().node_weights().nth(index).copied();
    match label.map(|label| (label, vocabulary.role(label))) {
        Some((label, Role::Input | Role::Output)) => vocabulary.name(label).to_owned(),
        _ => index.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::catalogue::SPACES;
    use bonas_study::rng::stream;

    use super::*;

    /// Every edge of the cell has the four other operations, whatever it leads to.
    #[test]
    fn a_cell_of_nasbench201_has_twenty_four_exchanges() {
        let space = SPACES.get("nasbench201").unwrap().space();
        let cell =
            space.parse("|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|").unwrap();
        let options = options(&*space, &cell).unwrap();
        assert_eq!(options.len(), 6);
        let names: Vec<String> = options.keys().map(|place| place.name(&cell, &[])).collect();
        assert_eq!(names[0], "input -> 1");
        assert!(options.values().all(|there| there.len() == 5 && there[0].1 == cell));
        let op = |name: &str| space.vocabulary().id(name).unwrap();
        let (_, other) =
            options.values().next().unwrap().iter().find(|(to, _)| *to == op("nor_conv_1x1")).unwrap();
        let text = "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|";
        assert_eq!(space.format(other).unwrap(), text);
    }

    /// Whatever the space, what an exchange leads to is an architecture of it, with the same graph.
    #[test]
    fn exchanges_stay_in_their_space() {
        for entry in SPACES.iter() {
            let space = entry.space();
            let mut rng = stream(1, &[]);
            for _ in 0..3 {
                let one = space.sample(&mut rng);
                let options = options(&*space, &one).unwrap();
                assert!(!options.is_empty(), "{} has no exchange", entry.name);
                for (op, other) in options.values().flatten() {
                    space.check(other).unwrap();
                    assert!(is_operation(space.vocabulary(), *op), "{}", entry.name);
                }
            }
        }
    }
}
