#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::*;
use crate::space::{SearchSpace, SpaceSize};
use crate::testing::check_space;

mod networks;
mod wrong;

fn built(value: Value) -> Result<DeclaredSpace, String> {
    let description: Description = serde_json::from_value(value).map_err(|error| error.to_string())?;
    DeclaredSpace::new(&description).map_err(|error| error.to_string())
}

fn declared(value: Value) -> DeclaredSpace {
    built(value).unwrap()
}

/// Operations a, b, .. without layers, and a skip and a zero at the end.
fn operations(count: u8) -> Value {
    let compute = (0..count).map(|i| json!({"name": char::from(b'a' + i).to_string()}));
    let all =
        compute.chain([json!({"name": "skip", "role": "identity"}), json!({"name": "none", "role": "zero"})]);
    all.collect()
}

fn cells(more: Value) -> Value {
    let mut space = json!({"name": "mine", "operations": operations(2)});
    if let (Some(space), Value::Object(more)) = (space.as_object_mut(), more) {
        space.extend(more);
    }
    space
}

/// One of each kind of space, with the number of points.
fn kinds() -> Vec<(Value, u128)> {
    let edges = |nodes: usize| json!({"operations_on": "edges", "nodes": nodes});
    let named = |mut cell: Value, name: &str| {
        cell["names"] = json!([name]);
        cell
    };
    let mut free = edges(3);
    free["sources"] = json!(2);
    free["output"] = json!("all");
    let mut two = free.clone();
    two["names"] = json!(["left", "right"]);
    let mut fixed = edges(2);
    fixed["edges"] = json!([[0, 1], [0, 2], [2, 3], [1, 3]]);
    let nodes = json!({"operations_on": "nodes", "nodes": 3});
    let free_nodes = json!({"operations_on": "nodes", "nodes": 3, "sources": [1, 2, 2], "output": "all"});
    let pruned = json!({"operations_on": "nodes", "nodes": 3, "sources": [1, 1, 2, 2], "prune": true});
    let conditional = json!({"name": "mine", "choices": [
        {"name": "kind", "options": ["conv", "pool"]},
        {"name": "kernel", "options": [3, 5, 7], "ordinal": true, "if": "kind == 'conv'"},
        {"name": "groups", "range": [1, 4], "if": "kernel in [5, 7]"},
        {"name": "bias", "options": [true, false]},
        {"name": "rate", "options": [0.5, 1.5], "if": "bias"},
    ]});
    let layered = json!({"name": "mine", "stages": [
        {"count": 2, "depth": [1, 3], "choices": [
            {"name": "width", "options": [16, 32]},
            {"name": "op", "options": ["a", "b-2"], "each_layer": true},
            {"name": "k", "options": [3, 5], "each_layer": true, "if": "op == 'a' and width == 16"},
        ]},
        {"depth": 2, "choices": [{"name": "op", "options": ["a", "c"], "each_layer": true}]},
    ]});
    // Per stage with width 32: Σ 2^d, with 16: Σ 3^d.
    let stage = (2 + 4 + 8) + (3 + 9 + 27);
    vec![
        (cells(json!({"cells": [edges(1)]})), 64),
        (cells(json!({"cells": [edges(2)], "same": "text"})), 4096),
        (cells(json!({"cells": [edges(2)], "same": "expression", "shuffle": 7})), 4096),
        (cells(json!({"cells": [fixed]})), 256),
        (cells(json!({"inputs": 2, "cells": [free.clone()]})), 16 * 48 * 96),
        (cells(json!({"inputs": 2, "cells": [two], "text": "genotype"})), (16 * 48 * 96_u128).pow(2)),
        (cells(json!({"inputs": 2, "cells": [named(edges(1), "a"), named(edges(0), "b")]})), 1024 * 16),
        (cells(json!({"cells": [nodes.clone()]})), 64),
        (cells(json!({"inputs": 2, "cells": [free_nodes.clone()]})), 2 * 3 * 6 * 64),
        (cells(json!({"cells": [pruned]})), 0),
        (conditional, 0),
        (layered, stage * stage * 4),
        (
            json!({"name": "one", "operations": [{"name": "x"}],
            "cells": [{"operations_on": "edges", "nodes": 1}]}),
            1,
        ),
        (json!({"name": "one", "choices": [{"name": "only", "options": ["x"]}]}), 1),
    ]
}

