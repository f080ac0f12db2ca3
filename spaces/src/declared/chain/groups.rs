//! Counting and drawing the assignments of a stage, uniformly, where choices may exist under conditions.

use rand::{Rng, RngExt};

use super::stage::{Assignment, Stage, Variable};
use crate::families::draw;

/// Most assignments of the variables that others depend on.
const MOST_CASES: usize = 20_000;

/// Variables of a stage that do not depend on those of other groups.
#[derive(Clone, Debug)]
struct Group {
    cases: Vec<Case>,
}

/// One assignment of the variables of a group that others depend on, with the variables that are then free.
#[derive(Clone, Debug)]
struct Case {
    fixed: Vec<(usize, Option<u16>)>,
    free: Vec<usize>,
    /// Assignments of this case and of those before it.
    until: u128,
}

/// The groups of a stage.
#[derive(Clone, Debug)]
pub(super) struct Groups(Vec<Group>);

impl Groups {
    /// Splits the variables of a stage.
    ///
    /// # Errors
    /// The number of cases, if there are too many.
    pub(super) fn of(stage: &Stage) -> Result<Self, String> {
        let needs: Vec<Vec<usize>> =
            (0..stage.variables.len()).map(|variable| stage.needs(variable)).collect();
        let mut budget = MOST_CASES;
        let groups =
            split(stage, &needs).into_iter().map(|group| Group::of(stage, &group, &needs, &mut budget));
        groups.collect::<Result<_, _>>().map(Self)
    }

    /// Number of assignments; `u128::MAX` where it is larger.
    pub(super) fn count(&self) -> u128 {
        self.0.iter().fold(1, |count, group| count.saturating_mul(group.count()))
    }

    pub(super) fn sample(&self, stage: &Stage, rng: &mut dyn Rng) -> Assignment {
        let mut assignment = vec![None; stage.variables.len()];
        for group in &self.0 {
            let number = match u32::try_from(group.count()) {
                Ok(count) => draw::below(rng, count as usize) as u128,
                Err(_) => rng.random_range(0..group.count()),
            };
            group.assign(stage, number, &mut assignment);
        }
        assignment
    }

    /// The assignment with a number below [`Self::count`].
    pub(super) fn at(&self, stage: &Stage, mut number: u128) -> Assignment {
        let mut assignment = vec![None; stage.variables.len()];
        for group in self.0.iter().rev() {
            group.assign(stage, number % group.count(), &mut assignment);
            number /= group.count();
        }
        assignment
    }
}

/// The groups of variables, by their first ones. Choices that neither depend on others nor others on them are one group.
fn split(stage: &Stage, needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let n = stage.variables.len();
    let mut root: Vec<usize> = (0..n).collect();
    let alone = |v: usize| needs[v].is_empty() && !needs.iter().any(|needs| needs.contains(&v));
    let mut join = |a: usize, b: usize| {
        let (low, high) = (root[a].min(root[b]), root[a].max(root[b]));
        root.iter_mut().filter(|r| **r == high).for_each(|r| *r = low);
    };
    for (variable, needed) in needs.iter().enumerate() {
        for &other in needed {
            join(variable, other);
        }
    }
    let free: Vec<usize> = (0..n).filter(|&v| alone(v) && stage.variables[v] != Variable::Depth).collect();
    free.windows(2).for_each(|pair| join(pair[0], pair[1]));
    let members = |of: usize| (0..n).filter(|&v| root[v] == of).collect::<Vec<_>>();
    (0..n).map(members).filter(|members| !members.is_empty()).collect()
}

impl Group {
    fn of(
        stage: &Stage,
        variables: &[usize],
        needs: &[Vec<usize>],
        budget: &mut usize,
    ) -> Result<Self, String> {
        let leads = |variable: &usize| needs.iter().any(|needs| needs.contains(variable));
        let (leading, rest): (Vec<usize>, Vec<usize>) =
            variables.iter().partition(|variable| leads(variable));
        let mut found = vec![vec![None; stage.variables.len()]];
        for &variable in &leading {
            let mut next = Vec::new();
            for assignment in found {
                if !stage.exists(variable, &assignment) {
                    next.push(assignment);
                    continue;
                }
                for option in 0..stage.count(variable) {
                    let mut with: Assignment = assignment.clone();
                    with[variable] = Some(option as u16);
                    next.push(with);
                    if next.len() > *budget {
                        return Err(format!(
                            "conditions make more than {MOST_CASES} cases; let fewer choices depend on others"
                        ));
                    }
                }
            }
            found = next;
        }
        *budget = budget.saturating_sub(found.len());
        let mut until = 0_u128;
        let case = |assignment: Assignment| {
            let fixed = leading.iter().map(|&variable| (variable, assignment[variable])).collect();
            let free: Vec<usize> =
                rest.iter().copied().filter(|&variable| stage.exists(variable, &assignment)).collect();
            let count = free.iter().fold(1_u128, |count, &v| count.saturating_mul(stage.count(v) as u128));
            until = until.saturating_add(count);
            Case { fixed, free, until }
        };
        Ok(Self { cases: found.into_iter().map(case).collect() })
    }

    fn count(&self) -> u128 {
        self.cases.last().map_or(1, |case| case.until)
    }

    fn assign(&self, stage: &Stage, number: u128, assignment: &mut Assignment) {
        let at = self.cases.partition_point(|case| case.until <= number);
        let Some(case) = self.cases.get(at) else { return };
        let before = at.checked_sub(1).map_or(0, |before| self.cases[before].until);
        for &(variable, option) in &case.fixed {
            assignment[variable] = option;
        }
        let mut number = number - before;
        for &variable in case.free.iter().rev() {
            let count = stage.count(variable) as u128;
            assignment[variable] = Some((number % count) as u16);
            number /= count;
        }
    }
}
