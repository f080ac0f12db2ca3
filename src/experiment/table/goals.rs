//! What an experiment holds strategies to beside its search column: limits and a second objective.

use std::sync::Arc;

use bonas_spaces::network::Union;
use bonas_study::strategy::{Aims, MACS, PARAMS};
use bonas_study::table::{Benchmark, Column, ColumnName, Limit};
use bonas_surrogate::pareto::{Front, Point};

use crate::StudyError;
use crate::config::TableConfig;

/// Limits and second objective of an experiment, with the numbers of every arm of its table.
#[derive(Clone, Debug)]
pub(super) struct Goals {
    pub(super) limits: Vec<Held>,
    pub(super) second: Option<Second>,
    /// Whether each arm keeps the limits that are known.
    pub(super) allowed: Vec<bool>,
    /// Whether each arm keeps all limits.
    pub(super) feasible: Vec<bool>,
    /// What a query measures beside the score: limits that are not known, then the second objective.
    pub(super) measures: Arc<[Vec<f64>]>,
    pub(super) aims: Aims,
}

/// A limit.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) text: String,
    pub(super) known: bool,
    /// Whether each arm keeps it.
    pub(super) kept: Vec<bool>,
}

/// The second objective.
#[derive(Clone, Debug)]
pub(super) struct Second {
    pub(super) search_name: ColumnName,
    pub(super) report_name: ColumnName,
    /// What strategies see of each arm.
    pub(super) search: Vec<f64>,
    /// What is reported of each arm.
    pub(super) report: Vec<f64>,
    /// Of the report columns, what the hypervolume is measured from.
    pub(super) reference: Point,
}

/// The columns of a table that goals are on, each once; what is counted on a network is no column.
pub(super) fn columns(config: &TableConfig) -> Result<Vec<ColumnName>, StudyError> {
    let mut columns = Vec::new();
    for limit in limits(config)? {
        columns.push(limit.column);
    }
    if let Some((search, report)) = objective(config)? {
        columns.extend([search, report]);
    }
    columns.retain(|column| !is_counted(column));
    Ok(columns)
}

/// The columns among these that strategies have to find out: those of limits that they do not know, and of the second
/// objective.
pub(super) fn hidden(config: &TableConfig) -> Result<Vec<ColumnName>, StudyError> {
    let unknown =
        limits(config)?.into_iter().zip(&config.constraints).filter(|(_, settings)| !settings.known);
    let columns = unknown.map(|(limit, _)| limit.column);
    Ok(columns.chain(objective(config)?.into_iter().flat_map(|(search, report)| [search, report])).collect())
}

fn limits(config: &TableConfig) -> Result<Vec<Limit>, StudyError> {
    let bad = |reason| StudyError::Setting { name: "constraint.limit".to_owned(), reason };
    config.constraints.iter().map(|c| c.limit.parse().map_err(bad)).collect()
}

/// Search and report column of the second objective.
fn objective(config: &TableConfig) -> Result<Option<(ColumnName, ColumnName)>, StudyError> {
    let Some(settings) = &config.objective else { return Ok(None) };
    let read = |key: &str, text: &str| {
        text.parse().map_err(|reason| StudyError::Setting { name: format!("objective.{key}"), reason })
    };
    let search: ColumnName = read("search", &settings.search)?;
    let report = if settings.report.is_empty() { search.clone() } else { read("report", &settings.report)? };
    Ok(Some((search, report)))
}

fn is_counted(column: &ColumnName) -> bool {
    matches!(&column.parts[..], [one] if one == PARAMS || one == MACS)
}

impl Goals {
    /// The goals of a configuration on a table, whose arms have these values in the report column.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for counts of a space without a network, or limits that no arm keeps.
    pub(super) fn of(config: &TableConfig, table: &Benchmark, report: &[f64]) -> Result<Self, StudyError> {
        let numbers = Numbers { table };
        let mut goals = Self::none(table.arms().len());
        let mut measures = vec![Vec::new(); table.arms().len()];
        let mut measure = |values: &[f64]| {
            measures.iter_mut().zip(values).for_each(|(all, value)| all.push(*value));
        };
        for (constraint, limit) in config.constraints.iter().zip(limits(config)?) {
            let values = numbers.of(&limit.column)?;
            let kept: Vec<bool> = values.iter().map(|value| limit.bound.holds(*value)).collect();
            if !constraint.known {
                goals.aims.bounds.push((goals.aims.bounds.len(), limit.bound));
                measure(&values);
            }
            goals.hold(Held { text: constraint.limit.clone(), known: constraint.known, kept })?;
        }
        if let Some((search_name, report_name)) = objective(config)? {
            let (search, second) = (numbers.of(&search_name)?, numbers.of(&report_name)?);
            measure(&search);
            goals.aims.second = Some(goals.aims.bounds.len());
            let given = config.objective.as_ref().map_or(&[][..], |objective| &objective.reference);
            let reference = match *given {
                [a, b] => [a, b],
                _ => [goals.worst(report), goals.worst(&second)],
            };
            let own = config.objective.as_ref().map_or(&[][..], |objective| &objective.search_reference);
            goals.aims.reference = goals.search_reference(own, &table.columns()[0], &search)?;
            goals.second = Some(Second { search_name, report_name, search, report: second, reference });
        }
        Ok(Self { measures: measures.into(), ..goals })
    }

