//! Optimisers against those of libtorch and against hand-worked steps.

use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
use bonas_spaces::network::{OpTable, Shape, Skeleton};
use bonas_study::rng::stream;
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Kind, Tensor};

use super::*;
use crate::model::Placement;
use crate::recipe::ScratchRecipe;

/// A small network in double precision.
fn net() -> Supernet {
    let image = Shape::square(1, 8);
    let skeleton = NasBench201Skeleton { channels: 2, cells: 1, image, ..NasBench201Skeleton::cifar() };
    let whole = bonas_spaces::SearchSpace::network(&NasBench201::new()).unwrap().whole();
    let network = skeleton.network(&whole, &OpTable::nasbench201()).unwrap();
    Supernet::build(&network, Placement::exact(), &mut stream(3, &[])).unwrap()
}

fn recipe(name: &str) -> OptimizerRecipe {
    OptimizerRecipe { name: OptimizerName::named(name).unwrap(), ..OptimizerRecipe::default() }
}

fn rates() -> Sgd {
    Sgd { gradient_clip: 0.0, momentum: 0.8, weight_decay: 0.1, ..Sgd::default() }
}

const RATE: f64 = 0.05;
const STEPS: i32 = 5;

/// A loss `[]` of weights `[P]` whose gradient changes in size and sign: `Σ (w - t)²·c / 2`.
fn loss(weights: &Tensor, turn: i32) -> Tensor {
    let n = weights.numel() as i64;
    let line = Tensor::linspace(-1.0, 2.0, n, (Kind::Double, Device::Cpu)); // [P]
    let away = weights - (&line * f64::from(turn)).sin();
    (away.square() * (&line * 3.0)).sum(Kind::Double) * 0.5
}

/// Weights `[P]` after some steps.
fn trained(recipe: &OptimizerRecipe, sgd: &Sgd) -> Tensor {
    let net = net();
    let mut optimizer = recipe.build(sgd, &net).unwrap();
    let ids: Vec<usize> = (0..net.params().len()).collect();
    for turn in 0..STEPS {
        let leaves: Vec<Tensor> = ids.iter().map(|&id| net.params().tensor(id).reshape(-1)).collect();
        let _ = optimizer.step(&net, &ids, &loss(&Tensor::cat(&leaves, 0), turn), RATE).unwrap();
    }
    net.params().flat().copy()
}

/// The same by an optimiser of libtorch.
fn reference(config: impl OptimizerConfig) -> Tensor {
    let mut store = nn::VarStore::new(Device::Cpu);
    let start = net().params().flat().copy();
    let _ = store.root().var("w", &start.size(), nn::Init::Const(0.0));
    store.double();
    let mut weights = store.variables().remove("w").unwrap();
    tch::no_grad(|| weights.copy_(&start));
    let mut optimizer = config.build(&store, RATE).unwrap();
    for turn in 0..STEPS {
        optimizer.backward_step(&loss(&weights, turn));
    }
    weights.detach()
}

fn same(own: &Tensor, reference: &Tensor, name: &str) {
    let apart = (own - reference).abs().max().double_value(&[]);
    let moved = (own - net().params().flat()).abs().max().double_value(&[]);
    assert!(apart < 1e-12 && moved > 0.1, "{name}: {apart} apart, {moved} moved");
}

#[test]
fn steps_are_those_of_libtorch() {
    let sgd = rates();
    for nesterov in [false, true] {
        let own = trained(&OptimizerRecipe { nesterov, ..recipe("sgd") }, &sgd);
        same(&own, &reference(nn::Sgd { momentum: 0.8, dampening: 0.0, wd: 0.1, nesterov }), "sgd");
    }
    let adam = OptimizerRecipe { beta1: 0.7, beta2: 0.95, epsilon: Some(1e-3), ..recipe("adam") };
    let theirs = nn::Adam { beta1: 0.7, beta2: 0.95, wd: 0.1, eps: 1e-3, amsgrad: false };
    same(&trained(&adam, &sgd), &reference(theirs), "adam");
    let adamw = OptimizerRecipe { name: recipe("adamw").name, ..adam };
    let theirs = nn::AdamW { beta1: 0.7, beta2: 0.95, wd: 0.1, eps: 1e-3, amsgrad: false };
    same(&trained(&adamw, &sgd), &reference(theirs), "adamw");
    let rms = OptimizerRecipe { epsilon: Some(1e-3), rms_decay: Some(0.8), ..recipe("rmsprop") };
    let theirs = nn::RmsProp { alpha: 0.8, eps: 1e-3, wd: 0.1, momentum: 0.8, centered: false };
    same(&trained(&rms, &sgd), &reference(theirs), "rmsprop");
}

#[test]
fn usual_numbers_are_those_of_pytorch() {
    let sgd = Sgd { momentum: 0.0, weight_decay: 0.0, ..rates() };
    let theirs = nn::Adam { beta1: 0.9, beta2: 0.999, wd: 0.0, eps: 1e-8, amsgrad: false };
    same(&trained(&recipe("adam"), &sgd), &reference(theirs), "adam");
    let theirs = nn::RmsProp { alpha: 0.99, eps: 1e-8, wd: 0.0, momentum: 0.0, centered: false };
    same(&trained(&recipe("rmsprop"), &sgd), &reference(theirs), "rmsprop");
}

