//! Closed forms: sampling, explicit Jacobians in double precision, hand-worked probabilities.

#![allow(clippy::float_cmp, reason = "values that are exact by construction")]

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton};
use bonas_study::rng::{StudyRng, stream};
use rand_distr::{Distribution, StandardNormal};
use tch::{Kind, Tensor, no_grad};

use super::*;
use crate::data::digits;
use crate::model::{Agreement, Mode, Pass, Path, Placement, Statistics, Supernet, Trainable};
use crate::training::Task;

const CELL: &str = "|nor_conv_3x3~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|";

fn skeleton(norm: Norm) -> NasBench201Skeleton {
    let cifar = NasBench201Skeleton::cifar();
    NasBench201Skeleton { channels: 2, cells: 1, image: Shape::square(1, 8), norm, ..cifar }
}

/// A supernet in double precision with scattered scales and shifts.
fn net(trainable: Trainable) -> Supernet {
    tch::set_num_threads(1);
    let network = skeleton(Norm::UNBIASED).network(&NasBench201::new().whole(), &OpTable::nasbench201());
    let net = Supernet::build(&network.unwrap(), Placement::exact(), &mut stream(1, &[])).unwrap();
    scatter(&net, &mut stream(2, &[]));
    net.train_only(trainable).unwrap()
}

/// Adds noise to every scale and shift.
fn scatter(net: &Supernet, rng: &mut StudyRng) {
    for affine in net.norms().iter().filter_map(|norm| norm.affine) {
        for id in [affine.scale, affine.shift] {
            let value = net.params().tensor(id);
            let noise: Vec<f64> = (0..value.numel()).map(|_| 0.5 * normal(rng)).collect();
            net.params().set(id, &(value.detach() + Tensor::from_slice(&noise))).unwrap();
        }
    }
}

fn normal(rng: &mut StudyRng) -> f64 {
    StandardNormal.sample(rng)
}

fn path(net: &Supernet, text: &str) -> Path {
    let space = NasBench201::new();
    net.path(&space.whole().route(&space.parse(text).unwrap()).unwrap()).unwrap()
}

fn images(count: usize) -> Tensor {
    let mut rng = stream(3, &[]);
    let values: Vec<f64> = (0..count * 64).map(|_| normal(&mut rng)).collect();
    Tensor::from_slice(&values).view([count as i64, 1, 8, 8])
}

fn operation_norms() -> Trainable {
    Trainable::OperationNorms { classifier: false }
}

#[test]
fn activity_entropy_is_that_of_a_sample() {
    let mut rng = stream(4, &[]);
    for (scales, shifts) in
        [(vec![0.7], vec![0.3]), (vec![-1.2, 0.4], vec![0.5, -1.4]), (vec![2.0], vec![0.0])]
    {
        let draws = 200_000;
        let positive = (0..draws)
            .filter(|_| {
                let of = |(g, b): (&f64, &f64)| g * normal(&mut rng) + b;
                scales.iter().zip(&shifts).map(of).sum::<f64>() > 0.0
            })
            .count();
        let p = positive as f64 / f64::from(draws);
        let sampled = -p * p.log2() - (1.0 - p) * (1.0 - p).log2();
        let variance = scales.iter().map(|g: &f64| g * g).sum();
        let closed = activity_entropy(variance, shifts.iter().sum());
        assert!((closed - sampled).abs() < 4e-3, "{closed} {sampled}");
    }
    // Φ(1) = 0.841345: H₂ = 0.631083; no spread, no entropy; far tails underflow to 0 and not to NaN.
    assert!((activity_entropy(4.0, 2.0) - 0.631_082_8).abs() < 1e-6, "{}", activity_entropy(4.0, 2.0));
    assert_eq!([activity_entropy(0.0, 1.0), activity_entropy(1.0, 100.0)], [0.0, 0.0]);
}

