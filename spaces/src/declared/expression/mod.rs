//! Conditions and rules as expressions: comparisons of numbers and words, with `and`, `or`, `not` and arithmetic.
//!
//! An expression is typed when it is read, so that evaluating it cannot fail. A comparison with a choice that does
//! not exist in an architecture is false.

mod read;

pub(super) use read::read;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Number,
    Text,
    Bool,
}

impl Type {
    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a word",
            Self::Bool => "true or false",
        }
    }
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Number(f64),
    Text(&'a str),
    Bool(bool),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Different,
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// A typed expression over numbered variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Number(f64),
    Text(String),
    Bool(bool),
    Variable(usize),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Negative(Box<Expression>),
    Compare(Box<Expression>, ComparisonSign, Box<Expression>),
    Calculate(Box<Expression>, ArithmeticSign, Box<Expression>),
}

/// The sign of a comparison; a type of its own, so that the variants stay private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ComparisonSign(Comparison);

/// The sign of a calculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArithmeticSign(Arithmetic);

/// The names that an expression may use.
pub(super) trait Names {
    /// The variable with a name, and its type.
    ///
    /// # Errors
    /// What is wrong with the name.
    fn variable(&self, name: &str) -> Result<(usize, Type), String>;

    /// The variable of a function of one name, such as `count(conv)`.
    ///
    /// # Errors
    /// What is wrong with the function or its argument.
    fn function(&self, name: &str, argument: &str) -> Result<(usize, Type), String>;
}

impl Expression {
    /// Whether a condition holds, where `value` gives the value of a variable that exists.
    pub(super) fn holds<'a>(&'a self, value: &dyn Fn(usize) -> Option<Value<'a>>) -> bool {
        matches!(self.value(value), Some(Value::Bool(true)))
    }

    fn value<'a>(&'a self, value: &dyn Fn(usize) -> Option<Value<'a>>) -> Option<Value<'a>> {
        Some(match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Variable(variable) => return value(*variable),
            Self::Not(inner) => Value::Bool(!inner.holds(value)),
            Self::All(parts) => Value::Bool(parts.iter().all(|part| part.holds(value))),
            Self::Any(parts) => Value::Bool(parts.iter().any(|part| part.holds(value))),
            Self::Negative(inner) => Value::Number(-inner.number(value)?),
            Self::Compare(left, sign, right) => {
                Value::Bool(sign.holds(left.value(value), right.value(value)))
            }
            Self::Calculate(left, sign, right) => {
                let (left, right) = (left.number(value)?, right.number(value)?);
                Value::Number(match sign.0 {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                })
            }
        })
    }

    fn number<'a>(&'a self, value: &dyn Fn(usize) -> Option<Value<'a>>) -> Option<f64> {
        match self.value(value)? {
            Value::Number(number) => Some(number),
            Value::Text(_) | Value::Bool(_) => None,
        }
    }

    /// The variables that stand in it.
    pub(super) fn variables(&self) -> Vec<usize> {
        match self {
            Self::Number(_) | Self::Text(_) | Self::Bool(_) => Vec::new(),
            Self::Variable(variable) => vec![*variable],
            Self::Not(inner) | Self::Negative(inner) => inner.variables(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::variables).collect(),
            Self::Compare(left, _, right) | Self::Calculate(left, _, right) => {
                [left.variables(), right.variables()].concat()
            }
        }
    }
}

impl ComparisonSign {
    fn holds(self, left: Option<Value<'_>>, right: Option<Value<'_>>) -> bool {
        let (Some(left), Some(right)) = (left, right) else { return false };
        match (self.0, left, right) {
            (Comparison::Equal, left, right) => left == right,
            (Comparison::Different, left, right) => left != right,
            (Comparison::Less, Value::Number(left), Value::Number(right)) => left < right,
            (Comparison::LessOrEqual, Value::Number(left), Value::Number(right)) => left <= right,
            (Comparison::Greater, Value::Number(left), Value::Number(right)) => left > right,
            (Comparison::GreaterOrEqual, Value::Number(left), Value::Number(right)) => left >= right,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Names for Known {
        fn variable(&self, name: &str) -> Result<(usize, Type), String> {
            match name {
                "a" => Ok((0, Type::Number)),
                "word" => Ok((1, Type::Text)),
                "missing" => Ok((2, Type::Number)),
                _ => Err(format!("unknown name `{name}`")),
            }
        }

        fn function(&self, name: &str, argument: &str) -> Result<(usize, Type), String> {
            match (name, argument) {
                ("count", "conv 3") => Ok((3, Type::Number)),
                _ => Err(format!("unknown function {name}({argument})")),
            }
        }
    }

    fn holds(text: &str) -> bool {
        let expression = read(text, &Known).unwrap();
        let value = |variable| match variable {
            0 => Some(Value::Number(4.0)),
            1 => Some(Value::Text("relu")),
            3 => Some(Value::Number(2.0)),
            _ => None,
        };
        expression.holds(&value)
    }

    #[test]
    fn expressions_hold() {
        for text in [
            "a == 4",
            "a != 5 and a<5",
            "not (a == 5 or a >= 4.5)",
            "word == \"relu\" and word != 'gelu'",
            "a in [1, 4] and word in ['relu']",
            "2 * a - 1 == 7",
            "-a < 0",
            "a / 2 * 2 + 1e0 > 4",
            "count('conv 3') <= 2 and count(\"conv 3\") > 1",
            "true",
            "not missing == 1 and not missing != 1 and not missing + 1 > 0",
            "a not in [1, 2]",
            "1 - 1 - 1 == -1",
        ] {
            assert!(holds(text), "{text}");
            assert!(!holds(&format!("not ({text})")), "{text}");
        }
    }

    #[test]
    fn wrong_expressions_say_where() {
        for (text, expected) in [
            ("", "character 1: expected a value"),
            ("a ==", "character 5: expected a value"),
            ("a = 4", "character 3: write == to compare"),
            ("a == 'x'", "cannot compare a number with a word"),
            ("word < 'x'", "< compares numbers"),
            ("a + 1", "expected a condition, true or false; this is a number"),
            ("a == 4 and 1", "`and` joins conditions"),
            ("zzz == 1", "character 1: unknown name `zzz`"),
            ("count(conv) > 1", "unknown function count(conv)"),
            ("(a == 4", "character 8: expected `)`"),
            ("a == 4 4", "character 8: expected the end"),
            ("word == 'x", "character 9: the quote does not end"),
            ("a == 4 & a", "character 8: '&' has no meaning here"),
            ("1e999 == a", "not a number"),
            ("a in []", "expected a value"),
            ("1 < 2 < 3", "expected the end"),
        ] {
            let error = read(text, &Known).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = format!("{}a == 4{}", "(".repeat(2000), ")".repeat(2000));
        assert!(read(&deep, &Known).unwrap_err().contains("characters"));
        let deep = format!("{}a == 4{}", "(".repeat(200), ")".repeat(200));
        assert!(read(&deep, &Known).unwrap_err().contains("nested"));
        let many = format!("{}a == 4", "not ".repeat(200));
        assert!(read(&many, &Known).unwrap_err().contains("nested"));
        let negative = format!("a == {}4", "-".repeat(200));
        assert!(read(&negative, &Known).unwrap_err().contains("nested"));
    }
}
