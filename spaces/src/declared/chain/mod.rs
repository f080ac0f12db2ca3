//! Spaces of chains: stages with a depth and named choices.

mod choices;
mod describe;
mod emission;
mod groups;
mod stage;
mod text;

use std::sync::Arc;

use rand::Rng;

use super::body::{Accept, Body, Layout, MOST_LISTED};
use super::expression::{Type, Value};
use crate::catalogue::unknown;
use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::draw;
use crate::families::shuffle::shuffled;
use crate::graph::{Architecture, OpId, Vocabulary};
use crate::network::Union;
use crate::notation;
use crate::space::{Choices, check_choices};

pub(super) use describe::body;
use emission::Emission;
use groups::Groups;
use stage::{Assignment, Stage, Variable};
use text::StageText;

const NOTATION: &str = "an architecture of this space";

/// A stage with all that it takes to build, draw and write it.
#[derive(Clone, Debug)]
struct Part {
    stage: Stage,
    groups: Groups,
    emission: Emission,
    text: StageText,
}

impl Part {
    /// The stage as layers, if its one choice is the operation of each layer.
    fn layout(&self) -> Result<Layout, String> {
        let Emission::Choices(labels) = &self.emission else {
            return Err("its layers have several operations; leave out layers = [..]".into());
        };
        match &self.stage.choices[..] {
            [choice] if choice.each_layer && choice.when.is_none() => {}
            _ => return Err("it wants one choice, of the operation, with each_layer = true".into()),
        }
        match self.stage.variables.first() {
            Some(Variable::Depth) => {
                Ok(Layout::Said(labels[0].iter().copied().zip(self.stage.least..).collect()))
            }
            _ => Ok(Layout::Fixed(self.stage.most)),
        }
    }
}

/// Architectures that are a chain of the operations of their stages.
#[derive(Debug)]
pub(super) struct Chain {
    chains: Chains,
    parts: Vec<Part>,
    separator: char,
    points: u128,
    shuffle: Option<u32>,
}

type Point = Vec<Assignment>;

impl Chain {
    fn build(&self, point: &Point) -> Architecture {
        let ops = self.parts.iter().zip(point).flat_map(|(part, own)| part.emission.ops(&part.stage, own));
        self.chains.build(&ops.collect::<Vec<_>>())
    }

    fn read(&self, architecture: &Architecture) -> Result<Point, SpaceError> {
        let ops = self.chains.read(architecture)?;
        let mut failed = std::collections::HashSet::new();
        let mut point = Vec::with_capacity(self.parts.len());
        if self.read_from(&ops, 0, &mut point, &mut failed) {
            return Ok(point);
        }
        Err(SpaceError::cell("no choices of this space have these operations"))
    }

    /// Reads the stages that are left; `failed` are the stages and places that lead nowhere.
    fn read_from(
        &self,
        ops: &[OpId],
        at: usize,
        point: &mut Point,
        failed: &mut std::collections::HashSet<(usize, usize)>,
    ) -> bool {
        let stage = point.len();
        let Some(part) = self.parts.get(stage) else { return at == ops.len() };
        if failed.contains(&(stage, at)) {
            return false;
        }
        for (assignment, used) in part.emission.read(&part.stage, &ops[at..]) {
            point.push(assignment);
            if self.read_from(ops, at + used, point, failed) {
                return true;
            }
            point.pop();
        }
        failed.insert((stage, at));
        false
    }

    /// Every change of one variable, as what a stage becomes.
    fn edits(&self, point: &Point) -> Vec<(usize, Assignment)> {
        let of_stage = |(i, part): (usize, &Part)| {
            part.stage.edits(&point[i]).into_iter().map(move |edited| (i, edited))
        };
        self.parts.iter().enumerate().flat_map(of_stage).collect()
    }

    fn edited(&self, point: &Point, (stage, edited): &(usize, Assignment)) -> Architecture {
        let mut point = point.clone();
        point[*stage].clone_from(edited);
        self.build(&point)
    }

    fn at(&self, mut number: u128) -> Point {
        let mut point: Point = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter().rev() {
            point.push(part.groups.at(&part.stage, number % part.groups.count()));
            number /= part.groups.count();
        }
        point.reverse();
        point
    }

    fn read_text(&self, text: &str) -> Result<Point, String> {
        let texts: Vec<&str> = text.split(self.separator).collect();
        if texts.len() != self.parts.len() {
            return Err(format!("{} stages given, expected {}", texts.len(), self.parts.len()));
        }
        let several = self.parts.len() > 1;
        let read = |(i, (part, text)): (usize, (&Part, &&str))| {
            let read = part.text.read(&part.stage, text.trim());
            read.map_err(|reason| if several { format!("stage {i}: {reason}") } else { reason })
        };
        self.parts.iter().zip(&texts).enumerate().map(read).collect()
    }
}

