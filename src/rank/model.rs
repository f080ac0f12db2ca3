//! A fitted surrogate with its space and its prior knowledge, as a file.

use std::path::Path;
use std::sync::Arc;

use bonas_spaces::catalogue::SPACES;
use bonas_spaces::{Architecture, SearchSpace, SpaceEntry};
use bonas_study::history::{Fidelity, History};
use bonas_study::journal::write_whole;
use bonas_study::rng::stream;
use bonas_study::strategy::{Knowledge, PriorKind, Scored, Start, SurrogateName, Targets, score_noise};
use bonas_study::table::{Benchmark, Skipped};
use bonas_surrogate::catalogue::load_saved;
use bonas_surrogate::{Observation, Predict, PriorKnowledge, Saved, SurrogateError};

use super::features::{Features, refused};
use crate::StudyError;
use crate::config::space_from_toml;

/// Purpose of a random stream: fitting a model that is kept.
const FIT: u64 = 210;

/// Note of a model: the text of its space file.
const SPACE_TEXT: &str = "space file";

/// Notes in the file: the prior knowledge, and what scores were multiplied by.
const PRIOR: &str = "prior";
const SCALE: &str = "scale";
/// Note in the file: features of the architectures of the fit.
const FEATURES: &str = "features";

/// How a model is fitted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recipe {
    /// The surrogate; `ensemble` by default.
    pub surrogate: SurrogateName,
    /// What it knows beforehand.
    pub prior: PriorKind,
    /// Seed of what is drawn in fitting.
    pub seed: u64,
}

/// What a model is fitted to.
#[derive(Clone, Debug)]
pub struct Training {
    observations: Vec<Observation>,
    /// What scores are multiplied by first: accuracies become fractions.
    scale: f64,
    /// Where they are from.
    source: String,
    /// Rows of the table that were left out.
    skipped: Skipped,
}

impl Training {
    /// These observations, which come from `source`.
    pub fn of(observations: Vec<Observation>, source: impl Into<String>) -> Self {
        Self { observations, scale: 1.0, source: source.into(), skipped: Skipped::default() }
    }

    /// Every architecture of a table, by the mean of its values in a column (a position).
    pub fn of_table(table: &Benchmark, column: usize) -> Self {
        let column = &table.columns()[column];
        let scale = column.scale();
        let arms = table.arms().iter().zip(column.means());
        let observe = |(arm, value): (&bonas_study::table::Arm, f64)| {
            Observation::new(arm.architecture.clone(), scale * value)
        };
        let source = format!("{} of {}", column.name(), table.path().display());
        Self { observations: arms.map(observe).collect(), scale, source, skipped: table.skipped().clone() }
    }

    /// Every architecture of a study that has a score of a fidelity, by the score as it was measured, and its noise
    /// where that is known ([`score_noise`]); `source` says which study. Scores of other fidelities are left out, for
    /// they do not compare.
    pub fn of_history(history: &History, fidelity: Fidelity, source: impl Into<String>) -> Self {
        let scored = Targets::Raw.measured(history, fidelity);
        let noise = score_noise(&scored);
        let observation = |(i, s): (usize, &Scored<'_>)| Observation {
            noise: noise.as_ref().map(|noise| noise[i]),
            ..Observation::new(s.evaluation.architecture.clone(), s.value)
        };
        Self::of(scored.iter().enumerate().map(observation).collect(), source)
    }

    /// Rows of the table that were left out; none of a study.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Number of architectures.
    pub fn len(&self) -> usize {
        self.observations.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.observations.is_empty()
    }

    /// Some of them at random, at most `count`, in the order of the table or study.
    #[must_use]
    pub fn sample(self, count: usize, seed: u64) -> Self {
        let count = count.min(self.len());
        let mut rng = stream(seed, &[FIT, 1]);
        let mut places = rand::seq::index::sample(&mut rng, self.len(), count).into_vec();
        places.sort_unstable();
        let observations = places.into_iter().map(|place| self.observations[place].clone()).collect();
        Self { observations, ..self }
    }
}

/// A fitted surrogate that can be written to a file.
#[derive(Clone, Debug)]
pub struct Model {
    saved: Arc<Saved>,
    space: Arc<dyn SearchSpace>,
    known: Vec<PriorKnowledge>,
    features: Option<Features>,
    scale: f64,
}

