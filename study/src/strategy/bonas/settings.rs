//! Settings of BONAS.

use bonas_spaces::SearchSpace;
use bonas_surrogate::acquisition::AcquisitionSettings;
use bonas_surrogate::catalogue::surrogates_that;
use bonas_surrogate::selection::{Clustered, KrigingBeliever, SelectionSettings, TopK};
use bonas_surrogate::{Acquisition, Selection, Surrogate};
use serde::{Deserialize, Serialize};

use super::{Bonas, Objectives};
use crate::StudyError;
use crate::history::Fidelity;
use crate::settings::{Invalid, at_least_1, ensure};
use crate::strategy::names::{
    AcquisitionName, SelectionChoice, SelectionName, either, surrogates_with_groups, surrogates_with_prior,
};
use crate::strategy::{
    Batches, BuildContext, BuildStrategy, CandidatePool, Evolutionary, Local, Parents, PriorKind, Start,
    Strategy, SurrogateName, TargetsKind, Transfer, WHOLE_SPACE_CAP, WholeSpace, check_batch_settings,
};
use crate::table::ColumnName;

/// Where candidates come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolKind {
    /// The whole space where it is small, else evolutionary.
    #[default]
    Auto,
    /// Everything not yet evaluated.
    Whole,
    /// Mutants of good architectures.
    Evolutionary,
    /// Neighbours of the best architectures.
    Local,
    /// Random architectures.
    Random,
}

/// How two objectives come to one utility.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectivesKind {
    /// Expected improvement of the hypervolume.
    #[default]
    Ehvi,
    /// Noisy expected improvement of the hypervolume, by joint draws.
    Nehvi,
    /// One score, weighed at random each round.
    Parego,
}

/// Which evaluations parents are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParentsKind {
    /// The last ones, as in the published code of BONAS.
    Recent,
    /// The best ones.
    #[default]
    Best,
}