#[test]
fn a_path_is_as_expressive_as_the_sums_at_its_nodes() {
    let net = net(operation_norms());
    let values = NormValues::of(&net).unwrap();
    let read = |name: &str| -> Vec<f64> {
        let (_, tensor) = net.params().iter().find(|(n, _)| *n == name).unwrap();
        Vec::try_from(tensor.detach()).unwrap()
    };
    // What enters each node of `CELL` that reaches the output: edge and position of its BatchNorm.
    let nodes: [&[&str]; 3] = [
        &["1-0.nor_conv_3x3.2"],
        &["2-0.skip_connect.0", "2-1.avg_pool_3x3.1"],
        &["3-0.nor_conv_1x1.2", "3-2.nor_conv_3x3.2"],
    ];
    let mut expected = 0.0;
    for (stage, width) in [(0, 2), (1, 4), (2, 8)] {
        for node in nodes {
            for channel in 0..width {
                let of = |name: &&str, part| read(&format!("stage{stage}.cell0.{name}.{part}"))[channel];
                let variance = node.iter().map(|name| of(name, "weight").powi(2)).sum();
                let mean = node.iter().map(|name| of(name, "bias")).sum();
                expected += activity_entropy(variance, mean) / f64::from(width as u8);
            }
        }
    }
    let found = values.expressivity(&path(&net, CELL));
    assert!((found - expected).abs() < 1e-12 && found > 1.0 && found < 9.0, "{found} {expected}");
}

#[test]
fn the_table_of_gammas_gives_what_the_network_says() {
    let net = net(operation_norms());
    let values = NormValues::of(&net).unwrap();
    let path = path(&net, CELL);
    // Directly: every scale that trains on the path.
    let scales = path.params().iter().filter(|&&id| net.params().spec(id).name.ends_with("weight"));
    let direct: f64 =
        scales.map(|&id| net.params().tensor(id).abs().mean(Kind::Double).double_value(&[])).sum();
    assert!((values.gamma(&path) - direct).abs() < 1e-12 && direct > 0.0);
    // An operation without BatchNorm is worth 0 in the table.
    let network = skeleton(Norm::DISCRETE).network(&NasBench201::new().whole(), &OpTable::nasbench201());
    let biased = Supernet::build(&network.unwrap(), Placement::exact(), &mut stream(1, &[])).unwrap();
    let table = NormValues::of(&biased).unwrap().gamma_table();
    for (op, worth) in biased.operations().iter().zip(table) {
        assert_eq!(worth, if op.name.starts_with("nor_conv") { 1.0 } else { 0.0 }, "{}", op.place);
    }
}

/// `∂(Σ_k logit_k(x_i)) / ∂θ` by central differences, `[B, P]`.
fn jacobian(net: &Supernet, ids: &[usize], sums: &dyn Fn() -> Tensor) -> Tensor {
    let step = 1e-6;
    let mut columns = Vec::new();
    for &id in ids {
        for i in 0..net.params().tensor(id).numel() as i64 {
            let moved = |by: f64| {
                let mut one = no_grad(|| net.params().tensor(id).view([-1]).narrow(0, i, 1));
                let _ = no_grad(|| one.g_add_scalar_(by));
            };
            moved(step);
            let above = sums();
            moved(-2.0 * step);
            let below = sums();
            moved(step);
            columns.push((above - below) / (2.0 * step)); // [B]
        }
    }
    Tensor::stack(&columns, 1)
}

fn sums_of(logits: &Tensor) -> Tensor {
    logits.sum_dim_intlist([1].as_slice(), false, Kind::Double) // [B]
}

