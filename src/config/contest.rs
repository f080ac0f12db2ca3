//! Configuration of a contest: strategies against each other on images.

use std::fmt::Write;

use super::{
    ConfigError, Document, EvaluatorSettings, SearchConfig, StrategySettings, commented, ensure, plain,
};

bonas_study::settings! {
    /// What strategies are compared by.
    pub struct ContestSettings {
        /// Studies an arm, with seeds `first_seed`, `first_seed` + 1 and so on: the same for all.
        seeds: usize = 3,
        /// The first seed; 0 to 9223372036854775807.
        first_seed: u64 = 1,
        /// Seconds of search that every arm is given. A short pilot of each arm says once how many
        /// epochs or architectures that is here; from then on that number is the budget. 0: every
        /// arm has the budget that it says itself.
        seconds: f64 = 0.0,
        /// Random cells that are trained beside the winners, a seed; 0: none.
        random: usize = 0,
        /// Resamples of a bootstrap interval.
        resamples: usize = 10000,
    }
    check(s) {
        ensure((1..=10_000).contains(&s.seeds), "seeds", s.seeds, "1 to 10000")?;
        let last = i64::try_from(s.first_seed).ok().and_then(|first| first.checked_add(s.seeds as i64));
        ensure(last.is_some(), "first_seed", s.first_seed, "0 to 9223372036854775807, with all seeds after it")?;
        ensure(s.seconds >= 0.0 && s.seconds.is_finite(), "seconds", s.seconds, "0 (as the arms say) or more")?;
        ensure(s.random <= 1000, "random", s.random, "0 to 1000")?;
        ensure((1..=1_000_000).contains(&s.resamples), "resamples", s.resamples, "1 to 1000000")
    }
}

/// One of the searches that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// What it is called; also its folder.
    pub name: String,
    /// Its search. The seed is that of the study at hand, and nothing follows the search but the
    /// final training.
    pub config: SearchConfig,
}

/// Everything that a contest is told.
#[derive(Clone, Debug, PartialEq)]
pub struct ContestConfig {
    /// `[contest]`.
    pub contest: ContestSettings,
    /// `[[arm]]`, in order.
    pub arms: Vec<Arm>,
}

/// Sections that all arms share, and that an arm may have of its own.
const SHARED: [&str; 7] = ["study", "space", "strategy", "evaluator", "data", "training", "final"];
/// Sections that are the same for all arms: the images, and how networks are trained on them.
const COMMON: [&str; 2] = ["data", "training"];

impl ContestConfig {
    /// Reads a configuration: `[contest]`, the sections of a search, and a table `[[arm]]` for each
    /// search, which has a `name` and the sections in which it differs, whole. Images and training
    /// are the same for all. `origin` names it in errors.
    ///
    /// A differentiable arm needs no evaluator, for its cells are taken as they are decoded, and has
    /// none.
    ///
    /// # Errors
    /// [`ConfigError`] with line, key, and the nearest valid name or the valid range.
    ///
    /// # Examples
    /// ```
    /// let text = "[space]\nname = \"bcnn\"\n[[arm]]\nname = \"random\"\nstrategy = { name = \"random\" }\n\
    ///             [[arm]]\nname = \"evolution\"\n[arm.strategy]\nname = \"evolution\"\npopulation = 8\n";
    /// let config = bonas::config::ContestConfig::from_toml(text, "my.toml")?;
    /// assert_eq!(config.arms[1].config.space.name, "bcnn");
    /// # Ok::<(), bonas::config::ConfigError>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text, origin)?;
        document.only("", &[&SHARED[..], &["contest", "arm"]].concat())?;
        let contest = document.section("contest", &[])?;
        let mut arms: Vec<Arm> = Vec::new();
        for path in document.tables("arm")? {
            let arm = read_arm(&document, &path)?;
            if arms.iter().any(|other| other.name == arm.name) {
                let reason = format!("two arms are called `{}`", arm.name);
                return Err(document.refuse(&format!("{path}.name"), reason));
            }
            arms.push(arm);
        }
        if arms.len() < 2 {
            return Err(document.refuse("arm", format!("{} of them; a contest has at least 2", arms.len())));
        }
        Ok(Self { contest, arms })
    }

    /// Whether a configuration is of a contest: it has arms, or a `[contest]`.
    ///
    /// # Errors
    /// [`ConfigError`] with the line where the text stops being TOML.
    pub fn is_in(text: &str, origin: &str) -> Result<bool, ConfigError> {
        let document = Document::parse(text, origin)?;
        Ok(document.has("contest") || document.has("arm"))
    }

    /// Every key with its value, below a comment that says what it means; sections of all arms are
    /// written out.
    pub fn commented(&self) -> String {
        let mut text = commented("contest", &self.contest);
        if let Some(first) = self.arms.first() {
            text = text + "\n" + &commented("data", &first.config.data);
            text = text + "\n" + &commented("training", &first.config.training);
        }
        for Arm { name, config } in &self.arms {
            let _ = write!(text, "\n[[arm]]\n# What it is called.\nname = {name:?}\n");
            let evaluator = match config.strategy {
                StrategySettings::Differentiable(_) => String::new(),
                _ => config.evaluator.commented("arm.evaluator") + "\n",
            };
            let sections = [
                commented("arm.study", &config.study),
                commented("arm.space", &config.space),
                config.strategy.commented("arm.strategy"),
                evaluator + &commented("arm.final", &config.finals),
            ];
            text += &sections.join("\n");
        }
        text
    }

    /// The text that results are known by: everything but the number of seeds and resamples, and
    /// what changes no history (workers, device).
    pub fn identity(&self) -> String {
        let contest = ContestSettings {
            seeds: 1,
            resamples: ContestSettings::default().resamples,
            ..self.contest.clone()
        };
        let arm = |Arm { name, config }: &Arm| {
            format!("# {name}\n{}\n{}", config.identity(), plain("final", &config.finals))
        };
        plain("contest", &contest) + "\n" + &self.arms.iter().map(arm).collect::<Vec<_>>().join("\n")
    }
}