crate::settings! {
    /// Settings of BONAS.
    pub struct BonasSettings {
        /// Random architectures evaluated before the surrogate is fitted. Published: 100.
        initial: usize = 5,
        /// Batches a round.
        batches: usize = 1,
        /// Architectures a batch, trained together. Published: 100.
        batch: usize = 10,
        /// Surrogate: the model that predicts scores; `bonas list surrogates` names them.
        surrogate: SurrogateName = SurrogateName::default(),
        /// Known before anything is measured: macs (multiply-adds of an architecture's published network) or
        /// params: a line that the surrogate starts from, whose slope it learns (and a column for trees).
        /// auto: macs where the space has a network here and the surrogate takes a prior, else none.
        prior: PriorKind = PriorKind::Auto,
        /// Scores of the same space on another task to start from, beside the prior: none, digits (the table inside
        /// the program: nasbench201), study:FOLDER, or table:FILE:COLUMN (rows without a number are left out). At
        /// least 10; of more than 2000, 2000 are taken. Paths are relative to where the program runs, in a comparison
        /// to the configuration's folder. A search keeps the scores in its own folder.
        transfer: Transfer = Transfer::None,
        /// Numbers that are known of every architecture before it is measured, as features beside the graph:
        /// network.macs, network.params, network.depth, network.width and network.resolution where the space has a network
        /// here; in a search on images also indicators
        /// that read no trained supernet, such as synflow; in a comparison on a table its columns but those that are
        /// searched and reported. The surrogate learns which matter.
        features: Vec<ColumnName> = Vec::new(),
        /// Acquisition: how a posterior becomes a utility; `bonas list acquisitions` names them. Published: ucb.
        acquisition: AcquisitionName = AcquisitionName::default(),
        /// Weight of the standard deviation in ucb and q-ucb. Published: 0.5.
        gamma: f64 = 0.5,
        /// Selection: how batches are made of useful candidates; `bonas list selections` names them. Published:
        /// top-k. auto: clusters where a batch shares weights and the surrogate has an embedding; elsewhere
        /// kriging-believer with expected improvement and a joint posterior, else top-k.
        selection: SelectionChoice = SelectionChoice::Auto,
        /// Where candidates come from: auto (whole where that is small, else evolutionary), whole,
        /// evolutionary, local (neighbours of the best) or random.
        pool: PoolKind = PoolKind::Auto,
        /// Candidates of an evolutionary, local or random pool. Published: 1000.
        pool_size: usize = 1000,
        /// Evaluations that parents are drawn from, or whose neighbours are candidates. Published: 30.
        population: usize = 30,
        /// Which ones these are: recent (published) or best.
        parents: ParentsKind = ParentsKind::Best,
        /// Members drawn for a tournament. Published: 10.
        tournament: usize = 10,
        /// Share of an evolutionary pool drawn at random. Published: 0.
        random_share: f64 = 0.1,
        /// How scores compare: raw, batch-centred (less the mean of their batch, plus that of all), or batch-intercept
        /// (each batch has an intercept that the surrogate learns: graph-gp and ensemble).
        targets: TargetsKind = TargetsKind::Raw,
        /// With a second objective: ehvi (expected improvement of the hypervolume; acquisition is not
        /// read), nehvi (the same, where what was measured is uncertain, too), or parego (a score weighed at random each
        /// round). Without one it is not read.
        objectives: ObjectivesKind = ObjectivesKind::Ehvi,
        /// Whether expected improvement (ei, log-ei, ehvi, and the selections that continue it) is that of the true
        /// score, without the noise of a measurement; of graph-gp, ensemble, wl-gp, counts-bsr and gcn-bsr, which know it.
        /// Refused elsewhere.
        noise_free: bool = false,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        at_least_1(s.tournament, "tournament")?;
        let takes = s.surrogate.takes_prior() || matches!(s.prior, PriorKind::Auto | PriorKind::None);
        ensure(takes, "prior", s.prior.name(), &format!("auto or none, or surrogate = {}", surrogates_with_prior()))?;
        let takes = s.surrogate.takes_prior() || s.transfer == Transfer::None;
        let reason = format!("{}, which only {} can start from; take one of these as surrogate, or none", s.transfer, surrogates_with_prior());
        if !takes { return Err(Invalid { key: "transfer", reason }); }
        let takes = s.surrogate.takes_prior() || s.features.is_empty();
        ensure(takes, "features", ColumnName::list(&s.features), &format!("[], or surrogate = {}", surrogates_with_prior()))?;
        let twice = |(i, name): &(usize, &ColumnName)| s.features[..*i].iter().any(|other| other.parts == name.parts);
        if let Some((_, name)) = s.features.iter().enumerate().find(twice) {
            return Err(Invalid { key: "features", reason: format!("{name} is there twice; name each once") });
        }
        let takes = s.targets != TargetsKind::BatchIntercept || s.surrogate.knows_groups();
        ensure(takes, "targets", s.targets.name(), &format!("raw or batch-centred, or surrogate = {}", surrogates_with_groups()))?;
        ensure((0.0..f64::INFINITY).contains(&s.gamma), "gamma", s.gamma, "0 or more")?;
        ensure((0.0..=1.0).contains(&s.random_share), "random_share", s.random_share, "a share from 0 to 1")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for BonasSettings {
    fn takes_two_objectives(&self) -> bool {
        true
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let hypervolume = context.aims.second.is_some() && self.objectives != ObjectivesKind::Parego;
        if hypervolume && self.selection != SelectionChoice::Auto {
            return Err(StudyError::Setting {
                name: "strategy.selection".to_owned(),
                reason: "ehvi and nehvi make their own batches; use auto, or objectives = \"parego\""
                    .to_owned(),
            });
        }
        let start = Start { prior: self.prior, transfer: &self.transfer, features: &self.features };
        let surrogate = context.knowledge.surrogate(self.surrogate, start, context.space)?;
        if hypervolume && self.objectives == ObjectivesKind::Nehvi && !surrogate.has_joint_posterior() {
            let having = either(&surrogates_that(|s: &dyn Surrogate| s.has_joint_posterior()));
            return Err(StudyError::Setting {
                name: "strategy.objectives".to_owned(),
                reason: format!("nehvi needs a surrogate with a joint posterior; take {having}, or ehvi"),
            });
        }
        let settings = AcquisitionSettings { gamma: self.gamma, noise_free: self.noise_free };
        let acquisition = self.acquisition.build(&settings)?;
        if self.noise_free {
            check_noise_free(&*surrogate, &*acquisition, hypervolume)?;
        }
        let selection = selection(self, &*surrogate, &*acquisition, context.fidelity)?;
        Ok(Box::new(Bonas {
            name: "bonas".to_owned(),
            surrogate,
            acquisition,
            selection,
            pool: pool(self, context.space)?,
            initial: self.initial,
            batches: Batches { count: self.batches, size: self.batch },
            targets: self.targets.into(),
            aims: context.aims.clone(),
            objectives: match self.objectives {
                ObjectivesKind::Ehvi => Objectives::Hypervolume,
                ObjectivesKind::Nehvi => Objectives::Noisy,
                ObjectivesKind::Parego => Objectives::Scalarised,
            },
            noise_free: self.noise_free,
            floor: true,
        }))
    }

    batch_and_initial!();

    fn needs_torch(&self) -> bool {
        self.surrogate.needs_torch()
    }

    fn surrogate(&self) -> Option<(SurrogateName, TargetsKind)> {
        Some((self.surrogate, self.targets))
    }

    fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    fn set_transfer(&mut self, transfer: Transfer) {
        self.transfer = transfer;
    }

    fn estimates(&self) -> bool {
        true
    }

    fn features(&self) -> &[ColumnName] {
        &self.features
    }
}

/// Refuses `noise_free` where nothing would read it.
fn check_noise_free(
    surrogate: &dyn Surrogate,
    acquisition: &dyn Acquisition,
    hypervolume: bool,
) -> Result<(), StudyError> {
    let refused =
        |reason: String| Err(StudyError::Setting { name: "strategy.noise_free".to_owned(), reason });
    if !surrogate.knows_noise() {
        let having = either(&surrogates_that(|s: &dyn Surrogate| s.knows_noise()));
        return refused(format!(
            "{} does not know the noise of a measurement; take {having}, or false",
            surrogate.name()
        ));
    }
    if !hypervolume && !acquisition.is_expected_improvement() {
        return refused(format!(
            "{} is no expected improvement; take ei or log-ei, or false",
            acquisition.name()
        ));
    }
    Ok(())
}

/// The selection of some settings; refuses one that reads what the surrogate does not have.
fn selection(
    s: &BonasSettings,
    surrogate: &dyn Surrogate,
    acquisition: &dyn Acquisition,
    fidelity: Fidelity,
) -> Result<Box<dyn Selection>, StudyError> {
    let name = match s.selection {
        SelectionChoice::Named(name) => name,
        SelectionChoice::Auto => automatic(surrogate, acquisition, fidelity),
    };
    let selection = name.build(&SelectionSettings { gamma: s.gamma, noise_free: s.noise_free })?;
    let lacks = |what: &str, have: &dyn Fn(&dyn Surrogate) -> bool| {
        let (name, having) = (name.name(), either(&surrogates_that(have)));
        let reason = format!("{name} needs a surrogate with {what}; take {having}");
        Err(StudyError::Setting { name: "strategy.selection".to_owned(), reason })
    };
    if selection.reads_embeddings() && !surrogate.has_embedding() {
        return lacks("an embedding", &|s| s.has_embedding());
    }
    if selection.reads_joint() && !surrogate.has_joint_posterior() {
        return lacks("a joint posterior", &|s| s.has_joint_posterior());
    }
    Ok(selection)
}

/// The selection that `auto` stands for.
fn automatic(surrogate: &dyn Surrogate, acquisition: &dyn Acquisition, fidelity: Fidelity) -> SelectionName {
    SelectionName::of(if fidelity == Fidelity::SharedWeights && surrogate.has_embedding() {
        &Clustered::ENTRY
    } else if acquisition.is_expected_improvement() && surrogate.has_joint_posterior() {
        &KrigingBeliever::ENTRY
    } else {
        &TopK::ENTRY
    })
}

fn pool(s: &BonasSettings, space: &dyn SearchSpace) -> Result<CandidatePool, StudyError> {
    let evolutionary = Evolutionary {
        size: s.pool_size,
        population: s.population,
        parents: match s.parents {
            ParentsKind::Recent => Parents::Recent,
            ParentsKind::Best => Parents::Best,
        },
        tournament: s.tournament,
        random_share: s.random_share,
        ..Evolutionary::default()
    };
    let whole = || WholeSpace::of(space, WHOLE_SPACE_CAP);
    match s.pool {
        PoolKind::Auto => Ok(whole().map_or(CandidatePool::Evolutionary(evolutionary), CandidatePool::Whole)),
        PoolKind::Evolutionary => Ok(CandidatePool::Evolutionary(evolutionary)),
        PoolKind::Local => Ok(CandidatePool::Local(Local { size: s.pool_size, population: s.population })),
        PoolKind::Random => Ok(CandidatePool::Evolutionary(Evolutionary { random_share: 1.0, ..evolutionary })),
        PoolKind::Whole => whole().map(CandidatePool::Whole).ok_or_else(|| StudyError::Setting {
            name: "strategy.pool".into(),
            reason: format!(
                "whole, but {} has {} architectures and at most {WHOLE_SPACE_CAP} are listed; use auto or evolutionary",
                space.name(),
                space.size()
            ),
        }),
    }
}