#[test]
fn the_kernel_of_batch_norm_is_that_of_an_explicit_jacobian() {
    let (net, x) = (net(operation_norms()), images(5));
    let path = path(&net, CELL);
    let mut statistics = Statistics::new();
    net.forward(&x, &path, &mut Pass::new(Mode::Estimate(&mut statistics))).unwrap();
    let sums =
        || sums_of(&net.forward(&x, &path, &mut Pass::new(Mode::EvalWith(&statistics))).unwrap().logits);
    let j = jacobian(&net, path.params(), &sums);
    let expected = j.matmul(&j.transpose(0, 1));
    let found = bn_kernel(&net, &path, &x).unwrap().unwrap();
    assert!(found.allclose(&expected, 1e-6, 1e-8, false), "{:?}", (found - expected).abs().max());
    let (ours, theirs) = (condition_number(&found).unwrap(), condition_number(&expected).unwrap());
    assert!((ours / theirs - 1.0).abs() < 1e-4 && ours > 1.0, "{ours} {theirs}");
}

#[test]
fn the_kernel_of_weights_is_that_of_an_explicit_jacobian() {
    let (net, x) = (net(operation_norms()), images(4));
    let path = path(&net, CELL);
    let scales: Vec<usize> =
        path.params().iter().copied().filter(|&id| net.params().spec(id).name.ends_with("weight")).collect();
    let sums = || {
        let mut statistics = Statistics::new();
        sums_of(&net.forward(&x, &path, &mut Pass::new(Mode::Estimate(&mut statistics))).unwrap().logits)
    };
    let j = jacobian(&net, &scales, &sums);
    let expected = j.matmul(&j.transpose(0, 1));
    let found = weight_kernel(&net, &path, &x).unwrap();
    assert!(found.allclose(&expected, 1e-6, 1e-8, false), "{:?}", (found - expected).abs().max());
}

#[test]
fn condition_numbers_are_hand_worked() {
    let kernel = |diagonal: &[f64]| Tensor::diag(&Tensor::from_slice(diagonal), 0);
    assert!((condition_number(&kernel(&[8.0, 2.0, 4.0])).unwrap() - 4.0).abs() < 1e-12);
    assert_eq!(condition_number(&kernel(&[1.0, 0.0])).unwrap(), f64::INFINITY);
    // ε = 1e-6 · 2 / 2: (2 + 1e-6) / 1e-6.
    let singular = regularised_condition(&kernel(&[2.0, 0.0])).unwrap().unwrap();
    assert!((singular - 2_000_001.0).abs() < 1e-3);
    assert!((log_condition(Some(&kernel(&[2.0, 0.0])), 2).unwrap() - worst_log_condition(2)).abs() < 1e-9);
    assert_eq!(log_condition(None, 2).unwrap(), worst_log_condition(2));
    assert_eq!(log_condition(Some(&kernel(&[0.0, 0.0])), 2).unwrap(), worst_log_condition(2));
}

#[test]
fn uncertainty_is_hand_worked() {
    let probabilities = |values: &[f64]| Tensor::from_slice(values).view([2, 2, 2]); // [T, B, K]
    // The first image: sure, but of another class each time. The second: 1/4 and 3/4 both times.
    let of = Uncertainty::of(&probabilities(&[1.0, 0.0, 0.25, 0.75, 0.0, 1.0, 0.25, 0.75])).unwrap();
    let quarter = -0.25 * 0.25_f64.ln() - 0.75 * 0.75_f64.ln();
    assert!((of.total - 0.5 * (2.0_f64.ln() + quarter)).abs() < 1e-12, "{of:?}");
    assert!((of.epistemic - 2.0_f64.ln() / 2.0).abs() < 1e-12, "{of:?}");
}

#[test]
fn monte_carlo_passes_with_one_and_the_same_batch_agree() {
    let net = net(operation_norms());
    let path = path(&net, CELL);
    let (x, batch) = (images(6), images(4));
    let same = uncertainty(&net, &path, &x, &[batch.copy(), batch.copy()]).unwrap();
    assert!(same.epistemic.abs() < 1e-12 && same.total > 0.0, "{same:?}");
    let other = uncertainty(&net, &path, &x, &[batch.copy(), 3.0 * batch + 1.0]).unwrap();
    assert!(other.epistemic > 1e-6 && other.total > other.epistemic, "{other:?}");
}

