//! The strategies of an experiment: `[[strategy]]`.

use crate::config::print::commented_without;
use crate::config::{
    BestBy, ConfigError, Document, EvaluatorSettings, ExperimentSettings, FinalSettings, ShortlistSettings,
    SpaceSettings, StrategySettings, Transfer, at_least_1, commented,
};

/// Sections that a strategy may have of its own on images.
pub(super) const OWN: [&str; 5] = ["study", "space", "evaluator", "shortlist", "final"];

bonas_study::settings! {
    /// The budget of one strategy on images, in place of that of all.
    pub struct OwnStudySettings {
        /// Unique architectures of a run.
        architectures: usize = 60,
    }
    check(s) { at_least_1(s.architectures, "architectures") }
}

/// One of the strategies that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyConfig {
    /// What it is called in results, and on images its folder. Without a label: its name, and where the scores
    /// on another task come from that it starts from.
    pub label: String,
    /// Its settings.
    pub settings: StrategySettings,
    /// Its own sections on images; none on a table.
    pub own: OwnSections,
}

/// Sections of one strategy that take the place of those of all, on images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnSections {
    /// `[strategy.study]`: its budget.
    pub study: Option<OwnStudySettings>,
    /// `[strategy.space]`: the space it searches.
    pub space: Option<SpaceSettings>,
    /// `[strategy.evaluator]`: how its proposals are scored.
    pub evaluator: Option<EvaluatorSettings>,
    /// `[strategy.shortlist]`: which of the architectures that it scored wins.
    pub shortlist: Option<ShortlistSettings>,
    /// `[strategy.final]`: how its winners are trained from scratch.
    pub finals: Option<FinalSettings>,
}

impl StrategyConfig {
    /// A strategy called by its name, with the batch and the first random architectures of all.
    pub fn new(mut settings: StrategySettings, of_all: &ExperimentSettings) -> Self {
        if of_all.batch > 0 {
            settings.set_batch(of_all.batch);
        }
        if of_all.initial > 0 {
            settings.set_initial(of_all.initial);
        }
        Self { label: settings.name().to_owned(), settings, own: OwnSections::default() }
    }

    /// Every strategy that this program can run on a table, with its defaults.
    pub(super) fn all(of_all: &ExperimentSettings, two_objectives: bool) -> Vec<Self> {
        StrategySettings::available(two_objectives).map(|settings| Self::new(settings, of_all)).collect()
    }

    /// Reads every `[[strategy]]`; no two have the same label.
    pub(super) fn read_all(
        document: &Document<'_>,
        of_all: &ExperimentSettings,
        images: bool,
    ) -> Result<Vec<Self>, ConfigError> {
        let mut strategies: Vec<Self> = Vec::new();
        for path in document.tables("strategy")? {
            let mut strategy = Self::read(document, &path, of_all, images)?;
            if images {
                let transfer = strategy.settings.transfer();
                if *transfer != Transfer::None {
                    let reason =
                        format!("{transfer}; on images every strategy starts from nothing, so leave it out");
                    return Err(document.refuse(&format!("{path}.transfer"), reason));
                }
                check_folder(document, &path, &strategy.label)?;
                strategy.own = OwnSections::read(document, &path)?;
                strategy.own.check(document, &path, &strategy.settings)?;
            }
            if strategies.iter().any(|other| other.label == strategy.label) {
                let reason =
                    format!("two strategies are called `{}`; give one of them a `label`", strategy.label);
                return Err(document.refuse(&format!("{path}.name"), reason));
            }
            strategies.push(strategy);
        }
        Ok(strategies)
    }

    fn read(
        document: &Document<'_>,
        path: &str,
        of_all: &ExperimentSettings,
        images: bool,
    ) -> Result<Self, ConfigError> {
        let key = |key: &str| format!("{path}.{key}");
        if !document.has(&key("name")) {
            let names = StrategySettings::NAMES.join(", ");
            return Err(document.refuse(path, format!("there is no `name`; give one of {names}")));
        }
        let own = if images { &OWN[..] } else { &[] };
        let settings = StrategySettings::read(document, path, &[&["label"], own].concat())?;
        let unless_own = |name: &str, of_all: usize| if document.has(&key(name)) { 0 } else { of_all };
        let (batch, initial) = (unless_own("batch", of_all.batch), unless_own("initial", of_all.initial));
        let mut strategy = Self::new(settings, &ExperimentSettings { batch, initial, ..of_all.clone() });
        match (document.string(&key("label"))?, strategy.settings.transfer()) {
            (Some(label), _) => label.clone_into(&mut strategy.label),
            (None, Transfer::None) => {}
            (None, source) => strategy.label = format!("{}, from {source}", strategy.label),
        }
        Ok(strategy)
    }

