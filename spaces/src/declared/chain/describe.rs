//! From descriptions of stages and choices to chains.

use super::emission::{Emission, is_ambiguous};
use super::groups::Groups;
use super::stage::{CHOICES, Choice, DEPTH, LAYER, Stage, Variable};
use super::text::StageText;
use super::{Chain, Part};
use crate::catalogue::unknown;
use crate::declared::body::Body;
use crate::declared::description::{
    ChoiceDescription, Depth, Description, OptionValue, Sameness, StageDescription,
};
use crate::declared::expression::{self, Expression, Names, Type};
use crate::declared::operations::Operations;
use crate::declared::{DescriptionError, names};
use crate::families::chain::Chains;
use crate::graph::OpId;

/// Most layers of a stage.
const MOST_LAYERS: usize = 64;
/// Most stages of a chain.
const MOST_STAGES: usize = 64;
/// Most options of a choice.
const MOST_OPTIONS: usize = 1000;
/// Most choices of a stage.
const MOST_CHOICES: usize = 64;
/// Most operations of a chain.
const MOST_OPERATIONS: usize = 1000;

/// The body of a description of stages or choices.
///
/// # Errors
/// [`DescriptionError`] at what is wrong.
pub(in crate::declared) fn body(
    description: &Description,
) -> Result<(Box<dyn Body>, Operations), DescriptionError> {
    for (key, given) in
        [("same", description.same != Sameness::Isomorphic), ("text", description.text.is_some())]
    {
        if given {
            return Err(DescriptionError::new(
                key,
                "this is for cells; chains are the same if their operations are",
            ));
        }
    }
    if description.inputs != 1 {
        return Err(DescriptionError::new("inputs", "a chain has one input"));
    }
    // Choices without stages are one stage of one layer.
    let flat =
        [StageDescription { count: 1, choices: description.choices.clone(), ..StageDescription::default() }];
    let (stages, is_flat) =
        if description.stages.is_empty() { (&flat[..], true) } else { (&description.stages[..], false) };
    let at = |i: usize| if is_flat { String::new() } else { format!("stages[{i}].") };
    let described = (stages.iter().enumerate())
        .map(|(i, stage)| self::stage(&at(i), stage))
        .collect::<Result<Vec<_>, _>>()?;
    for (i, stage) in described.iter().enumerate() {
        for names in label_names(stage, description) {
            if let Some(twice) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
                let reason = format!("two options of a choice are the operation {:?}", names[twice]);
                return Err(DescriptionError::new(format!("{}choices", at(i)), reason));
            }
        }
    }
    let mut labels: Vec<String> = Vec::new();
    for (_, own) in stages.iter().zip(&described).filter(|(stage, _)| stage.layers.is_empty()) {
        labels.extend(label_names(own, description).into_iter().flatten());
    }
    let operations = Operations::with_labels(&description.operations, &labels)?;
    let separator = separator(description, stages)?;
    let mut parts = Vec::new();
    for (i, (given, stage)) in stages.iter().zip(described).enumerate() {
        let part = part(&at(i), description, given, stage, &operations, separator)?;
        if given.count == 0 || parts.len() + given.count > MOST_STAGES {
            let reason = format!("{} stages; expected 1 to {MOST_STAGES} in all", parts.len() + given.count);
            return Err(DescriptionError::new(format!("{}count", at(i)), reason));
        }
        parts.extend(std::iter::repeat_n(part, given.count));
    }
    check(&parts)?;
    let points = parts.iter().fold(1_u128, |points, part| points.saturating_mul(part.groups.count()));
    let chains = Chains::with(operations.vocabulary.clone(), "an architecture of this space");
    Ok((Box::new(Chain { chains, parts, separator, points, shuffle: description.shuffle }), operations))
}

