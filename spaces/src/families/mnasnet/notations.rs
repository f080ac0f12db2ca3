//! The notations of `MnasNet`.
//!
//! Two others than the benchmark's own also name widths and strides, which this space does not choose: a text
//! with other ones than the space's is refused.

use super::skeleton::{STEM, STRIDES, WIDTHS};
use super::{Block, Blocks, EXPANSIONS, KERNELS, MnasNet, STAGES, check};
use crate::graph::Architecture;
use crate::notation::{Form, Notation, refused};

const BLOCKS: &str = "a MnasNet e6k3l1s0-.. of seven blocks";
const MNASNET: &str = "a MnasNet r1_k3_s11_e1_i32_o16 .. of seven blocks";
const TIMM: &str = "a MnasNet ds_r1_k3_s1_e1_c16 ir_r2_k3_s2_e6_c24 .. of seven blocks";

/// The one ratio of squeeze-and-excitation.
const RATIO: &str = "0.25";

pub(super) const FORMS: &[Form<MnasNet>] = &[
    Form {
        notation: Notation {
            name: "blocks",
            about: "Accel-NASBench: expansion, kernel, layers, squeeze-and-excitation of each stage",
            example: "e1k3l1s1-e6k3l2s1-e6k5l2s1-e6k3l3s1-e6k5l3s1-e6k5l4s1-e6k3l1s1",
        },
        looks: |text| !text.contains('_'),
        read: |space, text| {
            let bad = |reason: String| refused(text, BLOCKS, reason);
            read(space, &text.split('-').collect::<Vec<_>>(), own).map_err(bad)
        },
        print: |space, network| Ok(blocks_of(space.read(network)?)),
    },
    Form {
        notation: Notation {
            name: "mnasnet",
            about: "the code of MnasNet and EfficientNet: repeats, kernel, strides, expansion, widths, se",
            example: "r1_k3_s11_e1_i32_o16_se0.25-r2_k3_s22_e6_i16_o24_se0.25-r2_k5_s22_e6_i24_o40_se0.25-\
                      r3_k3_s22_e6_i40_o80_se0.25-r3_k5_s11_e6_i80_o112_se0.25-r4_k5_s22_e6_i112_o192_se0.25-\
                      r1_k3_s11_e6_i192_o320_se0.25",
        },
        looks: |text| is_code(text) && !is_timm(text),
        read: |space, text| {
            let bad = |reason: String| refused(text, MNASNET, reason);
            read(space, &words(text), mnasnet).map_err(bad)
        },
        print: |space, network| Ok(joined(space.read(network)?, mnasnet_of)),
    },
    Form {
        notation: Notation {
            name: "timm",
            about: "the code of timm: ds_ without and ir_ with an expansion, repeats, kernel, stride, width, se",
            example: "ds_r1_k3_s1_e1_c16_se0.25-ir_r2_k3_s2_e6_c24_se0.25-ir_r2_k5_s2_e6_c40_se0.25-\
                      ir_r3_k3_s2_e6_c80_se0.25-ir_r3_k5_s1_e6_c112_se0.25-ir_r4_k5_s2_e6_c192_se0.25-\
                      ir_r1_k3_s1_e6_c320_se0.25",
        },
        looks: |text| is_code(text) && is_timm(text),
        read: |space, text| {
            let bad = |reason: String| refused(text, TIMM, reason);
            read(space, &words(text), timm).map_err(bad)
        },
        print: |space, network| Ok(joined(space.read(network)?, timm_of)),
    },
];

fn is_code(text: &str) -> bool {
    text.contains('_')
}

fn is_timm(text: &str) -> bool {
    text.contains("ds_") || text.contains("ir_")
}

/// The codes of a list, whatever stands between them.
fn words(text: &str) -> Vec<&str> {
    let between = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    text.split(between).filter(|word| !word.is_empty()).collect()
}