impl Model {
    /// Fits a surrogate to architectures of a space of the catalogue.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a surrogate that this build lacks, or prior knowledge that it does not take; whatever
    /// the fit fails with.
    pub fn fit(
        space: Arc<dyn SearchSpace>,
        training: &Training,
        recipe: &Recipe,
    ) -> Result<Self, StudyError> {
        Self::fit_with(space, training, recipe, None)
    }

    /// Fits a surrogate to architectures and to features of theirs.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and for a surrogate that takes no features.
    pub fn fit_with(
        space: Arc<dyn SearchSpace>,
        training: &Training,
        recipe: &Recipe,
        features: Option<Features>,
    ) -> Result<Self, StudyError> {
        let knowledge = offered(features.as_ref())?;
        let names = features.as_ref().map(Features::names).unwrap_or_default();
        let start = Start { prior: recipe.prior, features: &names, ..Start::NOTHING };
        let surrogate = knowledge.surrogate(recipe.surrogate, start, &*space)?;
        let fitted = surrogate.fit(&training.observations, &mut stream(recipe.seed, &[FIT]))?;
        let saved = fitted.save()?.of_space(space.name());
        // A space file is kept with the model, which can then be used without it.
        let saved = match space.source() {
            Some(text) => saved.with_note(SPACE_TEXT, text),
            None => saved,
        };
        let mut saved = saved
            .with_note(PRIOR, recipe.prior.name())
            .with_note(SCALE, training.scale.to_string())
            .with_note("architectures", training.len().to_string())
            .with_note("scores", training.source.clone())
            .with_note("seed", recipe.seed.to_string());
        if let Some(features) = &features {
            saved = saved.with_note(FEATURES, features.note(&*space)?);
        }
        let known = known(features.as_ref(), recipe.surrogate, recipe.prior, &*space)?;
        Ok(Self { saved: Arc::new(saved), space, known, features, scale: training.scale })
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`StudyError::Surrogate`] for bytes that are no model, are damaged, or are of another version or space;
    /// [`StudyError::Space`] for a space that this program does not have.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StudyError> {
        let saved = Saved::from_bytes(bytes)?;
        let space = space_of(&saved)?;
        saved.expect_like(&space.sample(&mut stream(0, &[FIT])))?;
        let note = |key: &str| saved.notes().get(key).map(String::as_str);
        let damaged = |what: &str| SurrogateError::file(format!("its note {what} is missing; fit it again"));
        let scale = note(SCALE).and_then(|text| text.parse().ok()).ok_or_else(|| damaged(SCALE))?;
        let prior = note(PRIOR).and_then(|name| PriorKind::named(name).ok()).ok_or_else(|| damaged(PRIOR))?;
        let surrogate = SurrogateName::named(saved.surrogate()).map_err(SurrogateError::file)?;
        let features = note(FEATURES).map(|note| Features::of_note(note, &*space)).transpose()?;
        let known = known(features.as_ref(), surrogate, prior, &*space)?;
        let model = Self { saved: Arc::new(saved), space, known, features, scale };
        model.predictor()?;
        Ok(model)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`StudyError::Io`], and those of [`from_bytes`](Self::from_bytes).
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bytes = std::fs::read(path).map_err(|source| StudyError::Io { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes)
    }

    /// The contents of a file.
    ///
    /// # Errors
    /// [`StudyError::Surrogate`] for a model that has no bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        Ok(self.saved.to_bytes()?)
    }

    /// Writes a file, as a whole or not at all.
    ///
    /// # Errors
    /// [`StudyError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), StudyError> {
        write_whole(path, &self.to_bytes()?)
    }

    /// The space of its architectures.
    pub fn space(&self) -> &Arc<dyn SearchSpace> {
        &self.space
    }

    /// What is saved: names and notes.
    pub fn saved(&self) -> &Saved {
        &self.saved
    }

    /// What scores were multiplied by before the fit; posteriors are in that unit.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The features that it was fitted with, and those that stand beside them; none without any.
    pub fn features(&self) -> Option<&Features> {
        self.features.as_ref()
    }

    /// This model with the features `rows`, `[n, d]`, of architectures that are to be predicted.
    ///
    /// # Errors
    /// [`SurrogateError::Data`] for a model that was fitted without features, rows of other lengths, numbers that are not
    /// finite, and an architecture with two rows that differ, of which one may be that of the fit.
    pub fn with_features(
        &self,
        architectures: &[Architecture],
        rows: &[Vec<f64>],
    ) -> Result<Self, StudyError> {
        let Some(features) = &self.features else {
            let reason = "features are given, and the surrogate was fitted without any";
            return Err(refused(reason.into()).into());
        };
        let features = features.with(architectures, rows)?;
        // Each remembers what it was asked, so that others take their places.
        let mut known = features.knowledge()?;
        known.extend_from_slice(&self.known[features.width()..]);
        Ok(Self { known, features: Some(features), ..self.clone() })
    }

    /// A predictor of its own; all of a model give equal posteriors.
    ///
    /// # Errors
    /// [`StudyError::Surrogate`] for content that cannot be read.
    pub fn predictor(&self) -> Result<Box<dyn Predict>, StudyError> {
        Ok(load_saved(&self.saved, &self.known)?)
    }
}

