//! A search for a recurrent cell on text: BONAS with shared weights in NAS-Bench-NLP, then the winner, random cells and the LSTM
//! trained by themselves, all alike.
//!
//! `cargo run --release --example recurrent` takes some minutes on two cores; `-- --help` lists the flags. The search is
//! journalled: the same command goes on with it after a stop. The final trainings begin again.

#![allow(clippy::print_stdout)]

#[path = "../support/allocator.rs"]
mod allocator;
mod figures;
#[path = "../support/interrupt.rs"]
mod interrupt;
mod ranking;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use bonas::spaces::network::{RecurrentCell, SpaceRecurrent};
use bonas::spaces::rand::Rng;
use bonas::spaces::{Architecture, NasBenchNlp, SearchSpace};
use bonas::study::Budget;
use bonas::study::evaluator::Monitor;
use bonas::study::rng::stream;
use bonas::study::strategy::{Batches, Bonas};
use bonas::supernet::evaluator::language::{JointLanguageEvaluator, LanguageRecipe, Text, Trained, Training};
use bonas::surrogate::models::WlGp;
use bonas::{Fidelity, Study, StudyError};
use clap::Parser;
use figures::{Contender, Figures};
use ranking::Ranking;

/// Purpose of a random stream: the random cells.
const RANDOM: u64 = 1000;
/// Purpose of a random stream: the seeds of the final trainings, the same for every cell.
const FINALS: u64 = 1001;

/// Purpose of a random stream: the seed of the shortlist.
const SHORTLIST: u64 = 1003;

/// Searches a recurrent cell and compares it with random cells and the LSTM.
#[derive(Debug, Parser)]
struct Flags {
    /// The text: prose, or text:DIRECTORY with files train, valid and test.
    #[arg(long, default_value = "prose")]
    text: String,
    /// Architectures of the search.
    #[arg(long, default_value_t = 48)]
    architectures: usize,
    /// Cells that are trained together.
    #[arg(long, default_value_t = 6)]
    batch: usize,
    /// Passes over the text of a batch.
    #[arg(long, default_value_t = 36)]
    search_epochs: usize,
    /// Best cells of the search that are trained by themselves once; the best of them wins.
    #[arg(long, default_value_t = 4)]
    shortlist: usize,
    /// Passes over the text of a final training.
    #[arg(long, default_value_t = 15)]
    epochs: usize,
    /// Seeds of the final trainings.
    #[arg(long, default_value_t = 3)]
    seeds: usize,
    /// Random cells beside the winner.
    #[arg(long, default_value_t = 5)]
    random: usize,
    /// Width of embedding and states.
    #[arg(long, default_value_t = 64)]
    width: usize,
    /// Layers of cells.
    #[arg(long, default_value_t = 1)]
    layers: usize,
    /// Seed of search and trainings.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads of libtorch.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where to compute: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: String,
    /// In place of a search, measure how well shared weights rank so many batches of random and of related cells.
    #[arg(long)]
    rank: Option<usize>,
    /// Folder of the search.
    #[arg(long, default_value = "runs/recurrent")]
    out: PathBuf,
}

impl Flags {
    fn check(&self) -> Result<()> {
        ensure!(
            self.batch > 0 && self.architectures >= self.batch,
            "--architectures must be at least --batch, which is at least 1"
        );
        ensure!(self.seeds > 0 && self.threads > 0, "--seeds and --threads must be at least 1");
        Ok(())
    }

    fn recipe(&self, epochs: usize) -> LanguageRecipe {
        let (embedding, hidden, layers) = (self.width, self.width, self.layers);
        LanguageRecipe { embedding, hidden, layers, epochs, ..LanguageRecipe::default() }
    }
}

fn main() -> Result<()> {
    let flags = Flags::parse();
    flags.check()?;
    match run(&flags, &interrupt::interrupt()?) {
        Err(error) if matches!(error.downcast_ref(), Some(StudyError::Interrupted)) => {
            println!("Stopped. The same command goes on with the search.");
            std::process::exit(130)
        }
        outcome => outcome,
    }
}

