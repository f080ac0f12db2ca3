//! NAS-Bench-Macro (Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search",
//! CVPR 2021).
//!
//! Use [`NasBenchMacro`] to search its layers, and [`NasBenchMacroSkeleton`] to change widths or images. A
//! network has eight layers, each one of three blocks. A text is eight digits, the first layer first: 0 is the
//! identity, 1 `MBConv` with expansion 3 and kernel 3, 2 `MBConv` with expansion 6 and kernel 5. Leading zeros
//! count.
//!
//! ```
//! use bonas_spaces::{NasBenchMacro, SearchSpace};
//!
//! let network = NasBenchMacro::new().parse("02012100")?;
//! assert_eq!(NasBenchMacro::new().neighbours(&network)?.len(), 16);
//! # Ok::<(), bonas_spaces::SpaceError>(())
//! ```

mod skeleton;

use std::sync::Arc;

use rand::Rng;

use crate::error::SpaceError;
use crate::families::chain::Chains;
use crate::families::draw;
use crate::graph::{Architecture, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation::literal::statement;
use crate::notation::{self, Form, Notation, is_list, refused};
use crate::space::{SearchSpace, SpaceEntry, SpaceSize};

pub use skeleton::NasBenchMacroSkeleton;

/// The blocks, in the order of the digits.
pub const OPS: [&str; 3] = ["identity", "mb3_k3", "mb6_k5"];

/// Number of searchable layers.
pub const LAYERS: usize = 8;

const NOTATION: &str = "a NAS-Bench-Macro network of eight digits";

const LIST: &str = "a NAS-Bench-Macro network of eight numbers";

/// A digit for each layer.
type Digits = [u8; LAYERS];

/// The catalogue's entry of [`NasBenchMacro`].
pub const ENTRY: SpaceEntry = SpaceEntry {
    name: "macro",
    about: "NAS-Bench-Macro: eight layers, three blocks",
    make: || Arc::new(NasBenchMacro::new()),
    make_raw: Some(|| Arc::new(NasBenchMacro::new())),
};

/// The space of NAS-Bench-Macro: 3⁸ = 6,561 networks, all different.
///
/// The identity is an operation like the others, which no simplification removes, since its position
/// matters. Samples are uniform; neighbours change one layer.
#[derive(Clone, Debug)]
pub struct NasBenchMacro {
    chains: Chains,
}

impl Default for NasBenchMacro {
    fn default() -> Self {
        Self::new()
    }
}

impl NasBenchMacro {
    /// The space.
    pub fn new() -> Self {
        Self { chains: Chains::of(&OPS, "a NAS-Bench-Macro network") }
    }

    fn build(&self, digits: Digits) -> Architecture {
        self.chains.build(&digits.map(|digit| Chains::op(usize::from(digit))))
    }

    fn read(&self, architecture: &Architecture) -> Result<Digits, SpaceError> {
        let digits: Vec<u8> =
            self.chains.read(architecture)?.into_iter().map(|op| Chains::position(op) as u8).collect();
        let layers = digits.len();
        digits.try_into().map_err(|_| SpaceError::cell(format!("{layers} layers given, expected {LAYERS}")))
    }
}

impl SearchSpace for NasBenchMacro {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.chains.vocabulary()
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        Some(self)
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.build(std::array::from_fn(|_| draw::below(rng, OPS.len()) as u8))
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::changed(architecture, [edits], rng, |digits| self.build(*digits)))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        let edits = draw::steps(self.read(architecture)?, OPS.len() as u8);
        Ok(draw::distinct(architecture, edits.into_iter().map(|digits| self.build(digits))))
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.read(architecture).map(drop)
    }

    fn size(&self) -> SpaceSize {
        SpaceSize::Unique((OPS.len() as u128).pow(LAYERS as u32))
    }

    /// In the order of the texts.
    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        let base = OPS.len();
        let digit = move |i: usize, layer: usize| (i / base.pow((LAYERS - 1 - layer) as u32) % base) as u8;
        let all = (0..base.pow(LAYERS as u32)).map(move |i| std::array::from_fn(|layer| digit(i, layer)));
        Some(Box::new(all.map(|digits| self.build(digits))))
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        Ok(self.read(architecture)?.iter().map(|digit| char::from(b'0' + digit)).collect())
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

impl SpaceNetwork for NasBenchMacro {
    fn ops(&self) -> OpTable {
        OpTable::nasbench_macro()
    }

    fn whole(&self) -> Union {
        self.chains.whole(LAYERS..=LAYERS)
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        &[&NasBenchMacroSkeleton::CIFAR]
    }
}

const FORMS: &[Form<NasBenchMacro>] = &[
    Form {
        notation: Notation {
            name: "digits",
            about: "the benchmark's own: 0 identity, 1 mb3_k3, 2 mb6_k5, the first layer first",
            example: "22212220",
        },
        looks: |text| !is_list(text),
        read: |space, text| Ok(space.build(digits(text)?)),
        print: |space, network| space.format(network),
    },
    Form {
        notation: Notation {
            name: "list",
            about: "the same numbers as a Python or JSON list",
            example: "[2, 2, 2, 1, 2, 2, 2, 0]",
        },
        looks: is_list,
        read: |space, text| Ok(space.build(list(text)?)),
        print: |space, network| {
            Ok(format!("[{}]", space.read(network)?.map(|digit| digit.to_string()).join(", ")))
        },
    },
];

/// Reads eight digits.
fn digits(text: &str) -> Result<Digits, SpaceError> {
    let digits = text.as_bytes();
    if let Some((layer, found)) = text.char_indices().find(|(_, digit)| !('0'..='2').contains(digit)) {
        let meaning = "0 (identity), 1 (mb3_k3) or 2 (mb6_k5)";
        return Err(refused(text, NOTATION, format!("layer {layer} is {found:?}, expected {meaning}")));
    }
    let digits: Digits = digits.try_into().map_err(|_| {
        let lost = "leading zeros count: keep the column as text";
        refused(text, NOTATION, format!("{} digits given, expected {LAYERS}; {lost}", digits.len()))
    })?;
    Ok(digits.map(|digit| digit - b'0'))
}

/// Reads a list of eight numbers.
fn list(text: &str) -> Result<Digits, SpaceError> {
    let bad = |reason: String| refused(text, LIST, reason);
    let numbers = statement(text).and_then(|list| list.integers("eight numbers")).map_err(bad)?;
    let found = numbers.len();
    let numbers: [i64; LAYERS] =
        numbers.try_into().map_err(|_| bad(format!("{found} numbers given, expected {LAYERS}")))?;
    match numbers.iter().position(|number| !(0..OPS.len() as i64).contains(number)) {
        Some(layer) => Err(bad(format!("layer {layer} is {}, expected 0 to 2", numbers[layer]))),
        None => Ok(numbers.map(|number| number as u8)),
    }
}

#[cfg(test)]
mod tests;
