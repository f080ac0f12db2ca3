//! Prior knowledge for surrogates: multiply-adds of the network of an architecture, and scores on another task.

mod counts;
mod source_task;
mod transfer;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bonas_spaces::catalogue::unknown;
use bonas_spaces::network::{OpTable, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace, SpaceError};
use bonas_surrogate::features::FeatureCache;
use bonas_surrogate::models::GraphGp;
use bonas_surrogate::{PriorKnowledge, Surrogate};
use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::rng::stream;
use crate::strategy::{SurrogateName, surrogates_with_prior};
use crate::table::ColumnName;

pub use counts::{Count, MACS, PARAMS};
pub use source_task::{SOURCE_TASK_FILE, SourceTask};
pub use transfer::Transfer;

/// The kind of prior knowledge that a surrogate is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriorKind {
    /// Multiply-adds where the space has a network here and the surrogate takes a prior, else nothing.
    #[default]
    Auto,
    /// Nothing.
    None,
    /// Multiply-adds of the published network.
    Macs,
    /// Its parameters.
    Params,
}

impl PriorKind {
    /// The prior with a name.
    ///
    /// # Errors
    /// A text that names all there are, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        crate::settings::variant(name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Macs => "macs",
            Self::Params => "params",
        }
    }
}

/// Random architectures that the ranks of prior knowledge are taken among.
const SAMPLE: usize = 200;

/// Costs of architectures in the published network of one space, or of the part of it that a table has, what was
/// learnt of them on other tasks, and their structural features: worked out when it is asked for, once for all
/// strategies that are assembled with it or a clone. All but features are taken as ranks among architectures of the
/// first space that it is asked for: another space needs another.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    cache: Arc<Mutex<KnowledgeCache>>,
    features: FeatureCache,
    offered: BTreeMap<ColumnName, PriorKnowledge>,
    /// Names that could have been offered, for errors.
    others: Vec<&'static str>,
    folder: PathBuf,
}

/// The knowledge that a surrogate starts from.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// Prior knowledge from the network of the space.
    pub prior: PriorKind,
    /// Scores on another task.
    pub transfer: &'a Transfer,
    /// Names of features beside the graph: those that are [offered](Knowledge::offering), and those of every [`Count`]
    /// where the space has a network here.
    pub features: &'a [ColumnName],
}

impl Start<'_> {
    /// No knowledge.
    pub const NOTHING: Start<'static> =
        Start { prior: PriorKind::None, transfer: &Transfer::None, features: &[] };
}

/// What has been worked out so far.
#[derive(Debug, Default)]
struct KnowledgeCache {
    counts: HashMap<Count, PriorKnowledge>,
    tasks: HashMap<Transfer, Arc<SourceTask>>,
    learnt: HashMap<Transfer, PriorKnowledge>,
}

impl Knowledge {
    /// A surrogate with the knowledge that it starts from.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a surrogate that this build lacks, a prior or a feature that it or the space does
    /// not have, or scores on another task that it does not take; as [`SourceTask::read`].
    pub fn surrogate(
        &self,
        kind: SurrogateName,
        start: Start<'_>,
        space: &dyn SearchSpace,
    ) -> Result<Box<dyn Surrogate>, StudyError> {
        let Start { prior, transfer, features } = start;
        let takes_none = |key: &str, given: String| StudyError::Setting {
            name: format!("strategy.{key}"),
            reason: format!(
                "{given}, but this surrogate takes none; take {}, or none",
                surrogates_with_prior()
            ),
        };
        if !kind.takes_prior() && *transfer != Transfer::None {
            return Err(takes_none("transfer", transfer.to_string()));
        }
        if !kind.takes_prior() && !features.is_empty() {
            return Err(takes_none("features", ColumnName::list(features)));
        }
        let own = features.iter().map(|name| self.feature(name, space));
        let mut known: Vec<PriorKnowledge> = own.collect::<Result<_, _>>()?;
        known.extend(self.cost(kind, prior, space)?);
        known.extend(self.learnt(transfer, space)?);
        let surrogate = crate::strategy::names::surrogate_for(kind, space)?;
        match surrogate.with_prior(&known, &self.features) {
            Some(surrogate) => Ok(surrogate),
            None if known.is_empty() => Ok(surrogate),
            None => Err(takes_no_prior()),
        }
    }

    /// The same with numbers of architectures that strategies can name as features, such as a column of a table.
    #[must_use]
    pub fn offering(mut self, name: ColumnName, numbers: PriorKnowledge) -> Self {
        self.offered.insert(name, numbers);
        self
    }

    /// The same with names of features that are offered to whoever names them: errors list them.
    #[must_use]
    pub fn able_to_offer(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.others.extend(names);
        self
    }

    /// What a surrogate is given of the costs of architectures, as [`surrogate`](Self::surrogate) gives it.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a prior that the surrogate or the space does not have.
    pub fn costs(
        &self,
        kind: SurrogateName,
        prior: PriorKind,
        space: &dyn SearchSpace,
    ) -> Result<Vec<PriorKnowledge>, StudyError> {
        self.cost(kind, prior, space)
    }

