//! A table of layers that predicts latency.

use std::collections::BTreeMap;

use bonas_deploy::Deployed;
use bonas_study::statistics::quantile;
use bonas_surrogate::Ridge;
use bonas_surrogate::metrics::kendall_tau_b;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::setting;
use crate::StudyError;
use crate::build::of_deploy;

/// How much larger the columns of the whole network are than those of single layers, so that they are penalised less.
const WHOLE: f64 = 10.0;

/// Latency of a network as a sum over its layers: a constant, a share of its multiply-adds and of the numbers that its layers
/// read and write, and of each kind of layer (operation, layers and shape) what it takes more or less than these say.
///
/// Weights are those of a [`Ridge`] regression on measured networks. A layer that none of them has is priced by its multiply-adds
/// and numbers alone.
#[derive(Clone, Debug)]
pub(super) struct LayerTable {
    kinds: BTreeMap<String, usize>,
    /// Multiply-adds and numbers of a network, mean over those measured.
    scale: Costs,
    fitted: Ridge,
    /// Predictions are not below.
    least: f64,
}

/// A table of layers for readers, and how well it predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyTable {
    /// Networks that were measured.
    pub networks: usize,
    /// Median of |predicted - measured| / measured over these networks, each predicted by a table of the others.
    pub median_error: f64,
    /// Kendall's tau-b between the same; null where it is not defined.
    pub tau: Option<f64>,
    /// Milliseconds of a network beside those of its layers.
    pub constant_ms: f64,
    /// The layers, the slowest first.
    pub layers: Vec<LayerLatency>,
}

/// A layer of a [`LatencyTable`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerLatency {
    /// Operation or part, with the shapes of what it reads and writes.
    pub layer: String,
    /// Milliseconds; may be negative where it makes others quicker. Of layers that all networks have in equal numbers only the
    /// sum is known.
    pub ms: f64,
    /// Measured networks that have it.
    pub networks: usize,
}

/// What layers cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Costs {
    macs: f64,
    /// Numbers that they read and write.
    numbers: f64,
}

impl Costs {
    fn plus(self, other: Self) -> Self {
        Self { macs: self.macs + other.macs, numbers: self.numbers + other.numbers }
    }

    /// In units of some network.
    fn of(self, whole: Self) -> Self {
        let part = |own: f64, all: f64| if all > 0.0 { own / all } else { 0.0 };
        Self { macs: part(self.macs, whole.macs), numbers: part(self.numbers, whole.numbers) }
    }
}

/// The layers of a network.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    /// By kind: what readers call it, what one costs, and how many there are.
    layers: BTreeMap<String, (String, Costs, usize)>,
}

impl Census {
    /// Counts the layers of a network.
    ///
    /// # Errors
    /// [`StudyError::Space`] when shapes do not fit.
    pub(super) fn of(network: &Deployed) -> Result<Self, StudyError> {
        let mut census = Self::default();
        for chain in network.chains() {
            let (output, macs) = chain.pass().map_err(of_deploy)?;
            let name = format!("{} {} -> {output}", chain.name, chain.input);
            let costs = Costs { macs: macs as f64, numbers: (chain.input.len() + output.len()) as f64 };
            let kind = format!("{name} {:?}", chain.layers);
            census.layers.entry(kind).or_insert((name, costs, 0)).2 += 1;
        }
        Ok(census)
    }

    fn costs(&self) -> Costs {
        let each = self.layers.values().map(|(_, costs, count)| Costs {
            macs: costs.macs * *count as f64,
            numbers: costs.numbers * *count as f64,
        });
        each.fold(Costs::default(), Costs::plus)
    }
}

impl LayerTable {
    /// Fits a table to networks and how long they take, in any unit.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for fewer than two networks.
    pub(super) fn fit(measured: &[(Census, f64)]) -> Result<Self, StudyError> {
        let n = measured.len() as f64;
        let total = measured.iter().fold(Costs::default(), |sum, (census, _)| sum.plus(census.costs()));
        let scale = Costs { macs: total.macs / n, numbers: total.numbers / n };
        let all = measured.iter().flat_map(|(census, _)| census.layers.keys().cloned());
        let mut kinds: BTreeMap<String, usize> = all.map(|kind| (kind, 0)).collect();
        kinds.values_mut().enumerate().for_each(|(column, place)| *place = column);
        let rows: Vec<f64> = measured.iter().flat_map(|(census, _)| row(census, &kinds, scale)).collect();
        let times: Array1<f64> = measured.iter().map(|(_, time)| *time).collect();
        let least = times.iter().copied().fold(f64::INFINITY, f64::min) / 10.0;
        let rows = Array2::from_shape_vec((measured.len(), 3 + kinds.len()), rows);
        let rows = rows.map_err(|error| setting("table", error.to_string()))?;
        let fitted = Ridge::fit(&rows, &times).map_err(|error| setting("table", error.to_string()))?;
        Ok(Self { kinds, scale, fitted, least })
    }

