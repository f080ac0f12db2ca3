//! The code blocks of a page of docs/, which xtask writes to files and runs.

/// One fenced code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The path of a line of the form "`path`:" above the block.
    pub(crate) path: Option<&'a str>,
    /// The language behind the opening fence.
    pub(crate) language: &'a str,
    /// The lines of the block.
    pub(crate) lines: Vec<&'a str>,
}

impl Block<'_> {
    /// The block as the text of a file.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// The code blocks of a page, in order.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut before) = (Vec::new(), "");
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            before = if line.is_empty() { before } else { line };
            continue;
        };
        let path = before.strip_prefix('`').and_then(|line| line.strip_suffix("`:"));
        blocks.push(Block {
            path,
            language,
            lines: lines.by_ref().take_while(|line| *line != "```").collect(),
        });
        before = "";
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_above_a_block_is_its_own() {
        let page = "# A\n\n`a/b.rs`:\n\n```rust\nfn b() {}\n\n```\n\n```sh\none\n```\nin `c`:\n```\n```\n";
        let found = blocks(page);
        let of = |path, language, lines| Block { path, language, lines };
        assert_eq!(
            found,
            [
                of(Some("a/b.rs"), "rust", vec!["fn b() {}", ""]),
                of(None, "sh", vec!["one"]),
                of(None, "", vec![]),
            ]
        );
        assert_eq!(found[0].text(), "fn b() {}\n\n");
    }
}
