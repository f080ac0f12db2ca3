//! The measurements: three studies, each journalled in a folder of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use bonas::build::{self, Trainings};
use bonas::config::{EvaluatorSettings, SearchConfig};
use bonas::spaces::{Architecture, Key, SearchSpace};
use bonas::study::Budget;
use bonas::study::history::{Event, Outcome, Score};
use bonas::study::rng::{StudyRng, stream};
use bonas::study::strategy::{Ask, Proposal};
use bonas::{Evaluator, Observer, Strategy, Study, StudyError};
use rand::Rng;

use crate::cells::{self, Repeat};
use crate::figures::{Batch, Measured};
use crate::flags::Flags;

/// Stream of the studies' seeds.
const STUDIES: u64 = 103;

/// Runs the three studies, or what is left of them.
pub(crate) fn measure(flags: &Flags, repeats: &[Repeat], cancel: &Arc<AtomicBool>) -> Result<Vec<Measured>> {
    let space = cells::space(flags)?;
    let both: Vec<_> = repeats.iter().map(Repeat::both).collect();
    let single = both.concat().into_iter().map(|cell| vec![cell]).collect();
    let each = repeats.iter().flat_map(|r| [r.random.clone(), r.related.clone()]).collect();
    let stage = |name, config| Stage { flags, space: &space, cancel, name, config };
    let scores = Scores {
        truth: stage("from-scratch", flags.scratch()).run(1, single)?,
        joint: stage("joint", flags.joint()).run(2, each)?,
        one_shot: stage("one-shot", flags.one_shot()).run(3, both)?,
    };
    let batch = |cells: &[Architecture]| scores.batch(&*space, cells);
    repeats.iter().map(|r| Ok(Measured { random: batch(&r.random)?, related: batch(&r.related)? })).collect()
}

/// Proposes given batches, and then nothing more.
struct Batched(Vec<Vec<Architecture>>);

impl Strategy for Batched {
    fn name(&self) -> &'static str {
        "batched"
    }

    fn ask(&mut self, ask: &Ask<'_>, _: &mut StudyRng) -> Result<Proposal, StudyError> {
        if ask.round > 0 {
            return Ok(Proposal::default());
        }
        let batch = |cells: &Vec<Architecture>| cells.iter().cloned().map(Into::into).collect();
        Ok(Proposal { batches: self.0.iter().map(batch).collect() })
    }
}

/// One study.
struct Stage<'a> {
    flags: &'a Flags,
    space: &'a Arc<dyn SearchSpace>,
    cancel: &'a Arc<AtomicBool>,
    name: &'static str,
    config: SearchConfig,
}

impl Stage<'_> {
    /// Scores by cell; `number` tells the studies' random streams apart.
    fn run(&self, number: u64, batches: Vec<Vec<Architecture>>) -> Result<HashMap<Key, Score>> {
        let folder = self.flags.out.join(self.name);
        let seed = stream(self.flags.seed, &[STUDIES, number]).next_u64();
        let progress = Progress { name: self.name, total: batches.len(), done: 0, start: Instant::now() };
        let cells = batches.iter().map(Vec::len).sum();
        let finished = Study::new(self.space.clone(), Box::new(Batched(batches)), self.evaluators()?)
            .seed(seed)
            .budget(Budget::architectures(cells))
            .config(self.identity())
            .cancel(self.cancel.clone())
            .observer(Box::new(progress))
            .directory(&folder)
            .run()
            .with_context(|| format!("the study in {}", folder.display()))?;
        let scores = finished.history.evaluations().iter().map(|e| match &e.outcome {
            Outcome::Scored(score) => Ok((e.architecture.key(), score.clone())),
            Outcome::Failed(reason) => bail!("{}: {reason}", self.space.format(&e.architecture)?),
        });
        scores.collect()
    }

    fn evaluators(&self) -> Result<Vec<Box<dyn Evaluator>>> {
        let EvaluatorSettings::SharedWeights(settings) = &self.config.evaluator else {
            return Ok(build::evaluators(&self.config, &self.flags.out.join(self.name))?);
        };
        let networks = Trainings::new(&self.config)?.networks;
        let pool = if self.name == "one-shot" { cells::pool(self.flags)? } else { Vec::new() };
        let evaluators = settings.evaluators(&networks)?;
        Ok(evaluators.into_iter().map(|e| Box::new(e.pool(pool.clone())) as Box<dyn Evaluator>).collect())
    }

    /// All that the study's results depend on.
    fn identity(&self) -> String {
        let Flags { repeats, cells, radius, .. } = self.flags;
        format!("{}\nrepeats = {repeats}\ncells = {cells}\nradius = {radius}", self.config.identity())
    }
}

/// Prints a line for about every tenth of a study.
struct Progress {
    name: &'static str,
    total: usize,
    done: usize,
    start: Instant,
}

impl Observer for Progress {
    fn event(&mut self, event: &Event, replayed: bool) {
        let Event::Evaluated { .. } = event else { return };
        self.done += 1;
        let tenth = |done: usize| 10 * done / self.total;
        if !replayed && tenth(self.done) > tenth(self.done - 1) {
            let seconds = self.start.elapsed().as_secs_f64();
            println!("{}: {} of {} batches, {seconds:.0} s", self.name, self.done, self.total);
        }
    }
}

/// What the studies found, by cell.
struct Scores {
    truth: HashMap<Key, Score>,
    joint: HashMap<Key, Score>,
    one_shot: HashMap<Key, Score>,
}

impl Scores {
    fn batch(&self, space: &dyn SearchSpace, cells: &[Architecture]) -> Result<Batch> {
        let find = |scores: &HashMap<Key, Score>| {
            let found = cells.iter().map(|c| scores.get(&c.key()).cloned()).collect::<Option<Vec<_>>>();
            found.context("a study lacks a cell; was its folder changed?")
        };
        let values = |scores: Vec<Score>| scores.into_iter().map(|s| s.value).collect();
        Ok(Batch {
            cells: cells.iter().map(|c| space.format(c)).collect::<Result<_, _>>()?,
            runs: find(&self.truth)?.into_iter().map(|s| s.runs).collect(),
            joint: values(find(&self.joint)?),
            one_shot: values(find(&self.one_shot)?),
        })
    }
}
