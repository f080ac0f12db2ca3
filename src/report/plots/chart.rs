//! Charts: marks in a frame of two axes, as an SVG element of the page.
//!
//! A chart takes the width that it is given: its places along `x` are percentages, so that text keeps
//! its size on every screen. Colours are classes and variables of `style.css`, which knows light and
//! dark. The legend stands beside the element, and every mark that has something to say has a
//! `<title>`, which `script.js` shows.

use std::fmt::Write;

use super::Axis;
use crate::drawing::escape;

/// Units along `x` of the layer of lines, whatever the width of the chart.
const UNITS: f64 = 1000.0;
/// Pixels of a digit in a label, and between label and frame.
const DIGIT: f64 = 7.2;
const GAP: f64 = 14.0;

/// What a mark is painted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    /// The colour of a series by its number; from the ninth on, lines are dashed.
    Series(usize),
    /// The best so far.
    Best,
    /// What stands in the background.
    Faint,
    /// What failed.
    Failed,
    /// The colour of text.
    Ink,
    /// A colour between the ends of a scale, in `[0, 1]`.
    Shade(f64),
}

impl Paint {
    /// The attributes of an element of some class.
    fn attributes(self, class: &str) -> String {
        match self {
            Self::Series(i) => {
                let dashed = if i / SERIES % 2 == 1 { " dashed" } else { "" };
                format!("class=\"{class} s{}{dashed}\"", i % SERIES)
            }
            Self::Best => format!("class=\"{class} best\""),
            Self::Faint => format!("class=\"{class} faint\""),
            Self::Failed => format!("class=\"{class} failed\""),
            Self::Ink => format!("class=\"{class} ink\""),
            Self::Shade(at) => format!("class=\"{class} rim\" style=\"--c:{}\"", shade(at)),
        }
    }
}

/// Different colours of series in `style.css`.
const SERIES: usize = 8;

/// What a mark in the legend looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A stroke.
    Line,
    /// A filled circle.
    Point,
}

impl Shape {
    fn class(self) -> &'static str {
        match self {
            Self::Line => "key-line",
            Self::Point => "key-point",
        }
    }
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Left of the frame.
    Left,
    /// Right of the frame.
    Right,
    /// Inside, from its left.
    Inside,
}

/// A chart that is being drawn; what is drawn later lies above.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    label: String,
    x: Axis,
    y: Axis,
    height: f64,
    /// Pixels left and right of the frame.
    sides: (f64, f64),
    behind: String,
    lines: String,
    marks: String,
    legend: String,
}

impl Chart {
    /// An empty chart. `label` says what it shows to those who do not see it.
    pub(crate) fn new(label: &str, x: Axis, y: Axis, height: f64) -> Self {
        let left = GAP + DIGIT * y.widest() as f64;
        let empty = String::new;
        let label = label.to_owned();
        let sides = (left, 22.0);
        Self { label, x, y, height, sides, behind: empty(), lines: empty(), marks: empty(), legend: empty() }
    }

    /// The same with other room left and right of the frame, in pixels.
    pub(crate) fn with_sides(self, left: f64, right: f64) -> Self {
        Self { sides: (left, right), ..self }
    }

    /// Percentage of the width.
    fn at_x(&self, x: f64) -> f64 {
        100.0 * self.x.part(x)
    }

    /// Pixels from the top: values rise, rows run down.
    fn at_y(&self, y: f64) -> f64 {
        let part = self.y.part(y);
        self.height * if self.y.ticks.is_empty() { part } else { 1.0 - part }
    }

    /// A place in the layer of lines.
    fn place(&self, (x, y): (f64, f64)) -> String {
        format!("{:.1} {:.1}", UNITS * self.x.part(x), self.at_y(y))
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let places: Vec<String> = points.iter().map(|&point| self.place(point)).collect();
        format!("M{}", places.join("L"))
    }

    /// A vertical band behind everything.
    pub(crate) fn band(&mut self, from: f64, to: f64) {
        let (x, width, height) = (self.at_x(from), self.at_x(to) - self.at_x(from), self.height);
        let _ = writeln!(
            self.behind,
            "<rect class=\"band\" x=\"{x:.2}%\" y=\"0\" width=\"{width:.2}%\" height=\"{height}\"/>"
        );
    }