fn read_arm(document: &Document<'_>, path: &str) -> Result<Arm, ConfigError> {
    let key = |key: &str| format!("{path}.{key}");
    let own: Vec<&str> = SHARED.into_iter().filter(|section| !COMMON.contains(section)).collect();
    document.only(path, &[&own[..], &["name"]].concat())?;
    let Some(name) = document.string(&key("name"))? else {
        return Err(document.refuse(path, "there is no `name`; give each arm one"));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        let reason = format!("{name:?} cannot name a folder; use letters, digits, -, _, + and .");
        return Err(document.refuse(&key("name"), reason));
    }
    let at = |section: &str| if document.has(&key(section)) { key(section) } else { section.to_owned() };
    let strategy = StrategySettings::read(document, &at("strategy"), &[])?;
    let evaluator = match strategy {
        StrategySettings::Differentiable(_) if document.has(&key("evaluator")) => {
            let reason = "a differentiable arm has no evaluator: its cells are taken as they are decoded";
            return Err(document.refuse(&key("evaluator"), reason));
        }
        StrategySettings::Differentiable(_) => {
            EvaluatorSettings::Synthetic(super::SyntheticSettings::default())
        }
        _ => EvaluatorSettings::read(document, &at("evaluator"), &[])?,
    };
    let config = SearchConfig {
        study: document.section(&at("study"), &[])?,
        space: document.section(&at("space"), &[])?,
        strategy,
        evaluator,
        data: document.section("data", &[])?,
        training: document.section("training", &[])?,
        finals: document.section(&at("final"), &[])?,
        ..SearchConfig::default()
    };
    if config.finals.seeds == 0 {
        let reason = "0; winners are compared by their final training, so it must be at least 1";
        return Err(document.refuse(&format!("{}.seeds", at("final")), reason));
    }
    Ok(Arm { name: name.to_owned(), config })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "[contest]\nseeds = 2\n[space]\nname = \"bcnn\"\n[evaluator]\nname = \"from-scratch\"\nepochs = 2\n\
                       [[arm]]\nname = \"a\"\nstrategy = { name = \"random\" }\n[[arm]]\nname = \"b\"\n[arm.space]\n\
                       name = \"darts\"\n[arm.strategy]\nname = \"differentiable\"\nepochs = 3\n";

    fn read(text: &str) -> ContestConfig {
        ContestConfig::from_toml(text, "c.toml").unwrap()
    }

    #[test]
    fn arms_have_the_sections_of_all_and_their_own() {
        let config = read(TWO);
        let [a, b] = &config.arms[..] else { panic!("two arms") };
        assert_eq!((&*a.config.space.name, &*b.config.space.name), ("bcnn", "darts"));
        assert_eq!(a.config.evaluator.name(), "from-scratch");
        assert_eq!(b.config.evaluator.name(), "synthetic");
        assert_eq!(read(&config.commented()), config);
    }

    #[test]
    fn errors_name_the_place() {
        for (text, expected) in [
            (
                "[contest]\nseed = 2\n",
                "c.toml line 2: contest.seed: unknown key `seed`; did you mean `seeds`?",
            ),
            ("[contest]\n", "c.toml: arm: 0 of them; a contest has at least 2"),
            ("[[arm]]\nname = \"a/b\"\n", "c.toml line 2: arm[0].name: \"a/b\" cannot name a folder"),
            ("[[arm]]\nname = \"..\"\n", "c.toml line 2: arm[0].name: \"..\" cannot name a folder"),
            ("[[arm]]\nname = \"a\"\ndata = {}\n", "c.toml line 3: arm[0].data: unknown key `data`"),
            ("[shortlist]\ncells = 2\n", "c.toml line 1: shortlist: unknown key `shortlist`"),
            (
                "[[arm]]\nname = \"a\"\n[arm.strategy]\nname = \"differentiable\"\nepochs = 3\nalpha_start = 3\n",
                "c.toml line 6: arm[0].strategy.alpha_start: 3 is out of range; expected 0 to 2",
            ),
            (
                "[[arm]]\nname = \"a\"\nevaluator = {}\nstrategy = { name = \"differentiable\" }\n",
                "c.toml line 3: arm[0].evaluator: a differentiable arm has no evaluator",
            ),
            (
                "[final]\nseeds = 0\n[[arm]]\nname = \"a\"\n",
                "c.toml line 2: final.seeds: 0; winners are compared",
            ),
        ] {
            let message = ContestConfig::from_toml(text, "c.toml").unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        let twice = TWO.replace("name = \"b\"", "name = \"a\"");
        let message = ContestConfig::from_toml(&twice, "c.toml").unwrap_err().to_string();
        assert!(message.contains("two arms are called `a`"), "{message}");
    }

    #[test]
    fn more_seeds_are_the_same_contest_and_another_budget_is_not() {
        let config = read(TWO);
        assert_eq!(read(&TWO.replace("seeds = 2", "seeds = 9")).identity(), config.identity());
        assert_ne!(read(&TWO.replace("seeds = 2", "seconds = 9.0")).identity(), config.identity());
        assert_ne!(read(&TWO.replace("epochs = 3", "epochs = 4")).identity(), config.identity());
    }
}
