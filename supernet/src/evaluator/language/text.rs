//! Text for language models: words as numbers, in three parts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bonas_study::StudyError;

/// The name of the text inside the program.
pub(crate) const EMBEDDED: &str = "prose";

/// What stands before the folder of a text.
const FOLDER: &str = "text:";

/// The three parts, in order, with the text inside the program.
const PARTS: [(&str, &str); 3] = [
    ("train", include_str!("../../../data/prose/train.txt")),
    ("valid", include_str!("../../../data/prose/valid.txt")),
    ("test", include_str!("../../../data/prose/test.txt")),
];

/// The word at the end of a line.
const END: &str = "<eos>";

/// The word for all that the vocabulary lacks.
const UNKNOWN: &str = "<unk>";

/// Most bytes of a file.
const LARGEST: u64 = 1 << 30;

/// A part of a text that models are measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// What architectures are compared on.
    Valid,
    /// What is reported.
    Test,
}

/// A text in three parts; words are numbers below [`words`](Self::words).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What models are trained on.
    pub train: Vec<u32>,
    /// What architectures are compared on.
    pub valid: Vec<u32>,
    /// What is reported.
    pub test: Vec<u32>,
    vocabulary: Vec<String>,
}

/// The source of a text ([`Text::load`]) with a relative folder taken from `base`; what names no folder stays as it is.
pub fn text_within(source: &str, base: &Path) -> String {
    match source.strip_prefix(FOLDER).map(str::trim) {
        Some(folder) if !folder.is_empty() => format!("{FOLDER}{}", base.join(folder).display()),
        _ => source.to_owned(),
    }
}

impl Text {
    /// Reads `prose`, the text inside the program (`data/README.md` has its source), or `text:DIRECTORY`: a folder in which one
    /// file each has `train`, `valid` and `test` in its name, such as those of Penn Treebank and WikiText-2.
    ///
    /// Words stand between blanks, and a line ends with `<eos>`. The vocabulary has the words that the training part has `least`
    /// times; all others are `<unk>`.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for another source; [`StudyError::Data`] and [`StudyError::Io`] with the file that cannot be used.
    pub fn load(source: &str, least: usize) -> Result<Self, StudyError> {
        let too_few = format!("no word stands there {least} times; take a smaller number of occurrences");
        if source == EMBEDDED {
            let text = Self::of(PARTS.map(|(_, text)| text), least);
            let reason = format!("{least}; {too_few}");
            return if text.is_said() { Ok(text) } else { Err(setting("least", reason)) };
        }
        let Some(folder) = source.strip_prefix(FOLDER).map(str::trim).filter(|folder| !folder.is_empty())
        else {
            let reason = format!("{source:?} is no text; give {EMBEDDED} or {FOLDER}DIRECTORY");
            return Err(setting("text", reason));
        };
        let files = files(Path::new(folder))?;
        let mut texts = Vec::with_capacity(PARTS.len());
        for file in &files {
            texts.push(read(file)?);
        }
        let [train, valid, test] = [0, 1, 2].map(|part| texts[part].as_str());
        let text = Self::of([train, valid, test], least);
        for (file, part) in files.iter().zip([&text.train, &text.valid, &text.test]) {
            if part.len() < 2 {
                return Err(unusable(file, "it has no word; give it sentences".to_owned()));
            }
        }
        if text.is_said() { Ok(text) } else { Err(unusable(&files[0], too_few)) }
    }

    /// Whether there is a word beside `<unk>` and `<eos>`.
    fn is_said(&self) -> bool {
        self.words() > 2
    }

    /// The words of a part.
    pub fn part(&self, part: TextPart) -> &[u32] {
        match part {
            TextPart::Valid => &self.valid,
            TextPart::Test => &self.test,
        }
    }

    /// Digest of the words of its parts.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.train, &self.valid, &self.test] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            for word in part {
                hasher.update(&word.to_le_bytes());
            }
        }
        for word in &self.vocabulary {
            hasher.update(word.as_bytes()).update(b"\n");
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Number of different words, `<unk>` and `<eos>` among them.
    pub fn words(&self) -> usize {
        self.vocabulary.len()
    }

    /// The word of a number.
    pub fn word(&self, number: u32) -> Option<&str> {
        self.vocabulary.get(number as usize).map(String::as_str)
    }

    fn of(texts: [&str; 3], least: usize) -> Self {
        let words = |text: &str| -> Vec<String> {
            let of_line = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let lines = text.lines().map(of_line).filter(|line| !line.is_empty());
            lines.flat_map(|line| line.into_iter().chain([END.to_owned()])).collect()
        };
        let parts = texts.map(words);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        parts[0].iter().for_each(|word| *counts.entry(word).or_default() += 1);
        let mut vocabulary: Vec<(usize, &str)> = counts
            .iter()
            .filter(|(word, count)| **count >= least && **word != UNKNOWN && **word != END)
            .map(|(w, c)| (*c, *w))
            .collect();
        // The most frequent first, equal ones by name.
        vocabulary.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let vocabulary: Vec<String> = [UNKNOWN, END]
            .into_iter()
            .chain(vocabulary.into_iter().map(|(_, word)| word))
            .map(str::to_owned)
            .collect();
        let numbers: HashMap<&str, u32> = vocabulary.iter().map(String::as_str).zip(0..).collect();
        let numbered = |words: &Vec<String>| {
            words.iter().map(|word| numbers.get(word.as_str()).copied().unwrap_or(0)).collect()
        };
        let [train, valid, test] = [0, 1, 2].map(|part| numbered(&parts[part]));
        Self { train, valid, test, vocabulary }
    }
}

