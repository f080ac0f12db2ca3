//! A stage of a chain: its depth, its choices, and the conditions under which they exist.

use crate::declared::expression::{Expression, Type, Value};

/// Numbers of the names in expressions of a stage: the layer, the depth, then the choices.
pub(super) const LAYER: usize = 0;
pub(super) const DEPTH: usize = 1;
pub(super) const CHOICES: usize = 2;

/// A named choice.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) name: String,
    /// The texts of the options.
    pub(super) options: Vec<String>,
    /// The options as numbers, if all of them are.
    pub(super) numbers: Vec<f64>,
    pub(super) kind: Type,
    /// Whether a neighbour is the next option up or down.
    pub(super) ordinal: bool,
    pub(super) each_layer: bool,
    pub(super) when: Option<Expression>,
}

impl Choice {
    /// The value of an option.
    pub(super) fn value(&self, option: usize) -> Value<'_> {
        match self.kind {
            Type::Number => Value::Number(self.numbers[option]),
            Type::Text => Value::Text(&self.options[option]),
            Type::Bool => Value::Bool(self.options[option] == "true"),
        }
    }
}

/// A variable of a stage: the depth, a choice, or the choice of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Depth,
    Choice(usize),
    OfLayer(usize, usize),
}

/// The option of each variable; none for one that does not exist.
pub(super) type Assignment = Vec<Option<u16>>;

/// A stage: up to `most` layers.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) choices: Vec<Choice>,
    /// The variables in order; the depth, if it varies, is the first.
    pub(super) variables: Vec<Variable>,
}

impl Stage {
    pub(super) fn new(least: usize, most: usize, choices: Vec<Choice>) -> Self {
        let mut variables = Vec::new();
        if least < most {
            variables.push(Variable::Depth);
        }
        for (i, choice) in choices.iter().enumerate() {
            if choice.each_layer {
                variables.extend((0..most).map(|layer| Variable::OfLayer(i, layer)));
            } else {
                variables.push(Variable::Choice(i));
            }
        }
        Self { least, most, choices, variables }
    }

    /// Number of options of a variable.
    pub(super) fn count(&self, variable: usize) -> usize {
        match self.variables[variable] {
            Variable::Depth => self.most - self.least + 1,
            Variable::Choice(choice) | Variable::OfLayer(choice, _) => self.choices[choice].options.len(),
        }
    }

    /// Number of layers.
    pub(super) fn depth(&self, assignment: &Assignment) -> usize {
        match self.variables.first() {
            Some(Variable::Depth) => self.least + usize::from(assignment[0].unwrap_or(0)),
            _ => self.most,
        }
    }

    /// The place of a choice among the variables, that of a layer where each has its own.
    pub(super) fn place(&self, choice: usize, layer: Option<usize>) -> Option<usize> {
        let own = match layer {
            Some(layer) if self.choices[choice].each_layer => Variable::OfLayer(choice, layer),
            None if self.choices[choice].each_layer => return None,
            _ => Variable::Choice(choice),
        };
        self.variables.iter().position(|variable| *variable == own)
    }

    /// The value of a name in an expression.
    fn value(&self, assignment: &Assignment, name: usize, layer: Option<usize>) -> Option<Value<'_>> {
        match name {
            LAYER => layer.map(|layer| Value::Number(layer as f64)),
            DEPTH => Some(Value::Number(self.depth(assignment) as f64)),
            _ => {
                let choice = name - CHOICES;
                let option = assignment[self.place(choice, layer)?]?;
                Some(self.choices[choice].value(usize::from(option)))
            }
        }
    }

    /// Whether a condition holds, in a layer if it is one of a layer.
    pub(super) fn holds(
        &self,
        condition: Option<&Expression>,
        assignment: &Assignment,
        layer: Option<usize>,
    ) -> bool {
        condition.is_none_or(|condition| {
            // The expression and the stage live equally long here.
            condition.holds(&|name| self.value(assignment, name, layer))
        })
    }

    /// Whether a variable exists, where those before it are assigned.
    pub(super) fn exists(&self, variable: usize, assignment: &Assignment) -> bool {
        match self.variables[variable] {
            Variable::Depth => true,
            Variable::Choice(choice) => self.holds(self.choices[choice].when.as_ref(), assignment, None),
            Variable::OfLayer(choice, layer) => {
                layer < self.depth(assignment)
                    && self.holds(self.choices[choice].when.as_ref(), assignment, Some(layer))
            }
        }
    }

    /// The variables that the existence of a variable depends on.
    pub(super) fn needs(&self, variable: usize) -> Vec<usize> {
        let (choice, layer) = match self.variables[variable] {
            Variable::Depth => return Vec::new(),
            Variable::Choice(choice) => (choice, None),
            Variable::OfLayer(choice, layer) => (choice, Some(layer)),
        };
        let varies = self.variables.first() == Some(&Variable::Depth);
        let mut needs: Vec<usize> = Vec::new();
        let names = self.choices[choice].when.as_ref().map(Expression::variables).unwrap_or_default();
        if varies && (layer.is_some() || names.contains(&DEPTH)) {
            needs.push(0);
        }
        let choices = names.into_iter().filter(|name| *name >= CHOICES);
        needs.extend(choices.filter_map(|name| self.place(name - CHOICES, layer)));
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// Every assignment with one variable changed, sorted. Variables that this brings in have every option, or the
    /// first one where that makes more than `MOST_BROUGHT_IN`.
    pub(super) fn edits(&self, assignment: &Assignment) -> Vec<Assignment> {
        let mut edits = Vec::new();
        for (variable, own) in assignment.iter().enumerate() {
            let Some(own) = own.map(usize::from) else { continue };
            let near = |option: &usize| !self.is_ordinal(variable) || option.abs_diff(own) == 1;
            for option in (0..self.count(variable)).filter(|option| *option != own).filter(near) {
                let mut edited = assignment.clone();
                edited[variable] = Some(option as u16);
                edits.extend(self.completed(edited));
            }
        }
        edits.sort_unstable();
        edits.dedup();
        edits
    }

    fn is_ordinal(&self, variable: usize) -> bool {
        match self.variables[variable] {
            Variable::Depth => false,
            Variable::Choice(choice) | Variable::OfLayer(choice, _) => self.choices[choice].ordinal,
        }
    }

    /// The assignments that agree with one on every variable that exists in both.
    fn completed(&self, assignment: Assignment) -> Vec<Assignment> {
        let mut all = vec![assignment];
        for variable in 0..self.variables.len() {
            let mut next = Vec::new();
            for mut one in all {
                match (self.exists(variable, &one), one[variable]) {
                    (false, _) => {
                        one[variable] = None;
                        next.push(one);
                    }
                    (true, Some(_)) => next.push(one),
                    (true, None) => {
                        let with = |option| {
                            let mut with = one.clone();
                            with[variable] = Some(option as u16);
                            with
                        };
                        next.extend((0..self.count(variable)).map(with));
                    }
                }
            }
            if next.len() > MOST_BROUGHT_IN {
                // The first of all that were brought in: those before keep what they have.
                next.truncate(1);
            }
            all = next;
        }
        all
    }
}

/// Most assignments that one changed variable leads to.
const MOST_BROUGHT_IN: usize = 256;
