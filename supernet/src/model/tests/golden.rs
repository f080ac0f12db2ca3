//! Reference values of the official networks in double precision.

use bonas_spaces::families::darts::{
    BcnnSkeleton, DARTS_V1, DARTS_V2, Darts, DartsSkeleton, Genotype, PUBLISHED,
};
use bonas_spaces::network::{Norm, OpTable, Skeleton};
use serde_json::Value;
use tch::{Kind, Tensor};

use super::super::{Loss, Mixture, Pass, Path, Placement, Supernet};
use super::support::{batch, built, discrete, small};

const GOLDEN: &str = include_str!("../../../tests/golden/networks.json");
const TOLERANCE: f64 = 1e-8;

/// A tensor filled by the rule of the reference run, in row-major order.
fn filled(shape: &[i64], rule: impl Fn(f64) -> f64) -> Tensor {
    let count = shape.iter().product::<i64>();
    Tensor::from_slice(&(0..count).map(|i| rule(i as f64)).collect::<Vec<f64>>()).view(shape)
}

fn fill(net: &Supernet) {
    for id in 0..net.params().len() {
        let spec = net.params().spec(id);
        let shape = spec.shape.as_slice();
        let value = if shape.len() > 1 {
            let scale = (2.0 / shape[1..].iter().product::<i64>() as f64).sqrt();
            filled(shape, |i| (0.37 * i + 1.0).sin() * scale)
        } else if spec.name.ends_with("bias") {
            filled(shape, |i| 0.1 * (0.37 * i).cos())
        } else {
            filled(shape, |i| 1.0 + 0.1 * (0.37 * i).sin())
        };
        net.params().set(id, &value).unwrap();
    }
    for (_, mean, variance) in net.running() {
        mean.shallow_clone().copy_(&filled(&mean.size(), |i| 0.05 * (0.11 * i).sin()));
        variance.shallow_clone().copy_(&filled(&mean.size(), |i| 1.0 + 0.2 * (0.11 * i).cos().powi(2)));
    }
}

fn worst(found: &Tensor, expected: &Value) -> f64 {
    let row = |row: &Value| match row.as_array() {
        Some(numbers) => numbers.iter().map(|x| x.as_f64().unwrap()).collect(),
        None => vec![row.as_f64().unwrap()],
    };
    let numbers: Vec<f64> = expected.as_array().unwrap().iter().flat_map(row).collect();
    let expected = Tensor::from_slice(&numbers).view(found.size().as_slice());
    (found - expected).abs().max().double_value(&[])
}

/// What a network says of the golden batch against what the official one says; the gradient is
/// that of all parameters.
struct Check<'a> {
    net: &'a Supernet,
    path: &'a Path,
    mixture: Mixture<'a>,
    golden: &'a Value,
}

impl Check<'_> {
    /// Differences of evaluation logits, training logits and loss, the relative one of the gradient
    /// norm; and the loss.
    fn run(&self) -> ([f64; 4], Tensor) {
        let Self { net, path, mixture, golden } = self;
        assert_eq!(net.params().numel() as u64, golden["params"].as_u64().unwrap());
        fill(net);
        let (x, labels) = batch(4, net.image(), net.placement());
        let eval = net.forward(&x, path, &mut Pass::eval().with_mixture(*mixture)).unwrap();
        let train = net.forward(&x, path, &mut Pass::train().with_mixture(*mixture)).unwrap();
        let loss = Loss::default().of(&train, &labels).unwrap();
        let leaves = path.params().iter().map(|&id| net.params().tensor(id)).collect::<Vec<_>>();
        let parts = Tensor::run_backward(&[&loss], &leaves, true, false);
        let flat = Tensor::cat(&parts.iter().map(|g| g.reshape([-1])).collect::<Vec<_>>(), 0);
        assert_eq!(flat.numel() as u64, golden["params_with_grad"].as_u64().unwrap());
        let number = |key: &str| golden[key].as_f64().unwrap();
        let errors = [
            worst(&eval.logits, &golden["eval_logits"]),
            worst(&train.logits, &golden["train_logits"]),
            (loss.double_value(&[]) - number("train_loss")).abs(),
            (flat.norm().double_value(&[]) / number("grad_norm") - 1.0).abs(),
        ];
        (errors, loss)
    }
}

fn report(name: &str, errors: &[f64]) {
    println!("{name}: {}", errors.iter().map(|e| format!("{e:.1e}")).collect::<Vec<_>>().join(", "));
    assert!(errors.iter().all(|e| *e < TOLERANCE), "{name}: {errors:?}");
}