fn run(flags: &Flags, cancel: &Arc<AtomicBool>) -> Result<()> {
    let space = Arc::new(NasBenchNlp::new());
    let text = Arc::new(Text::load(&flags.text, 2)?);
    let device = bonas::supernet::device::devices(&flags.device)?[0];
    if let Some(batches) = flags.rank {
        tch::set_num_threads(flags.threads as i32);
        let (shared, own) = (flags.recipe(flags.search_epochs), flags.recipe(flags.epochs));
        let (cells, seed) = (flags.batch, flags.seed);
        return Ranking { space: &space, text: &text, shared, own, device, batches, cells, seed }
            .print(cancel);
    }
    let evaluator = JointLanguageEvaluator {
        space: space.clone(),
        text: text.clone(),
        recipe: flags.recipe(flags.search_epochs),
        device,
        threads: flags.threads,
    };
    let recipe = flags.recipe(flags.epochs);
    let best = search(flags, &space, &evaluator, cancel)?;
    let final_training = Finals { flags, text: &text, recipe: &recipe, device, cancel };
    let winner = final_training.choose(&space, best)?;
    println!("winner {}", space.format(&winner)?);
    let mut cells = vec![("winner".to_owned(), winner)];
    let mut rng = stream(flags.seed, &[RANDOM]);
    cells.extend((0..flags.random).map(|i| (format!("random {}", i + 1), space.sample(&mut rng))));
    cells.push(("lstm".to_owned(), space.parse("lstm")?));
    let mut contenders = Vec::with_capacity(cells.len());
    for (name, architecture) in cells {
        let cell = space.cell(&architecture)?;
        let params = recipe.sizes(text.words()).params(&cell)?;
        let figures = final_training.measure(&cell)?;
        let contender = Contender { name, params, figures };
        println!("{contender}");
        contenders.push(contender);
    }
    println!("\n{}", figures::table(&contenders));
    Ok(())
}

/// The best cells of the search by validation with shared weights, at least one.
fn search(
    flags: &Flags,
    space: &Arc<NasBenchNlp>,
    evaluator: &JointLanguageEvaluator,
    cancel: &Arc<AtomicBool>,
) -> Result<Vec<Architecture>> {
    let strategy = Bonas {
        surrogate: Box::new(WlGp::default()),
        initial: 2 * flags.batch,
        batches: Batches { count: 1, size: flags.batch },
        ..Bonas::default()
    };
    let finished = Study::new(space.clone(), Box::new(strategy), vec![Box::new(evaluator.clone())])
        .seed(flags.seed)
        .budget(Budget::architectures(flags.architectures))
        .config(format!("{:?} {:?}", evaluator.recipe, flags.text))
        .directory(&flags.out)
        .cancel(cancel.clone())
        .run()?;
    ensure!(!cancel.load(Ordering::SeqCst), StudyError::Interrupted);
    let mut scored: Vec<(f64, Architecture)> = finished
        .history
        .evaluations()
        .iter()
        .filter_map(|one| Some((one.outcome.value(Fidelity::SharedWeights)?, one.architecture.clone())))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, _) = scored.first().context("every cell diverged; take a lower learning rate")?;
    let failed = finished.history.len() - scored.len();
    println!(
        "search: {} cells, {failed} diverged, best perplexity with shared weights {:.1}",
        scored.len() + failed,
        1.0 / best
    );
    Ok(scored.into_iter().take(flags.shortlist.max(1)).map(|(_, cell)| cell).collect())
}

/// Trainings of a cell by itself, all alike.
struct Finals<'a> {
    flags: &'a Flags,
    text: &'a Text,
    recipe: &'a LanguageRecipe,
    device: tch::Device,
    cancel: &'a AtomicBool,
}

impl Finals<'_> {
    /// The best of some cells by the validation loss of one training, with a seed that is used for nothing else.
    fn choose(&self, space: &NasBenchNlp, cells: Vec<Architecture>) -> Result<Architecture> {
        let seed = stream(self.flags.seed, &[SHORTLIST]).next_u64();
        let mut best: Option<(f64, Architecture)> = None;
        for architecture in cells {
            let trained = self.train(&space.cell(&architecture)?, seed)?;
            let loss = trained.valid[0].clone().unwrap_or(f64::INFINITY);
            println!("shortlist: perplexity {:.1} {}", loss.exp(), space.format(&architecture)?);
            if best.as_ref().is_none_or(|(least, _)| loss < *least) {
                best = Some((loss, architecture));
            }
        }
        best.map(|(_, cell)| cell).context("the search has no cell")
    }

    /// Perplexities on the validation and the test part, one a seed; the same seeds for every cell.
    fn measure(&self, cell: &RecurrentCell) -> Result<Figures> {
        let mut seeds = stream(self.flags.seed, &[FINALS]);
        let (mut valid, mut test) = (Vec::new(), Vec::new());
        for _ in 0..self.flags.seeds {
            let trained = self.train(cell, seeds.next_u64())?;
            match &trained.valid[0] {
                Ok(loss) => {
                    valid.push(loss.exp());
                    test.push(trained.loss(0, &self.text.test)?.exp());
                }
                Err(reason) => return Ok(Figures::Failed(reason.clone())),
            }
        }
        Ok(Figures::Measured { valid, test })
    }

    fn train(&self, cell: &RecurrentCell, seed: u64) -> Result<Trained, StudyError> {
        tch::set_num_threads(self.flags.threads as i32);
        let training = Training { text: self.text, recipe: self.recipe, device: self.device, seed };
        training.run(std::slice::from_ref(cell), &Cancel(self.cancel))
    }
}

/// Listens to Ctrl-C.
struct Cancel<'a>(&'a AtomicBool);

impl Monitor for Cancel<'_> {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
