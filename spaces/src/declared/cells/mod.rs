//! Spaces of cells.

mod describe;
mod expression;
mod form;
mod subsets;
mod text;

use std::sync::Arc;

use rand::Rng;

use super::body::{Accept, Body, MOST_LISTED};
use super::description::{CellText, Sameness};
use crate::error::SpaceError;
use crate::families::draw;
use crate::families::shuffle::shuffled;
use crate::graph::canonical::put;
use crate::graph::{Architecture, Cell, Vocabulary};
use crate::network::Union;
use crate::notation;
use crate::space::{Choices, check_choices};

pub(super) use describe::body;
use expression::expression;
use form::{Edit, Form, Point};
use text::Texts;

const NOTATION: [&str; 3] = [
    "an architecture |op~0|+|op~0|op~1|.. of this space",
    "an architecture Genotype(..) of this space",
    "an architecture bits|op;op of this space",
];

/// Architectures of one or more cells, each of a form.
#[derive(Debug)]
pub(super) struct Cells {
    vocabulary: Arc<Vocabulary>,
    forms: Vec<Form>,
    names: Vec<&'static str>,
    /// Names in texts.
    fields: Vec<String>,
    same: Sameness,
    text: CellText,
    shuffle: Option<u32>,
    counts: Vec<usize>,
    points: u128,
}

impl Cells {
    fn texts(&self) -> Texts<'_> {
        let forms = self.fields.iter().map(String::as_str).zip(&self.forms).collect();
        Texts { kind: self.text, forms, vocabulary: &self.vocabulary }
    }

    fn build(&self, points: &[Point]) -> Architecture {
        let cells: Vec<Cell> = self.forms.iter().zip(points).map(|(form, point)| form.build(point)).collect();
        let vocabulary = self.vocabulary.clone();
        match self.same {
            Sameness::Isomorphic => Architecture::new(vocabulary, cells),
            Sameness::Expression => {
                let expressions =
                    self.forms.iter().zip(points).map(|(form, point)| expression(form, point, &vocabulary));
                let form = expressions.collect::<Vec<_>>().join(&b'|');
                Architecture::with_canonical_form(vocabulary, cells, &form)
            }
            Sameness::Text => {
                let mut form = Vec::new();
                for node in points.iter().flatten() {
                    put(&mut form, node.sources.len());
                    node.sources.iter().chain(&node.ops).for_each(|&number| put(&mut form, number));
                }
                Architecture::with_canonical_form(vocabulary, cells, &form)
            }
        }
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<Point>, SpaceError> {
        architecture.check_vocabulary(&self.vocabulary)?;
        let cells = architecture.cells();
        if cells.len() != self.forms.len() {
            let reason = format!("{} cells where the space has {}", cells.len(), self.forms.len());
            return Err(SpaceError::cell(reason));
        }
        let points = self
            .forms
            .iter()
            .zip(cells)
            .map(|(form, cell)| form.read(cell))
            .collect::<Result<Vec<_>, _>>()?;
        if self.same != Sameness::Isomorphic && self.build(&points).key() != architecture.key() {
            return Err(SpaceError::cell("the key follows another rule; build it with the space"));
        }
        Ok(points)
    }

    /// What is one element away, by kind: operations, and sources where some node is free.
    fn edits(&self, points: &[Point]) -> Vec<Vec<(usize, Edit)>> {
        let with = |edits: fn(&Form, &Point) -> Vec<Edit>| {
            let of_cell = |(cell, form): (usize, &Form)| {
                edits(form, &points[cell]).into_iter().map(move |edit| (cell, edit))
            };
            self.forms.iter().enumerate().flat_map(of_cell).collect()
        };
        let free = self.forms.iter().any(Form::is_free);
        std::iter::once(with(Form::relabelled)).chain(free.then(|| with(Form::rewired))).collect()
    }

    /// The architecture with one of these cells edited.
    fn edited(&self, points: &[Point], (cell, edit): &(usize, Edit)) -> Architecture {
        let mut points = points.to_vec();
        edit.apply(&mut points[*cell]);
        self.build(&points)
    }

    /// The architecture with these options, which are in range.
    fn of_options(&self, options: &[usize]) -> Architecture {
        let mut options = options.iter().copied();
        let points: Vec<Point> = self.forms.iter().map(|form| form.point(&mut options)).collect();
        self.build(&points)
    }

    /// The options of the point with a number, the first position the most significant.
    fn at(&self, mut number: usize) -> Vec<usize> {
        let mut options = vec![0; self.counts.len()];
        for (option, count) in options.iter_mut().zip(&self.counts).rev() {
            *option = number % count;
            number /= count;
        }
        options
    }
}

impl Body for Cells {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn cell_names(&self) -> &[&'static str] {
        &self.names
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        let points: Vec<Point> = self.forms.iter().map(|form| form.sample(rng)).collect();
        self.build(&points)
    }

    fn mutate(
        &self,
        architecture: &Architecture,
        rng: &mut dyn Rng,
        accept: Accept<'_>,
    ) -> Result<Architecture, SpaceError> {
        let points = self.read(architecture)?;
        let mut edits = self.edits(&points);
        Ok(draw::changed_to(architecture, &mut edits, rng, |edit| self.edited(&points, edit), accept))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let points = self.read(architecture)?;
        let edits = self.edits(&points);
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|edit| self.edited(&points, edit))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn points(&self) -> u128 {
        self.points
    }

    fn is_exact(&self) -> bool {
        // Texts keep the order of the sources of a free node, which is no choice.
        self.same == Sameness::Text && !self.forms.iter().any(Form::is_free)
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        if self.points > MOST_LISTED {
            return None;
        }
        let points = self.points as usize;
        let order = self.shuffle.map(|seed| shuffled(points, seed));
        let number = move |i: usize| order.as_ref().map_or(i, |order| order[i] as usize);
        Some(Box::new((0..points).map(move |i| self.of_options(&self.at(number(i))))))
    }

    fn choices(&self) -> &dyn Choices {
        self
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.texts().print(&self.read(architecture)?))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let text = notation::admitted(text)?;
        let points = self.texts().read(text);
        let points =
            points.map_err(|reason| notation::refused(text, NOTATION[self.text as usize], reason))?;
        Ok(self.build(&points))
    }

    fn whole(&self) -> Union {
        let cells = self.forms.iter().map(|form| form.whole(&self.vocabulary)).collect();
        Union { cells, vocabulary: self.vocabulary.clone() }
    }
}

impl Choices for Cells {
    fn counts(&self) -> Vec<usize> {
        self.counts.clone()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let points = Cells::read(self, architecture)?;
        Ok(self.forms.iter().zip(&points).flat_map(|(form, point)| form.options(point)).collect())
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(choices, &self.counts)?;
        Ok(Some(self.of_options(choices)))
    }
}