    /// What a search measures improvements from, if the user says so; strategies see accuracies as fractions.
    fn search_reference(
        &self,
        own: &[f64],
        scores: &Column,
        second: &[f64],
    ) -> Result<Option<Point>, StudyError> {
        let &[a, b] = own else { return Ok(None) };
        let above = |arm: usize| self.feasible[arm] && scores.mean(arm) > a && second[arm] > b;
        if (0..second.len()).any(above) {
            return Ok(Some([scores.scale() * a, b]));
        }
        Err(StudyError::Setting {
            name: "objective.search_reference".into(),
            reason: format!(
                "nothing that keeps all limits is above [{a}, {b}] in both; give a point below some"
            ),
        })
    }

    fn none(arms: usize) -> Self {
        Self {
            limits: Vec::new(),
            second: None,
            allowed: vec![true; arms],
            feasible: vec![true; arms],
            measures: Arc::default(),
            aims: Aims::default(),
        }
    }

    fn hold(&mut self, limit: Held) -> Result<(), StudyError> {
        let both = |all: &mut Vec<bool>| all.iter_mut().zip(&limit.kept).for_each(|(a, b)| *a &= *b);
        both(&mut self.feasible);
        if limit.known {
            both(&mut self.allowed);
        }
        if !self.feasible.contains(&true) {
            return Err(StudyError::Setting {
                name: "constraint.limit".to_owned(),
                reason: format!(
                    "no architecture of the table keeps all limits up to {:?}; ask for less",
                    limit.text
                ),
            });
        }
        self.limits.push(limit);
        Ok(())
    }

    /// The lowest value of what keeps all limits.
    pub(super) fn worst(&self, values: &[f64]) -> f64 {
        self.feasible_of(values).fold(f64::INFINITY, f64::min)
    }

    /// The highest.
    pub(super) fn best(&self, values: &[f64]) -> f64 {
        self.feasible_of(values).fold(f64::NEG_INFINITY, f64::max)
    }

    fn feasible_of(&self, values: &[f64]) -> impl Iterator<Item = f64> {
        values.iter().zip(&self.feasible).filter(|(_, feasible)| **feasible).map(|(value, _)| *value)
    }
}

impl Second {
    /// The front of arms by what is reported of them, `report` being the first objective.
    pub(super) fn front(&self, arms: impl Iterator<Item = usize>, report: &[f64]) -> Front {
        let points: Vec<Point> = arms.map(|arm| [report[arm], self.report[arm]]).collect();
        Front::of(&points, self.reference)
    }
}

/// Where the numbers of arms come from.
struct Numbers<'a> {
    table: &'a Benchmark,
}

impl Numbers<'_> {
    /// A number of every arm: the mean of a column, or counted on its network.
    fn of(&self, name: &ColumnName) -> Result<Vec<f64>, StudyError> {
        if !is_counted(name) {
            let column = self.table.columns().iter().find(|column| column.name() == name);
            let missing = || StudyError::Setting {
                name: "table".to_owned(),
                reason: format!("column {name} was not read; please report it"),
            };
            return Ok(column.ok_or_else(missing)?.means());
        }
        let sign = if name.negated { -1.0 } else { 1.0 };
        let counts = self.counts(name.parts[0] == PARAMS)?;
        Ok(counts.into_iter().map(|count| sign * count).collect())
    }

    /// Weights, else multiply-adds, of the network of every arm in the skeleton's published size.
    fn counts(&self, params: bool) -> Result<Vec<f64>, StudyError> {
        let space = self.table.space();
        let network = space.require_network().map_err(|error| StudyError::Setting {
            name: "table.space".to_owned(),
            reason: format!("{error}; name a column of the table"),
        })?;
        let (skeleton, ops) = (network.skeleton().published(), network.ops());
        let count = |arm: &bonas_study::table::Arm| {
            let network = skeleton.network(&Union::of(std::slice::from_ref(&arm.architecture))?, &ops)?;
            Ok(if params { network.params() as f64 } else { network.macs() as f64 })
        };
        self.table.arms().iter().map(count).collect()
    }
}
