//! The operations of a stage: how they come of an assignment, and how they are read back.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::stage::{Assignment, Stage, Variable};
use crate::declared::expression::Expression;
use crate::graph::OpId;

/// How the operations of a stage come of its choices.
#[derive(Clone, Debug)]
pub(super) enum Emission {
    /// Each variable that exists is an operation: by variable, then by option.
    Choices(Vec<Vec<OpId>>),
    /// Each layer has these operations under these conditions. The assignments are listed by their operations.
    Layers { layers: Vec<(OpId, Option<Expression>)>, known: BTreeMap<Vec<OpId>, Assignment> },
}

/// Most assignments of a stage whose layers have conditions.
const MOST_LISTED: u128 = 5_000;

impl Emission {
    /// Lists the assignments of a stage whose layers are these.
    ///
    /// # Errors
    /// If there are too many, or two of them have equal operations.
    pub(super) fn of_layers(
        stage: &Stage,
        layers: Vec<(OpId, Option<Expression>)>,
        count: u128,
        at: impl Fn(u128) -> Assignment,
    ) -> Result<Self, String> {
        if count > MOST_LISTED {
            return Err(format!("{count} combinations of one stage are more than {MOST_LISTED}"));
        }
        let mut known = BTreeMap::new();
        for number in 0..count {
            let assignment = at(number);
            let ops = emitted(stage, &layers, &assignment);
            if let Some(other) = known.insert(ops, assignment.clone()) {
                let [one, other] = [&other, &assignment].map(|assignment| described(stage, assignment));
                return Err(format!(
                    "{one} and {other} have the same operations, and would be one architecture"
                ));
            }
        }
        Ok(Self::Layers { layers, known })
    }

    pub(super) fn ops(&self, stage: &Stage, assignment: &Assignment) -> Vec<OpId> {
        match self {
            Self::Layers { layers, .. } => emitted(stage, layers, assignment),
            Self::Choices(labels) => {
                let label = |variable: usize| Some(labels[variable][usize::from(assignment[variable]?)]);
                in_order(stage).filter_map(label).collect()
            }
        }
    }

    /// The assignments that some operations may begin with, each with the number of operations it takes.
    pub(super) fn read(&self, stage: &Stage, ops: &[OpId]) -> Vec<(Assignment, usize)> {
        match self {
            Self::Layers { known, .. } => {
                let found = |length: usize| Some((known.get(&ops[..length])?.clone(), length));
                (0..=ops.len().min(longest(known))).filter_map(found).collect()
            }
            Self::Choices(labels) => {
                let mut assignment: Assignment = vec![None; stage.variables.len()];
                let mut used = 0;
                for variable in in_order(stage) {
                    if !stage.exists(variable, &assignment) {
                        continue;
                    }
                    let option =
                        ops.get(used).and_then(|op| labels[variable].iter().position(|label| label == op));
                    let Some(option) = option else { return Vec::new() };
                    assignment[variable] = Some(option as u16);
                    used += 1;
                }
                vec![(assignment, used)]
            }
        }
    }

    /// Fewest and most operations.
    pub(super) fn lengths(&self, stage: &Stage) -> (usize, usize) {
        match self {
            Self::Layers { known, .. } => (known.keys().map(Vec::len).min().unwrap_or(0), longest(known)),
            Self::Choices(_) => {
                // A choice without a condition is always there; so are those of the layers that are always there.
                let always = |variable: &&Variable| match variable {
                    Variable::Depth => true,
                    Variable::Choice(choice) => stage.choices[*choice].when.is_none(),
                    Variable::OfLayer(choice, layer) => {
                        *layer < stage.least && stage.choices[*choice].when.is_none()
                    }
                };
                (stage.variables.iter().filter(always).count(), stage.variables.len())
            }
        }
    }
}

fn longest(known: &BTreeMap<Vec<OpId>, Assignment>) -> usize {
    known.keys().map(Vec::len).max().unwrap_or(0)
}

/// The variables in the order of their operations: the depth, choices of the stage, then those of each layer.
fn in_order(stage: &Stage) -> impl Iterator<Item = usize> + '_ {
    let layer = |variable: &Variable| match variable {
        Variable::OfLayer(_, layer) => Some(*layer),
        Variable::Depth | Variable::Choice(_) => None,
    };
    let mut order: Vec<usize> = (0..stage.variables.len()).collect();
    order.sort_by_key(|&variable| layer(&stage.variables[variable]));
    order.into_iter()
}

fn emitted(stage: &Stage, layers: &[(OpId, Option<Expression>)], assignment: &Assignment) -> Vec<OpId> {
    let layer = |layer: usize| {
        let there = move |(_, when): &&(OpId, Option<Expression>)| {
            stage.holds(when.as_ref(), assignment, Some(layer))
        };
        layers.iter().filter(there).map(|(op, _)| *op)
    };
    (0..stage.depth(assignment)).flat_map(layer).collect()
}