#[test]
fn every_kind_of_space_keeps_the_contract() {
    for (value, points) in kinds() {
        let space = declared(value.clone());
        check_space(&space, 3, 12).unwrap_or_else(|broken| panic!("{value}: {broken}"));
        if points > 0 {
            assert_eq!(space.points(), points, "{value}");
        }
        if let (Some(all), SpaceSize::Unique(size)) = (space.enumerate(), space.size()) {
            assert_eq!(all.map(|a| a.key()).collect::<HashSet<_>>().len() as u128, size, "{value}");
        }
    }
}

#[test]
fn rules_leave_what_keeps_them() {
    for (value, _) in kinds() {
        let all = declared(value.clone());
        let mut ruled = value.clone();
        let depth = if value["cells"].is_array() { "depth >= 1" } else { "macs <= 0" };
        ruled["rules"] = json!([depth, "params + macs == 0"]);
        if all.vocabulary().ops().len() == 1 {
            continue;
        }
        let ruled = declared(ruled);
        check_space(&ruled, 4, 6).unwrap_or_else(|broken| panic!("{value}: {broken}"));
        let Some(list) = all.enumerate().filter(|_| all.points() < 5000) else { continue };
        let kept = list.filter(|architecture| ruled.check(architecture).is_ok());
        let kept: HashSet<_> = kept.map(|architecture| architecture.key()).collect();
        let listed: HashSet<_> = ruled.enumerate().unwrap().map(|architecture| architecture.key()).collect();
        assert_eq!(kept, listed, "{value}");
        assert_eq!(ruled.size(), SpaceSize::Unique(kept.len() as u128));
    }
}

/// The statistic of Pearson's test that draws are uniform over the points, and its degrees of freedom.
fn chi_square(space: &DeclaredSpace, draws: usize) -> (f64, usize) {
    // A key has as many points as it is listed.
    let mut weights: BTreeMap<_, f64> = BTreeMap::new();
    space.enumerate().unwrap().for_each(|a| *weights.entry(a.key()).or_default() += 1.0);
    let points: f64 = weights.values().sum();
    let mut counts: BTreeMap<_, f64> = weights.keys().map(|key| (*key, 0.0)).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..draws {
        *counts.get_mut(&space.sample(&mut rng).key()).unwrap() += 1.0;
    }
    let term = |(key, weight): (&_, &f64)| {
        let expected = draws as f64 * weight / points;
        (counts[key] - expected).powi(2) / expected
    };
    (weights.iter().map(term).sum(), weights.len() - 1)
}

/// χ² with n degrees of freedom has mean n and variance 2n; beyond five deviations it has probability below 10⁻⁵.
#[test]
fn samples_are_uniform() {
    let free = json!({"operations_on": "edges", "nodes": 2, "sources": 2, "output": "all"});
    let rule = |value: Value, rule: &str| {
        let mut value = value;
        value["rules"] = json!([rule]);
        value
    };
    let conditional = kinds()[10].0.clone();
    let spaces = [
        (cells(json!({"cells": [{"operations_on": "edges", "nodes": 1}]})), 64),
        (cells(json!({"inputs": 2, "operations": [{"name": "a"}, {"name": "b"}], "cells": [free]})), 48),
        (conditional.clone(), 0),
        (rule(conditional, "kind == 'conv' or rate > 1"), 0),
        (
            rule(
                cells(json!({"cells": [{"operations_on": "nodes", "nodes": 3}]})),
                "count(a) == 3 or count(none) == 3",
            ),
            2,
        ),
        (
            json!({"name": "m", "stages": [{"depth": [1, 3], "choices": [
            {"name": "op", "options": ["a", "b", "c"], "each_layer": true}]}]}),
            39,
        ),
    ];
    for (value, points) in spaces {
        let space = declared(value.clone());
        let listed = space.enumerate().unwrap().count();
        assert!(points == 0 || listed == points, "{value}: {listed}");
        let (statistic, freedom) = chi_square(&space, 200 * listed);
        let freedom = freedom as f64;
        let beyond = (statistic - freedom) / (2.0 * freedom).sqrt();
        assert!(beyond.abs() < 5.0, "{value}: {statistic} for {freedom}");
    }
}