fn setting(name: &str, reason: String) -> StudyError {
    StudyError::Setting { name: name.to_owned(), reason }
}

fn unusable(path: &Path, reason: String) -> StudyError {
    StudyError::Data { path: path.to_owned(), reason }
}

/// The file of each part.
fn files(folder: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let io = |source| StudyError::Io { path: folder.to_owned(), source };
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_file() {
            all.push(path);
        }
    }
    all.sort();
    let of_part = |(part, _): (&str, &str)| {
        let name = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().contains(part))
        };
        let found: Vec<&PathBuf> = all.iter().filter(name).collect();
        match found[..] {
            [one] => Ok(one.clone()),
            [] => {
                Err(unusable(folder, format!("no file has {part:?} in its name; give train, valid and test")))
            }
            _ => Err(unusable(
                folder,
                format!("{} files have {part:?} in their names; leave one", found.len()),
            )),
        }
    };
    let files: Vec<PathBuf> = PARTS.into_iter().map(of_part).collect::<Result<_, _>>()?;
    let twice = |i: &usize| files[..*i].contains(&files[*i]);
    match (0..files.len()).find(twice) {
        Some(i) => Err(unusable(
            &files[i],
            "it is named as two parts; give train, valid and test a file each".to_owned(),
        )),
        None => Ok(files),
    }
}

fn read(path: &Path) -> Result<String, StudyError> {
    let io = |source| StudyError::Io { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > LARGEST {
        return Err(unusable(path, format!("{size} bytes are more than {LARGEST}")));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unusable(path, format!("byte {at} is not UTF-8; save it as UTF-8 text"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn load(folder: &tempfile::TempDir, least: usize) -> Result<Text, String> {
        let source = format!("text:{}", folder.path().display());
        Text::load(&source, least).map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_numbered_by_frequency_of_the_training_part() {
        let files: [(&str, &[u8]); 3] = [
            ("wiki.train.tokens", b"b a b\n\n a b c\n"),
            ("wiki.valid.tokens", b"a z\r\n"),
            ("wiki.test.tokens", b"b c"),
        ];
        let text = load(&folder(&files), 2).unwrap();
        assert_eq!(text.train, [2, 3, 2, 1, 3, 2, 0, 1]);
        assert_eq!((&text.valid[..], &text.test[..]), (&[3, 0, 1][..], &[2, 0, 1][..]));
        assert_eq!(
            [0, 1, 2, 3, 4].map(|number| text.word(number)),
            [Some("<unk>"), Some("<eos>"), Some("b"), Some("a"), None]
        );
    }

    #[test]
    fn unusable_texts_are_refused_with_the_file() {
        let text: (&str, &[u8]) = ("train.txt", b"a b a b\n");
        let valid: (&str, &[u8]) = ("valid.txt", b"a\n");
        let test: (&str, &[u8]) = ("test.txt", b"a\n");
        let error = |files: &[(&str, &[u8])]| load(&folder(files), 1).unwrap_err();
        assert!(error(&[text, valid]).contains("no file has \"test\" in its name"));
        assert!(error(&[text, valid, test, ("train.old", b"a")]).contains("2 files have \"train\""));
        assert!(error(&[("train_valid.txt", b"a b a b"), test]).contains("it is named as two parts"));
        assert!(error(&[text, valid, ("test.txt", b" \n")]).contains("test.txt: it has no word"));
        assert!(error(&[text, valid, ("test.txt", b"\xff\xfe")]).contains("test.txt: byte 0 is not UTF-8"));
        assert!(load(&folder(&[text, valid, test]), 3).unwrap_err().contains("no word stands there 3 times"));
        assert!(Text::load("text:/no/such/folder", 1).unwrap_err().to_string().contains("/no/such/folder"));
        for source in ["poems", "text:", "text"] {
            let error = Text::load(source, 1).unwrap_err().to_string();
            assert!(error.contains("give prose or text:DIRECTORY"), "{error}");
        }
    }

    #[test]
    fn relative_folders_start_from_a_base_and_an_empty_one_stays_empty() {
        let base = Path::new("/base");
        for (source, expected) in
            [("text:a/b", "text:/base/a/b"), ("text: /c", "text:/c"), ("text:", "text:"), ("prose", "prose")]
        {
            assert_eq!(text_within(source, base), expected);
        }
    }

    #[test]
    fn the_text_inside_the_program_has_its_size() {
        let text = Text::load("prose", 2).unwrap();
        assert_eq!([text.train.len(), text.valid.len(), text.test.len()], [12_201, 1_560, 1_639]);
        assert!(
            Text::load("prose", 100_000)
                .unwrap_err()
                .to_string()
                .contains("no word stands there 100000 times")
        );
        assert_eq!(text.fingerprint(), Text::load("prose", 2).unwrap().fingerprint());
        assert_ne!(text.fingerprint(), Text::load("prose", 3).unwrap().fingerprint());
        let unknown = text.valid.iter().filter(|word| **word == 0).count();
        assert!(unknown * 9 < text.valid.len(), "{unknown}");
    }
}
