//! Python expressions, laid out.

use std::fmt::Write;

/// Longest line.
pub(super) const WIDTH: usize = 100;
/// One level of indentation.
pub(super) const INDENT: usize = 4;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// A name, number, or anything that is not broken over lines.
    Atom(String),
    /// `function(arguments)`.
    Call(String, Vec<Code>),
    /// `[items]`.
    List(Vec<Code>),
    /// `a + b`; at least one term.
    Sum(Vec<Code>),
}

impl Code {
    pub(super) fn atom(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    pub(super) fn call(function: impl Into<String>, arguments: Vec<Code>) -> Self {
        Self::Call(function.into(), arguments)
    }

    /// On one line.
    pub(super) fn flat(&self) -> String {
        let joined = |codes: &[Code], by: &str| codes.iter().map(Code::flat).collect::<Vec<_>>().join(by);
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(function, arguments) => format!("{function}({})", joined(arguments, ", ")),
            Self::List(items) => format!("[{}]", joined(items, ", ")),
            Self::Sum(terms) => joined(terms, " + "),
        }
    }

    /// From column `column` of a line that is indented by `indent`, with `after` behind it.
    fn laid_out(&self, indent: usize, column: usize, after: usize) -> String {
        let flat = self.flat();
        if column + flat.len() + after <= WIDTH {
            return flat;
        }
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(function, arguments) => lines(&format!("{function}("), arguments, ")", indent),
            Self::List(items) => lines("[", items, "]", indent),
            Self::Sum(terms) => {
                let inner = indent + INDENT;
                let mut text = "(".to_owned();
                for (i, term) in terms.iter().enumerate() {
                    let plus = if i == 0 { "" } else { "+ " };
                    let term = term.laid_out(inner, inner + plus.len(), 0);
                    let _ = write!(text, "\n{:inner$}{plus}{term}", "");
                }
                format!("{text}\n{:indent$})", "")
            }
        }
    }
}

/// One item a line.
fn lines(open: &str, items: &[Code], close: &str, indent: usize) -> String {
    let inner = indent + INDENT;
    let mut text = open.to_owned();
    for item in items {
        let _ = write!(text, "\n{:inner$}{},", "", item.laid_out(inner, inner, 1));
    }
    format!("{text}\n{:indent$}{close}", "")
}

/// A statement `before expression`, indented.
pub(super) fn statement(indent: usize, before: &str, code: &Code) -> String {
    format!("{:indent$}{before}{}\n", "", code.laid_out(indent, indent + before.len(), 0))
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_calls_are_broken_at_their_arguments() {
        let short = Code::call("f", vec![Code::atom("a"), Code::atom("b=1")]);
        assert_eq!(statement(4, "x = ", &short), "    x = f(a, b=1)\n");
        let long = Code::call("f", vec![Code::atom("a".repeat(60)), Code::atom("b".repeat(60))]);
        let expected = format!("x = f(\n    {},\n    {},\n)\n", "a".repeat(60), "b".repeat(60));
        assert_eq!(statement(0, "x = ", &long), expected);
        let sum = Code::Sum(vec![Code::atom("a".repeat(60)), Code::atom("b".repeat(60))]);
        let expected = format!("x = (\n    {}\n    + {}\n)\n", "a".repeat(60), "b".repeat(60));
        assert_eq!(statement(0, "x = ", &sum), expected);
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(string("a\"\\\n\u{7}é"), "\"a\\\"\\\\\\n\\U00000007é\"");
    }
}