/// Knowledge that offers features.
fn offered(features: Option<&Features>) -> Result<Knowledge, SurrogateError> {
    features.map_or_else(|| Ok(Knowledge::default()), Features::offered)
}

/// Knowledge that is a function, which no file holds.
fn known(
    features: Option<&Features>,
    surrogate: SurrogateName,
    prior: PriorKind,
    space: &dyn SearchSpace,
) -> Result<Vec<PriorKnowledge>, StudyError> {
    let mut known = features.map_or_else(|| Ok(Vec::new()), Features::knowledge)?;
    known.extend(Knowledge::default().costs(surrogate, prior, space)?);
    Ok(known)
}

/// The space of a model: that of the file it keeps, else one of the catalogue.
fn space_of(saved: &Saved) -> Result<Arc<dyn SearchSpace>, SurrogateError> {
    let (name, text) = (saved.space(), saved.notes().get(SPACE_TEXT));
    match text {
        Some(text) => match space_from_toml(text, "its space file", name) {
            Ok(space) => Ok(space),
            Err(error) => Err(SurrogateError::file(error.to_string())),
        },
        None => SPACES
            .get(name)
            .map(SpaceEntry::space)
            .map_err(|error| SurrogateError::file(format!("its space is not one of this program: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use bonas_study::history::{Evaluation, Outcome, Score};
    use bonas_study::table::{EMBEDDED_SEARCH, EMBEDDED_SPACE, Reading, Source};

    use super::*;

    fn table() -> Benchmark {
        let space = SPACES.get(EMBEDDED_SPACE).unwrap().space();
        let reading = Reading { columns: vec![EMBEDDED_SEARCH.parse().unwrap()], ..Reading::default() };
        Source::Embedded.open(space, &reading).unwrap()
    }

    fn model(name: &str, prior: PriorKind) -> Model {
        let (table, surrogate) = (table(), SurrogateName::named(name).unwrap());
        let training = Training::of_table(&table, 0).sample(30, 1);
        Model::fit(table.space().clone(), &training, &Recipe { surrogate, prior, seed: 1 }).unwrap()
    }

    fn refused(saved: &Saved) -> String {
        Model::from_bytes(&saved.to_bytes().unwrap()).unwrap_err().to_string()
    }

    /// With multiply-adds, which are a function and come from the space again.
    #[test]
    fn a_file_predicts_as_the_model_did() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.bonas");
        let cells: Vec<_> = table().arms().iter().take(300).map(|arm| arm.architecture.clone()).collect();
        for prior in [PriorKind::None, PriorKind::Auto, PriorKind::Params] {
            let model = model("graph-gp", prior);
            model.write(&path).unwrap();
            let read = Model::read(&path).unwrap();
            assert_eq!(read.to_bytes().unwrap(), model.to_bytes().unwrap());
            let of = |model: &Model| model.predictor().unwrap().predict(&cells).unwrap();
            assert_eq!(of(&read), of(&model));
        }
    }

    /// A score that the feature alone says.
    #[test]
    fn features_beside_the_graph_are_learnt_and_kept_in_the_file() {
        let table = table();
        let cells: Vec<_> = table.arms().iter().take(90).map(|arm| arm.architecture.clone()).collect();
        let rows: Vec<Vec<f64>> = (0..cells.len()).map(|i| vec![(i * 37 % 90) as f64]).collect();
        let observed = cells.iter().zip(&rows).take(60);
        let training =
            Training::of(observed.map(|(a, r)| Observation::new(a.clone(), r[0])).collect(), "here");
        let recipe = Recipe { surrogate: SurrogateName::named("graph-gp").unwrap(), ..Recipe::default() };
        let features = Features::new(&cells[..60], &rows[..60]).unwrap();
        let model = Model::fit_with(table.space().clone(), &training, &recipe, Some(features)).unwrap();
        let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        let without = loaded.predictor().unwrap().predict(&cells[60..]).unwrap_err().to_string();
        assert!(without.contains("has no features"), "{without}");
        let beside =
            |rows: &[Vec<f64>]| loaded.with_features(&cells[60..], rows).unwrap().predictor().unwrap();
        let others = beside(&vec![vec![0.0]; 30]).predict(&cells[60..]).unwrap();
        let posteriors = beside(&rows[60..]).predict(&cells[60..]).unwrap();
        assert_ne!(others, posteriors);
        let medians: Vec<f64> = posteriors.iter().map(bonas_surrogate::Posterior::median).collect();
        let truth: Vec<f64> = rows[60..].iter().map(|row| row[0]).collect();
        assert!(bonas_surrogate::metrics::kendall_tau_b(&medians, &truth).unwrap() > 0.9);
        let other = loaded.with_features(&cells[..1], &[vec![-1.0]]).unwrap_err().to_string();
        assert!(other.contains("and had"), "{other}");
        let mixed = [vec![1.0], vec![f64::NAN]];
        let other = loaded.with_features(&cells[60..62], &mixed).unwrap_err().to_string();
        assert!(other.contains("row 1 of the features has NaN"), "{other}");
        let without = loaded.predictor().unwrap().predict(&cells[60..]).unwrap_err().to_string();
        assert!(without.contains("has no features"), "{without}");
    }

    #[test]
    fn models_of_other_spaces_and_priors_are_refused() {
        let saved = model("graph-gp", PriorKind::Macs).saved().clone();
        let other = refused(&saved.clone().of_space("macro"));
        assert!(
            other.contains("of another space, 1 cell of none, skip_connect") && other.contains("given"),
            "{other}"
        );
        let unknown = refused(&saved.clone().of_space("nasbench202"));
        assert!(unknown.contains("did you mean `nasbench201`?"), "{unknown}");
        let without = refused(&saved.clone().with_note(PRIOR, "none"));
        assert!(without.contains("give it again"), "{without}");
        let others = refused(&saved.clone().with_note(PRIOR, "params"));
        assert!(others.contains("ranks its sample otherwise"), "{others}");
        assert!(refused(&saved.with_note(SCALE, "")).contains("its note scale is missing"));
    }

    /// One of another fidelity is left out; noise goes with the scores that were measured several times.
    #[test]
    fn a_history_gives_scores_of_one_fidelity_with_their_noise() {
        let table = table();
        let mut history = History::new();
        let runs = |i: usize| [vec![0.5], vec![0.4, 0.6]][i % 2].clone();
        for (i, arm) in table.arms().iter().take(12).enumerate() {
            let fidelity = if i == 11 { Fidelity::Indicator } else { Fidelity::FromScratch };
            let outcome = match i {
                10 => Outcome::Failed("diverged".into()),
                _ => Outcome::Scored(Score::mean_of(runs(i), fidelity)),
            };
            let architecture = arm.architecture.clone();
            let fresh =
                history.push(Evaluation { architecture, outcome, predicted: None, round: 0, batch: 0 });
            assert!(fresh, "arm {i}");
        }
        let training = Training::of_history(&history, Fidelity::FromScratch, "a study");
        assert_eq!(training.len(), 10);
        let noise: Vec<f64> = training.observations.iter().map(|o| o.noise.unwrap()).collect();
        assert!((noise[0] - 0.02f64.sqrt()).abs() < 1e-12 && (noise[1] - 0.1).abs() < 1e-12, "{noise:?}");
        assert_eq!(Training::of_history(&history, Fidelity::Indicator, "a study").len(), 1);
    }

    #[test]
    fn samples_keep_their_order_and_size() {
        let all = Training::of_table(&table(), 0);
        let some = all.clone().sample(20, 3);
        assert_eq!((some.len(), all.clone().sample(99_999, 3).len()), (20, all.len()));
        let place = |o: &Observation| all.observations.iter().position(|a| a.architecture == o.architecture);
        assert!(some.observations.iter().map(place).is_sorted());
    }
}
