//! Numbers in the names of operations: `e6k3l1s0` is read as `e = 6`, `k = 3`, `l = 1`, `s = 0`.
//!
//! The dozens of operations of some spaces are mostly one operation with different numbers. A model that sees
//! only labels would have to learn each of them from nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::sparse::Sparse;

/// The numbers of each name, as `(index of the word before it, number)`. Words with the same number in all names
/// are left out; words are numbered in alphabetical order.
pub(super) fn attributes(names: &[&str]) -> Vec<Sparse> {
    let parsed: Vec<Vec<(String, f32)>> = names.iter().map(|name| parse(name)).collect();
    let mut values: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (word, number) in parsed.iter().flatten() {
        values.entry(word).or_default().insert(number.to_bits());
    }
    let everywhere = |word: &str| parsed.iter().all(|name| name.iter().any(|(w, _)| w == word));
    let says_something = |(word, numbers): (&&str, &BTreeSet<u32>)| numbers.len() > 1 || !everywhere(word);
    let words: Vec<&str> = values.iter().filter(|&entry| says_something(entry)).map(|(w, _)| *w).collect();
    let index = |word: &str| words.iter().position(|w| *w == word).map(|i| i as u64);
    parsed.iter().map(|name| name.iter().filter_map(|(w, x)| Some((index(w)?, *x))).collect()).collect()
}

/// Numbers with the letters directly before them: `sep_conv_5x5` is `_5`, `x5`.
fn parse(name: &str) -> Vec<(String, f32)> {
    let mut found = Vec::new();
    let (mut word, mut number) = (String::new(), String::new());
    // An extra character ends the last number.
    for sign in name.chars().chain(['_']) {
        if sign.is_ascii_digit() || (sign == '.' && !number.is_empty()) {
            number.push(sign);
            continue;
        }
        if let Ok(x) = number.parse::<f32>() {
            found.push((std::mem::take(&mut word), x));
        }
        number.clear();
        if sign.is_alphabetic() { word.push(sign) } else { word.clear() }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_belong_to_the_letters_before_them() {
        let read =
            |name| parse(name).into_iter().map(|(w, x)| format!("{w}={x}")).collect::<Vec<_>>().join(" ");
        assert_eq!(read("e6k3l10s0"), "e=6 k=3 l=10 s=0");
        assert_eq!(read("sep_conv_5x5"), "=5 x=5");
        assert_eq!(read("w1.5_depth2"), "w=1.5 depth=2");
        assert_eq!(read("skip"), "");
    }

    #[test]
    fn words_that_say_nothing_are_left_out() {
        let read = attributes(&["a1b2c9", "a1b3"]);
        assert_eq!(read, [vec![(0, 2.0), (1, 9.0)], vec![(0, 3.0)]]);
    }
}
