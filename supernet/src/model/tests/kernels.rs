//! Kernels of several sizes in one network: once-for-all.

use bonas_spaces::SearchSpace;
use bonas_spaces::families::once_for_all::{OnceForAll, OnceForAllSkeleton};
use bonas_spaces::network::{Kernels, Network, NetworkSize, Shape, Skeleton, SpaceNetwork, Union};
use tch::Tensor;

use super::super::{Loss, Pass, Placement, Progress, Sgd, SgdSettings, Supernet, load, save};
use super::support::{batch, built, same};

const TEXTS: [&str; 2] = [r#"{"ks": 7, "e": 3, "d": 2}"#, r#"{"ks": 3, "e": 3, "d": 2}"#];

fn shared(kernels: Kernels) -> (Network, Union) {
    let space = OnceForAll::fixed_resolution();
    let union = Union::of(&TEXTS.map(|text| space.parse(text).unwrap())).unwrap();
    let mut skeleton = OnceForAllSkeleton::imagenet();
    let image = Shape::square(3, 32);
    skeleton.size = NetworkSize { channels: 4, image, classes: 4, ..skeleton.size };
    skeleton.kernels = kernels;
    (skeleton.network(&union, &space.ops()).unwrap(), union)
}

fn matrices(net: &Supernet) -> Vec<(String, Tensor)> {
    let all = net.params().iter().filter(|(name, _)| name.contains("matrix_"));
    all.map(|(name, tensor)| (name.to_owned(), tensor.detach().copy())).collect()
}

/// One step along the path of an architecture.
fn step(net: &Supernet, union: &Union, text: &str, sgd: &mut Sgd) {
    let architecture = OnceForAll::fixed_resolution().parse(text).unwrap();
    let path = net.path(&union.route(&architecture).unwrap()).unwrap();
    let (images, labels) = batch(4, net.image(), net.placement());
    let output = net.forward(&images, &path, &mut Pass::train()).unwrap();
    let loss = Loss::default().of(&output, &labels.remainder(4)).unwrap();
    let _ = sgd.step(net, path.params(), &loss, 0.1).unwrap();
}

fn sgd(net: &Supernet) -> Sgd {
    Sgd::new(SgdSettings { weight_decay: 0.0, ..SgdSettings::default() }, net).unwrap()
}

/// Two matrices for each of the ten layers, which those with smaller kernels train and those with the largest do not.
#[test]
fn matrices_are_trained_with_the_kernels_that_they_make() {
    let (network, union) = shared(Kernels::Transformed);
    let net = built(&network, Placement::exact());
    let start = matrices(&net);
    assert_eq!(start.len(), 20);
    let (cropped, _) = shared(Kernels::Cropped);
    assert_eq!(network.params() - cropped.params(), 10 * (25 * 25 + 9 * 9));
    assert!(matrices(&built(&cropped, Placement::exact())).is_empty());
    let mut optimizer = sgd(&net);
    step(&net, &union, TEXTS[0], &mut optimizer);
    assert!(matrices(&net).iter().zip(&start).all(|((_, now), (_, then))| same(now, then)));
    step(&net, &union, TEXTS[1], &mut optimizer);
    for ((name, now), (_, then)) in matrices(&net).iter().zip(&start) {
        assert!(!same(now, then), "{name}");
    }
}

/// A training that is stopped between two steps goes on to the same bits.
#[test]
fn matrices_are_in_a_checkpoint() {
    let (network, union) = shared(Kernels::Transformed);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("half.safetensors");
    let (net, other) = (built(&network, Placement::exact()), built(&network, Placement::exact()));
    let (mut first, mut second) = (sgd(&net), sgd(&other));
    step(&net, &union, TEXTS[1], &mut first);
    save(&file, &net, &first, Progress::default(), &[]).unwrap();
    step(&net, &union, TEXTS[1], &mut first);
    load(&file, &other, &second, &[]).unwrap();
    step(&other, &union, TEXTS[1], &mut second);
    assert!(same(net.params().flat(), other.params().flat()));
    let (cropped, _) = shared(Kernels::Cropped);
    let cropped = built(&cropped, Placement::exact());
    let error = load(&file, &cropped, &sgd(&cropped), &[]).unwrap_err().to_string();
    assert!(error.contains("the network's"), "{error}");
}