#[test]
fn conditional_choices_are_counted_and_written() {
    let space = declared(kinds()[10].0.clone());
    // pool: 1; conv: kernel 3: 1, 5 and 7: 4 groups each. bias: true with 2 rates, or false.
    assert_eq!(space.size(), SpaceSize::Unique((1 + 1 + 8) * 3));
    let text = "kind=conv,kernel=5,groups=2,bias=true,rate=0.5";
    let architecture = space.parse(text).unwrap();
    assert_eq!(space.format(&architecture).unwrap(), text);
    assert_eq!(space.parse("bias=true, rate=0.5, groups=2, kernel=5, kind=conv").unwrap(), architecture);
    let near: Vec<String> =
        space.neighbours(&architecture).unwrap().iter().map(|a| space.format(a).unwrap()).collect();
    // Kernel and groups are in order: 3 (without groups), 7, 1, 3 (not 4); kind; bias; rate.
    assert_eq!(near.len(), 7, "{near:?}");
    assert!(near.contains(&"kind=pool,bias=true,rate=0.5".to_owned()), "{near:?}");
    assert!(near.contains(&"kind=conv,kernel=3,bias=true,rate=0.5".to_owned()), "{near:?}");
    for (text, reason) in [
        ("kind=pool,kernel=3,bias=false", "choice kernel does not exist here"),
        ("kind=conv,bias=false", "choice kernel is missing"),
        ("kind=conv,kernel=4,bias=false", "unknown option of kernel `4`"),
        ("kind=conv,kernl=3,bias=false", "did you mean `kernel`?"),
        ("kind=conv,kernel=3,kernel=3,bias=false", "there twice"),
        ("kind", "must be name=option"),
        ("a;b", "2 stages given, expected 1"),
    ] {
        let error = space.parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn names_come_back_or_are_refused() {
    let one = |name: &str| {
        built(json!({"name": "m", "operations": [{"name": name}, {"name": "other"}],
            "cells": [{"operations_on": "edges", "nodes": 1}]}))
    };
    for name in ["conv_3x3", "größe", "操作", "a-b.c*d/e^f%g#h@i=j", "1", "-"] {
        let space = one(name).unwrap();
        check_space(&space, 1, 8).unwrap_or_else(|broken| panic!("{name}: {broken}"));
    }
    for name in [
        "",
        "a b",
        "a,b",
        "a\"b",
        "a'b",
        "a|b",
        "a~b",
        "a+b",
        "a;b",
        "a:b",
        "(a)",
        "[a]",
        "{a}",
        "a\nb",
        "a\u{301}",
        "a\u{200b}",
        "a`",
    ] {
        let error = one(name).unwrap_err();
        assert!(error.starts_with("operations[0].name: "), "{name:?}: {error}");
    }
    for name in ["input", "output", "plain"] {
        assert!(one(name).unwrap_err().contains("the name of a node or wire"), "{name}");
    }
    assert!(one("other").unwrap_err().contains("operations[1].name: operation \"other\" is there twice"));
    assert!(one(&"x".repeat(200)).unwrap_err().contains("200 letters, expected 1 to 129"));
    let genotype = |name: &str| {
        built(json!({"name": "m", "text": "genotype", "operations": [{"name": name}],
            "cells": [{"names": ["c"], "operations_on": "edges", "nodes": 2, "output": "all"}]}))
    };
    check_space(&genotype("größe=2/操作").unwrap(), 1, 4).unwrap();
    for (a, b) in [("x", "x-1"), ("1", "11"), ("true", "false"), ("-", "--")] {
        let space = declared(
            json!({"name": "m", "choices": [{"name": "c", "options": [a, b]}, {"name": "d", "options": [a, b]}]}),
        );
        check_space(&space, 1, 8).unwrap();
    }
}

#[test]
fn rules_see_depth_costs_and_choices() {
    let space = declared(json!({
        "name": "m",
        "operations": [{"name": "big", "params": 100.0, "macs": 7.0}, {"name": "small", "params": 1.0}, {"name": "skip", "role": "identity"}],
        "cells": [{"operations_on": "edges", "nodes": 1}],
        "rules": ["params <= 150", "depth == 2 or macs == 0"],
    }));
    for (text, broken) in [
        ("|big~0|+|small~0|small~1|", None),
        ("|big~0|+|small~0|big~1|", Some("params <= 150")),
        ("|small~0|+|big~0|skip~1|", Some("depth == 2 or macs == 0")),
        ("|small~0|+|small~0|skip~1|", None),
    ] {
        let read = space.parse(text);
        assert_eq!(read.is_ok(), broken.is_none(), "{text}");
        if let Some(rule) = broken {
            assert!(read.unwrap_err().to_string().contains(rule));
        }
    }
    let chain = declared(
        json!({"name": "m", "stages": [{"count": 2, "depth": [1, 4], "choices": [{"name": "w", "options": [1, 2]}]}],
        "rules": ["stage0.depth <= stage1.depth", "stage1.w >= stage0.w"]}),
    );
    assert_eq!(chain.size(), SpaceSize::Unique(10 * 3));
    check_space(&chain, 1, 10).unwrap();
    let one = declared(
        json!({"name": "m", "stages": [{"depth": [1, 4], "choices": [{"name": "w", "options": [1, 2]}]}],
        "rules": ["depth == 2"]}),
    );
    assert_eq!(one.size(), SpaceSize::Unique(2));
}

/// A comparison with a choice that does not exist is false, in every form.
#[test]
fn choices_that_do_not_exist_keep_no_rule() {
    for (rule, left) in [("e != 2", 1), ("e not in [2]", 1), ("e in [2, 4]", 2), ("not e == 2", 2)] {
        let space =
            declared(json!({"name": "m", "rules": [rule], "choices": [{"name": "b", "options": ["p", "q"]},
            {"name": "e", "options": [2, 4], "if": "b == 'q'"}]}));
        assert_eq!(space.size(), SpaceSize::Unique(left), "{rule}");
    }
}

#[test]
fn options_have_costs_by_the_operation_of_their_name() {
    let space = declared(json!({
        "name": "m",
        "operations": [{"name": "kernel=5", "params": 25.0}, {"name": "mb", "params": 3.0, "macs": 2.0}],
        "choices": [{"name": "kernel", "options": [3, 5]}, {"name": "op", "options": ["mb", "conv"]}],
        "rules": ["params <= 25"],
    }));
    assert_eq!(space.size(), SpaceSize::Unique(3));
    let error = space.parse("kernel=5,op=mb").unwrap_err().to_string();
    assert!(error.contains("it breaks the rule \"params <= 25\""), "{error}");
    let names: Vec<&str> = space.vocabulary().ops().map(|op| space.vocabulary().name(op)).collect();
    assert_eq!(names, ["kernel=5", "mb", "kernel=3", "op=conv"]);
}

#[test]
fn equal_descriptions_are_interchangeable() {
    let value = kinds()[4].0.clone();
    let (one, other) = (declared(value.clone()), declared(value.clone()));
    let architecture = one.sample(&mut ChaCha8Rng::seed_from_u64(1));
    other.check(&architecture).unwrap();
    // Another vocabulary under the same name is another space.
    let mut renamed = value;
    renamed["operations"][0]["name"] = json!("c");
    let error = declared(renamed).check(&architecture).unwrap_err().to_string();
    assert!(error.contains("its operations differ"), "{error}");
}

#[test]
fn descriptions_come_back_from_their_serialised_form() {
    for (value, _) in kinds() {
        let description: Description = serde_json::from_value(value).unwrap();
        let text = serde_json::to_string(&description).unwrap();
        assert_eq!(serde_json::from_str::<Description>(&text).unwrap(), description);
    }
}

#[test]
fn integer_choices_may_have_many_options() {
    let space = declared(json!({"name": "m", "choices": [
        {"name": "a", "range": [-500, 499]}, {"name": "b", "range": [0, 1000], "step": 5}]}));
    assert_eq!(space.size(), SpaceSize::Unique(1000 * 201));
    let architecture = space.parse("a=-77,b=995").unwrap();
    let near: Vec<String> =
        space.neighbours(&architecture).unwrap().iter().map(|a| space.format(a).unwrap()).collect();
    for text in ["a=-78,b=995", "a=-76,b=995", "a=-77,b=990", "a=-77,b=1000"] {
        assert!(near.contains(&text.to_owned()), "{near:?}");
    }
    assert_eq!(near.len(), 4);
    // Every chain has a key of its own, also where an operation has a number of two bytes.
    let keys: HashSet<_> = (-500..500).map(|a| space.parse(&format!("a={a},b=5")).unwrap().key()).collect();
    assert_eq!(keys.len(), 1000);
    check_space(&space, 1, 3).unwrap();
    let large =
        json!({"name": "m", "operations": operations(2), "cells": [{"operations_on": "edges", "nodes": 40}]});
    assert_eq!(declared(large).size().to_string(), "more than 10^38");
}
