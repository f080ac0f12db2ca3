//! The notations of recurrent cells.

use super::published::PUBLISHED;
use super::{NasBenchNlp, recipe};
use crate::error::SpaceError;
use crate::graph::Architecture;
use crate::notation::literal::statement;
use crate::notation::{Form, Notation, refused};

const RECIPE: &str =
    "a recipe {\"f\": {\"op\": \"linear\", \"input\": [\"x\", \"h_prev_0\"]}, \"h_new_0\": {..}}";
const NAME: &str = "the name of a hand-made cell";

pub(super) const FORMS: &[Form<NasBenchNlp>] = &[
    Form {
        notation: Notation {
            name: "recipe",
            about: "JSON: an operation and its inputs for each node; h_new_0 is the output, h_prev_i the states before",
            example: "{\"node_0\":{\"op\":\"linear\",\"input\":[\"x\",\"h_prev_0\"]},\
                      \"h_new_0\":{\"op\":\"activation_tanh\",\"input\":[\"node_0\"]}}",
        },
        looks: |text| text.contains('{'),
        read: read_recipe,
        print: |space, architecture| Ok(recipe::print(&space.read(architecture)?)),
    },
    Form {
        notation: Notation { name: "name", about: "a hand-made cell: rnn, lstm or gru", example: "lstm" },
        looks: |text| named(text).is_some(),
        read: |space, text| {
            let known = || PUBLISHED.map(|(name, _)| name).join(", ");
            let recipe = named(text).ok_or_else(|| refused(text, NAME, format!("there are {}", known())))?;
            read_recipe(space, recipe)
        },
        print: name_of,
    },
];

/// The recipe of a name, whatever its case.
fn named(text: &str) -> Option<&'static str> {
    PUBLISHED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, recipe)| *recipe)
}

fn read_recipe(space: &NasBenchNlp, text: &str) -> Result<Architecture, SpaceError> {
    let cell = statement(text).and_then(|literal| recipe::read(&literal));
    Ok(space.architecture(&cell.map_err(|reason| refused(text, RECIPE, reason))?))
}

fn name_of(space: &NasBenchNlp, architecture: &Architecture) -> Result<String, SpaceError> {
    for (name, recipe) in PUBLISHED {
        if read_recipe(space, recipe)? == *architecture {
            return Ok(name.to_owned());
        }
    }
    Err(SpaceError::CannotSay { notation: "name", reason: "it is no hand-made cell".to_owned() })
}
