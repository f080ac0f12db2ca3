//! The notations of DARTS cells.

mod compact;
mod config;
mod genotype;

use std::str::FromStr;

use super::{CellGenotype, Darts, Genotype};
use crate::error::SpaceError;
use crate::notation::{Form, Notation, admitted, is_list};

pub(super) const FORMS: &[Form<Darts>] = &[
    Form {
        notation: Notation {
            name: "genotype",
            about: "quark0/darts: Genotype(..), a published name, or the same fields in a dictionary; pairs \
                    nested by node and triples are read too",
            example: "DARTS_V2",
        },
        looks: |text| !is_list(text) && !config::looks(text),
        read: |space, text| space.architecture(&genotype::read(text)?),
        print: |space, cells| Ok(space.genotype(cells)?.to_string()),
    },
    Form {
        notation: Notation {
            name: "nested",
            about: "Genotype(..) with the two pairs of each node in brackets, as AutoDL-Projects prints it",
            example: NESTED,
        },
        looks: |_| false,
        read: |space, text| space.architecture(&genotype::read(text)?),
        print: |space, cells| Ok(genotype::nested(&space.genotype(cells)?)),
    },
    Form {
        notation: Notation {
            name: "triples",
            about: "Genotype(..) with (operation, from, to); (operation, to, from) is read too",
            example: TRIPLES,
        },
        looks: |_| false,
        read: |space, text| space.architecture(&genotype::read(text)?),
        print: |space, cells| Ok(genotype::triples(&space.genotype(cells)?)),
    },
    Form {
        notation: Notation { name: "json", about: "the fields of Genotype(..) in JSON", example: JSON },
        looks: |_| false,
        read: |space, text| space.architecture(&genotype::read(text)?),
        print: |space, cells| Ok(genotype::json(&space.genotype(cells)?)),
    },
    Form {
        notation: Notation {
            name: "configspace",
            about: "NAS-Bench-301: operations by edge and inputs by node, as a dictionary or a printed Configuration",
            example: CONFIGSPACE,
        },
        looks: config::looks,
        read: |space, text| space.architecture(&config::read(text)?),
        print: |space, cells| config::print(&space.genotype(cells)?),
    },
    Form {
        notation: Notation {
            name: "bananas",
            about: "two cells of (from, operation), operations from 1 in the order of DARTS; 0 is none",
            example: BANANAS,
        },
        looks: is_list,
        read: |space, text| space.architecture(&compact::read(text, &compact::BANANAS)?),
        print: |space, cells| compact::print(&space.genotype(cells)?, &compact::BANANAS),
    },
    Form {
        notation: Notation {
            name: "naslib",
            about: "two cells of (from, operation), operations from 0 in the order of DARTS without none",
            example: NASLIB,
        },
        looks: is_list,
        read: |space, text| space.architecture(&compact::read(text, &compact::NASLIB)?),
        print: |space, cells| compact::print(&space.genotype(cells)?, &compact::NASLIB),
    },
];

// `DARTS_V2` in the notations.
const NESTED: &str = "Genotype(normal=[(('sep_conv_3x3', 0), ('sep_conv_3x3', 1)), (('sep_conv_3x3', 0), ('sep_conv_3x3', 1)), \
    (('sep_conv_3x3', 1), ('skip_connect', 0)), (('skip_connect', 0), ('dil_conv_3x3', 2))], \
    normal_concat=range(2, 6), reduce=[(('max_pool_3x3', 0), ('max_pool_3x3', 1)), (('skip_connect', 2), \
    ('max_pool_3x3', 1)), (('max_pool_3x3', 0), ('skip_connect', 2)), (('skip_connect', 2), ('max_pool_3x3', \
    1))], reduce_concat=range(2, 6))";

const TRIPLES: &str = "Genotype(normal=[('sep_conv_3x3', 0, 2), ('sep_conv_3x3', 1, 2), ('sep_conv_3x3', 0, 3), ('sep_conv_3x3', 1, \
    3), ('sep_conv_3x3', 1, 4), ('skip_connect', 0, 4), ('skip_connect', 0, 5), ('dil_conv_3x3', 2, 5)], \
    normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0, 2), ('max_pool_3x3', 1, 2), ('skip_connect', 2, 3), \
    ('max_pool_3x3', 1, 3), ('max_pool_3x3', 0, 4), ('skip_connect', 2, 4), ('skip_connect', 2, 5), \
    ('max_pool_3x3', 1, 5)], reduce_concat=range(2, 6))";

const JSON: &str = "{\"normal\": [[\"sep_conv_3x3\", 0], [\"sep_conv_3x3\", 1], [\"sep_conv_3x3\", 0], [\"sep_conv_3x3\", 1], \
    [\"sep_conv_3x3\", 1], [\"skip_connect\", 0], [\"skip_connect\", 0], [\"dil_conv_3x3\", 2]], \
    \"normal_concat\": [2, 3, 4, 5], \"reduce\": [[\"max_pool_3x3\", 0], [\"max_pool_3x3\", 1], \
    [\"skip_connect\", 2], [\"max_pool_3x3\", 1], [\"max_pool_3x3\", 0], [\"skip_connect\", 2], \
    [\"skip_connect\", 2], [\"max_pool_3x3\", 1]], \"reduce_concat\": [2, 3, 4, 5]}";

const CONFIGSPACE: &str = "{'NetworkSelectorDatasetInfo:darts:edge_normal_0': 'sep_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_1': 'sep_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_2': 'sep_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_3': 'sep_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_normal_3': '0_1', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_5': 'skip_connect', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_6': 'sep_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_normal_4': '0_1', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_9': 'skip_connect', \
    'NetworkSelectorDatasetInfo:darts:edge_normal_11': 'dil_conv_3x3', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_normal_5': '0_2', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_0': 'max_pool_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_1': 'max_pool_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_3': 'max_pool_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_4': 'skip_connect', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_3': '1_2', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_5': 'max_pool_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_7': 'skip_connect', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_4': '0_2', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_10': 'max_pool_3x3', \
    'NetworkSelectorDatasetInfo:darts:edge_reduce_11': 'skip_connect', \
    'NetworkSelectorDatasetInfo:darts:inputs_node_reduce_5': '1_2'}";

const BANANAS: &str = "(((0, 4), (1, 4), (0, 4), (1, 4), (1, 4), (0, 3), (0, 3), (2, 6)), ((0, 1), (1, 1), (2, 3), (1, 1), (0, 1), \
    (2, 3), (2, 3), (1, 1)))";

const NASLIB: &str = "(((0, 3), (1, 3), (0, 3), (1, 3), (1, 3), (0, 2), (0, 2), (2, 5)), ((0, 0), (1, 0), (2, 2), (1, 0), (0, 0), \
    (2, 2), (2, 2), (1, 0)))";

impl FromStr for Genotype {
    type Err = SpaceError;

    /// Reads `Genotype(..)` as Python prints it, its fields in a dictionary or JSON, a dictionary of
    /// NAS-Bench-301, or the name of a published genotype.
    fn from_str(text: &str) -> Result<Self, SpaceError> {
        let text = admitted(text)?;
        if config::looks(text) { config::read(text) } else { genotype::read(text) }
    }
}

/// The two edges of each intermediate node, with the node's number.
fn nodes(cell: &CellGenotype) -> impl Iterator<Item = (usize, [(super::Primitive, usize); 2])> + '_ {
    cell.chunks_exact(2).enumerate().map(|(step, pair)| (step + 2, [pair[0], pair[1]]))
}
