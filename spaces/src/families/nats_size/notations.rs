//! The notations of the size space of NATS-Bench.

use super::{COUNT, NatsSize, PLACES, Places, WIDTHS};
use crate::notation::literal::statement;
use crate::notation::{Form, Notation, is_list, is_number, refused};

const COLONS: &str = "a NATS-Bench size network 64:64:64:64:64";
const LIST: &str = "a NATS-Bench size network [64, 64, 64, 64, 64]";
const INDEX: &str = "an index of the NATS-Bench size space";

pub(super) const FORMS: &[Form<NatsSize>] = &[
    Form {
        notation: Notation {
            name: "channels",
            about: "the benchmark's own: the widths of the five places with colons",
            example: "64:64:64:64:64",
        },
        looks: |text| !is_list(text) && !is_number(text),
        read: |space, text| {
            let bad = |reason: String| refused(text, COLONS, reason);
            let width = |(place, word): (usize, &str)| {
                let width = word.trim().parse().map_err(|_| unknown(place, word.trim()))?;
                position(place, width)
            };
            let places =
                text.split(':').enumerate().map(width).collect::<Result<Vec<_>, _>>().map_err(bad)?;
            Ok(space.built(five(places).map_err(bad)?))
        },
        print: |space, network| Ok(colons(space.places(network)?)),
    },
    Form {
        notation: Notation {
            name: "list",
            about: "the same widths as a Python or JSON list",
            example: "[8, 8, 16, 40, 40]",
        },
        looks: is_list,
        read: |space, text| {
            let bad = |reason: String| refused(text, LIST, reason);
            let widths = statement(text).and_then(|list| list.integers("five widths")).map_err(bad)?;
            let places = widths.into_iter().enumerate().map(|(place, width)| position(place, width));
            let places = places.collect::<Result<Vec<_>, _>>().map_err(bad)?;
            Ok(space.built(five(places).map_err(bad)?))
        },
        print: |space, network| {
            Ok(format!("[{}]", space.places(network)?.map(|at| width_of(at).to_string()).join(", ")))
        },
    },
    Form {
        notation: Notation {
            name: "index",
            about: "the index of the benchmark's files, 0 to 32767",
            example: "32767",
        },
        looks: is_number,
        read: |space, text| match text.parse::<usize>() {
            Ok(index) if index < COUNT => Ok(space.indexed(index)),
            _ => Err(refused(text, INDEX, format!("it must be 0 to {}", COUNT - 1))),
        },
        print: |space, network| {
            let digits = space.places(network)?.into_iter();
            let index = digits.fold(0, |index, digit| index * WIDTHS.len() + usize::from(digit));
            Ok(index.to_string())
        },
    },
];

/// Prints `8:8:16:40:40`.
pub(super) fn colons(places: Places) -> String {
    places.map(|at| width_of(at).to_string()).join(":")
}

fn width_of(at: u8) -> usize {
    WIDTHS[usize::from(at)]
}

fn unknown(place: usize, found: impl std::fmt::Display) -> String {
    let widths = WIDTHS.map(|width| width.to_string()).join(", ");
    format!("place {place} is {found}, expected one of {widths}")
}

fn position(place: usize, width: i64) -> Result<u8, String> {
    let found = WIDTHS.iter().position(|known| *known as i64 == width);
    found.map(|at| at as u8).ok_or_else(|| unknown(place, width))
}

fn five(places: Vec<u8>) -> Result<Places, String> {
    let found = places.len();
    places.try_into().map_err(|_| format!("{found} widths given, expected {PLACES}"))
}