    /// A line through points.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], paint: Paint) {
        if !points.is_empty() {
            let path = self.path(points);
            let _ = writeln!(self.lines, "<path {} d=\"{path}\"/>", paint.attributes("line"));
        }
    }

    /// A filled outline.
    pub(crate) fn area(&mut self, outline: &[(f64, f64)], paint: Paint) {
        if !outline.is_empty() {
            let path = self.path(outline);
            let _ = writeln!(self.lines, "<path {} d=\"{path}Z\"/>", paint.attributes("area"));
        }
    }

    /// A thin line between two places.
    pub(crate) fn thin(&mut self, from: (f64, f64), to: (f64, f64), paint: Paint) {
        let path = self.path(&[from, to]);
        let _ = writeln!(self.lines, "<path {} d=\"{path}\"/>", paint.attributes("thin"));
    }

    /// A thick level line from a place on.
    pub(crate) fn bar(&mut self, from: (f64, f64), to: f64, paint: Paint) {
        let path = self.path(&[from, (to, from.1)]);
        let _ = writeln!(self.lines, "<path {} d=\"{path}\"/>", paint.attributes("bar"));
    }

    /// A rectangle of a heat map, from the left top to the right foot.
    pub(crate) fn tile(&mut self, from: (f64, f64), to: (f64, f64), shade_at: f64, hint: &str) {
        let (x, y) = (UNITS * self.x.part(from.0), self.at_y(from.1));
        let (width, height) = (UNITS * self.x.part(to.0) - x, self.at_y(to.1) - y);
        let _ = writeln!(
            self.lines,
            "<rect class=\"hit\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{}\"><title>{}</title></rect>",
            shade(shade_at),
            escape(hint)
        );
    }

    /// A point that says something.
    pub(crate) fn point(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint, hint: &str) {
        let (x, y) = (self.at_x(x), self.at_y(y));
        let _ = writeln!(
            self.marks,
            "<circle {} cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"{radius}\"><title>{}</title></circle>",
            paint.attributes("hit point"),
            escape(hint)
        );
    }

    /// A ring around a place.
    pub(crate) fn ring(&mut self, (x, y): (f64, f64), radius: f64, paint: Paint) {
        let (x, y) = (self.at_x(x), self.at_y(y));
        let _ = writeln!(
            self.marks,
            "<circle {} cx=\"{x:.2}%\" cy=\"{y:.1}\" r=\"{radius}\"/>",
            paint.attributes("ring")
        );
    }

    /// A short vertical stroke.
    pub(crate) fn stroke(&mut self, (x, y): (f64, f64), half: f64, paint: Paint, hint: &str) {
        let (x, y) = (self.at_x(x), self.at_y(y));
        let _ = writeln!(
            self.marks,
            "<line {} x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"{:.1}\" y2=\"{:.1}\"><title>{}</title></line>",
            paint.attributes("hit stroke"),
            y - half,
            y + half,
            escape(hint)
        );
    }

    /// A part of the width that says something wherever it is touched.
    pub(crate) fn column(&mut self, from: f64, to: f64, hint: &str) {
        let (from, to) = (self.at_x(from).max(0.0), self.at_x(to).min(100.0));
        let _ = writeln!(
            self.marks,
            "<rect class=\"hit column\" x=\"{from:.2}%\" y=\"0\" width=\"{:.2}%\" height=\"{}\"><title>{}</title></rect>",
            (to - from).max(0.0),
            self.height,
            escape(hint)
        );
    }

    /// A text beside a row, or at the left of it.
    pub(crate) fn text(&mut self, side: Side, y: f64, text: &str) {
        let y = self.at_y(y) + 4.0;
        let (place, anchor) = match side {
            Side::Left => ("x=\"-8\"", "end"),
            Side::Right => ("x=\"100%\" dx=\"8\"", "start"),
            Side::Inside => ("x=\"0\"", "start"),
        };
        let _ = writeln!(
            self.marks,
            "<text {place} y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    }

    /// An entry of the legend.
    pub(crate) fn key(&mut self, shape: Shape, paint: Paint, name: &str) {
        let mark = paint.attributes(&format!("key {}", shape.class()));
        let _ = writeln!(self.legend, "<li><i {mark}></i>{}</li>", escape(name));
    }

    /// A scale of shades in the legend, from its low end to its high one.
    pub(crate) fn scale(&mut self, name: &str, low: &str, high: &str) {
        let stops: Vec<String> = (0..=8).map(|i| shade(f64::from(i) / 8.0)).collect();
        let ramp =
            format!("<i class=\"ramp\" style=\"background:linear-gradient(90deg,{})\"></i>", stops.join(","));
        let _ = writeln!(
            self.legend,
            "<li class=\"scale\">{} <span>{} {ramp} {}</span></li>",
            escape(name),
            escape(low),
            escape(high)
        );
    }

    /// The chart as HTML: legend, titles of the axes and the SVG element.
    pub(crate) fn html(self) -> String {
        let legend = if self.legend.is_empty() {
            String::new()
        } else {
            format!("<ul class=\"legend\">\n{}</ul>\n", self.legend)
        };
        let title = |axis: &Axis, class: &str| {
            if axis.title.is_empty() {
                String::new()
            } else {
                format!("<p class=\"axis {class}\">{}</p>\n", escape(&axis.title))
            }
        };
        format!(
            "<div class=\"plot\">\n<div class=\"frame\">\n{}{}{}</div>\n{legend}</div>\n",
            title(&self.y, "axis-y"),
            self.svg(),
            title(&self.x, "axis-x")
        )
    }

    fn svg(&self) -> String {
        let (height, (left, right)) = (self.height, self.sides);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" tabindex=\"0\" aria-label=\"{}\" \
             style=\"--height:{height}px;--left:{left:.0}px;--right:{right:.0}px\">\n{}{}<svg class=\"lines\" \
             width=\"100%\" height=\"{height}\" viewBox=\"0 0 {UNITS} {height}\" \
             preserveAspectRatio=\"none\">\n{}</svg>\n{}</svg>\n",
            escape(&self.label),
            self.behind,
            self.grid(),
            self.lines,
            self.marks
        )
    }

    /// Lines and labels of the ticks. Every second label of `x` goes where there is little room.
    fn grid(&self) -> String {
        let mut grid = String::new();
        for &tick in &self.y.ticks {
            let (y, label) = (self.at_y(tick), self.y.label(tick));
            let _ = writeln!(
                grid,
                "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                y + 4.0
            );
        }
        for (i, &tick) in self.x.ticks.iter().enumerate() {
            let (x, label, foot) = (self.at_x(tick), self.x.label(tick), self.height + 18.0);
            let minor = if i % 2 == 1 && self.x.ticks.len() > 4 { " class=\"minor\"" } else { "" };
            let _ = writeln!(
                grid,
                "<line class=\"grid\" x1=\"{x:.2}%\" x2=\"{x:.2}%\" y1=\"0\" y2=\"{}\"/>\
                 <text{minor} x=\"{x:.2}%\" y=\"{foot}\" text-anchor=\"middle\">{label}</text>",
                self.height
            );
        }
        grid
    }
}

