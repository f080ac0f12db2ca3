//! The text of a stage.

use super::stage::{Assignment, Stage, Variable};
use crate::catalogue::unknown;

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    /// The place of a variable.
    Variable(usize),
}

/// How a stage is written.
#[derive(Clone, Debug)]
pub(super) enum StageText {
    /// `name=option,name=option`; the options of layers have colons in between.
    Pairs,
    Template(Vec<Part>),
}

/// A stage without a choice.
const NOTHING: &str = "-";

impl StageText {
    /// Reads a template, in which each variable stands once.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn template(text: &str, stage: &Stage, separator: char) -> Result<Self, String> {
        if stage.choices.iter().any(|choice| choice.each_layer || choice.when.is_some()) {
            return Err(
                "a template has choices that always exist, one for the whole stage; leave text out".into()
            );
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find(['{', '}']) {
            let close = rest[open..].find('}').map(|at| at + open).filter(|_| rest[open..].starts_with('{'));
            let close = close.ok_or_else(|| format!("{text:?} has a brace without its partner"))?;
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            parts.push(Part::Variable(named(stage, &rest[open + 1..close])?));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        check(stage, &parts, separator)?;
        Ok(Self::Template(parts))
    }

    pub(super) fn print(&self, stage: &Stage, assignment: &Assignment) -> String {
        let option =
            |variable: usize| assignment[variable].map(|option| option_text(stage, variable, option));
        match self {
            Self::Template(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => text.clone(),
                    Part::Variable(variable) => option(*variable).unwrap_or_default(),
                })
                .collect(),
            Self::Pairs => {
                let mut words = Vec::new();
                for (name, variables) in pairs(stage) {
                    let mut options: Vec<Option<String>> =
                        variables.iter().map(|&variable| option(variable)).collect();
                    while options.last().is_some_and(Option::is_none) {
                        options.pop();
                    }
                    if !options.is_empty() {
                        let options: Vec<String> =
                            options.into_iter().map(Option::unwrap_or_default).collect();
                        words.push(format!("{name}={}", options.join(":")));
                    }
                }
                if words.is_empty() { NOTHING.to_owned() } else { words.join(",") }
            }
        }
    }

    /// Reads the text of a stage.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(&self, stage: &Stage, text: &str) -> Result<Assignment, String> {
        let mut assignment: Assignment = vec![None; stage.variables.len()];
        match self {
            Self::Template(parts) => read_template(stage, parts, text, &mut assignment)?,
            Self::Pairs if text == NOTHING => {}
            Self::Pairs => read_pairs(stage, text, &mut assignment)?,
        }
        for variable in 0..stage.variables.len() {
            let name = variable_name(stage, variable);
            match (stage.exists(variable, &assignment), assignment[variable]) {
                (true, None) => return Err(format!("choice {name} is missing")),
                (false, Some(_)) => return Err(format!("choice {name} does not exist here")),
                _ => {}
            }
        }
        Ok(assignment)
    }
}

fn variable_name(stage: &Stage, variable: usize) -> String {
    match stage.variables[variable] {
        Variable::Depth => "depth".to_owned(),
        Variable::Choice(choice) => stage.choices[choice].name.clone(),
        Variable::OfLayer(choice, layer) => format!("{} of layer {layer}", stage.choices[choice].name),
    }
}

/// The text of an option of a variable.
fn option_text(stage: &Stage, variable: usize, option: u16) -> String {
    match stage.variables[variable] {
        Variable::Depth => (stage.least + usize::from(option)).to_string(),
        Variable::Choice(choice) | Variable::OfLayer(choice, _) => {
            stage.choices[choice].options[usize::from(option)].clone()
        }
    }
}

fn read_option(stage: &Stage, variable: usize, text: &str) -> Result<u16, String> {
    let options = || (0..stage.count(variable)).map(|option| option_text(stage, variable, option as u16));
    options().position(|option| option == text).map(|option| option as u16).ok_or_else(|| {
        let options: Vec<String> = options().take(20).collect();
        let kind = format!("option of {}", variable_name(stage, variable));
        unknown(&kind, text, options.iter().map(String::as_str))
    })
}