fn read(
    space: &MnasNet,
    words: &[&str],
    block: fn(usize, &str) -> Result<Block, String>,
) -> Result<Architecture, String> {
    let mut blocks = Vec::with_capacity(STAGES);
    for (stage, word) in words.iter().enumerate().take(STAGES) {
        blocks.push(block(stage, word).map_err(|reason| format!("stage {stage} is {word:?}; {reason}"))?);
    }
    let blocks: Blocks = match (blocks.try_into(), words.len()) {
        (Ok(blocks), STAGES) => blocks,
        (_, found) => return Err(format!("{found} blocks given, expected {STAGES}")),
    };
    check(&blocks)?;
    Ok(space.build(&blocks))
}

/// Reads `e6k3l1s0`.
fn own(_stage: usize, text: &str) -> Result<Block, String> {
    let expected = || "expected e(1,4,6) k(3,5) l(layers) s(0,1), for example e6k3l1s0".to_owned();
    let &[b'e', e, b'k', k, b'l', l, b's', s] = text.trim().as_bytes() else { return Err(expected()) };
    let digit = |byte: u8| byte.checked_sub(b'0').filter(|digit| *digit <= 9);
    let place = |choices: &[u8], byte| place(choices, usize::from(digit(byte)?));
    let block = || {
        let layers = digit(l).filter(|layers| *layers > 0)?;
        let squeeze = place(&[0, 1], s)? == 1;
        Some(Block { expansion: place(&EXPANSIONS, e)?, kernel: place(&KERNELS, k)?, layers, squeeze })
    };
    block().ok_or_else(expected)
}

fn place(choices: &[u8], number: usize) -> Option<u8> {
    choices.iter().position(|choice| usize::from(*choice) == number).map(|place| place as u8)
}

/// The parts of a code: letters and what follows them.
#[derive(Default)]
struct Code<'t>(Vec<(&'t str, &'t str)>);

impl<'t> Code<'t> {
    fn of(text: &'t str) -> Result<Self, String> {
        let mut code = Self::default();
        for part in text.split('_') {
            let end = part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len());
            let (name, value) = part.split_at(end);
            if name.is_empty() || code.0.iter().any(|(there, _)| *there == name) {
                return Err(format!("{part:?} is no part of a code, or is there twice"));
            }
            code.0.push((name, value));
        }
        Ok(code)
    }

    /// Takes out a part without a value.
    fn flag(&mut self, name: &str) -> bool {
        let found = self.0.iter().position(|part| *part == (name, ""));
        found.map(|at| self.0.remove(at)).is_some()
    }

    /// Takes out the text of a part.
    fn text(&mut self, name: &str) -> Option<&'t str> {
        let found = self.0.iter().position(|(there, _)| *there == name);
        found.map(|at| self.0.remove(at).1)
    }

    fn number(&mut self, name: &str) -> Result<usize, String> {
        let text = self.text(name).ok_or_else(|| format!("{name} is missing"))?;
        text.parse().map_err(|_| format!("{name} is {text:?}, expected a number"))
    }

    /// Takes out a number that the space fixes.
    fn fixed(&mut self, name: &str, expected: usize) -> Result<(), String> {
        let found = self.number(name)?;
        if found == expected {
            return Ok(());
        }
        Err(format!("{name} is {found}, and in this space this stage has {expected}"))
    }

    /// The block of what both codes name; nothing else may be left.
    fn block(mut self) -> Result<Block, String> {
        let (layers, expansion, kernel) = (self.number("r")?, self.number("e")?, self.number("k")?);
        let squeeze = match self.text("se") {
            None => false,
            Some(RATIO) => true,
            Some(other) => return Err(format!("se is {other}, and this space has {RATIO}")),
        };
        if let Some((name, value)) = self.0.first() {
            return Err(format!("this space cannot say {name}{value}"));
        }
        let of = |name: &str, choices: &[u8], number: usize| {
            place(choices, number)
                .ok_or_else(|| format!("{name} is {number}, and this space has {choices:?}"))
        };
        Ok(Block {
            expansion: of("e", &EXPANSIONS, expansion)?,
            kernel: of("k", &KERNELS, kernel)?,
            layers: u8::try_from(layers).map_err(|_| format!("r is {layers}, which is too many"))?,
            squeeze,
        })
    }
}

