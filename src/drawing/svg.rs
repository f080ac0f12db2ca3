//! A cell as an SVG element.

use std::fmt::Write;

use bonas_spaces::{Cell, Vocabulary};

use super::diagram::{Diagram, Item, Kind};
use super::layers::{Placement, place};

/// Fill and border of inputs, output and joining nodes in light surroundings. Each element has a class
/// too, by which a page chooses its own colours.
const INPUT: (&str, &str) = ("#e2f2e4", "#3f9142");
const OUTPUT: (&str, &str) = ("#fdf0d5", "#d9961a");
const NODE: (&str, &str) = ("#e3eefa", "#1f6fb4");
/// Fill and border of operations, by their place in the vocabulary.
const OPS: [(&str, &str); 8] = [
    ("#f4ecf8", "#8e44ad"),
    ("#f1f3f5", "#6c7a89"),
    ("#fdeae4", "#d4572a"),
    ("#e2f5f3", "#138d80"),
    ("#fbe9f0", "#c2407c"),
    ("#eeeafb", "#5b4bc4"),
    ("#f3f6dc", "#7f8c16"),
    ("#fff4e0", "#b9770e"),
];
const BOX_HEIGHT: f64 = 28.0;
const COLUMN_GAP: f64 = 38.0;
const MARGIN: f64 = 8.0;
/// Size of the labels' font in pixels, the smallest that is still read with ease, and the width of a
/// character.
const FONT: f64 = 13.0;
const SMALLEST: f64 = 11.5;
const CHARACTER: f64 = 7.9;

/// Draws a cell from left to right: inputs green, joining nodes round, operations as boxes.
/// `none` is left out. The element shrinks with its container as far as its text stays legible.
pub fn cell_svg(cell: &Cell, vocabulary: &Vocabulary) -> String {
    let diagram = Diagram::of(cell, vocabulary);
    let output = |v: usize| diagram.items[v].kind == Kind::Output;
    let placement = place(diagram.items.len(), &diagram.arrows, output);
    Canvas::new(&diagram, &placement).draw()
}

/// Escapes text for HTML and SVG, quotes included.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Control characters are not allowed in either.
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

struct Canvas<'a> {
    diagram: &'a Diagram,
    placement: &'a Placement,
    /// Middle of each column.
    columns: Vec<f64>,
    /// Width of each column.
    widths: Vec<f64>,
}

impl<'a> Canvas<'a> {
    fn new(diagram: &'a Diagram, placement: &'a Placement) -> Self {
        let mut widths = vec![0.0_f64; placement.columns];
        for (item, &column) in diagram.items.iter().zip(&placement.column) {
            widths[column] = widths[column].max(width(item));
        }
        let mut x = MARGIN;
        let columns = widths.iter().map(|w| {
            let middle = x + w / 2.0;
            x += w + COLUMN_GAP;
            middle
        });
        Self { diagram, placement, columns: columns.collect(), widths }
    }

    fn draw(&self) -> String {
        let heights = self.placement.height.iter().chain(self.placement.bends.iter().flatten());
        let (top, bottom) = heights.fold((0.0_f64, 0.0_f64), |(a, b), &h| (a.min(h), b.max(h)));
        let (top, bottom) = (top - BOX_HEIGHT / 2.0 - MARGIN, bottom + BOX_HEIGHT / 2.0 + MARGIN);
        let right = self.columns.last().zip(self.widths.last()).map_or(0.0, |(x, w)| x + w / 2.0) + MARGIN;
        let size = format!("width=\"{right:.0}\" height=\"{:.0}\"", bottom - top);
        let view = format!("viewBox=\"0 {top:.1} {right:.1} {:.1}\"", bottom - top);
        let least = format!("style=\"min-width:{:.0}px\"", (right * SMALLEST / FONT).ceil());
        let font = format!("font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"{FONT}\"");
        let mut svg =
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {size} {view} {least} role=\"img\" {font}>\n");
        for (arrow, bends) in self.diagram.arrows.iter().zip(&self.placement.bends) {
            self.arrow(&mut svg, *arrow, bends);
        }
        for (node, item) in self.diagram.items.iter().enumerate() {
            self.item(&mut svg, node, item);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn at(&self, node: usize) -> (f64, f64) {
        (self.columns[self.placement.column[node]], self.placement.height[node])
    }

    /// A curve from the right of one box through the bends to the left of another, with a head.
    fn arrow(&self, svg: &mut String, (from, to): (usize, usize), bends: &[f64]) {
        let (start, end) = (self.at(from), self.at(to));
        let mut point = (start.0 + width(&self.diagram.items[from]) / 2.0, start.1);
        let tip = end.0 - width(&self.diagram.items[to]) / 2.0;
        let mut path = format!("M{:.1} {:.1}", point.0, point.1);
        let first = self.placement.column[from] + 1;
        for (column, &y) in (first..).zip(bends) {
            // A passing edge stays level over the width of the column's boxes.
            let half = self.widths[column] / 2.0;
            curve(&mut path, point, (self.columns[column] - half, y));
            point = (self.columns[column] + half, y);
            let _ = write!(path, " H{:.1}", point.0);
        }
        curve(&mut path, point, (tip - 6.0, end.1));
        let _ = writeln!(
            svg,
            "<path class=\"arrow\" d=\"{path}\" fill=\"none\" stroke=\"#7b8794\" stroke-width=\"1.3\"/>"
        );
        let (back, y) = (tip - 7.0, end.1);
        let head = format!("M{tip:.1} {y:.1} L{back:.1} {:.1} L{back:.1} {:.1} Z", y - 3.6, y + 3.6);
        let _ = writeln!(svg, "<path class=\"tip-of-arrow\" d=\"{head}\" fill=\"#7b8794\"/>");
    }

    fn item(&self, svg: &mut String, node: usize, item: &Item) {
        let ((x, y), w, h) = (self.at(node), width(item), BOX_HEIGHT);
        let (class, (fill, border)) = match item.kind {
            Kind::Input => ("input".to_owned(), INPUT),
            Kind::Output => ("output".to_owned(), OUTPUT),
            Kind::Node => ("node".to_owned(), NODE),
            Kind::Op(i) => (format!("op{}", i % OPS.len()), OPS[i % OPS.len()]),
        };
        let round = if matches!(item.kind, Kind::Op(_)) { 4.0 } else { h / 2.0 };
        let place =
            format!("x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{h}\"", x - w / 2.0, y - h / 2.0);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" {place} rx=\"{round}\" fill=\"{fill}\" stroke=\"{border}\" stroke-width=\"1.3\"/>"
        );
        let label = escape(&item.label);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#27313b\">{label}</text>",
            y + 4.5
        );
    }
}

fn width(item: &Item) -> f64 {
    let text = CHARACTER * item.label.chars().count() as f64;
    if item.kind == Kind::Node { (text + 12.0).max(BOX_HEIGHT) } else { text + 18.0 }
}

/// Goes on to a point, level at both ends.
fn curve(path: &mut String, from: (f64, f64), to: (f64, f64)) {
    let middle = f64::midpoint(from.0, to.0);
    let _ = write!(path, " C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}", from.1, to.1, to.0, to.1);
}
