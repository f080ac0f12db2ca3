//! The notations of once-for-all networks.

use super::{
    Config, DEEPEST, DEPTHS, EXPANSIONS, FIXED, KERNELS, LAYERS, Layer, OnceForAll, RESOLUTIONS, STAGES,
};
use crate::error::SpaceError;
use crate::graph::Architecture;
use crate::notation::literal::{Literal, Value, arguments, statement};
use crate::notation::{Form, Notation, refused};

const CONFIG: &str = "a once-for-all network {\"ks\": [..], \"e\": [..], \"d\": [2, 3, 4, 4, 2], \"r\": 224}";

pub(super) const FORMS: &[Form<OnceForAll>] = &[
    Form {
        notation: Notation {
            name: "subnet",
            about: "JSON with kernels and expansions of the layers that there are, depths and resolution",
            example: "{\"ks\": [3, 5, 3, 3, 7, 3, 3, 5, 3, 3], \"e\": [3, 3, 4, 4, 6, 6, 3, 3, 4, 6], \
                      \"d\": [2, 2, 2, 2, 2], \"r\": 224}",
        },
        looks: |_| true,
        read,
        print: |space, network| Ok(subnet(&space.config(network)?)),
    },
    Form {
        notation: Notation {
            name: "set_active_subnet",
            about: "the same with all 20 places, as the release takes them: null for a layer that is left out",
            example: "{\"ks\": [3, 5, null, null, 3, 3, null, null, 7, 3, null, null, 3, 5, null, null, 3, 3, null, \
                      null], \"e\": [3, 3, null, null, 4, 4, null, null, 6, 6, null, null, 3, 3, null, null, 4, 6, \
                      null, null], \"d\": [2, 2, 2, 2, 2], \"r\": 224}",
        },
        looks: |_| false,
        read,
        print: |space, network| Ok(places(&space.config(network)?)),
    },
];

/// Prints the layers that there are.
pub(super) fn subnet(config: &Config) -> String {
    let layers: Vec<Option<Layer>> = config.stages.iter().flatten().copied().map(Some).collect();
    printed(config, &layers)
}

/// Prints all places.
fn places(config: &Config) -> String {
    let of = |layers: &Vec<Layer>| (0..DEEPEST).map(|at| layers.get(at).copied()).collect::<Vec<_>>();
    printed(config, &config.stages.iter().flat_map(of).collect::<Vec<_>>())
}

fn printed(config: &Config, layers: &[Option<Layer>]) -> String {
    let list = |of: fn(Layer) -> usize| {
        let number = |layer: &Option<Layer>| layer.map_or("null".to_owned(), |layer| of(layer).to_string());
        layers.iter().map(number).collect::<Vec<_>>().join(", ")
    };
    let (kernels, expansions) =
        (list(|layer| KERNELS[layer.kernel]), list(|layer| EXPANSIONS[layer.expansion]));
    let depths = config.stages.each_ref().map(|layers| layers.len().to_string()).join(", ");
    let side = RESOLUTIONS[config.resolution];
    format!("{{\"ks\": [{kernels}], \"e\": [{expansions}], \"d\": [{depths}], \"r\": {side}}}")
}

fn read(space: &OnceForAll, text: &str) -> Result<Architecture, SpaceError> {
    // Without a bracket they are the arguments of `set_active_subnet`.
    let literal = if text.contains(['{', '(']) { statement(text) } else { arguments(text) };
    let config = literal.and_then(|literal| config(space, &literal));
    Ok(space.built(&config.map_err(|reason| refused(text, CONFIG, reason))?))
}