/// The width that enters a stage.
fn input(stage: usize) -> usize {
    stage.checked_sub(1).map_or(STEM, |before| WIDTHS[before])
}

/// Reads `r2_k3_s22_e6_i16_o24_se0.25`.
fn mnasnet(stage: usize, text: &str) -> Result<Block, String> {
    let mut code = Code::of(text)?;
    code.fixed("s", 11 * STRIDES[stage])?;
    code.fixed("i", input(stage))?;
    code.fixed("o", WIDTHS[stage])?;
    let noskip = code.flag("noskip");
    let block = code.block()?;
    if noskip && block.layers > 1 {
        return Err("noskip: layers of this space that keep width and resolution have a skip".into());
    }
    Ok(block)
}

/// Reads `ds_r1_k3_s1_e1_c16_se0.25` or `ir_r2_k3_s2_e6_c24_se0.25`; `e` may be left out where it is 1.
fn timm(stage: usize, text: &str) -> Result<Block, String> {
    let mut code = Code::of(text)?;
    let (separable, inverted) = (code.flag("ds"), code.flag("ir"));
    code.fixed("s", STRIDES[stage])?;
    code.fixed("c", WIDTHS[stage])?;
    let noskip = code.flag("noskip");
    if separable && code.0.iter().all(|(name, _)| *name != "e") {
        code.0.push(("e", "1"));
    }
    let block = code.block()?;
    match (separable, inverted, block.expansion == 0) {
        (true, false, true) | (false, true, false) if !(noskip && block.layers > 1) => Ok(block),
        (true, false, true) | (false, true, false) => {
            Err("noskip: layers of this space that keep width and resolution have a skip".into())
        }
        (true, false, false) => Err("ds has no expansion, so e must be 1".into()),
        (false, true, true) => Err("a layer with e1 has no expansion here, which is ds, not ir".into()),
        _ => Err("it must begin with ds or ir".into()),
    }
}

fn joined(blocks: Blocks, print: fn(usize, Block) -> String) -> String {
    let words: Vec<String> = blocks.iter().enumerate().map(|(stage, &block)| print(stage, block)).collect();
    words.join("-")
}

/// Prints `e6k3l1s0-..`.
pub(super) fn blocks_of(blocks: Blocks) -> String {
    let own = |_stage, block: Block| {
        format!("e{}k{}l{}s{}", block.e(), block.k(), block.layers, u8::from(block.squeeze))
    };
    joined(blocks, own)
}

fn mnasnet_of(stage: usize, block: Block) -> String {
    let (stride, width) = (STRIDES[stage], WIDTHS[stage]);
    let (e, k, se) = (block.e(), block.k(), block.ratio());
    format!("r{}_k{k}_s{stride}{stride}_e{e}_i{}_o{width}{se}", block.layers, input(stage))
}

fn timm_of(stage: usize, block: Block) -> String {
    let (stride, width) = (STRIDES[stage], WIDTHS[stage]);
    let kind = if block.expansion == 0 { "ds" } else { "ir" };
    let (e, k, se) = (block.e(), block.k(), block.ratio());
    format!("{kind}_r{}_k{k}_s{stride}_e{e}_c{width}{se}", block.layers)
}

impl Block {
    fn e(self) -> u8 {
        EXPANSIONS[usize::from(self.expansion)]
    }

    fn k(self) -> u8 {
        KERNELS[usize::from(self.kernel)]
    }

    /// The end of a code.
    fn ratio(self) -> String {
        if self.squeeze { format!("_se{RATIO}") } else { String::new() }
    }
}