#[test]
fn patterns_of_units_are_counted_by_hand() {
    let mut agreement = Agreement::new();
    agreement
        .add(&Tensor::from_slice(&[1.0, -1.0, 2.0, 3.0, 1.0, 2.0, -1.0, 1.0, 0.0]).view([3, 3]))
        .unwrap();
    // Images 0 and 1 agree in two of three units, 0 and 2 in none, 1 and 2 in one.
    let counts = Tensor::from_slice(&[3.0, 2.0, 0.0, 2.0, 3.0, 1.0, 0.0, 1.0, 3.0]).view([3, 3]);
    assert!(agreement.counts().unwrap().equal(&counts));
    // 3·(9 - 1) - 2·(6 - 0) = 12.
    assert!((naswot(&agreement).unwrap().unwrap() - 12.0_f64.ln()).abs() < 1e-12);
    assert_eq!(linear_regions(&agreement).unwrap(), Some(3.0));
    let mut twins = Agreement::new();
    twins.add(&Tensor::from_slice(&[1.0, -1.0, 1.0, -1.0, 2.0, 2.0]).view([3, 2])).unwrap();
    assert_eq!(linear_regions(&twins).unwrap(), Some(2.0));
    assert_eq!(naswot(&twins).unwrap(), Some(f64::NEG_INFINITY));
    assert_eq!(naswot(&Agreement::new()).unwrap(), None);
}

#[test]
fn synaptic_flow_is_the_derivative_along_the_parameters() {
    let network = skeleton(Norm::DISCRETE).network(&NasBench201::new().whole(), &OpTable::nasbench201());
    let net = Supernet::build(&network.unwrap(), Placement::exact(), &mut stream(1, &[])).unwrap();
    make_absolute(&net).unwrap();
    let path = path(&net, CELL);
    // Σ θ·∂R/∂θ is the derivative of R((1 + t)·θ) at t = 0.
    let before = net.params().flat().copy();
    let at = |t: f64| {
        no_grad(|| net.params().flat().shallow_clone().copy_(&(&before * (1.0 + t))));
        let ones = Tensor::ones([1, 1, 8, 8], (Kind::Double, tch::Device::Cpu));
        net.forward(&ones, &path, &mut Pass::eval()).unwrap().logits.sum(Kind::Double).double_value(&[])
    };
    let derivative = (at(1e-5) - at(-1e-5)) / 2e-5;
    at(0.0);
    let found = synflow(&net, &path).unwrap();
    assert!((found - derivative.ln()).abs() < 1e-7, "{found} {}", derivative.ln());
}

fn probe(settings: ProbeSettings) -> Result<Probe, bonas_study::StudyError> {
    let (space, task) =
        (NasBench201::new(), Task::new(&digits()?, Some(80), 0.5, None, &mut stream(0, &[]))?);
    let union = space.whole();
    let subject = Subject {
        space: Arc::new(space),
        union,
        supernet: Arc::new(skeleton(Norm::UNBIASED)),
        discrete: Arc::new(skeleton(Norm::DISCRETE)),
        ops: OpTable::nasbench201(),
    };
    Probe::new(subject, net(operation_norms()), &task, settings, 5)
}