impl Body for Chain {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn cell_names(&self) -> &[&'static str] {
        &[]
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.build(&self.parts.iter().map(|part| part.groups.sample(&part.stage, rng)).collect())
    }

    fn mutate(
        &self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        accept: Accept<'_>,
    ) -> Result<Architecture, SpaceError> {
        let point = self.read(architecture)?;
        let mut edits = [self.edits(&point)];
        Ok(draw::changed_to(architecture, &mut edits, rng, |edit| self.edited(&point, edit), accept))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let point = self.read(architecture)?;
        let edits = self.edits(&point);
        Ok(draw::distinct(architecture, edits.iter().map(|edit| self.edited(&point, edit))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn points(&self) -> u128 {
        self.points
    }

    fn is_exact(&self) -> bool {
        true
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        if self.points > MOST_LISTED {
            return None;
        }
        let order = self.shuffle.map(|seed| shuffled(self.points as usize, seed));
        let number = move |i: u128| order.as_ref().map_or(i, |order| u128::from(order[i as usize]));
        Some(Box::new((0..self.points).map(move |i| self.build(&self.at(number(i))))))
    }

    fn choices(&self) -> &dyn Choices {
        self
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let point = self.read(architecture)?;
        let texts = self.parts.iter().zip(&point).map(|(part, own)| part.text.print(&part.stage, own));
        Ok(texts.collect::<Vec<_>>().join(&self.separator.to_string()))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let text = notation::admitted(text)?;
        let point = self.read_text(text).map_err(|reason| notation::refused(text, NOTATION, reason))?;
        Ok(self.build(&point))
    }

    fn whole(&self) -> Union {
        let lengths = self.parts.iter().map(|part| part.emission.lengths(&part.stage));
        let (least, most) = lengths.fold((0, 0), |(least, most), (l, m)| (least + l, most + m));
        self.chains.whole(least..=most)
    }

    fn layouts(&self) -> Result<Vec<Layout>, String> {
        self.parts
            .iter()
            .enumerate()
            .map(|(i, part)| part.layout().map_err(|why| format!("stage {i}: {why}")))
            .collect()
    }

    fn variable(&self, name: &str) -> Result<(usize, Type), String> {
        self.named_variable(name)
    }

    fn has_depth(&self) -> bool {
        false
    }

    fn values(&self, architecture: &Architecture) -> Result<Vec<Option<Value<'_>>>, SpaceError> {
        let point = self.read(architecture)?;
        let mut values = Vec::new();
        for (part, own) in self.parts.iter().zip(&point) {
            let value = |(variable, option): (&Variable, &Option<u16>)| {
                let option = usize::from((*option)?);
                Some(match variable {
                    Variable::Depth => Value::Number((part.stage.least + option) as f64),
                    Variable::Choice(choice) | Variable::OfLayer(choice, _) => {
                        part.stage.choices[*choice].value(option)
                    }
                })
            };
            values.extend(part.stage.variables.iter().zip(own).map(value));
        }
        Ok(values)
    }
}

impl Chain {
    /// The variable of a rule: `name` in a space of one stage, `stage0.name` in others.
    fn named_variable(&self, name: &str) -> Result<(usize, Type), String> {
        let (mut known, mut place) = (Vec::new(), 0);
        for (i, part) in self.parts.iter().enumerate() {
            for variable in &part.stage.variables {
                let (own, kind) = match variable {
                    Variable::Depth => ("depth", Type::Number),
                    Variable::Choice(choice) => {
                        let choice = &part.stage.choices[*choice];
                        (choice.name.as_str(), choice.kind)
                    }
                    Variable::OfLayer(..) => {
                        place += 1;
                        continue;
                    }
                };
                let full = format!("stage{i}.{own}");
                if name == full || (self.parts.len() == 1 && name == own) {
                    return Ok((place, kind));
                }
                known.push(if self.parts.len() == 1 { own.to_owned() } else { full });
                place += 1;
            }
        }
        if name == "depth" {
            let stages: Vec<&str> = known
                .iter()
                .map(String::as_str)
                .filter(|known| known.rsplit('.').next() == Some("depth"))
                .collect();
            return Err(match stages.as_slice() {
                [] => "unknown name `depth`: this space has no stages of variable depth".to_owned(),
                stages => {
                    format!("`depth` of which stage? there are {}", stages[..stages.len().min(30)].join(", "))
                }
            });
        }
        known.extend(["params", "macs"].map(str::to_owned));
        known.truncate(30);
        Err(unknown("name", name, known.iter().map(String::as_str)))
    }
}
