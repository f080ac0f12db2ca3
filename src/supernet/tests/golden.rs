//! Reference values of the official DARTS networks in double precision.

use serde_json::Value;
use tch::Tensor;

use super::super::{Gradients, Loss, Pass, Placement, Supernet};
use super::support::{DARTS_V1, DARTS_V2, Published, batch, built, small};

const GOLDEN: &str = include_str!("../../../tests/fixtures/golden_darts.json");
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
    let rows = expected.as_array().unwrap().iter();
    let numbers: Vec<f64> = rows.flat_map(|r| r.as_array().unwrap()).map(|x| x.as_f64().unwrap()).collect();
    let expected = Tensor::from_slice(&numbers).view(found.size().as_slice());
    (found - expected).abs().max().double_value(&[])
}

fn check(published: &Published, name: &str, placement: Placement) {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let golden = &golden[name];
    let (network, route) = published.network(&small(8, 5));
    let net = built(&network, placement);
    assert_eq!(net.params().numel() as u64, golden["params"].as_u64().unwrap());
    fill(&net);
    let path = net.path(&route).unwrap();
    let (x, labels) = batch(4, net.image(), placement);
    let eval = net.forward(&x, &path, &mut Pass::eval()).unwrap();
    let train = net.forward(&x, &path, &mut Pass::train()).unwrap();
    let loss = Loss::default().of(&train, &labels).unwrap();
    let gradients = Gradients::of(&loss, &net, path.params()).unwrap();
    assert_eq!(gradients.flat().numel() as u64, golden["params_with_grad"].as_u64().unwrap());
    let number = |key: &str| golden[key].as_f64().unwrap();
    let errors = [
        worst(&eval.logits, &golden["eval_logits"]),
        worst(&train.logits, &golden["train_logits"]),
        (loss.double_value(&[]) - number("train_loss")).abs(),
        (gradients.norm().unwrap().double_value(&[]) - number("grad_norm")).abs(),
    ];
    println!(
        "{name}: eval, train, loss, gradient norm differ by {}",
        errors.map(|e| format!("{e:.1e}")).join(", ")
    );
    assert!(errors.iter().all(|e| *e < TOLERANCE), "{name}: {errors:?}");
}

#[test]
fn discrete_networks_agree_with_the_official_ones() {
    let layouts = [Placement::exact(), Placement { channels_last: true, ..Placement::exact() }];
    for placement in layouts {
        check(&DARTS_V1, "DARTS_V1 CIFAR C=8 layers=5 aux=False", placement);
        check(&DARTS_V2, "DARTS_V2 CIFAR C=8 layers=5 aux=False", placement);
    }
}
