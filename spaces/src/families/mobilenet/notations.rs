//! The notations of `MobileNet`.

use super::{LAYERS, Layers, MobileNet, OPS, SKIP, number};
use crate::error::SpaceError;
use crate::graph::Architecture;
use crate::notation::literal::{Literal, statement};
use crate::notation::{Form, Notation, refused};

const LIST: &str = "a MobileNet [3, -1, 0, ..] of 21 layers";
const BLOCKS: &str = "a MobileNet ['5x5_MBConv6', 'Zero', ..] of 21 layers";

/// The blocks as `ProxylessNAS` names them, in the order of [`OPS`].
const NAMES: [&str; OPS.len()] =
    ["3x3_MBConv3", "3x3_MBConv6", "5x5_MBConv3", "5x5_MBConv6", "7x7_MBConv3", "7x7_MBConv6"];

/// What `ProxylessNAS` calls a layer that is left out.
const ZERO: &str = "Zero";

/// Other names of the identity.
const IDENTITIES: [&str; 4] = ["zero", "identity", "skip", "skip_connect"];

pub(super) const FORMS: &[Form<MobileNet>] = &[
    Form {
        notation: Notation {
            name: "list",
            about: "BN-NAS: positions in mb3_k3, mb6_k3, mb3_k5, mb6_k5, mb3_k7, mb6_k7, or -1 for the identity",
            example: super::BN_NAS,
        },
        looks: |text| !has_names(text),
        read: list,
        print: |space, network| Ok(list_of(space.layers(network)?)),
    },
    Form {
        notation: Notation {
            name: "blocks",
            about: "names of blocks as in ProxylessNAS (5x5_MBConv6, Zero) or as here (mb6_k5, identity)",
            example: "['5x5_MBConv6', 'Zero', '3x3_MBConv3', '7x7_MBConv3', '3x3_MBConv3', 'Zero', 'Zero', \
                      '3x3_MBConv3', '7x7_MBConv3', 'Zero', '7x7_MBConv3', '7x7_MBConv3', '3x3_MBConv6', \
                      '7x7_MBConv3', '5x5_MBConv3', '3x3_MBConv3', '3x3_MBConv3', '7x7_MBConv3', \
                      '3x3_MBConv3', '5x5_MBConv3', '5x5_MBConv3']",
        },
        looks: has_names,
        read: blocks,
        print: |space, network| {
            let names = space.layers(network)?.map(|place| NAMES.get(usize::from(place)).unwrap_or(&ZERO));
            Ok(format!("[{}]", names.map(|name| format!("'{name}'")).join(", ")))
        },
    },
];

fn has_names(text: &str) -> bool {
    text.contains(char::is_alphabetic)
}

/// Reads 21 numbers; the brackets may be left out.
fn list(space: &MobileNet, text: &str) -> Result<Architecture, SpaceError> {
    let inner = text.trim_start_matches(['[', '(']).trim_end_matches([']', ')', ';', ',']);
    let mut places = Vec::new();
    for (layer, word) in inner.split(',').enumerate() {
        let place = match word.trim().parse::<i8>() {
            Ok(-1) => SKIP,
            Ok(number) if (0..SKIP as i8).contains(&number) => number as u8,
            _ => {
                return Err(refused(
                    text,
                    LIST,
                    format!("layer {layer} is {:?}, expected -1 to 5", word.trim()),
                ));
            }
        };
        places.push(place);
    }
    built(space, text, LIST, places)
}

/// Reads 21 names of blocks.
fn blocks(space: &MobileNet, text: &str) -> Result<Architecture, SpaceError> {
    let places = statement(text).and_then(|list| list.items("21 names")?.iter().map(block).collect());
    built(space, text, BLOCKS, places.map_err(|reason| refused(text, BLOCKS, reason))?)
}

fn block(literal: &Literal<'_>) -> Result<u8, String> {
    let name = literal.text("the name of a block")?;
    if IDENTITIES.iter().any(|identity| identity.eq_ignore_ascii_case(name)) {
        return Ok(SKIP);
    }
    let found =
        NAMES.iter().zip(OPS).position(|(there, here)| there.eq_ignore_ascii_case(name) || here == name);
    found.map(|place| place as u8).ok_or_else(|| {
        literal.wrong(format!("unknown block {name:?}; this space has {}, {ZERO}", NAMES.join(", ")))
    })
}

fn built(
    space: &MobileNet,
    text: &str,
    notation: &'static str,
    places: Vec<u8>,
) -> Result<Architecture, SpaceError> {
    let found = places.len();
    let layers = Layers::try_from(places)
        .map_err(|_| refused(text, notation, format!("{found} layers given, expected {LAYERS}")))?;
    space.check_layers(layers).map_err(|error| refused(text, notation, error.to_string()))?;
    Ok(space.built(layers))
}

/// Prints `[3, -1, 0, ..]`.
pub(super) fn list_of(layers: Layers) -> String {
    format!("[{}]", layers.map(|place| number(place).to_string()).join(", "))
}
