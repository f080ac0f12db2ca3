//! Recipes that are read, and what is said of broken ones.

use std::fmt::Write;

use super::*;

#[test]
fn recipes_print_as_the_benchmark_writes_them() {
    let space = NasBenchNlp::new();
    let text = r#"{"node_0":{"op":"linear","input":["x","h_prev_0"]},"node_1":{"op":"activation_sigm","input":["node_0"]},"node_2":{"op":"linear","input":["node_1","x"]},"h_new_0":{"op":"blend","input":["node_1","node_0","node_2"]}}"#;
    assert_eq!(space.format(&space.parse(text).unwrap()).unwrap(), text);
    let gru = space.parse("GRU").unwrap();
    assert_eq!(space.format_as(&gru, "name").unwrap(), "gru");
    assert_eq!(space.parse(&space.format(&gru).unwrap()).unwrap(), gru);
    let drawn = space.sample(&mut rng(2));
    assert!(space.format_as(&drawn, "name").unwrap_err().to_string().contains("no hand-made cell"));
}

/// Python's quotes, names of one's own, operations spelt otherwise, nodes before those that they read, dead nodes.
#[test]
fn recipes_are_read_as_people_write_them() {
    let text = "recepie = {'out': {'op': 'tanh', 'inputs': ['sum']},
        'dead': {'op': 'linear', 'input': ['x', 'h_prev_0']},
        'sum': {'op': 'linear', 'input': ('h_prev_0', 'x')},  # first
        'h_new_0': {'op': 'elementwise_sum', 'input': ['out', 'sum']}}";
    let read = cell(text);
    assert_eq!(read.nodes().len(), 3);
    let plain = r#"{"a":{"op":"linear","input":["x","h_prev_0"]},"b":{"op":"activation_tanh","input":["a"]},
                    "h_new_0":{"op":"elementwise_sum","input":["a","b"]}}"#;
    let space = NasBenchNlp::new();
    assert_eq!(space.architecture(&read), space.parse(plain).unwrap());
}

#[test]
fn broken_recipes_are_refused_with_the_reason() {
    let f = r#""f":{"op":"linear","input":["x","h_prev_0"]}"#;
    let t = r#""h_new_0":{"op":"tanh","input":["f"]}"#;
    let with = |more: &str| format!("{{{f},{t},{more}}}");
    let cases = [
        ("{}".to_owned(), "no \"h_new_0\""),
        (format!("{{{f}}}"), "no \"h_new_0\""),
        (format!("{{{f},\"h_new_0\":{{\"op\":\"relu\",\"input\":[\"f\"]}}}}"), "unknown operation \"relu\""),
        (format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\"}}}}"), "node \"h_new_0\" has no \"input\""),
        (format!("{{{f},\"h_new_0\":{{\"input\":[\"f\"]}}}}"), "node \"h_new_0\" has no \"op\""),
        (format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\",\"input\":[\"g\"]}}}}"), "there is no node \"g\""),
        (
            format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\",\"input\":\"f\"}}}}"),
            "expected a list of inputs, found \"f\"",
        ),
        (
            format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\",\"input\":[1]}}}}"),
            "expected the name of an input, found 1",
        ),
        (
            format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\",\"input\":[\"f\",\"f\"]}}}}"),
            "takes 1 inputs, 2 given",
        ),
        (format!("{{{f},\"h_new_0\":{{\"op\":\"sum\",\"input\":[\"f\",\"f\"]}}}}"), "reads an input twice"),
        (format!("{{{f},\"h_new_0\":{{\"op\":\"sum\",\"input\":[\"f\",\"x\"]}}}}"), "only linear can"),
        (
            format!("{{{f},\"h_new_0\":{{\"op\":\"tanh\",\"input\":[\"f\"],\"bias\":1}}}}"),
            "has a key \"bias\"",
        ),
        (format!("{{{f},\"h_new_0\":[\"tanh\",\"f\"]}}"), "expected a pair of key and value"),
        (format!("{{{f},{f},{t}}}"), "node \"f\" stands there twice"),
        (with(r#""h_new_2":{"op":"sigm","input":["f"]}"#), "\"h_new_1\" is missing"),
        (with(r#""h_new_1":{"op":"sigm","input":["f"]}"#), "reads h_prev_1; leave h_new_1 out"),
        (with(r#""x":{"op":"sigm","input":["f"]}"#), "\"x\" is an input of the cell"),
        (with(r#""h_prev_1":{"op":"sigm","input":["f"]}"#), "\"h_prev_1\" is an input of the cell"),
        (with(r#""g":{"op":"sigm","input":["h_prev_1"]}"#), "there is no \"h_new_1\""),
        (format!("{{\"f\":{{\"op\":\"linear\",\"input\":[\"h_prev_0\"]}},{t}}}"), "reads x"),
        (format!("{{\"f\":{{\"op\":\"linear\",\"input\":[\"x\"]}},{t}}}"), "reads h_prev_0"),
        (
            r#"{"a":{"op":"linear","input":["x","b"]},"b":{"op":"tanh","input":["a"]},
                "h_new_0":{"op":"linear","input":["b","h_prev_0"]}}"#
                .to_owned(),
            "node \"a\" reads its own result",
        ),
        (format!("{{{f},{t}"), "line 1"),
        ("lstms".to_owned(), "nor is it in another notation"),
    ];
    let space = NasBenchNlp::new();
    for (text, reason) in cases {
        let error = space.parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}\n{error}");
    }
    let states: Vec<String> = (0..4)
        .map(|i| format!(r#""l{i}":{{"op":"linear","input":["x","h_prev_{i}"]}},"h_new_{i}":{{"op":"tanh","input":["l{i}"]}}"#))
        .collect();
    let error = space.parse(&format!("{{{}}}", states.join(","))).unwrap_err().to_string();
    assert!(error.contains("4 new states, expected 1 to 3"), "{error}");
}

/// The largest cells that there are, whose products grow fast, are told apart in no time.
#[test]
fn a_cell_of_products_of_products_has_a_key() {
    let mut text = String::from(
        r#"{"n0":{"op":"linear","input":["x","h_prev_0"]},"n1":{"op":"sum","input":["n0","h_prev_0"]}"#,
    );
    for at in 2..24 {
        let op = if at % 2 == 0 { "prod" } else { "sum" };
        let _ = write!(text, r#","n{at}":{{"op":"{op}","input":["n{}","n{}"]}}"#, at - 1, at - 2);
    }
    let whole = text.clone() + r#","h_new_0":{"op":"tanh","input":["n23"]}}"#;
    assert_eq!(cell(&whole).nodes().len(), 25);
    let space = NasBenchNlp::new();
    let other = text + r#","h_new_0":{"op":"tanh","input":["n22"]}}"#;
    assert_ne!(space.parse(&whole).unwrap(), space.parse(&other).unwrap());
    let error = space
        .parse(&whole.replace(r#""input":["n23"]"#, r#""input":["m"]}, "m":{"op":"tanh","input":["n23"]"#));
    assert!(error.unwrap_err().to_string().contains("26 nodes lead to a state; at most 25"));
}
