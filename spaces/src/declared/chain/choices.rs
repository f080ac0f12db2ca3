//! Chains as independent choices: one position for each variable.

use super::{Chain, Point};
use crate::error::SpaceError;
use crate::graph::Architecture;
use crate::space::Choices;

use super::check_choices;

/// Options of variables that do not exist under the others are read as the first one, and ignored.
impl Choices for Chain {
    fn counts(&self) -> Vec<usize> {
        let counts = self
            .parts
            .iter()
            .flat_map(|part| (0..part.stage.variables.len()).map(|variable| part.stage.count(variable)));
        let counts: Vec<usize> = counts.collect();
        // Evolution needs a position, also in a space of one architecture.
        if counts.is_empty() { vec![1] } else { counts }
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let point = Chain::read(self, architecture)?;
        let options: Vec<usize> =
            point.iter().flatten().map(|option| usize::from(option.unwrap_or(0))).collect();
        Ok(if options.is_empty() { vec![0] } else { options })
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts())?;
        let mut options = choices.iter();
        let mut point: Point = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut assignment = vec![None; part.stage.variables.len()];
            for variable in 0..assignment.len() {
                let option = options.next().map(|option| *option as u16);
                if part.stage.exists(variable, &assignment) {
                    assignment[variable] = option;
                }
            }
            point.push(assignment);
        }
        Ok(Some(Chain::build(self, &point)))
    }
}