/// The names of the operations that stand for options, by variable; those of a choice are alike in all layers.
fn label_names(stage: &Stage, description: &Description) -> Vec<Vec<String>> {
    let is_operation = |name: &str| description.operations.iter().any(|operation| operation.name == name);
    let label = |choice: &Choice, option: &String| {
        if is_operation(option) { option.clone() } else { format!("{}={option}", choice.name) }
    };
    let of = |variable: &Variable| match variable {
        Variable::Depth => (stage.least..=stage.most).map(|depth| format!("depth={depth}")).collect(),
        Variable::Choice(choice) | Variable::OfLayer(choice, _) => {
            let choice = &stage.choices[*choice];
            choice.options.iter().map(|option| label(choice, option)).collect()
        }
    };
    stage.variables.iter().map(of).collect()
}

/// Refuses chains that are too long, too many, or that read in two ways.
fn check(parts: &[Part]) -> Result<(), DescriptionError> {
    let longest: usize = parts.iter().map(|part| part.emission.lengths(&part.stage).1).sum();
    if longest > MOST_OPERATIONS {
        let reason = format!("chains of up to {longest} operations; expected at most {MOST_OPERATIONS}");
        return Err(DescriptionError::new("stages", reason));
    }
    let known = |part: &'_ Part| matches!(part.emission, Emission::Layers { .. });
    let listed = parts.iter().filter(|part| known(part)).count();
    if listed > 0 && listed < parts.len() {
        let reason = "either all stages say what their layers are, or none";
        return Err(DescriptionError::new("stages", reason));
    }
    let maps: Vec<_> = parts
        .iter()
        .filter_map(|part| match &part.emission {
            Emission::Layers { known, .. } => Some(known),
            Emission::Choices(_) => None,
        })
        .collect();
    match is_ambiguous(&maps) {
        Ok(false) => Ok(()),
        Ok(true) => Err(DescriptionError::new(
            "stages",
            "two different choices have the same operations, since it cannot be seen where a stage begins; begin \
             each stage with an operation of its own, such as { operation = \"first-conv\", if = \"layer == 0\" }",
        )),
        Err(reason) => Err(DescriptionError::new("stages", reason)),
    }
}

fn separator(description: &Description, stages: &[StageDescription]) -> Result<char, DescriptionError> {
    let templates = stages.iter().filter(|stage| stage.text.is_some()).count();
    if templates > 0 && templates < stages.len() {
        return Err(DescriptionError::new("stages", "either all stages have a text, or none"));
    }
    let default = if templates > 0 { '-' } else { ';' };
    let Some(given) = &description.separator else { return Ok(default) };
    let mut letters = given.chars();
    let allowed = if templates > 0 { "-_./|+" } else { ";|+" };
    match (letters.next(), letters.next()) {
        (Some(one), None) if allowed.contains(one) => Ok(one),
        _ => Err(DescriptionError::new("separator", format!("{given:?}; expected one sign of {allowed}"))),
    }
}

fn part(
    at: &str,
    description: &Description,
    given: &StageDescription,
    stage: Stage,
    operations: &Operations,
    separator: char,
) -> Result<Part, DescriptionError> {
    let refuse = |key: &str, reason: String| DescriptionError::new(format!("{at}{key}"), reason);
    let groups = Groups::of(&stage).map_err(|reason| refuse("choices", reason))?;
    if groups.count() == u128::MAX {
        return Err(refuse("choices", "more combinations than can be counted (10^38)".into()));
    }
    let emission = if given.layers.is_empty() {
        let id = |name: &String| operations.named("operations", name);
        let labels = label_names(&stage, description);
        let ids = labels.iter().map(|names| names.iter().map(id).collect::<Result<Vec<_>, _>>());
        Emission::Choices(ids.collect::<Result<_, _>>()?)
    } else {
        let layers = layers(at, given, &stage, operations)?;
        Emission::of_layers(&stage, layers, groups.count(), |number| groups.at(&stage, number))
            .map_err(|reason| refuse("layers", reason))?
    };
    let text = match &given.text {
        None => StageText::Pairs,
        Some(text) => {
            StageText::template(text, &stage, separator).map_err(|reason| refuse("text", reason))?
        }
    };
    Ok(Part { stage, groups, emission, text })
}