/// Names in pairs, each with its variables.
fn pairs(stage: &Stage) -> Vec<(&str, Vec<usize>)> {
    let mut found: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, variable) in stage.variables.iter().enumerate() {
        let name = match variable {
            Variable::Depth => "depth",
            Variable::Choice(choice) | Variable::OfLayer(choice, _) => &stage.choices[*choice].name,
        };
        match found.last_mut() {
            Some((last, variables)) if *last == name => variables.push(place),
            _ => found.push((name, vec![place])),
        }
    }
    found
}

fn read_pairs(stage: &Stage, text: &str, assignment: &mut Assignment) -> Result<(), String> {
    let known = pairs(stage);
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let (name, options) = word.split_once('=').ok_or_else(|| format!("{word:?} must be name=option"))?;
        let found = known.iter().find(|(own, _)| *own == name.trim());
        let (_, variables) =
            found.ok_or_else(|| unknown("choice", name.trim(), known.iter().map(|(name, _)| *name)))?;
        let options: Vec<&str> = options.split(':').map(str::trim).collect();
        if options.len() > variables.len() {
            return Err(format!("{} options of {name}, expected at most {}", options.len(), variables.len()));
        }
        for (option, &variable) in options.into_iter().zip(variables).filter(|(option, _)| !option.is_empty())
        {
            if assignment[variable].is_some() {
                return Err(format!("choice {name} is there twice"));
            }
            assignment[variable] = Some(read_option(stage, variable, option)?);
        }
    }
    Ok(())
}

fn read_template(
    stage: &Stage,
    parts: &[Part],
    text: &str,
    assignment: &mut Assignment,
) -> Result<(), String> {
    let mut rest = text;
    for (i, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(literal) => {
                rest = rest
                    .strip_prefix(literal.as_str())
                    .ok_or_else(|| format!("expected {literal:?} at {rest:?}"))?;
            }
            Part::Variable(variable) => {
                let end = match parts.get(i + 1) {
                    Some(Part::Literal(next)) => rest.find(next.as_str()).unwrap_or(rest.len()),
                    _ => rest.len(),
                };
                assignment[*variable] = Some(read_option(stage, *variable, &rest[..end])?);
                rest = &rest[end..];
            }
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is left over")) }
}

fn named(stage: &Stage, name: &str) -> Result<usize, String> {
    let names = pairs(stage);
    let found = names.iter().find(|(own, _)| *own == name);
    found
        .map(|(_, variables)| variables[0])
        .ok_or_else(|| unknown("choice", name, names.iter().map(|(name, _)| *name)))
}

/// Refuses a template that could be read in two ways, or does not say everything.
fn check(stage: &Stage, parts: &[Part], separator: char) -> Result<(), String> {
    for (place, _) in stage.variables.iter().enumerate() {
        let times = parts.iter().filter(|part| **part == Part::Variable(place)).count();
        if times != 1 {
            return Err(format!("{{{}}} stands {times} times, expected once", variable_name(stage, place)));
        }
    }
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"'\"`,;=:".contains(c);
    for (i, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(text) => {
                if let Some(bad) = text.chars().find(|&c| !allowed(c)) {
                    return Err(format!("{text:?} has {bad:?} in it, which a template cannot have"));
                }
                if text.contains(separator) {
                    return Err(format!("{text:?} has the separator {separator:?} in it"));
                }
            }
            Part::Variable(variable) => {
                let name = variable_name(stage, *variable);
                let options: Vec<String> = (0..stage.count(*variable))
                    .map(|option| option_text(stage, *variable, option as u16))
                    .collect();
                if let Some(option) = options.iter().find(|option| option.contains(separator)) {
                    return Err(format!("option {option:?} of {name} has the separator {separator:?} in it"));
                }
                match parts.get(i + 1) {
                    None => {}
                    Some(Part::Variable(next)) => {
                        let next = variable_name(stage, *next);
                        return Err(format!("put something between {{{name}}} and {{{next}}}"));
                    }
                    Some(Part::Literal(next)) => {
                        let first = next.chars().next().unwrap_or(' ');
                        if let Some(option) = options.iter().find(|option| option.contains(first)) {
                            return Err(format!(
                                "option {option:?} of {name} has {first:?} in it, which stands behind it"
                            ));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}
