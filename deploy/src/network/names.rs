//! Names that Python accepts.

use std::collections::HashSet;

/// Names that a module of PyTorch or Python itself has already.
const TAKEN: [&str; 62] = [
    "False",
    "None",
    "True",
    "and",
    "apply",
    "as",
    "assert",
    "async",
    "await",
    "bfloat16",
    "break",
    "buffers",
    "call_super_init",
    "children",
    "class",
    "compile",
    "continue",
    "cpu",
    "cuda",
    "def",
    "del",
    "double",
    "elif",
    "else",
    "eval",
    "except",
    "extra_repr",
    "finally",
    "float",
    "for",
    "forward",
    "from",
    "global",
    "half",
    "if",
    "images",
    "import",
    "in",
    "is",
    "lambda",
    "load_state_dict",
    "modules",
    "nn",
    "nonlocal",
    "not",
    "or",
    "parameters",
    "pass",
    "raise",
    "return",
    "self",
    "share_memory",
    "state_dict",
    "to",
    "torch",
    "train",
    "training",
    "try",
    "type",
    "while",
    "with",
    "x",
];

/// Names given out so far.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// The name as an identifier that nothing else has: other letters become `_`, and a number tells equal ones apart.
    pub(crate) fn attribute(&mut self, name: &str) -> String {
        self.numbered(&identifier(name), "_")
    }

    /// The same for the name of a class, numbered without `_`.
    pub(crate) fn class(&mut self, name: &str) -> String {
        self.numbered(&identifier(name), "")
    }

    fn numbered(&mut self, base: &str, by: &str) -> String {
        let free = |candidate: &String| !self.0.contains(candidate);
        let numbered = (2_usize..).map(|n| format!("{base}{by}{n}"));
        let name = std::iter::once(base.to_owned()).chain(numbered).find(free).unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}

/// The name as a Python identifier.
pub(crate) fn identifier(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    let bad_start = plain.starts_with(|c: char| c.is_ascii_digit() || c == '_') || plain.is_empty();
    if bad_start || TAKEN.contains(&plain.as_str()) { format!("op_{plain}") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers_and_differ() {
        let mut names = Names::default();
        let given = ["stage0.cell1", "stage0_cell1", "3x3-conv", "type", "", "größe"];
        let taken: Vec<String> = given.iter().map(|name| names.attribute(name)).collect();
        assert_eq!(taken, ["stage0_cell1", "stage0_cell1_2", "op_3x3_conv", "op_type", "op_", "gr__e"]);
    }
}