/// One weight of NAS-Bench-101's `RMSProp`: squares from 1, decay 0.9, ε = 1 inside the root, the rate in the velocity.
#[test]
fn rmsprop_of_tensorflow_by_hand() {
    let own = trained(&OptimizerRecipe { epsilon: Some(1.0), ..recipe("rmsprop-tf") }, &rates());
    let start: Vec<f64> = Vec::try_from(net().params().flat()).unwrap();
    let own: Vec<f64> = Vec::try_from(&own).unwrap();
    for (place, (&first, &last)) in start.iter().zip(&own).enumerate() {
        let line = -1.0 + 3.0 * place as f64 / (start.len() - 1) as f64;
        let (mut w, mut s, mut v) = (first, 1.0, 0.0);
        for turn in 0..STEPS {
            let g = (w - (line * f64::from(turn)).sin()) * line * 3.0 + 0.1 * w;
            s = 0.9 * s + 0.1 * g * g;
            v = 0.8 * v + RATE * g / (s + 1.0_f64).sqrt();
            w -= v;
        }
        assert!((w - last).abs() < 1e-12, "{place}: {w} and {last}");
    }
}

#[test]
fn weight_decay_may_leave_out_parameters_of_one_dimension() {
    for name in OPTIMIZERS.names() {
        let still = |decay_vectors| {
            let net = net();
            let recipe = OptimizerRecipe { decay_vectors, ..recipe(name) };
            let mut optimizer = recipe.build(&rates(), &net).unwrap();
            let before = net.params().flat().copy();
            let ids: Vec<usize> = (0..net.params().len()).collect();
            // No gradient but that of the decay.
            let nothing = ids.iter().map(|&id| net.params().tensor(id).sum(Kind::Double) * 0.0);
            let nothing = nothing.reduce(|sum, term| sum + term).unwrap();
            let _ = optimizer.step(&net, &ids, &nothing, RATE).unwrap();
            let moved = (net.params().flat() - before).abs();
            let of = |id: usize| {
                let spec = net.params().spec(id);
                moved.narrow(0, spec.start, spec.len()).max().double_value(&[]) > 0.0
            };
            // Biases begin at 0, and nothing decays there.
            let ones = ids.iter().filter(|&&id| net.params().spec(id).name.ends_with("weight"));
            let vectors = ones.clone().filter(|&&id| net.params().spec(id).shape.len() == 1);
            (vectors.filter(|&&id| of(id)).count(), ones.filter(|&&id| of(id)).count())
        };
        let (vectors, all) = still(true);
        assert!(vectors > 3 && all > vectors, "{name}");
        assert_eq!(still(false), (0, all - vectors), "{name}");
    }
}

#[test]
fn every_optimizer_clips_and_has_its_state() {
    for entry in OPTIMIZERS.iter() {
        let (net, recipe) = (net(), recipe(entry.name));
        let sgd = Sgd { gradient_clip: 0.5, ..rates() };
        let mut optimizer = recipe.build(&sgd, &net).unwrap();
        let tensors = optimizer.state();
        let size = net.params().flat().size();
        assert_eq!(tensors.iter().filter(|(_, tensor)| tensor.size() == size).count(), entry.tensors);
        let ids: Vec<usize> = (0..net.params().len()).collect();
        let sum = |net: &Supernet| -> Tensor {
            ids.iter().map(|&id| net.params().tensor(id).sum(Kind::Double)).reduce(|a, b| a + b).unwrap()
        };
        // A gradient of 1 and one of 9 everywhere are the same, clipped.
        let norm = optimizer.step(&net, &ids, &sum(&net), RATE).unwrap().double_value(&[]);
        assert!((norm - (net.params().numel() as f64).sqrt()).abs() < 1e-9, "{}", entry.name);
        let other = self::net();
        let mut large = recipe.build(&sgd, &other).unwrap();
        let _ = large.step(&other, &ids, &(sum(&other) * 9.0), RATE).unwrap();
        let apart = (net.params().flat() - other.params().flat()).abs().max().double_value(&[]);
        assert!(apart < 1e-6, "{}: {apart}", entry.name);
    }
}

#[test]
fn numbers_out_of_their_range_are_named() {
    let of = |optimizer| ScratchRecipe { optimizer, ..ScratchRecipe::default() };
    for (bad, name) in [
        (OptimizerRecipe { beta2: 1.0, ..recipe("adam") }, "beta2"),
        (OptimizerRecipe { epsilon: Some(0.0), ..recipe("adam") }, "epsilon"),
        (OptimizerRecipe { rms_decay: Some(f64::NAN), ..recipe("rmsprop") }, "rms_decay"),
    ] {
        let error = of(bad).check().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let error = OptimizerName::named("adma").unwrap_err();
    assert!(error.contains("did you mean `adam`?") && error.contains("rmsprop-tf"), "{error}");
}
