//! How well shared weights rank cells: Kendall's tau with trainings of each cell by itself.

use std::sync::atomic::AtomicBool;

use anyhow::Result;
use bonas::spaces::network::{RecurrentCell, SpaceRecurrent};
use bonas::spaces::{Architecture, NasBenchNlp, SearchSpace};
use bonas::study::rng::{StudyRng, stream};
use bonas::supernet::evaluator::language::{LanguageNet, LanguageRecipe, Text, Training};
use bonas::surrogate::metrics::kendall_tau_b;
use tch::{Device, Kind};

use super::Cancel;

/// Purpose of a random stream: the cells that are ranked.
const CELLS: u64 = 1002;
/// Most changes between a cell and the centre of its batch.
const RADIUS: usize = 2;

/// What is ranked.
pub(crate) struct Ranking<'a> {
    pub(crate) space: &'a NasBenchNlp,
    pub(crate) text: &'a Text,
    /// The training of a batch.
    pub(crate) shared: LanguageRecipe,
    /// The training of a cell.
    pub(crate) own: LanguageRecipe,
    pub(crate) device: Device,
    /// Batches of each kind, and cells of a batch.
    pub(crate) batches: usize,
    pub(crate) cells: usize,
    pub(crate) seed: u64,
}

impl Ranking<'_> {
    /// Ranks random and related cells, and says how much they share.
    pub(crate) fn print(&self, cancel: &AtomicBool) -> Result<()> {
        let mut rng = stream(self.seed, &[CELLS]);
        for related in [false, true] {
            let (mut taus, mut shares) = (Vec::new(), Vec::new());
            for batch in 0..self.batches {
                let cells = self.draw(related, &mut rng)?;
                shares.push(self.share(&cells)?);
                taus.extend(self.tau(&cells, self.seed + batch as u64, cancel)?);
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
            let kind = if related { "related" } else { "random" };
            println!(
                "{kind} cells: {:.0} % of their weights are shared; tau of shared weights with training alone {:.2} ({} batches of {})",
                100.0 * mean(&shares),
                mean(&taus),
                taus.len(),
                self.cells
            );
        }
        Ok(())
    }

    /// Random cells, or a random one and others one or two changes away.
    fn draw(&self, related: bool, rng: &mut StudyRng) -> Result<Vec<RecurrentCell>> {
        let centre = self.space.sample(rng);
        let mut cells: Vec<Architecture> = vec![centre.clone()];
        while cells.len() < self.cells {
            let mut next = if related { centre.clone() } else { self.space.sample(rng) };
            if related {
                for _ in 0..=(cells.len() % RADIUS) {
                    next = self.space.mutate(&next, rng)?;
                }
            }
            if !cells.contains(&next) {
                cells.push(next);
            }
        }
        Ok(cells.iter().map(|cell| self.space.cell(cell)).collect::<Result<_, _>>()?)
    }

    /// The share of the weights of some cells that their model saves.
    fn share(&self, cells: &[RecurrentCell]) -> Result<f64> {
        let sizes = self.shared.sizes(1);
        let all = LanguageNet::build(cells, sizes, Kind::Float, Device::Cpu, &mut stream(0, &[]))?;
        let own = cells.iter().map(|cell| sizes.params(cell)).sum::<Result<u64, _>>()?;
        Ok(1.0 - all.params().numel() as f64 / own as f64)
    }

    /// Tau over the cells that neither training loses; none for fewer than three.
    fn tau(&self, cells: &[RecurrentCell], seed: u64, cancel: &AtomicBool) -> Result<Option<f64>> {
        let train = |recipe: &LanguageRecipe, cells: &[RecurrentCell]| {
            Training { text: self.text, recipe, device: self.device, seed }.run(cells, &Cancel(cancel))
        };
        let shared = train(&self.shared, cells)?.valid;
        let (mut ranked, mut truth) = (Vec::new(), Vec::new());
        for (cell, shared) in cells.iter().zip(shared) {
            let own = train(&self.own, std::slice::from_ref(cell))?.valid.remove(0);
            if let (Ok(shared), Ok(own)) = (shared, own) {
                ranked.push(shared);
                truth.push(own);
            }
        }
        Ok(if ranked.len() < 3 { None } else { kendall_tau_b(&ranked, &truth) })
    }
}
