//! Settings of BONAS.

use bonas_surrogate::acquisition::AcquisitionSettings;
use serde::{Deserialize, Serialize};

use super::parts::{pool, selection};
use super::{Bonas, Objectives};
use crate::StudyError;
use crate::settings::{at_least_1, ensure};
use crate::strategy::names::{AcquisitionName, SelectionChoice, surrogates_with_prior};
use crate::strategy::{
    Batches, BuildStrategy, PriorKind, Site, Strategy, SurrogateName, TargetsKind, Transfer,
    check_batch_settings,
};

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
        initial: usize = 10,
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
        /// How scores compare: raw, or batch-centred (less the mean of their batch, plus that of all).
        targets: TargetsKind = TargetsKind::Raw,
        /// With a second objective: ehvi (expected improvement of the hypervolume; acquisition is not
        /// read), or parego (a score weighed at random each round). Without one it is not read.
        objectives: ObjectivesKind = ObjectivesKind::Ehvi,
    }
    check(s) {
        at_least_1(s.initial, "initial")?;
        at_least_1(s.pool_size, "pool_size")?;
        at_least_1(s.population, "population")?;
        at_least_1(s.tournament, "tournament")?;
        let takes = s.surrogate.takes_prior() || matches!(s.prior, PriorKind::Auto | PriorKind::None);
        ensure(takes, "prior", s.prior.name(), &format!("auto or none, or surrogate = {}", surrogates_with_prior()))?;
        let takes = s.surrogate.takes_prior() || s.transfer == Transfer::None;
        ensure(takes, "transfer", &s.transfer, &format!("none, or surrogate = {}", surrogates_with_prior()))?;
        ensure((0.0..f64::INFINITY).contains(&s.gamma), "gamma", s.gamma, "0 or more")?;
        ensure((0.0..=1.0).contains(&s.random_share), "random_share", s.random_share, "a share from 0 to 1")?;
        check_batch_settings(s.batches, s.batch)
    }
}

impl BuildStrategy for BonasSettings {
    fn build(&self, site: &Site<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let hypervolume = site.aims.second.is_some() && self.objectives == ObjectivesKind::Ehvi;
        if hypervolume && self.selection != SelectionChoice::Auto {
            return Err(StudyError::Setting {
                name: "strategy.selection".to_owned(),
                reason: "ehvi makes its own batches; use auto, or objectives = \"parego\"".to_owned(),
            });
        }
        let surrogate = site.knowledge.surrogate(self.surrogate, self.prior, &self.transfer, site.space)?;
        let acquisition = self.acquisition.build(&AcquisitionSettings { gamma: self.gamma })?;
        let selection = selection(self, &*surrogate, &*acquisition, site.fidelity)?;
        Ok(Box::new(Bonas {
            name: "bonas".to_owned(),
            surrogate,
            acquisition,
            selection,
            pool: pool(self, site.space)?,
            initial: self.initial,
            batches: Batches { count: self.batches, size: self.batch },
            targets: self.targets.into(),
            aims: site.aims.clone(),
            objectives: match self.objectives {
                ObjectivesKind::Ehvi => Objectives::Hypervolume,
                ObjectivesKind::Parego => Objectives::Scalarised,
            },
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
}
