//! The skeleton-level space of TransNAS-Bench-101.

mod skeleton;

use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::draw;
use crate::graph::{Architecture, OpId, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::{self, Form, Notation, refused};
use crate::space::{SearchSpace, SpaceEntry, SpaceSize};

pub use skeleton::TransNasMacroSkeleton;

/// What a module of two residual blocks does, in the order of the digits 1 to 4.
const OPS: [&str; 4] = ["normal", "double-channels", "halve-resolution", "double-and-halve"];

/// Fewest and most modules.
const MODULES: std::ops::RangeInclusive<usize> = 4..=6;

/// Fewest and most modules that double the channels.
const DOUBLINGS: std::ops::RangeInclusive<usize> = 1..=3;

/// Fewest and most modules that halve the resolution.
const HALVINGS: std::ops::RangeInclusive<usize> = 1..=4;

const NOTATION: &str = "a TransNAS-Bench-101 skeleton 64-dddd(dd)-basic";

/// The catalogue's entry of [`TransNasMacro`].
pub const MACRO: SpaceEntry = SpaceEntry {
    name: "transnas-macro",
    about: "skeletons of TransNAS-Bench-101: four to six modules",
    make: || Arc::new(TransNasMacro::new()),
    make_raw: Some(|| Arc::new(TransNasMacro::new())),
};

/// The skeleton-level ("macro") space of TransNAS-Bench-101: 3,256 networks, all different.
///
/// A network has four to six modules, of which one to three double the channels and one to four halve the
/// resolution. A text `64-1234-basic` has a digit for each module: 1 neither, 2 channels, 3 resolution,
/// 4 both. Samples are uniform over the networks; neighbours change, add or remove one module.
#[derive(Clone, Debug)]
pub struct TransNasMacro {
    chains: Chains,
}

impl Default for TransNasMacro {
    fn default() -> Self {
        Self::new()
    }
}

impl TransNasMacro {
    /// The space.
    pub fn new() -> Self {
        Self { chains: Chains::of(&OPS, "a TransNAS-Bench-101 skeleton") }
    }

    fn build(&self, digits: &[u8]) -> Architecture {
        let ops: Vec<OpId> = digits.iter().map(|&digit| Chains::op(usize::from(digit - 1))).collect();
        self.chains.build(&ops)
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<u8>, SpaceError> {
        let ops = self.chains.read(architecture)?;
        let digits: Vec<u8> = ops.into_iter().map(|op| Chains::position(op) as u8 + 1).collect();
        check(&digits).map_err(SpaceError::cell)?;
        Ok(digits)
    }
}

fn check(digits: &[u8]) -> Result<(), String> {
    let of = |kinds: [u8; 2]| digits.iter().filter(|digit| kinds.contains(digit)).count();
    let rules = [
        (digits.len(), MODULES, "modules"),
        (of([2, 4]), DOUBLINGS, "modules that double the channels"),
        (of([3, 4]), HALVINGS, "modules that halve the resolution"),
    ];
    match rules.iter().find(|(number, range, _)| !range.contains(number)) {
        None => Ok(()),
        Some((number, range, what)) => {
            Err(format!("{number} {what} given, expected {} to {}", range.start(), range.end()))
        }
    }
}

/// The valid skeletons one element away, by the kind of change: changed, put in, taken out.
fn edits(digits: &[u8]) -> [Vec<Vec<u8>>; 3] {
    let splice = |at: usize, gone: usize, new: &[u8]| [&digits[..at], new, &digits[at + gone..]].concat();
    let n = digits.len();
    let each = |places: usize| (0..places).flat_map(|at| (1..=OPS.len() as u8).map(move |digit| (at, digit)));
    let kinds = [
        each(n)
            .filter(|&(at, digit)| digits[at] != digit)
            .map(|(at, digit)| splice(at, 1, &[digit]))
            .collect(),
        each(n + 1).map(|(at, digit)| splice(at, 0, &[digit])).collect(),
        (0..n).map(|at| splice(at, 1, &[])).collect(),
    ];
    kinds.map(|kind: Vec<Vec<u8>>| kind.into_iter().filter(|digits| check(digits).is_ok()).collect())
}

/// Every skeleton, by length, then in the order of the texts.
fn all() -> impl Iterator<Item = Vec<u8>> {
    let of_length = |n: usize| {
        let digit = move |i: usize, module: usize| 1 + (i >> (2 * (n - 1 - module)) & 3) as u8;
        (0..1_usize << (2 * n)).map(move |i| (0..n).map(|module| digit(i, module)).collect())
    };
    MODULES.flat_map(of_length).filter(|digits: &Vec<u8>| check(digits).is_ok())
}

impl SearchSpace for TransNasMacro {
    fn name(&self) -> &'static str {
        MACRO.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        // Digits below a length's power of four name each of its texts once; the valid ones stay.
        let texts = MODULES.map(|n| 1_usize << (2 * n)).sum();
        loop {
            let mut drawn = draw::below(rng, texts);
            for n in MODULES {
                let of_length = 1_usize << (2 * n);
                if drawn < of_length {
                    let digits: Vec<u8> =
                        (0..n).map(|module| 1 + (drawn >> (2 * module) & 3) as u8).collect();
                    if check(&digits).is_ok() {
                        return self.build(&digits);
                    }
                    break;
                }
                drawn -= of_length;
            }
        }
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = edits(&self.read(architecture)?);
        Ok(draw::changed(architecture, edits, rng, |digits| self.build(digits)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = edits(&self.read(architecture)?);
        Ok(draw::distinct(architecture, edits.iter().flatten().map(|digits| self.build(digits))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique(3_256)
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        Some(Box::new(all().map(|digits| self.build(&digits))))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        let digits: String = self.read(architecture)?.iter().map(|digit| char::from(b'0' + digit)).collect();
        Ok(format!("64-{digits}-basic"))
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        notation::read(self, FORMS, text)
    }

    fn notations(&self) -> Vec<Notation> {
        notation::list(FORMS)
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        notation::print(self, FORMS, architecture, notation)
    }
}

impl SpaceNetwork for TransNasMacro {
    fn ops(&self) -> OpTable {
        OpTable::transnas_macro()
    }

    fn whole(&self) -> Union {
        self.chains.whole(MODULES)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &TransNasMacroSkeleton::TASKONOMY
    }
}

const FORMS: &[Form<TransNasMacro>] = &[Form {
    notation: Notation {
        name: "transnas",
        about: "the benchmark's own: a digit a module, 1 neither, 2 channels, 3 resolution, 4 both",
        example: "64-1234-basic",
    },
    looks: |_| true,
    read: |space, text| Ok(space.build(&transnas(text)?)),
    print: |space, network| space.format(network),
}];

/// Reads `64-dddd(dd)-basic`.
fn transnas(text: &str) -> Result<Vec<u8>, SpaceError> {
    let bad = |reason: String| refused(text, NOTATION, reason);
    let inside = text.strip_prefix("64-").and_then(|rest| rest.strip_suffix("-basic"));
    let digits = inside.ok_or_else(|| bad("it must begin with 64- and end in -basic".into()))?;
    if let Some((module, found)) = digits.char_indices().find(|(_, digit)| !('1'..='4').contains(digit)) {
        let meaning = "1 (normal), 2 (channels), 3 (resolution) or 4 (both)";
        return Err(bad(format!("module {module} is {found:?}, expected {meaning}")));
    }
    let digits: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    check(&digits).map_err(bad)?;
    Ok(digits)
}

#[cfg(test)]
mod tests;
