//! A cell in characters.

use std::fmt::Write;

use bonas_spaces::{Architecture, Cell, OpId, Role, Vocabulary};

use super::diagram::edges;
use super::layers::longest_paths;

/// Draws every cell of an architecture under its name; a cell without a name has its number.
pub fn cells_text(architecture: &Architecture, names: &[&str]) -> String {
    let cells = architecture.cells();
    let draw = |(i, cell): (usize, &Cell)| {
        let title = cell_title(names, i, cells.len());
        format!("{title}\n{}", cell_text(cell, architecture.vocabulary()))
    };
    cells.iter().enumerate().map(draw).collect::<Vec<_>>().join("\n")
}

/// What a cell is called: its name if it has one, else "cell" with its number if there are more.
pub fn cell_title(names: &[&str], i: usize, cells: usize) -> String {
    match names.get(i) {
        Some(name) => format!("{name} cell"),
        None if cells == 1 => "cell".to_owned(),
        None => format!("cell {i}"),
    }
}

/// Draws a cell: below each other its nodes, each with what comes in and through which operation.
///
/// ```text
///   2 ◀─┬─ sep_conv_3x3 ── input0
///       └─ skip_connect ── input1
/// ```
/// A node with an operation of its own has it in brackets.
pub fn cell_text(cell: &Cell, vocabulary: &Vocabulary) -> String {
    let edges = edges(cell);
    let names: Vec<String> =
        cell.graph().node_weights().enumerate().map(|(i, op)| node_name(*op, i, vocabulary)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for node in order(cell) {
        let incoming = edges.iter().filter(|edge| edge.to == node);
        let arms: Vec<String> = incoming.map(|edge| arm(edge.op, &names[edge.from], vocabulary)).collect();
        if arms.is_empty() {
            let _ = writeln!(text, "  {}", names[node]);
        }
        for (i, arm) in arms.iter().enumerate() {
            let name = if i == 0 { names[node].as_str() } else { "" };
            let _ = writeln!(text, "  {name:<width$}{}{arm}", fork(i, arms.len()));
        }
    }
    text
}

/// Node indices so that every edge goes down; the output last.
fn order(cell: &Cell) -> Vec<usize> {
    let n = cell.graph().node_count();
    let arrows: Vec<(usize, usize)> = edges(cell).iter().map(|edge| (edge.from, edge.to)).collect();
    let output = cell.output().index();
    let depth = longest_paths(n, &arrows, |node| node == output);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&node| (node == output, depth[node], node));
    order
}

/// What stands before the `i`-th of `n` arms.
fn fork(i: usize, n: usize) -> &'static str {
    match i {
        0 if n == 1 => " ◀───",
        0 => " ◀─┬─",
        _ if i + 1 == n => "   └─",
        _ => "   ├─",
    }
}

fn node_name(op: OpId, index: usize, vocabulary: &Vocabulary) -> String {
    match vocabulary.role(op) {
        Role::Input | Role::Output => vocabulary.name(op).to_owned(),
        Role::Plain => index.to_string(),
        _ => format!("{index} [{}]", vocabulary.name(op)),
    }
}

fn arm(op: OpId, from: &str, vocabulary: &Vocabulary) -> String {
    match vocabulary.role(op) {
        Role::Plain => format!("── {from}"),
        _ => format!(" {} ── {from}", vocabulary.name(op)),
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::darts::Darts;
    use bonas_spaces::families::nasbench101::NasBench101;
    use bonas_spaces::families::nasbench201::NasBench201;

    use super::*;
    use crate::drawing::cell_svg;

    fn drawn(space: &dyn SearchSpace, arch: &str) -> String {
        cells_text(&space.parse(arch).unwrap(), &["normal"])
    }

    #[test]
    fn operations_on_edges() {
        let text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|";
        let golden = "\
normal cell
  input
  1      ◀─── nor_conv_3x3 ── input
  2      ◀─┬─ none ── input
           └─ skip_connect ── 1
  output ◀─┬─ avg_pool_3x3 ── input
           ├─ none ── 1
           └─ nor_conv_1x1 ── 2
";
        assert_eq!(drawn(&NasBench201::new(), text), golden);
    }

    #[test]
    fn two_cells() {
        let text = drawn(&Darts::new(), "DARTS_V2");
        let golden = "\
normal cell
  input0
  input1
  2      ◀─┬─ sep_conv_3x3 ── input0
           └─ sep_conv_3x3 ── input1
  3      ◀─┬─ sep_conv_3x3 ── input0
           └─ sep_conv_3x3 ── input1
  4      ◀─┬─ skip_connect ── input0
           └─ sep_conv_3x3 ── input1
  5      ◀─┬─ skip_connect ── input0
           └─ dil_conv_3x3 ── 2
  output ◀─┬─── 2
           ├─── 3
           ├─── 4
           └─── 5

cell 1
";
        assert!(text.starts_with(golden), "{text}");
    }

    #[test]
    fn every_edge_is_in_both_drawings() {
        let space = NasBench101::new();
        let cell = space.sample(&mut bonas_study::rng::stream(1, &[]));
        let text = cells_text(&cell, &[]);
        let graph = cell.cells()[0].graph();
        assert_eq!(text.matches("── ").count(), graph.edge_count(), "{text}");
        let svg = cell_svg(&cell.cells()[0], space.vocabulary());
        assert_eq!(svg.matches("<rect").count(), graph.node_count(), "{svg}");
        assert_eq!(svg.matches("<path").count(), 2 * graph.edge_count());
    }
}
