//! Keys that had other names before: each is refused with the name that it has now.

use crate::config::{ConfigError, Document};

/// Keys of the former `[contest]`, which stand at the top of the file now.
const CONTEST: [&str; 5] = ["seeds", "first_seed", "seconds", "random", "resamples"];

/// Keys of `[study]`, and what says the same of an experiment.
const STUDY: [(&str, &str); 5] = [
    ("architectures", "`budget` at the top of the file, or [strategy.study] of one strategy"),
    ("seed", "`first_seed` at the top of the file"),
    ("seconds", "`seconds` at the top of the file"),
    ("rounds", "`budget` at the top of the file"),
    ("workers", "the flag --threads: every run has one worker"),
];

/// Refuses a key that has another name now.
///
/// # Errors
/// [`ConfigError`] with the line of the key and its new name.
pub(super) fn refuse(document: &Document<'_>) -> Result<(), ConfigError> {
    arms(document)?;
    if let Some(key) = CONTEST.iter().find(|key| document.has(&format!("contest.{key}"))) {
        let reason = format!("it is `{key}` now, at the top of the file, above every [section]");
        return Err(document.refuse(&format!("contest.{key}"), reason));
    }
    if document.has("contest") {
        return Err(document.refuse("contest", "its keys stand at the top of the file now"));
    }
    if let Some((key, now)) = STUDY.iter().find(|(key, _)| document.has(&format!("study.{key}"))) {
        return Err(document.refuse(&format!("study.{key}"), format!("an experiment has {now}")));
    }
    if document.has("study") {
        return Err(
            document.refuse("study", "an experiment has `budget` and `seconds` at the top of the file")
        );
    }
    Ok(())
}

/// `[[arm]]` is `[[strategy]]` now, and what stood in `[arm.strategy]` stands in it.
fn arms(document: &Document<'_>) -> Result<(), ConfigError> {
    if document.has("arm") {
        let first = if document.has("arm[0]") { "arm[0]" } else { "arm" };
        let reason = "[[arm]] is [[strategy]] now: arm.name is `label`, the keys of [arm.strategy] stand in \
                      [[strategy]] itself, and [arm.space] and the like are [strategy.space] and the like";
        return Err(document.refuse(first, reason));
    }
    for path in document.tables("strategy")? {
        let key = |key: &str| format!("{path}.{key}");
        if document.has(&key("strategy")) {
            let reason = "its keys stand in [[strategy]] itself now; what it is called is `label`";
            return Err(document.refuse(&key("strategy"), reason));
        }
        if let Some(section) = ["data", "training"].into_iter().find(|section| document.has(&key(section))) {
            let reason = format!("images and training are the same for all strategies; say [{section}] once");
            return Err(document.refuse(&key(section), reason));
        }
    }
    Ok(())
}
