//! Descriptions that make no space.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{built, cells, operations};

type Wrong = Vec<(Value, &'static str)>;

fn wrong_cells() -> Wrong {
    let edges = |more: Value| {
        let mut cell = json!({"operations_on": "edges", "nodes": 2});
        cell.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cells(json!({"cells": [cell]}))
    };
    let many: Vec<[usize; 2]> = vec![[0, 1]; 100_000];
    vec![
        (edges(json!({"nodes": 1_000_000})), "cells[0].nodes: 1000000; expected 0 to 64"),
        (
            edges(json!({"edges": [[0, 1], [1, 0]]})),
            "cells[0].edges[1]: edge 1 to 0 must lead to a higher node",
        ),
        (edges(json!({"edges": [[1, 1]]})), "so that there is no cycle"),
        (edges(json!({"edges": [[0, 9]]})), "the last node that edges may enter is 3"),
        (edges(json!({"edges": [[0, 1], [0, 1]]})), "edge 0 to 1 is there twice"),
        (edges(json!({"edges": []})), "no path leads from an input to the output"),
        (edges(json!({"edges": [[1, 3]]})), "no path leads from an input to the output"),
        (edges(json!({"edges": many})), "100000 edges are more than 4096"),
        (edges(json!({"edges": [[0, 3]], "sources": 1})), "give one of them"),
        (edges(json!({"sources": 0})), "cells[0].sources: node 1 cannot read 0 different earlier nodes"),
        (edges(json!({"sources": [1, 1, 9]})), "cells[0].sources[2]: node 3 cannot read 9"),
        (edges(json!({"sources": [1]})), "1 numbers given, expected 3"),
        (edges(json!({"operations": ["a", "zzz"]})), "cells[0].operations[1]: unknown operation `zzz`"),
        (edges(json!({"prune": true})), "cells[0].prune"),
        (edges(json!({"names": ["a b"]})), "cells[0].names[0]"),
        (edges(json!({"names": ["a", "a"]})), "\"a\" is there twice"),
        (edges(json!({"names": ["a", "b"], "fields": ["a"]})), "1 fields for 2 names"),
        (edges(json!({"nodez": 2})), "unknown field `nodez`"),
    ]
}

fn wrong_choices() -> Wrong {
    let choices = |choices: Value| json!({"name": "m", "choices": choices});
    vec![
        (choices(json!([{"name": "a", "options": []}])), "choices[0].options: no options"),
        (
            choices(json!([{"name": "a", "options": [1, 1]}])),
            "choices[0].options[1]: option 1 is there twice",
        ),
        (choices(json!([{"name": "a", "options": [1]}, {"name": "a", "options": [1]}])), "choices[1].name"),
        (choices(json!([{"name": "a", "range": [3, 1]}])), "the lower number stands first"),
        (choices(json!([{"name": "a", "range": [i64::MIN, i64::MAX]}])), "options are more than 1000"),
        (choices(json!([{"name": "a", "range": [1, 9], "step": 0}])), "choices[0].step"),
        (choices(json!([{"name": "and", "options": [1]}])), "is a word of expressions"),
        (
            choices(json!([{"name": "a", "options": [1], "if": "a == 1"}])),
            "choices[0].if: choice \"a\" cannot exist under a condition on itself",
        ),
        (
            choices(
                json!([{"name": "a", "options": [1], "if": "b == 1"}, {"name": "b", "options": [1], "if": "a == 1"}]),
            ),
            "choice \"b\" stands below",
        ),
        (choices(json!([{"name": "a", "options": [1], "if": "1 +"}])), "character 4: expected a value"),
    ]
}

fn wrong_stages() -> Wrong {
    let stage = |stage: Value| json!({"name": "m", "operations": operations(2), "stages": [stage]});
    vec![
        (stage(json!({"depth": 0})), "stages[0].depth: 0 to 0"),
        (stage(json!({"depth": [3, 2]})), "stages[0].depth: 3 to 2"),
        (stage(json!({"depth": 1_000_000})), "expected numbers from 1 to 64"),
        (stage(json!({"count": 1_000_000, "choices": [{"name": "c", "options": [1]}]})), "stages[0].count"),
        (stage(json!({"count": 0})), "stages[0].count"),
        (
            stage(json!({"depth": [1, 2], "layers": [{"operation": "a", "if": "x == 1"}]})),
            "stages[0].layers[0].if: character 1: unknown choice `x`",
        ),
        (
            stage(json!({"choices": [{"name": "c", "options": [1, 2]}], "layers": [{"operation": "a"}]})),
            "c=1 and c=2 have the same operations",
        ),
        (
            stage(json!({"count": 2, "depth": [1, 2], "layers": [{"operation": "a"}]})),
            "it cannot be seen where a stage begins",
        ),
        (stage(json!({"choices": [{"name": "c", "options": [1]}], "text": "x"})), "{c} stands 0 times"),
        (
            stage(
                json!({"choices": [{"name": "c", "options": [1]}, {"name": "d", "options": [1]}], "text": "{c}{d}"}),
            ),
            "put something between",
        ),
        (
            stage(json!({"choices": [{"name": "c", "options": [1]}], "text": "{c"})),
            "a brace without its partner",
        ),
    ]
}

fn wrong_rules() -> Wrong {
    let ruled = |rule: &str| {
        let cell = json!({"operations_on": "edges", "nodes": 2});
        cells(json!({"cells": [cell], "rules": [rule]}))
    };
    vec![
        (ruled("count(a) > 100"), "rules: no architecture keeps all of them"),
        (ruled("count(zzz) > 1"), "rules[0]: character 1: unknown operation `zzz`"),
        (ruled("depth"), "rules[0]: expected a condition"),
        (
            json!({"name": "m", "stages": [{"count": 2, "depth": [1, 2], "choices": [{"name": "a", "options": [1, 2]}]}],
                "rules": ["depth == 2"]}),
            "`depth` of which stage? there are stage0.depth, stage1.depth",
        ),
        (
            json!({"name": "m", "operations": [{"name": "x=3"}], "choices": [{"name": "x", "options": ["x=3", 3]}]}),
            "choices: two options of a choice are the operation \"x=3\"",
        ),
        (ruled("width > 1"), "unknown name `width`"),
    ]
}

fn wrong_networks() -> Wrong {
    vec![
        (
            cells(
                json!({"operations": [{"name": "a", "params": -1.0}], "cells": [{"operations_on": "edges", "nodes": 0}]}),
            ),
            "operations[0].params: -1",
        ),
        (
            cells(
                json!({"operations": [{"name": "a", "layer": {"kind": "conv", "kernel": 4}}], "cells": [{"operations_on": "edges", "nodes": 0}]}),
            ),
            "operations[0].layer.kernel: kernel = 4",
        ),
        (
            cells(
                json!({"network": {"skeletons": ["nasbench201"]}, "cells": [{"operations_on": "edges", "nodes": 2}]}),
            ),
            "operations[0]: a space with a network says what",
        ),
        (
            cells(
                json!({"operations": [{"name": "a", "layer": {"kind": "linear"}}], "network": {"skeletons": ["nasbench20"]},
            "cells": [{"operations_on": "edges", "nodes": 2}]}),
            ),
            "network.skeletons[0]: unknown skeleton `nasbench20`; did you mean `nasbench201`?",
        ),
        (
            cells(
                json!({"operations": [{"name": "a", "layer": {"kind": "linear"}}], "network": {"skeletons": ["darts"]},
            "cells": [{"operations_on": "edges", "nodes": 2}]}),
            ),
            "network.skeletons[0]: skeleton \"darts\" does not fit this space",
        ),
        (
            cells(
                json!({"operations": [{"name": "a", "layer": {"kind": "linear"}}], "network": {"skeletons": ["mnasnet"]},
            "cells": [{"operations_on": "nodes", "nodes": 2}]}),
            ),
            "skeleton \"mnasnet\" does not fit this space",
        ),
    ]
}

fn wrong_kinds() -> Wrong {
    vec![
        (json!({"name": "m"}), "nothing to search"),
        (json!({"name": "", "choices": []}), "name: space has 0 letters"),
        (json!({"name": "m", "choices": [{"name": "a", "options": [1]}], "stages": [{}]}), "different kinds"),
        (json!({"name": "m", "cells": [{"operations_on": "edges", "nodes": 2}]}), "operations: 0 operations"),
        (
            json!({"name": "m", "operations": operations(2), "rules": ["count(a) == 45"],
            "cells": [{"operations_on": "edges", "nodes": 8}]}),
            "they leave 0 of 5000 points drawn at random",
        ),
        (
            json!({"name": "m", "operations": operations(2),
            "cells": [{"names": ["a", "b", "c", "d", "e"], "operations_on": "edges", "nodes": 64}]}),
            "cells[0]: the cells have 10725 edges together, more than 10000",
        ),
        (
            json!({"name": "m", "operations": [{"name": "a", "params": -1.0}], "cells": []}),
            "nothing to search",
        ),
    ]
}

/// Each within a second, however large its numbers are.
#[test]
fn wrong_descriptions_say_where_and_why() {
    let kinds = [wrong_cells, wrong_choices, wrong_stages, wrong_rules, wrong_networks, wrong_kinds];
    for (value, expected) in kinds.into_iter().flat_map(|wrong| wrong()) {
        let start = Instant::now();
        let error = built(value.clone()).err().unwrap_or_else(|| panic!("{expected}: no error"));
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(
            start.elapsed() < Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 }),
            "{expected}"
        );
    }
}
