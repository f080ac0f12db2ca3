//! The latencies of one space: those on disk, those that are measured now, and those that a table predicts.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use bonas_spaces::{Architecture, SearchSpace};
use bonas_study::evaluator::Monitor;
use bonas_study::journal::write_json;
use bonas_study::rng::stream;

use super::kept::Measured;
use super::meter::Measure;
use super::table::{Census, LayerTable};
use super::{Kept, Meter, Program, Settings, setting};
use crate::StudyError;
use crate::config::LatencyBy;

/// Fewest networks that a table is fitted to; half of those asked for, if that is more.
const LEAST: usize = 5;

/// Stream of the architectures that a table is fitted to.
const TABLE: u64 = 3;

/// What is known of latencies in a file.
pub(super) struct Store {
    settings: Settings,
    space: Arc<dyn SearchSpace>,
    meter: Box<dyn Measure>,
    kept: Kept,
    /// Where the table is written for readers.
    told: PathBuf,
    table: Option<LayerTable>,
}

/// Where latencies are kept.
pub(super) struct StoreFiles {
    /// Those that were measured.
    pub(super) latencies: PathBuf,
    /// The table that predicts others.
    pub(super) table: PathBuf,
    /// Folder of the runs of a program.
    pub(super) runs: PathBuf,
}

/// Those that searches of this process use, by their files: a file has one writer.
static OPEN: LazyLock<Mutex<BTreeMap<PathBuf, Weak<Mutex<Store>>>>> = LazyLock::new(Mutex::default);

impl Store {
    /// The latencies in the files of a name, for all searches of this process that name them; `known_by` says what they
    /// depend on. A program runs in `relative_to`.
    ///
    /// # Errors
    /// As [`Meter::new`] and [`Program::new`]; [`StudyError::Io`] for a folder without absolute path.
    pub(super) fn open(
        settings: &Settings,
        space: &Arc<dyn SearchSpace>,
        files: &StoreFiles,
        known_by: String,
        relative_to: &Path,
    ) -> Result<Arc<Mutex<Self>>, StudyError> {
        let path = std::path::absolute(&files.latencies);
        let path = path.map_err(|source| StudyError::Io { path: files.latencies.clone(), source })?;
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = open.get(&path).and_then(Weak::upgrade) {
            return Ok(store);
        }
        let (settings, space) = (settings.clone(), space.clone());
        let meter: Box<dyn Measure> = match settings.by {
            LatencyBy::Command => {
                Box::new(Program::new(&settings, space.clone(), relative_to, files.runs.clone())?)
            }
            LatencyBy::Off | LatencyBy::Libtorch | LatencyBy::Tract => {
                Box::new(Meter::new(&settings, space.clone())?)
            }
        };
        let (kept, told) = (Kept::new(path.clone(), known_by), files.table.clone());
        let store = Arc::new(Mutex::new(Self { settings, space, meter, kept, told, table: None }));
        open.insert(path, Arc::downgrade(&store));
        Ok(store)
    }

    /// Milliseconds of an architecture: those on disk, those that the table predicts where there is one, or else those
    /// that are measured now and then kept on disk; or why it has none.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`]; errors of the files, and of libtorch, which say nothing about the architecture.
    pub(super) fn milliseconds(
        &mut self,
        architecture: &Architecture,
        monitor: &dyn Monitor,
    ) -> Result<Measured, StudyError> {
        if self.settings.table == 0 {
            return self.measured(architecture, monitor);
        }
        let table = match self.table.take() {
            Some(table) => table,
            None => self.fitted(monitor)?,
        };
        let table = self.table.insert(table);
        if let Some(known) = self.kept.get(architecture.key())? {
            return Ok(known);
        }
        let reference = self.kept.reference()?.unwrap_or(1.0);
        match census(&self.settings, &*self.space, architecture) {
            Ok(census) => Ok(Ok(table.predict(&census) * reference)),
            Err(error @ (StudyError::Space(_) | StudyError::Evaluator(_))) => Ok(Err(failed(&error))),
            Err(error) => Err(error),
        }
    }

    /// Milliseconds of an architecture, on disk or measured now.
    fn measured(
        &mut self,
        architecture: &Architecture,
        monitor: &dyn Monitor,
    ) -> Result<Measured, StudyError> {
        let key = architecture.key();
        if let Some(known) = self.kept.get(key)? {
            return Ok(known);
        }
        let reference = match self.kept.reference()? {
            Some(known) => known,
            None => self.kept.keep_reference(self.meter.unit_ms(monitor)?)?,
        };
        match self.meter.ratio(architecture, monitor) {
            Ok(ratio) => self.kept.keep(key, Ok(ratio * reference)),
            // It alone cannot be measured, as one that cannot be built in this size.
            Err(error @ (StudyError::Space(_) | StudyError::Evaluator(_))) => {
                self.kept.keep(key, Err(failed(&error)))
            }
            // A full disk, or want of memory, says nothing about it.
            Err(error) => Err(error),
        }
    }

    /// Measures what a table is fitted to, as far as it is not on disk, and fits it.
    fn fitted(&mut self, monitor: &dyn Monitor) -> Result<LayerTable, StudyError> {
        let (mut measured, mut last) = (Vec::new(), String::new());
        let sample = sample(&*self.space, self.settings.table);
        for architecture in &sample {
            match self.measured(architecture, monitor)? {
                Ok(milliseconds) => {
                    measured.push((census(&self.settings, &*self.space, architecture)?, milliseconds));
                }
                Err(reason) => last = format!(": {reason}"),
            }
        }
        let (there, all) = (measured.len(), sample.len());
        if there < LEAST.max(all / 2) {
            let reason = format!(
                "{there} of {all} networks could be measured, and it takes {}{last}",
                LEAST.max(all / 2)
            );
            return Err(setting("table", reason));
        }
        if there < all {
            monitor.warning(&format!("latency.table: {there} of {all} networks could be measured{last}"));
        }
        let reference = self.kept.reference()?.ok_or_else(|| setting("table", "no network was measured"))?;
        for (_, time) in &mut measured {
            *time /= reference;
        }
        let table = LayerTable::fit(&measured)?;
        write_json(&self.told, &table.told(&measured, reference))?;
        Ok(table)
    }
}

/// So many different random architectures, or as many as a small space has.
fn sample(space: &dyn SearchSpace, count: usize) -> Vec<Architecture> {
    let (mut rng, mut seen) = (stream(0, &[TABLE]), HashSet::new());
    let drawn = (0..100 * count).map(|_| space.sample(&mut rng));
    drawn.filter(|architecture| seen.insert(architecture.key())).take(count).collect()
}

fn census(
    settings: &Settings,
    space: &dyn SearchSpace,
    architecture: &Architecture,
) -> Result<Census, StudyError> {
    let card = super::meter::card(settings, space, architecture)?;
    Census::of(&card.networks(space).map_err(StudyError::Evaluator)?.1)
}

fn failed(error: &StudyError) -> String {
    match error {
        StudyError::Evaluator(reason) => format!("its latency: {reason}"),
        other => format!("its latency: {other}"),
    }
}