fn config(space: &OnceForAll, literal: &Literal<'_>) -> Result<Config, String> {
    let [mut kernels, mut expansions, mut depths, mut resolution] = [None; 4];
    for (key, value) in literal.fields("a dictionary with ks, e, d and r")? {
        let field = match key {
            "ks" => &mut kernels,
            "e" => &mut expansions,
            "d" => &mut depths,
            "r" => &mut resolution,
            // Width multiplier.
            "w" | "wid" if is_one(value) => continue,
            "w" | "wid" => {
                let reason = "widths are no choice of this space: leave it out and take skeleton once-for-all-1.2 for 1.2";
                return Err(value.wrong(reason));
            }
            _ => return Err(value.wrong(format!("unknown key {key:?}, expected ks, e, d or r"))),
        };
        if field.replace(value).is_some() {
            return Err(value.wrong(format!("{key:?} stands there twice")));
        }
    }
    let missing = |key: &str| literal.wrong(format!("{key:?} is missing"));
    let depths = depths_of(depths.ok_or_else(|| missing("d"))?)?;
    let kernels = of_layers(kernels.ok_or_else(|| missing("ks"))?, "ks", &depths, KERNELS)?;
    let expansions = of_layers(expansions.ok_or_else(|| missing("e"))?, "e", &depths, EXPANSIONS)?;
    let resolution = match resolution {
        Some(value) => resolution_of(space, value)?,
        None if space.fixed => space.resolutions().start,
        None => return Err(missing("r")),
    };
    let mut layers =
        kernels.into_iter().zip(expansions).map(|(kernel, expansion)| Layer { kernel, expansion });
    let stages = depths.map(|depth| layers.by_ref().take(depth).collect());
    Ok(Config { resolution, stages })
}

/// Whether a width multiplier is 1 or none is given.
fn is_one(value: &Literal<'_>) -> bool {
    is_none(value) || value.integer("1").is_ok_and(|number| number == 1)
}

fn is_none(value: &Literal<'_>) -> bool {
    matches!(value.value, Value::Name("None" | "null"))
}

/// A number for all stages or one for each.
fn depths_of(value: &Literal<'_>) -> Result<[usize; STAGES], String> {
    let depth = |value: &Literal<'_>| {
        let depth = value.number("a depth of 2 to 4")?;
        if DEPTHS.contains(&depth) { Ok(depth) } else { Err(value.expected("a depth of 2 to 4")) }
    };
    let Ok(items) = value.items("") else { return Ok([depth(value)?; STAGES]) };
    let depths = items.iter().map(depth).collect::<Result<Vec<_>, _>>()?;
    let found = depths.len();
    depths.try_into().map_err(|_| value.wrong(format!("{found} depths given, expected {STAGES}")))
}

/// Positions among `known` of a number for all layers, one for each that there is, or one for each place.
fn of_layers<const N: usize>(
    value: &Literal<'_>,
    key: &str,
    depths: &[usize; STAGES],
    known: [usize; N],
) -> Result<Vec<usize>, String> {
    let layers = depths.iter().sum();
    let position = |value: &Literal<'_>| {
        let expected = || format!("one of {}", known.map(|number| number.to_string()).join(", "));
        let found = value.number("").ok().and_then(|number| known.iter().position(|own| *own == number));
        found.ok_or_else(|| value.expected(&expected()))
    };
    let Ok(items) = value.items("") else { return Ok(vec![position(value)?; layers]) };
    match items.len() {
        // With depth 4 everywhere both are one.
        found if found == layers => items.iter().map(position).collect(),
        LAYERS => {
            let there = |(place, _): &(usize, &Literal<'_>)| place % DEEPEST < depths[place / DEEPEST];
            items.iter().enumerate().filter(there).map(|(_, item)| position(item)).collect()
        }
        found => {
            let reason =
                format!("{key:?} has {found} numbers, expected {layers} (layers) or {LAYERS} (places)");
            Err(value.wrong(reason))
        }
    }
}

/// A number, or a list of one.
fn resolution_of(space: &OnceForAll, value: &Literal<'_>) -> Result<usize, String> {
    let one = match value.items("") {
        Ok([one]) => one,
        _ => value,
    };
    let expected =
        if space.fixed { format!("the resolution {FIXED}") } else { "128 to 256 in steps of 4".to_owned() };
    let side = one.number(&expected)?;
    let found = RESOLUTIONS.iter().position(|known| *known == side);
    found.filter(|at| space.resolutions().contains(at)).ok_or_else(|| one.expected(&expected))
}