#[test]
fn every_indicator_has_a_value_and_only_its_own_network_bears_on_it() {
    let probe = probe(ProbeSettings { images: 8, passes: 2 }).unwrap();
    let cell = NasBench201::new().parse(CELL).unwrap();
    let single = Indicator::all().filter(|i| *i != Indicator::COMPOSITE);
    let values: Vec<f64> = single.clone().map(|i| probe.score(i, &cell).unwrap()).collect();
    let again: Vec<f64> = single.clone().map(|i| probe.score(i, &cell).unwrap()).collect();
    assert_eq!(values, again);
    // Multiply-adds and parameters of the discrete network at this size.
    let union = bonas_spaces::network::Union::of(std::slice::from_ref(&cell)).unwrap();
    let network = skeleton(Norm::DISCRETE).network(&union, &OpTable::nasbench201()).unwrap();
    assert_eq!(probe.score(Indicator::MACS, &cell).unwrap(), network.macs() as f64);
    assert_eq!(probe.score(Indicator::PARAMS, &cell).unwrap(), network.params() as f64);
    // Scales and shifts move what reads the trained net, and nothing else.
    scatter(probe.net(), &mut stream(9, &[]));
    for (indicator, before) in single.zip(values) {
        let values = NormValues::of(probe.net()).unwrap();
        let after = match indicator {
            gamma if gamma == Indicator::BN_GAMMA => values.gamma(&path(probe.net(), CELL)),
            entropy if entropy == Indicator::EXPRESSIVITY => values.expressivity(&path(probe.net(), CELL)),
            other => probe.score(other, &cell).unwrap(),
        };
        assert_eq!(after == before, !indicator.reads_training(), "{}", indicator.name());
    }
}

#[test]
fn cells_with_nothing_to_train_have_the_worst_value() {
    let probe = probe(ProbeSettings { images: 8, passes: 2 }).unwrap();
    let nothing = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    let cell = NasBench201::new().parse(nothing).unwrap();
    let of = |indicator| probe.score(indicator, &cell).unwrap();
    assert_eq!([of(Indicator::BN_GAMMA), of(Indicator::EXPRESSIVITY)], [0.0, 0.0]);
    assert_eq!(of(Indicator::TRAINABILITY), worst_log_condition(8));
    // All images look the same to it.
    assert_eq!([of(Indicator::LINEAR_REGIONS), of(Indicator::NASWOT)], [1.0, f64::NEG_INFINITY]);
    assert!(
        of(Indicator::NTK) < probe.score(Indicator::NTK, &NasBench201::new().parse(CELL).unwrap()).unwrap()
    );
}

#[test]
fn bad_input_is_named() {
    let refused = |settings| probe(settings).unwrap_err().to_string();
    let one = ProbeSettings { images: 1, passes: 2 };
    assert!(refused(one).contains("evaluator.images: 1; it must be 2 to 40"), "{}", refused(one));
    assert!(refused(ProbeSettings { images: 8, passes: 1 }).contains("evaluator.passes: 1"));
    let net = net(operation_norms());
    let path = path(&net, CELL);
    let error = bn_kernel(&net, &path, &images(1)).unwrap_err().to_string();
    assert!(error.contains("a batch of 1") && error.contains("at least 2 images"), "{error}");
    let error = uncertainty(&net, &path, &images(2), &[images(2), images(1)]).unwrap_err().to_string();
    assert!(error.contains("batch: 1 images"), "{error}");
    let error = uncertainty(&net, &path, &images(2), &[images(2)]).unwrap_err().to_string();
    assert!(error.contains("passes: 1"), "{error}");
}

#[test]
fn a_score_that_is_no_number_says_which_and_what_to_do() {
    let probe = probe(ProbeSettings { images: 8, passes: 2 }).unwrap();
    let cell = NasBench201::new().parse(CELL).unwrap();
    let scale = probe.net().operations().iter().find_map(|op| op.norm).unwrap().scale;
    let _ = no_grad(|| probe.net().params().tensor(scale).shallow_clone().fill_(f64::NAN));
    let all_conv =
        NasBench201::new().parse("|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|");
    let error = probe.score(Indicator::UNCERTAINTY, &all_conv.unwrap()).unwrap_err().to_string();
    assert!(error.contains("uncertainty of |skip_connect~0|") && error.contains("is NaN"), "{error}");
    assert!(error.contains("lower the supernet's learning rate"), "{error}");
    let error = probe.score(Indicator::COMPOSITE, &cell).unwrap_err().to_string();
    assert!(error.contains("ranks architectures among others"), "{error}");
}