/// Checks a discrete network in both memory layouts.
fn check_discrete(name: &str, genotype: &Genotype, skeleton: &dyn Skeleton) {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for placement in [Placement::exact(), Placement { channels_last: true, ..Placement::exact() }] {
        let (network, route) = discrete(genotype, skeleton);
        let net = built(&network, placement);
        let path = net.path(&route).unwrap();
        let check = Check { net: &net, path: &path, mixture: Mixture::Sum, golden: &golden[name] };
        report(name, &check.run().0);
    }
}

#[test]
fn discrete_darts_networks_agree_with_the_official_ones() {
    for (published, name) in [(&DARTS_V1, "DARTS_V1"), (&DARTS_V2, "DARTS_V2")] {
        check_discrete(&format!("{name} CIFAR C=8 layers=5 aux=False"), published, &small(8, 5));
    }
}

#[test]
fn discrete_broad_networks_agree_with_the_official_ones() {
    let skeleton = BcnnSkeleton { channels: 8, ..BcnnSkeleton::cifar() };
    for (name, genotype) in PUBLISHED.iter().filter(|(name, _)| name.starts_with("BNASv2")) {
        if *name != "BNASv2_PC_image" {
            check_discrete(&format!("{name} CIFAR C=8 layers=6 en=2"), genotype, &skeleton);
        }
    }
}

/// α of the reference run, `[14, 8]`, `none` first; a leaf.
fn alpha(rule: impl Fn(f64) -> f64) -> Tensor {
    filled(&[14, 8], rule).set_requires_grad(true)
}

/// β of the reference run, `[14]`; a leaf.
fn beta(rule: impl Fn(f64) -> f64) -> Tensor {
    filled(&[14], rule).set_requires_grad(true)
}

/// Softmax over the edges into each node, `[14]`.
fn by_node(beta: &Tensor) -> Tensor {
    let nodes = [(0, 2), (2, 3), (5, 4), (9, 5)];
    let parts = nodes.map(|(start, edges)| beta.narrow(0, start, edges).softmax(-1, Kind::Double));
    Tensor::cat(&parts, 0)
}

/// Checks a relaxed network and its gradient by α, and by β where it has edge weights.
fn check_relaxed(name: &str, skeleton: &dyn Skeleton, normalised: bool) {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let golden = &golden[name];
    let union = Darts::new().whole();
    let net = built(&skeleton.network(&union, &OpTable::darts()).unwrap(), Placement::exact());
    let path = net.path(&union.full_route()).unwrap();
    let alphas = [alpha(|i| (0.7 * i + 0.2).sin()), alpha(|i| (0.7 * i + 0.2).cos())];
    let betas = [beta(|i| (0.5 * i).sin()), beta(|i| (0.5 * i).cos())];
    // `none` takes its share of the softmax and gives zeros.
    let weights = [0, 1].map(|r: usize| alphas[r].softmax(-1, Kind::Double).narrow(1, 1, 7)); // [14, 7]
    let edges = [0, 1].map(|r: usize| by_node(&betas[r])); // [14]
    let mixture = if normalised {
        Mixture::Normalised { operations: &weights, edges: &edges }
    } else {
        Mixture::Weighted(&weights)
    };
    let check = Check { net: &net, path: &path, mixture, golden };
    let (errors, loss) = check.run();
    report(name, &errors);
    let leaves = if normalised { [alphas, betas].into_iter().flatten().collect() } else { Vec::from(alphas) };
    let found = Tensor::run_backward(&[&loss], &leaves, false, false);
    let names = ["alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"];
    let errors: Vec<f64> =
        found.iter().zip(names).map(|(grad, name)| worst(grad, &golden["alpha_grads"][name])).collect();
    report("its gradient by α and β", &errors);
}

#[test]
fn relaxed_networks_agree_with_the_official_ones() {
    let darts = DartsSkeleton { norm: Norm::SEARCH, ..small(8, 5) };
    check_relaxed("darts search C=8 layers=5", &darts, false);
    check_relaxed("pcdarts search C=8 layers=5", &DartsSkeleton { partial: 4, ..darts }, true);
    let broad = BcnnSkeleton { channels: 8, ..BcnnSkeleton::search() };
    check_relaxed("bnasv2_clr search C=8 layers=2 en=1", &broad, false);
    check_relaxed("bnasv2_pc search C=8 layers=2 en=1", &BcnnSkeleton { partial: 4, ..broad }, true);
}
