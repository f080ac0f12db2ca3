//! Python literals as people paste them: a printed named tuple, a list, a dictionary, JSON.
//!
//! Tuples and lists are one, and so are single, double and typographic quotes. Comments, trailing commas, a
//! leading `NAME =` and a trailing semicolon are allowed. Names may have dots, of which the last part
//! counts (`np.array(..)`, `genotypes.Genotype(..)`).

mod read;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

pub(crate) use read::{arguments, closes, is_blank, statement, statement_from};

/// Where in a text a value begins, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Literal<'a> {
    pub(crate) place: Place,
    pub(crate) value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// A word without quotes; of a dotted one the last part.
    Name(&'a str),
    /// A list or a tuple.
    List(Vec<Literal<'a>>),
    Dict(Vec<(Literal<'a>, Literal<'a>)>),
    Call {
        name: &'a str,
        args: Vec<Literal<'a>>,
        fields: Vec<(&'a str, Literal<'a>)>,
    },
}

/// Most numbers that a `range` may stand for.
const LONGEST_RANGE: i64 = 64;

impl<'a> Literal<'a> {
    /// A reason with the place of this value.
    pub(crate) fn wrong(&self, reason: impl fmt::Display) -> String {
        format!("{reason} ({})", self.place)
    }

    /// What stands here in place of what is expected.
    pub(crate) fn expected(&self, what: &str) -> String {
        self.wrong(format!("expected {what}, found {self}"))
    }

    /// The value inside `np.int64(3)`, `np.array([..])`, `tuple(..)` and the like.
    fn inner(&self) -> &Literal<'a> {
        const WRAPPERS: [&str; 14] = [
            "int",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "str_",
            "str",
            "array",
            "tensor",
            "list",
            "tuple",
            "dict",
            "OrderedDict",
        ];
        match &self.value {
            Value::Call { name, args, .. } if WRAPPERS.contains(name) => match &args[..] {
                [one, ..] => one.inner(),
                [] => self,
            },
            _ => self,
        }
    }

    /// A number from 0.
    pub(crate) fn number(&self, what: &str) -> Result<usize, String> {
        match self.integer(what).map(usize::try_from) {
            Ok(Ok(number)) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// A whole number, of either sign, also as `1.` or `True`.
    pub(crate) fn integer(&self, what: &str) -> Result<i64, String> {
        match &self.inner().value {
            Value::Int(number) => Ok(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < f64::from(i32::MAX) => {
                Ok(*number as i64)
            }
            Value::Name("True" | "true") => Ok(1),
            Value::Name("False" | "false") => Ok(0),
            _ => Err(self.expected(what)),
        }
    }

    /// A text, with or without quotes.
    pub(crate) fn text(&self, what: &str) -> Result<&str, String> {
        match &self.inner().value {
            Value::Text(text) => Ok(text),
            Value::Name(name) => Ok(name),
            _ => Err(self.expected(what)),
        }
    }

    /// The members of a list or a tuple.
    pub(crate) fn items(&self, what: &str) -> Result<&[Literal<'a>], String> {
        match &self.inner().value {
            Value::List(items) => Ok(items),
            _ => Err(self.expected(what)),
        }
    }

    /// The whole numbers of a list, or of `range(a, b)` and `np.arange(a, b)`.
    pub(crate) fn integers(&self, what: &str) -> Result<Vec<i64>, String> {
        match &self.inner().value {
            Value::Call { name, args, fields }
                if matches!(*name, "range" | "arange") && fields.is_empty() =>
            {
                let ends: Vec<i64> =
                    args.iter().map(|end| end.integer("the end of a range")).collect::<Result<_, _>>()?;
                let (from, to) = match ends[..] {
                    [to] => (0, to),
                    [from, to] => (from, to),
                    _ => return Err(self.wrong("a range has one or two ends")),
                };
                Ok((from..to.min(from.saturating_add(LONGEST_RANGE))).collect())
            }
            _ => self.items(what)?.iter().map(|item| item.integer("a number")).collect(),
        }
    }

    /// The members without names of a list or a call; none of a dictionary.
    pub(crate) fn arguments(&self) -> &[Literal<'a>] {
        match &self.inner().value {
            Value::List(args) | Value::Call { args, .. } => args,
            _ => &[],
        }
    }

    /// The named members of a call or a dictionary.
    pub(crate) fn fields(&self, what: &str) -> Result<Vec<(&str, &Literal<'a>)>, String> {
        let literal = self.inner();
        match &literal.value {
            Value::Dict(pairs) => {
                pairs.iter().map(|(key, value)| Ok((key.text("a key in quotes")?, value))).collect()
            }
            Value::Call { fields, .. } if !fields.is_empty() => {
                Ok(fields.iter().map(|(key, value)| (*key, value)).collect())
            }
            // `OrderedDict([('a', 1), ..])`
            Value::List(items) => items.iter().map(Self::pair).collect(),
            _ => Err(self.expected(what)),
        }
    }

    fn pair(&self) -> Result<(&str, &Literal<'a>), String> {
        match self.items("a pair of key and value")? {
            [key, value] => Ok((key.text("a key in quotes")?, value)),
            _ => Err(self.expected("a pair of key and value")),
        }
    }
}

/// As a message shows it: the kind of what is large, else the value.
impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{:?}", super::excerpt(text)),
            Value::Name(name) => write!(f, "{}", super::excerpt(name)),
            Value::List(items) => write!(f, "a list of {}", items.len()),
            Value::Dict(pairs) => write!(f, "a dictionary of {}", pairs.len()),
            Value::Call { name, .. } => write!(f, "{}(..)", super::excerpt(name)),
        }
    }
}