    /// How long a network takes, in the unit of those measured; never less than a tenth of the quickest of them.
    pub(super) fn predict(&self, census: &Census) -> f64 {
        let row: Array1<f64> = row(census, &self.kinds, self.scale).into();
        self.fitted.predict(row.view()).max(self.least)
    }

    /// The table for readers, of the networks that it was fitted to; `unit` is that of their times in milliseconds.
    pub(super) fn told(&self, measured: &[(Census, f64)], unit: f64) -> LatencyTable {
        let (times, left_out) = (measured.iter().map(|(_, time)| *time), self.fitted.left_out());
        let errors: Vec<f64> = times.clone().zip(left_out).map(|(t, p)| (p - t).abs() / t).collect();
        let weights = self.fitted.weights();
        let mut layers: BTreeMap<&str, LayerLatency> = BTreeMap::new();
        for (kind, (name, costs, _)) in measured.iter().flat_map(|(census, _)| &census.layers) {
            let Some(&place) = self.kinds.get(kind) else { continue };
            let Costs { macs, numbers } = costs.of(self.scale);
            let own = weights[3 + place] * (macs + numbers);
            let ms = unit * (own + WHOLE * (weights[1] * macs + weights[2] * numbers));
            let layer = LayerLatency { layer: name.clone(), ms, networks: 0 };
            layers.entry(kind).or_insert(layer).networks += 1;
        }
        let mut layers: Vec<LayerLatency> = layers.into_values().collect();
        layers.sort_by(|a, b| b.ms.total_cmp(&a.ms));
        LatencyTable {
            networks: measured.len(),
            median_error: quantile(&errors, 0.5),
            tau: kendall_tau_b(&left_out.to_vec(), &times.collect::<Vec<_>>()),
            constant_ms: unit * weights[0] * WHOLE,
            layers,
        }
    }
}

/// A network as a row: a constant, its multiply-adds and numbers, and how many of each kind it has, weighted by what one costs.
fn row(census: &Census, kinds: &BTreeMap<String, usize>, scale: Costs) -> Vec<f64> {
    let whole = census.costs().of(scale);
    let mut row = vec![WHOLE, WHOLE * whole.macs, WHOLE * whole.numbers];
    row.resize(3 + kinds.len(), 0.0);
    for (kind, (_, costs, count)) in &census.layers {
        if let Some(place) = kinds.get(kind) {
            let Costs { macs, numbers } = costs.of(scale);
            row[3 + place] = *count as f64 * (macs + numbers);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use bonas_deploy::folder::{ModelCard, Untrained};
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench201::NasBench201;
    use bonas_study::rng::stream;

    use super::*;

    fn censuses(count: usize, seed: u64) -> Vec<Census> {
        let (space, mut rng) = (NasBench201::new(), stream(seed, &[]));
        let around =
            Untrained { skeleton: None, channels: Some(4), layers: Some(1), image: None, classes: None };
        let census = |_| {
            let card = ModelCard::untrained(&space, &space.sample(&mut rng), &around).unwrap();
            Census::of(&card.networks(&space).unwrap().1).unwrap()
        };
        (0..count).map(census).collect()
    }

    /// Where each layer takes its own time, a table of 60 networks predicts others; a convolution that is quick for its
    /// multiply-adds is known as one.
    #[test]
    fn times_of_layers_are_found_from_those_of_networks() {
        let time = |census: &Census| {
            let each = census.layers.iter().map(|(kind, (_, costs, count))| {
                let factor = if kind.contains("nor_conv_3x3") { 0.5 } else { 2.0 };
                factor * *count as f64 * (costs.macs + 20.0 * costs.numbers)
            });
            1e5 + each.sum::<f64>()
        };
        let measured: Vec<_> =
            censuses(60, 1).into_iter().map(|census| (census.clone(), time(&census))).collect();
        let table = LayerTable::fit(&measured).unwrap();
        for census in censuses(40, 2) {
            let (predicted, truth) = (table.predict(&census), time(&census));
            assert!((predicted - truth).abs() < 0.01 * truth, "{predicted} of {truth}");
        }
        let told = table.told(&measured, 1e-6);
        assert!(told.networks == 60 && told.median_error < 0.01 && told.tau > Some(0.98), "{told:?}");
        // A cell stands once in each stage, so that only the sum over the three is known.
        let convolutions = told.layers.iter().filter(|one| one.layer.starts_with("nor_conv_3x3"));
        let found: f64 = convolutions.map(|one| one.ms).sum();
        let stage = |channels: f64, pixels: f64| {
            0.5 * (9.0 * channels * channels * pixels + 20.0 * 2.0 * channels * pixels)
        };
        let truth = 1e-6 * (stage(4.0, 1024.0) + stage(8.0, 256.0) + stage(16.0, 64.0));
        assert!((found - truth).abs() < 0.05 * truth, "{found} of {truth}");
        assert!(told.layers.iter().map(|one| one.ms).is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn one_network_makes_no_table() {
        let one: Vec<_> = censuses(1, 1).into_iter().map(|census| (census, 1.0)).collect();
        assert!(LayerTable::fit(&one).unwrap_err().to_string().contains("latency.table"));
    }
}