    /// Random architectures of a space that the ranks of computed knowledge are taken among.
    pub fn sample(space: &dyn SearchSpace) -> Vec<Architecture> {
        let mut rng = stream(0, &[]);
        (0..SAMPLE).map(|_| space.sample(&mut rng)).collect()
    }

    /// The same with paths of scores on other tasks taken from a folder.
    #[must_use]
    pub fn paths_from(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// The scores on another task that a strategy starts from, if it does.
    ///
    /// # Errors
    /// As [`SourceTask::read`].
    pub fn source_task(
        &self,
        transfer: &Transfer,
        space: &dyn SearchSpace,
    ) -> Result<Option<Arc<SourceTask>>, StudyError> {
        let transfer = &transfer.clone().within(&self.folder);
        if let Some(found) = self.cache().tasks.get(transfer) {
            return Ok(Some(found.clone()));
        }
        let Some(task) = SourceTask::read(transfer, space)? else { return Ok(None) };
        Ok(Some(self.cache().tasks.entry(transfer.clone()).or_insert(Arc::new(task)).clone()))
    }

    /// What results depend on of these scores: the text that they are known by, empty without any.
    ///
    /// # Errors
    /// As [`source_task`](Self::source_task).
    pub fn identity(&self, transfer: &Transfer, space: &dyn SearchSpace) -> Result<String, StudyError> {
        let task = self.source_task(transfer, space)?;
        Ok(task.map(|task| format!("transfer {}\n", task.digest)).unwrap_or_default())
    }

    fn learnt(
        &self,
        transfer: &Transfer,
        space: &dyn SearchSpace,
    ) -> Result<Option<PriorKnowledge>, StudyError> {
        let source = transfer.clone().within(&self.folder);
        if let Some(found) = self.cache().learnt.get(&source) {
            return Ok(Some(found.clone()));
        }
        let Some(task) = self.source_task(transfer, space)? else { return Ok(None) };
        let known = GraphGp::prior_from(&task.observations, &Self::sample(space))?;
        Ok(Some(self.cache().learnt.entry(source).or_insert(known).clone()))
    }

    fn cache(&self) -> MutexGuard<'_, KnowledgeCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cost(
        &self,
        surrogate: SurrogateName,
        prior: PriorKind,
        space: &dyn SearchSpace,
    ) -> Result<Vec<PriorKnowledge>, StudyError> {
        let (auto, count) = match prior {
            PriorKind::Auto => (true, Count::Macs),
            PriorKind::Macs => (false, Count::Macs),
            PriorKind::Params => (false, Count::Params),
            PriorKind::None => return Ok(Vec::new()),
        };
        if auto && (!surrogate.takes_prior() || space.network().is_none()) {
            return Ok(Vec::new());
        }
        if !surrogate.takes_prior() {
            return Err(takes_no_prior());
        }
        let counted = self.counted(count, space).map_err(|error| bad(format!("{error}; take none")))?;
        Ok(vec![counted])
    }

    /// A feature beside the graph.
    fn feature(&self, column: &ColumnName, space: &dyn SearchSpace) -> Result<PriorKnowledge, StudyError> {
        let bad = |reason| StudyError::Setting { name: "strategy.features".into(), reason };
        let name = &*column.to_string();
        let found = match (self.offered.get(column), Count::named(name)) {
            (Some(offered), _) => offered.clone(),
            (None, Some(count)) => {
                self.counted(count, space).map_err(|error| bad(format!("{column}: {error}")))?
            }
            (None, None) => {
                let offered: Vec<String> = self.offered.keys().map(ToString::to_string).collect();
                let known = offered.iter().map(String::as_str).chain(self.others.iter().copied());
                return Err(bad(unknown("feature", name, known.chain(Count::ALL.map(Count::name)))));
            }
        };
        Ok(found.as_feature())
    }

    /// A count on the networks of a space, taken once for each architecture.
    fn counted(&self, count: Count, space: &dyn SearchSpace) -> Result<PriorKnowledge, StudyError> {
        if let Some(found) = self.cache().counts.get(&count) {
            return Ok(found.clone());
        }
        let (skeleton, ops) = published(space)?;
        let value = move |architecture: &Architecture| {
            let union = Union::of(std::slice::from_ref(architecture)).map_err(|e| e.to_string())?;
            Ok(count.of(&skeleton.network(&union, &ops).map_err(|e| e.to_string())?))
        };
        let values = move |architectures: &[Architecture]| architectures.iter().map(&value).collect();
        let known = PriorKnowledge::computed(values, &Self::sample(space))?;
        Ok(self.cache().counts.entry(count).or_insert(known).clone())
    }
}

/// A network around cells, and what their operations are.
pub(super) type Network = (Arc<dyn Skeleton>, OpTable);

/// The published network of a space.
///
/// # Errors
/// [`SpaceError::NoNetwork`] where there is none.
pub(super) fn published(space: &dyn SearchSpace) -> Result<Network, SpaceError> {
    let network = space.require_network()?;
    Ok((network.skeleton().published(), network.ops()))
}

fn takes_no_prior() -> StudyError {
    bad(format!("this surrogate takes none; take {}, or auto", surrogates_with_prior()))
}

fn bad(reason: String) -> StudyError {
    StudyError::Setting { name: "strategy.prior".into(), reason }
}
