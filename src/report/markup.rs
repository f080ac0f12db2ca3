//! What pages are made of: head and foot, sections, figures, tables, lists of facts.
//!
//! Every function here takes text and escapes it, but for a `body`, which is HTML.

use std::fmt::Write;

use crate::drawing::escape;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// How a page begins, up to its first section: its style, its title, a sentence or two below it as
/// HTML.
pub(crate) fn head(title: &str, lead: &str) -> String {
    let title = escape(title);
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    let _ = writeln!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
    let _ = writeln!(page, "<meta name=\"color-scheme\" content=\"light dark\"/>");
    let _ =
        writeln!(page, "<title>{title} · bonas</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>");
    let _ = writeln!(page, "<h1>{title}</h1>\n<p class=\"lead\">{lead}</p>");
    page
}

/// How a page ends: its script makes tables sortable and shows the values of charts.
pub(crate) fn foot() -> String {
    format!("</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
}

/// A card of the page.
pub(crate) fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(title))
}

/// A plot with its caption; nothing without a plot.
pub(crate) fn figure(id: &str, plot: Option<String>, caption: &str) -> String {
    plot.map_or_else(String::new, |plot| {
        format!("<figure id=\"{id}\">\n{plot}<figcaption>{}</figcaption>\n</figure>\n", escape(caption))
    })
}

/// Figures beside each other where there is room.
pub(crate) fn pair(figures: &str) -> String {
    format!("<div class=\"pair\">\n{figures}</div>\n")
}

/// What is wider than a small screen, in a box that scrolls by itself.
pub(crate) fn scroll(label: &str, body: &str) -> String {
    format!(
        "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{}\">\n{body}</div>\n",
        escape(label)
    )
}

/// A table; `class` tells it apart from others, `label` names it.
pub(crate) fn table(
    class: &str,
    label: &str,
    heads: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let column = |name: &&str| format!("<th scope=\"col\">{}</th>", escape(name));
    let cell = |text: &String| format!("<td>{}</td>", escape(text));
    let head: String = heads.iter().map(column).collect();
    let mut table = format!("<table class=\"{class}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n");
    for row in rows {
        let cells: String = row.iter().map(cell).collect();
        let _ = writeln!(table, "<tr>{cells}</tr>");
    }
    scroll(label, &format!("{table}</tbody>\n</table>\n"))
}

/// A remark in small letters.
pub(crate) fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

/// A remark that must not be missed.
pub(crate) fn warning(text: &str) -> String {
    format!("<p class=\"warning\">{}</p>\n", escape(text))
}

/// Names and values, one a line; nothing without any.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let row = |(name, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value));
    let rows: String = facts.into_iter().map(row).collect();
    if rows.is_empty() { rows } else { format!("<dl>\n{rows}</dl>\n") }
}

/// Large figures with what they are, side by side.
pub(crate) fn tiles(tiles: &[(String, String)]) -> String {
    let tile = |(value, label): &(String, String)| {
        format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escape(value), escape(label))
    };
    format!("<div class=\"tiles\">\n{}</div>\n", tiles.iter().map(tile).collect::<String>())
}

/// Text that is folded away until it is asked for.
pub(crate) fn folded(title: &str, body: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n{body}</details>\n", escape(title))
}

/// A configuration, folded away.
pub(crate) fn configuration(text: &str) -> String {
    section(
        "Configuration",
        &folded("Every key and its value", &format!("<pre tabindex=\"0\">{}</pre>\n", escape(text))),
    )
}

/// What stands where a value is missing.
pub(crate) fn dash() -> String {
    "–".to_owned()
}

/// A value, or a dash.
pub(crate) fn known(value: Option<f64>) -> String {
    value.map_or_else(dash, number)
}

/// A value with four decimals below 1,000, two below 100,000, and none above, in groups of three.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size < 1e3 || !size.is_finite() => format!("{value:.4}"),
        size if size < 1e4 => format!("{value:.2}"),
        size => {
            let places = if size < 1e5 && size.fract() > 0.0 { 2 } else { 0 };
            let digits = format!("{size:.places$}");
            let (whole, fraction) = digits.split_once('.').map_or((&*digits, None), |(w, f)| (w, Some(f)));
            let sign = if value < 0.0 { "-" } else { "" };
            let fraction = fraction.map_or_else(String::new, |fraction| format!(".{fraction}"));
            format!("{sign}{}{fraction}", groups_of_three(whole))
        }
    }
}

/// A fraction as a percentage with two decimals, or a dash.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(dash, |fraction| format!("{:.2} %", 100.0 * fraction))
}

/// Fractions as percentages, one after the other.
pub(crate) fn percents(fractions: &[f64]) -> String {
    fractions.iter().map(|x| format!("{:.2}", 100.0 * x)).collect::<Vec<_>>().join(", ")
}

/// Digits in groups of three: `3 349 342`, with spaces that do not break.
pub(crate) fn thousands(n: u64) -> String {
    groups_of_three(&n.to_string())
}

fn groups_of_three(digits: &str) -> String {
    let first = digits.len() % 3;
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % 3 == first {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(3_349_342).replace('\u{202f}', " "), "3 349 342");
        assert_eq!(thousands(123_456).replace('\u{202f}', " "), "123 456");
        let plain = |value: f64| number(value).replace('\u{202f}', " ");
        for (value, text) in [
            (0.51234, "0.5123"),
            (-93.5, "-93.5000"),
            (1234.567, "1234.57"),
            (-43_210.123, "-43 210.12"),
            (20_000.0, "20 000"),
            (16_604_006.4, "16 604 006"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(plain(value), text);
        }
        assert_eq!((percent(Some(0.913)), percent(None)), ("91.30 %".into(), "–".into()));
        assert_eq!(percents(&[0.91, 0.93]), "91.00, 93.00");
    }

    #[test]
    fn text_is_escaped_and_nothing_is_made_of_nothing() {
        assert_eq!(facts([]), "");
        assert_eq!(figure("a", None, "b"), "");
        let all = table("c", "<l>", &["<h>"], [vec!["<d>".to_owned()]].into_iter())
            + &facts([("<n>", "<v>")])
            + &note("<t>");
        for text in ["&lt;l&gt;", "&lt;h&gt;", "&lt;d&gt;", "&lt;n&gt;", "&lt;v&gt;", "&lt;t&gt;"] {
            assert!(all.contains(text), "{text}");
        }
    }

    /// Ratio of luminances of two colours `#rrggbb` (WCAG 2).
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour: &str| {
            let part = |at: usize| {
                let x = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// The colour of a variable in the light scheme, or in the dark one.
    fn colour(name: &str, dark: bool) -> &'static str {
        let at = STYLE.find("prefers-color-scheme: dark").unwrap();
        let part = if dark { &STYLE[at..] } else { &STYLE[..at] };
        let value =
            part.find(&format!("--{name}:")).unwrap_or_else(|| panic!("no --{name}")) + name.len() + 3;
        part[value..].trim_start().split(';').next().unwrap()
    }

    #[test]
    fn colours_stand_out_in_light_and_dark() {
        for dark in [false, true] {
            for text in ["ink", "soft", "accent", "warn"] {
                for ground in ["card", "page"] {
                    let found = contrast(colour(text, dark), colour(ground, dark));
                    assert!(found >= 4.5, "{text} on {ground}, dark: {dark}: {found:.2}");
                }
            }
            for mark in ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "best", "failed", "faint"] {
                let found = contrast(colour(mark, dark), colour("card", dark));
                assert!(found >= 3.0, "{mark}, dark: {dark}: {found:.2}");
            }
        }
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    }
}
