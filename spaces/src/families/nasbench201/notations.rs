//! The notations of NAS-Bench-201.

use std::sync::OnceLock;

use super::{NasBench201, OPS, Ops, order};
use crate::error::SpaceError;
use crate::families::six;
use crate::notation::names::NASBENCH201;
use crate::notation::{Form, Notation, is_number, refused};

/// Number of cells.
const CELLS: usize = 15_625;

const TEXT: &str = "a NAS-Bench-201 cell |op~0|+|op~0|op~1|+|op~0|op~1|op~2|";
const STRUCTURE: &str = "a NAS-Bench-201 cell in nested pairs [(('op', 0),), (('op', 0), ('op', 1)), ..]";
const INDEX: &str = "an index of NAS-Bench-201, 0 to 15624";
const DIGITS: &str = "six digits of NAS-Bench-201";
const NASLIB: &str = "six numbers of NASLib";

pub(super) const FORMS: &[Form<NasBench201>] = &[
    Form {
        notation: Notation {
            name: "text",
            about: "the benchmark's own: edges into nodes 1 to 3, ~k for their source",
            example: "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        },
        looks: |text| text.starts_with('|'),
        read: |space, text| Ok(space.build(six::arch_str(text, TEXT, &NASBENCH201)?)),
        print: |space, cell| Ok(six::arch_str_of(space.read(cell)?, &NASBENCH201)),
    },
    Form {
        notation: Notation {
            name: "structure",
            about: "AutoDL-Projects: nested pairs (op, source), or Structure(4 nodes with |op~0|+..)",
            example: "[(('avg_pool_3x3', 0),), (('nor_conv_1x1', 0), ('skip_connect', 1)), (('nor_conv_1x1', 0), ('skip_connect', 1), ('skip_connect', 2))]",
        },
        looks: six::is_structure,
        read: |space, text| Ok(space.build(six::structure(text, STRUCTURE, &NASBENCH201)?)),
        print: |space, cell| Ok(six::structure_of(space.read(cell)?, &NASBENCH201)),
    },
    Form {
        notation: Notation {
            name: "index",
            about: "place in the official files, 0 to 15624, with or without leading zeros",
            example: "0",
        },
        looks: |text| is_number(text) && text.len() <= 6,
        read: |space, text| Ok(space.build(at_index(text)?)),
        print: |space, cell| Ok(index_of(space.read(cell)?).to_string()),
    },
    Form {
        notation: Notation {
            name: "digits",
            about: "positions in none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3; edges by target",
            example: "421211",
        },
        looks: six::is_six,
        read: |space, text| Ok(space.build(six::digits(text, DIGITS, OPS.len())?)),
        print: |space, cell| Ok(six::digits_of(space.read(cell)?)),
    },
    Form {
        notation: Notation {
            name: "naslib",
            about: "NASLib's op_indices: skip, none, conv 3x3, conv 1x1, pool; edges by source",
            example: "(4, 3, 3, 0, 0, 0)",
        },
        looks: six::is_six,
        read: |space, text| Ok(space.build(six::naslib(text, NASLIB, OPS.len())?)),
        print: |space, cell| Ok(six::naslib_of(space.read(cell)?)),
    },
];

/// The official order, and the index of each cell by its number in base 5.
fn official() -> &'static (Vec<Ops>, Vec<u16>) {
    static ORDER: OnceLock<(Vec<Ops>, Vec<u16>)> = OnceLock::new();
    ORDER.get_or_init(|| {
        let cells = order::official();
        let mut indices = vec![0; cells.len()];
        for (index, cell) in cells.iter().enumerate() {
            indices[number(*cell)] = index as u16;
        }
        (cells, indices)
    })
}

fn number(ops: Ops) -> usize {
    ops.iter().fold(0, |number, &op| number * OPS.len() + usize::from(op))
}

fn index_of(ops: Ops) -> u16 {
    official().1[number(ops)]
}

fn at_index(text: &str) -> Result<Ops, SpaceError> {
    let index: Option<usize> = text.parse().ok();
    let cell = index.and_then(|index| official().0.get(index)).copied();
    cell.ok_or_else(|| refused(text, INDEX, format!("expected a whole number below {CELLS}")))
}