fn layers(
    at: &str,
    given: &StageDescription,
    stage: &Stage,
    operations: &Operations,
) -> Result<Vec<(OpId, Option<Expression>)>, DescriptionError> {
    if given.layers.len() > MOST_CHOICES {
        return Err(DescriptionError::new(
            format!("{at}layers"),
            format!("more than {MOST_CHOICES} operations a layer"),
        ));
    }
    let names = StageNames { choices: &stage.choices, in_layer: true };
    let one = |(i, layer): (usize, &crate::declared::description::LayerOperation)| {
        let op = operations.named(&format!("{at}layers[{i}].operation"), &layer.operation)?;
        let when = condition(&format!("{at}layers[{i}].if"), layer.when.as_deref(), &names)?;
        Ok((op, when))
    };
    given.layers.iter().enumerate().map(one).collect()
}

fn condition(
    path: &str,
    text: Option<&str>,
    names: &StageNames<'_>,
) -> Result<Option<Expression>, DescriptionError> {
    let read = text.map(|text| expression::read(text, names)).transpose();
    read.map_err(|reason| DescriptionError::new(path, reason))
}

fn stage(at: &str, given: &StageDescription) -> Result<Stage, DescriptionError> {
    let (least, most) = match given.depth {
        Depth::Fixed(depth) => (depth, depth),
        Depth::Range(range) => range,
    };
    if least == 0 || least > most || most > MOST_LAYERS {
        let reason = format!("{least} to {most}; expected numbers from 1 to {MOST_LAYERS}, the lower first");
        return Err(DescriptionError::new(format!("{at}depth"), reason));
    }
    if given.choices.len() > MOST_CHOICES {
        let reason = format!("{} choices are more than {MOST_CHOICES}", given.choices.len());
        return Err(DescriptionError::new(format!("{at}choices"), reason));
    }
    let mut choices: Vec<Choice> = Vec::new();
    for (i, choice) in given.choices.iter().enumerate() {
        let path = format!("{at}choices[{i}]");
        let mut read = self::choice(&path, choice)?;
        if choices.iter().any(|other| other.name == read.name) {
            let reason = format!("choice {:?} is there twice", read.name);
            return Err(DescriptionError::new(format!("{path}.name"), reason));
        }
        let names = StageNames { choices: &choices, in_layer: read.each_layer };
        read.when = condition(&format!("{path}.if"), choice.when.as_deref(), &names)
            .map_err(|error| to_itself(error, &read.name, &given.choices[i..]))?;
        choices.push(read);
    }
    Ok(Stage::new(least, most, choices))
}

/// Says what is wrong where a condition names its own choice or a later one.
fn to_itself(error: DescriptionError, own: &str, later: &[ChoiceDescription]) -> DescriptionError {
    let unknown = |name: &str| error.reason.contains(&format!("unknown choice `{name}`"));
    if unknown(own) {
        return DescriptionError::new(
            error.path,
            format!("choice {own:?} cannot exist under a condition on itself"),
        );
    }
    match later.iter().find(|choice| unknown(&choice.name)) {
        Some(choice) => DescriptionError::new(
            error.path,
            format!(
                "choice {:?} stands below; a condition is over choices above it, so that there is no cycle",
                choice.name
            ),
        ),
        None => error,
    }
}

