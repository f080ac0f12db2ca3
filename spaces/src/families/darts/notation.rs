//! Reading genotypes as Python prints them.

use std::str::FromStr;

use super::{CellGenotype, Genotype, PUBLISHED, Primitive, STEPS};
use crate::error::SpaceError;
use crate::lookup::nearest;

const NOTATION: &str = "a DARTS genotype Genotype(normal=[('op', node), ..8], normal_concat=range(2, 6), \
                        reduce=[..8], reduce_concat=range(2, 6))";

impl FromStr for Genotype {
    type Err = SpaceError;

    /// Reads the published notation, or the name of a published genotype. White space, either kind of
    /// quotes, any order of fields, `[2, 3, 4, 5]` for `range(2, 6)` and a leading `NAME =` are allowed.
    fn from_str(text: &str) -> Result<Self, SpaceError> {
        match Genotype::named(text.trim()) {
            Some(genotype) => Ok(genotype),
            None => Reader { text, at: 0 }.genotype(),
        }
    }
}

/// A position in a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn genotype(mut self) -> Result<Genotype, SpaceError> {
        let start = self.text.find("Genotype");
        self.at = start.ok_or_else(|| {
            let names = PUBLISHED.map(|(name, _)| name);
            let meant = nearest(self.text.trim(), names);
            let meant = meant.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            let names = names.join(", ");
            self.bad(&format!("it neither is a published name ({names}) nor has \"Genotype(\"{meant}"))
        })?;
        self.expect("Genotype")?;
        self.expect("(")?;
        let (mut normal, mut reduce) = (None, None);
        while !self.accept(")") {
            match self.word() {
                "normal" => normal = Some(self.field(Self::cell)?),
                "reduce" => reduce = Some(self.field(Self::cell)?),
                "normal_concat" | "reduce_concat" => self.field(Self::concat)?,
                other => return Err(self.bad(&format!("unknown field {other:?}"))),
            }
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        if !self.rest().is_empty() {
            return Err(self.bad("nothing may follow the closing bracket"));
        }
        let missing = |name| self.bad(&format!("field {name:?} is missing"));
        Ok(Genotype {
            normal: normal.ok_or_else(|| missing("normal"))?,
            reduce: reduce.ok_or_else(|| missing("reduce"))?,
        })
    }

    fn field<T>(&mut self, value: fn(&mut Self) -> Result<T, SpaceError>) -> Result<T, SpaceError> {
        self.expect("=")?;
        value(self)
    }

    fn cell(&mut self) -> Result<CellGenotype, SpaceError> {
        let edges = self.list(Self::edge)?;
        let found = edges.len();
        let cell = CellGenotype::try_from(edges);
        cell.map_err(|_| self.bad(&format!("a cell has {} edges, not {found}", 2 * STEPS)))
    }

    fn edge(&mut self) -> Result<(Primitive, usize), SpaceError> {
        self.expect("(")?;
        let quote = if self.accept("\"") { "\"" } else { "'" };
        if quote == "'" {
            self.expect("'")?;
        }
        let op = Primitive::named(self.word())?;
        self.expect(quote)?;
        self.expect(",")?;
        let from = self.number()?;
        self.expect(")")?;
        Ok((op, from))
    }

    /// The output is the concatenation of the four intermediate nodes and nothing else.
    fn concat(&mut self) -> Result<(), SpaceError> {
        let nodes = if self.accept("range") {
            self.expect("(")?;
            let start = self.number()?;
            self.expect(",")?;
            let end = self.number()?;
            self.expect(")")?;
            (start..end.min(start.saturating_add(9))).collect()
        } else {
            self.list(Self::number)?
        };
        if nodes == [2, 3, 4, 5] {
            return Ok(());
        }
        Err(self.bad(&format!("the output concatenates nodes 2 to 5, not {nodes:?}")))
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Result<T, SpaceError>) -> Result<Vec<T>, SpaceError> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.accept("]") {
            items.push(item(self)?);
            if !self.accept(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(items)
    }

    fn number(&mut self) -> Result<usize, SpaceError> {
        let word = self.word();
        word.parse().map_err(|_| self.bad(&format!("expected a node number, found {word:?}")))
    }

    /// Letters, digits and underscores; may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn expect(&mut self, token: &str) -> Result<(), SpaceError> {
        if self.accept(token) {
            return Ok(());
        }
        Err(self.bad(&format!("expected {token:?}")))
    }

    fn accept(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// What is left, white space skipped.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn bad(&self, reason: &str) -> SpaceError {
        SpaceError::Notation {
            text: self.text.to_owned(),
            notation: NOTATION,
            reason: format!("{reason} (at character {})", self.text[..self.at].chars().count() + 1),
        }
    }
}