/// An assignment in words.
fn described(stage: &Stage, assignment: &Assignment) -> String {
    let word = |(variable, option): (&Variable, &Option<u16>)| {
        let option = usize::from((*option)?);
        Some(match variable {
            Variable::Depth => format!("depth={}", stage.least + option),
            Variable::Choice(choice) => {
                format!("{}={}", stage.choices[*choice].name, stage.choices[*choice].options[option])
            }
            Variable::OfLayer(choice, layer) => {
                format!("{}[{layer}]={}", stage.choices[*choice].name, stage.choices[*choice].options[option])
            }
        })
    };
    stage.variables.iter().zip(assignment).filter_map(word).collect::<Vec<_>>().join(",")
}

/// Most states of the search for an ambiguity.
const MOST_STATES: usize = 20_000;

/// Whether some operations can be read as two different architectures; an error if that cannot be told in bounded time.
///
/// Two readings agree up to a stage, then one takes more operations than the other. The search follows the operations
/// by which one is ahead (Sardinas and Patterson 1953).
pub(super) fn is_ambiguous(stages: &[&BTreeMap<Vec<OpId>, Assignment>]) -> Result<bool, String> {
    // (stages that the reading ahead has read, those of the other, operations by which it is ahead)
    let mut queue: VecDeque<(usize, usize, Vec<OpId>)> = VecDeque::new();
    let mut seen = HashSet::new();
    let mut reach = |state: (usize, usize, Vec<OpId>), queue: &mut VecDeque<_>| {
        if seen.insert(state.clone()) {
            queue.push_back(state);
        }
        if seen.len() > MOST_STATES {
            Err("begin each stage with an operation of its own".to_owned())
        } else {
            Ok(())
        }
    };
    for (stage, known) in stages.iter().enumerate() {
        for ops in known.keys() {
            let shorter = (0..ops.len()).filter(|&length| known.contains_key(&ops[..length]));
            for length in shorter {
                reach((stage + 1, stage + 1, ops[length..].to_vec()), &mut queue)?;
            }
        }
    }
    while let Some((ahead, behind, rest)) = queue.pop_front() {
        let (ahead, behind) =
            if rest.is_empty() { (ahead.max(behind), ahead.min(behind)) } else { (ahead, behind) };
        let Some(known) = stages.get(behind) else {
            continue;
        };
        for length in 0..=rest.len() {
            if !known.contains_key(&rest[..length]) {
                continue;
            }
            if length == rest.len() && ahead == behind + 1 {
                // The two have read the same stages and the same operations, in different ways.
                return Ok(true);
            }
            reach((ahead, behind + 1, rest[length..].to_vec()), &mut queue)?;
        }
        let longer = known.range(rest.clone()..).map(|(ops, _)| ops).take_while(|ops| ops.starts_with(&rest));
        for ops in longer.filter(|ops| ops.len() > rest.len()) {
            reach((behind + 1, ahead, ops[rest.len()..].to_vec()), &mut queue)?;
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(words: &[&str]) -> BTreeMap<Vec<OpId>, Assignment> {
        let ops = |word: &str| word.bytes().map(|b| OpId::from_index(u16::from(b))).collect();
        words.iter().map(|word| (ops(word), Vec::new())).collect()
    }

    #[test]
    fn two_readings_are_found() {
        for (stages, ambiguous) in [
            (vec![vec!["a", "aa"], vec!["a", "aa"]], true),
            (vec![vec!["a", "aa"], vec!["b", "bb"]], false),
            (vec![vec!["a", "ab"], vec!["c", "bc"]], true),
            (vec![vec!["a", "ab"], vec!["c"], vec!["bc", "d"]], false),
            (vec![vec!["a", "ab"], vec!["b", ""], vec!["c"]], true),
            (vec![vec!["fx", "fxx"], vec!["fx", "fxx"], vec!["f"]], false),
            (vec![vec!["", "a"], vec!["", "a"]], true),
            (vec![vec!["a", "abc"], vec!["b", "d"], vec!["c", "d"], vec!["", "bb"]], false),
            (vec![vec!["a", "abc"], vec!["b", "d"], vec!["c", "cd"], vec!["d", "e"]], false),
            (vec![vec!["a", "ab"], vec!["bc", "c"], vec!["x"]], true),
        ] {
            let maps: Vec<_> = stages.iter().map(|words| stage(words)).collect();
            let found = is_ambiguous(&maps.iter().collect::<Vec<_>>()).unwrap();
            // The same by listing everything.
            let mut all = vec![String::new()];
            for words in &stages {
                all = all
                    .iter()
                    .flat_map(|start| words.iter().map(move |word| format!("{start}{word}")))
                    .collect();
            }
            let different: HashSet<&String> = all.iter().collect();
            assert_eq!(different.len() < all.len(), ambiguous, "{stages:?}");
            assert_eq!(found, ambiguous, "{stages:?}");
        }
    }
}