fn choice(path: &str, given: &ChoiceDescription) -> Result<Choice, DescriptionError> {
    let refuse = |key: &str, reason: String| Err(DescriptionError::new(format!("{path}.{key}"), reason));
    names::check_word(&format!("{path}.name"), "choice", &given.name)?;
    let values = match (given.options.is_empty(), given.range) {
        (false, None) => given.options.clone(),
        (true, Some(range)) => integers(path, range, given.step)?,
        (true, None) => {
            return refuse("options", "no options; give options = [..] or range = [least, most]".into());
        }
        (false, Some(_)) => return refuse("range", "options and a range; give one of them".into()),
    };
    if given.step.is_some() && given.range.is_none() {
        return refuse("step", "a step belongs to a range".into());
    }
    if values.len() > MOST_OPTIONS {
        return refuse("options", format!("{} options are more than {MOST_OPTIONS}", values.len()));
    }
    let mut options: Vec<String> = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let at = format!("{path}.options[{i}]");
        let text = option_text(&at, value)?;
        if options.contains(&text) {
            return Err(DescriptionError::new(at, format!("option {text} is there twice")));
        }
        options.push(text);
    }
    let number = |value: &OptionValue| match value {
        OptionValue::Int(number) => Some(*number as f64),
        OptionValue::Float(number) => Some(*number),
        OptionValue::Bool(_) | OptionValue::Text(_) => None,
    };
    let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
    let kind = match &numbers {
        Some(_) => Type::Number,
        None if values.iter().all(|value| matches!(value, OptionValue::Bool(_))) => Type::Bool,
        None => Type::Text,
    };
    Ok(Choice {
        name: given.name.clone(),
        options,
        numbers: numbers.unwrap_or_default(),
        kind,
        ordinal: given.ordinal || given.range.is_some(),
        each_layer: given.each_layer,
        when: None,
    })
}

fn option_text(at: &str, value: &OptionValue) -> Result<String, DescriptionError> {
    match value {
        OptionValue::Bool(truth) => Ok(truth.to_string()),
        OptionValue::Int(number) => Ok(number.to_string()),
        OptionValue::Float(number) if number.is_finite() && number.abs() <= 1e15 => Ok(number.to_string()),
        OptionValue::Float(number) => {
            Err(DescriptionError::new(at, format!("{number}; expected a number up to 1e15")))
        }
        OptionValue::Text(text) => names::check(at, "option", text).map(|()| text.clone()),
    }
}

/// The whole numbers of a range.
fn integers(
    path: &str,
    (least, most): (i64, i64),
    step: Option<i64>,
) -> Result<Vec<OptionValue>, DescriptionError> {
    let step = step.unwrap_or(1);
    if step < 1 {
        return Err(DescriptionError::new(format!("{path}.step"), format!("{step}; expected 1 or more")));
    }
    if least > most {
        let reason = format!("{least} to {most}; the lower number stands first");
        return Err(DescriptionError::new(format!("{path}.range"), reason));
    }
    let count = (i128::from(most) - i128::from(least)) / i128::from(step) + 1;
    if count > MOST_OPTIONS as i128 {
        let reason = format!("{count} options are more than {MOST_OPTIONS}; give a larger step");
        return Err(DescriptionError::new(format!("{path}.range"), reason));
    }
    Ok((0..count as i64).map(|i| OptionValue::Int(least + i * step)).collect())
}

/// The names in the expressions of a stage.
struct StageNames<'a> {
    choices: &'a [Choice],
    /// Whether the expression is one of a layer.
    in_layer: bool,
}

impl Names for StageNames<'_> {
    fn variable(&self, name: &str) -> Result<(usize, Type), String> {
        match name {
            "layer" if self.in_layer => return Ok((LAYER, Type::Number)),
            "layer" => return Err("a choice of the whole stage has no layer".into()),
            "depth" => return Ok((DEPTH, Type::Number)),
            _ => {}
        }
        let found = self.choices.iter().position(|choice| choice.name == name);
        let place =
            found.ok_or_else(|| unknown("choice", name, self.choices.iter().map(|c| c.name.as_str())))?;
        if self.choices[place].each_layer && !self.in_layer {
            return Err(format!("each layer has its own {name}"));
        }
        Ok((CHOICES + place, self.choices[place].kind))
    }

    fn function(&self, name: &str, _: &str) -> Result<(usize, Type), String> {
        Err(format!("{name}(..) is for rules; a condition is over choices, layer and depth"))
    }
}