    /// Every key with its value, below a comment that says what it means.
    pub(super) fn commented(&self) -> String {
        let label = format!("# What it is called in results.\nlabel = {:?}\n", self.label);
        let own = &self.own;
        let sections = [
            own.study.as_ref().map(|study| commented("strategy.study", study)),
            own.space.as_ref().map(|space| commented("strategy.space", space)),
            own.evaluator.as_ref().map(|evaluator| evaluator.commented("strategy.evaluator")),
            own.shortlist.as_ref().map(|shortlist| commented("strategy.shortlist", shortlist)),
            own.finals.as_ref().map(|finals| commented_final("strategy.final", finals)),
        ];
        sections
            .into_iter()
            .flatten()
            .fold(self.settings.commented("[strategy]") + &label, |text, section| text + "\n" + &section)
    }

    /// The text that results are known by: every key but the label, and but where scores on another task come from.
    pub fn identity(&self) -> String {
        self.settings.clone().with_transfer(Transfer::None).plain("strategy")
    }
}

impl OwnSections {
    fn read(document: &Document<'_>, path: &str) -> Result<Self, ConfigError> {
        let at = |section: &str| Some(format!("{path}.{section}")).filter(|path| document.has(path));
        Ok(Self {
            study: at("study").map(|path| document.section(&path, &[])).transpose()?,
            space: at("space").map(|path| document.section(&path, &[])).transpose()?,
            evaluator: at("evaluator")
                .map(|path| EvaluatorSettings::read(document, &path, &[]))
                .transpose()?,
            shortlist: at("shortlist").map(|path| document.section(&path, &[])).transpose()?,
            finals: at("final").map(|path| document.section(&path, &[])).transpose()?,
        })
    }

    /// Refuses what says nothing about a differentiable strategy, and a final training of nothing.
    fn check(
        &self,
        document: &Document<'_>,
        path: &str,
        strategy: &StrategySettings,
    ) -> Result<(), ConfigError> {
        if strategy.needs_images() {
            if self.evaluator.is_some() {
                let reason =
                    "a differentiable strategy has no evaluator: its cells are taken as they are decoded";
                return Err(document.refuse(&format!("{path}.evaluator"), reason));
            }
            if self.study.is_some() {
                let reason = "a differentiable strategy has its `epochs` in place of architectures";
                return Err(document.refuse(&format!("{path}.study"), reason));
            }
            if self.shortlist.is_some() {
                let reason =
                    "a differentiable strategy has no scores to choose by; it takes what it decodes to";
                return Err(document.refuse(&format!("{path}.shortlist"), reason));
            }
        }
        let by_model = self.shortlist.as_ref().is_some_and(|shortlist| shortlist.by == BestBy::Model);
        if by_model && !strategy.estimates() {
            let reason = format!("model, but strategy {} has none; take score", strategy.name());
            return Err(document.refuse(&format!("{path}.shortlist.by"), reason));
        }
        self.finals.as_ref().map_or(Ok(()), |finals| check_final(document, &format!("{path}.final"), finals))
    }
}

/// `[final]` without its own `random`, which an experiment has at the top of the file.
pub(super) fn commented_final(header: &str, finals: &FinalSettings) -> String {
    commented_without(&["random"], header, finals)
}

/// Refuses a final training of nothing, since winners are compared by theirs, and random cells of its own.
pub(super) fn check_final(
    document: &Document<'_>,
    path: &str,
    finals: &FinalSettings,
) -> Result<(), ConfigError> {
    let random = format!("{path}.random");
    if document.has(&random) {
        return Err(document.refuse(&random, "an experiment has `random` at the top of the file"));
    }
    if finals.seeds > 0 {
        return Ok(());
    }
    let reason = "0; winners are compared by their final training, so it must be at least 1";
    Err(document.refuse(&format!("{path}.seeds"), reason))
}

/// Refuses a label that cannot name a folder.
fn check_folder(document: &Document<'_>, path: &str, label: &str) -> Result<(), ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if !label.is_empty() && !label.starts_with('.') && label.chars().all(plain) {
        return Ok(());
    }
    let reason = format!("{label:?} cannot name a folder; use letters, digits, -, _, + and .");
    Err(document.refuse(&format!("{path}.label"), reason))
}