/// Dark violet over green to yellow (after viridis), for `t` in `[0, 1]`, as `#rrggbb`.
pub(crate) fn shade(t: f64) -> String {
    const STOPS: [(f64, f64, f64); 5] =
        [(68., 1., 84.), (59., 82., 139.), (33., 145., 140.), (94., 201., 98.), (240., 220., 40.)];
    let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
    let at = t * (STOPS.len() - 1) as f64;
    let i = (at as usize).min(STOPS.len() - 2);
    let (a, b, part) = (STOPS[i], STOPS[i + 1], at - i as f64);
    let mix = |a: f64, b: f64| (a + (b - a) * part).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        Chart::new("a <chart>", Axis::whole("query", 0.0..10.0), Axis::new("score", 0.0..1.0), 200.0)
    }

    #[test]
    fn places_along_x_are_percentages_and_along_y_pixels() {
        let mut chart = chart();
        chart.point((2.5, 0.25), 3.0, Paint::Series(9), "here & there");
        let html = chart.html();
        assert!(
            html.contains("<circle class=\"hit point s1 dashed\" cx=\"25.00%\" cy=\"150.0\" r=\"3\">"),
            "{html}"
        );
        assert!(
            html.contains("<title>here &amp; there</title>")
                && html.contains("aria-label=\"a &lt;chart&gt;\"")
        );
    }

    #[test]
    fn the_legend_stands_outside_of_the_drawing() {
        let mut chart = chart();
        chart.key(Shape::Line, Paint::Best, "best <so far>");
        let html = chart.html();
        let legend = html.find("<ul class=\"legend\">").unwrap();
        assert!(html.rfind("</svg>").unwrap() < legend && html.contains("best &lt;so far&gt;"));
    }

    #[test]
    fn rows_run_from_the_top() {
        let mut chart = Chart::new("rows", Axis::whole("epoch", 0.0..4.0), Axis::rows(2), 100.0);
        chart.tile((1.0, 0.0), (3.0, 1.0), 0.0, "tile");
        let html = chart.html();
        assert!(
            html.contains("x=\"250.0\" y=\"0.0\" width=\"500.0\" height=\"50.0\" fill=\"#440154\""),
            "{html}"
        );
    }

    #[test]
    fn nothing_is_drawn_of_no_points() {
        let mut chart = chart();
        chart.line(&[], Paint::Best);
        chart.area(&[], Paint::Best);
        assert!(!chart.html().contains("<path"));
    }

    #[test]
    fn shades_stay_in_range() {
        assert_eq!(shade(-1.0), "#440154");
        assert_eq!(shade(2.0), "#f0dc28");
        assert_eq!(shade(f64::NAN), "#440154");
    }
}
