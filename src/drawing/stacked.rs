//! All cells of an architecture in one picture.

use std::fmt::Write;

use bonas_spaces::{Architecture, Cell};

use super::svg::{cell_svg, escape};
use super::text::cell_title;

/// Height of a line of text, in pixels.
const LINE: f64 = 22.0;

/// Draws the cells of an architecture below each other in one SVG element, each under its name where there are several.
pub fn architecture_svg(architecture: &Architecture, names: &[&str]) -> String {
    let cells = architecture.cells();
    if let [cell] = cells {
        return cell_svg(cell, architecture.vocabulary());
    }
    let (mut inner, mut width, mut height) = (String::new(), 0.0_f64, 0.0);
    for (i, cell) in cells.iter().enumerate() {
        let title = escape(&cell_title(names, i, cells.len()));
        let baseline = height + LINE - 7.0;
        let _ = writeln!(
            inner,
            "<text x=\"8\" y=\"{baseline:.0}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#27313b\">{title}</text>"
        );
        let (drawn, size) = placed(cell, architecture, height + LINE);
        inner.push_str(&drawn);
        (width, height) = (width.max(size.0), height + LINE + size.1);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n{inner}</svg>\n"
    )
}

/// A cell as an element inside another, at a height; and its width and height.
fn placed(cell: &Cell, architecture: &Architecture, y: f64) -> (String, (f64, f64)) {
    let svg = cell_svg(cell, architecture.vocabulary());
    let size = (attribute(&svg, "width"), attribute(&svg, "height"));
    (svg.replacen("<svg ", &format!("<svg y=\"{y:.0}\" "), 1), size)
}

/// The first number of an attribute of this name.
fn attribute(svg: &str, name: &str) -> f64 {
    let value = svg.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.and_then(|(value, _)| value.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bonas_spaces::{Darts, NasBench201, SearchSpace};
    use bonas_study::rng::stream;

    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let space = Darts::new();
        let architecture = space.sample(&mut stream(1, &[]));
        let svg = architecture_svg(&architecture, space.cell_names());
        assert_eq!((svg.matches("<svg ").count(), svg.matches("</svg>").count()), (3, 3));
        let heights: f64 =
            architecture.cells().iter().map(|cell| placed(cell, &architecture, 0.0).1.1 + LINE).sum();
        assert!((attribute(&svg, "height") - heights).abs() < 1e-9);
        assert!(svg.contains(">normal cell<") && svg.contains(">reduction cell<"), "{svg}");
    }

    #[test]
    fn one_cell_is_drawn_by_itself() {
        let space = NasBench201::new();
        let architecture = space.sample(&mut stream(1, &[]));
        let alone = cell_svg(&architecture.cells()[0], architecture.vocabulary());
        assert_eq!(architecture_svg(&architecture, space.cell_names()), alone);
    }
}
