//! Which parameters train, operation by operation, and what freezing the others changes.

use std::collections::BTreeMap;

use bonas_spaces::SearchSpace;
use bonas_spaces::families::darts::{Darts, DartsSkeleton};
use bonas_spaces::families::mobilenet::{BN_NAS, MobileNet, MobileNetSkeleton};
use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
use bonas_spaces::network::{Network, NetworkSize, Norm, OpTable, Shape, Skeleton};

use super::super::{Loss, Pass, Placement, Sgd, SgdSettings, Supernet, SupernetError, Trainable};
use super::support::{batch, rng, same};

const PUBLISHED: Trainable = Trainable::OperationNorms { classifier: false };

fn nasbench201(norm: Norm) -> Network {
    let cifar = NasBench201Skeleton::cifar();
    let skeleton = NasBench201Skeleton { channels: 4, cells: 1, image: Shape::square(3, 8), norm, ..cifar };
    skeleton.network(&NasBench201::new().whole(), &OpTable::nasbench201()).unwrap()
}

fn built(network: &Network, trainable: Trainable) -> Supernet {
    super::support::built(network, Placement::exact()).train_only(trainable).unwrap()
}

/// Trainable numbers by unit, edge and operation.
fn counts(net: &Supernet) -> BTreeMap<(usize, usize, String), usize> {
    let of = |op: &super::super::Operation| ((op.unit, op.edge, op.name.clone()), net.trainable_of(op));
    net.operations().iter().map(of).collect()
}

#[test]
fn published_nets_train_convolutions_only_and_unbiased_nets_every_operation_alike() {
    let biased = counts(&built(&nasbench201(Norm::DISCRETE), PUBLISHED));
    let unbiased = counts(&built(&nasbench201(Norm::UNBIASED), PUBLISHED));
    // Three cells of widths 4, 8 and 16, six edges, four operations but `none`.
    assert_eq!((biased.len(), unbiased.len()), (72, 72));
    for ((unit, _, name), count) in &unbiased {
        let width =
            unbiased.keys().map(|(u, ..)| u).filter(|u| *u < unit).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(*count, 2 * (4 << width.len()), "{name} of unit {unit}");
    }
    for ((unit, edge, name), count) in &biased {
        let expected = if name.starts_with("nor_conv") { unbiased[&(*unit, *edge, name.clone())] } else { 0 };
        assert_eq!(*count, expected, "{name} of unit {unit}");
    }
}

#[test]
fn reduced_skips_and_separable_convolutions_count_their_last_norm() {
    let skeleton = |norm| DartsSkeleton { norm, ..super::support::small(4, 3) };
    let network = |norm| skeleton(norm).network(&Darts::new().whole(), &OpTable::darts()).unwrap();
    let unbiased = counts(&built(&network(Norm::UNBIASED), PUBLISHED));
    let widths: BTreeMap<usize, usize> = unbiased.iter().map(|((unit, ..), count)| (*unit, *count)).collect();
    // The seven operations of every edge of a cell, strides 1 and 2, train 2·C numbers each.
    assert!(unbiased.iter().all(|((unit, ..), count)| widths[unit] == *count && *count >= 8));
    let biased = counts(&built(&network(Norm::DISCRETE), PUBLISHED));
    let zero = |name: &str| biased.iter().filter(|((.., n), count)| n == name && **count == 0).count();
    assert_eq!(zero("max_pool_3x3"), 3 * 14);
    // A skip at stride 2 has a BatchNorm: two of the three cells are reductions, with 8 such edges each.
    assert_eq!(zero("skip_connect"), 3 * 14 - 2 * 8);
    assert_eq!(zero("sep_conv_5x5"), 0);
}

#[test]
fn the_published_mobilenet_supernet_trains_one_norm_a_block() {
    let skeleton = MobileNetSkeleton {
        size: NetworkSize { channels: 4, image: Shape::square(3, 32), classes: 10, norm: Norm::DISCRETE },
    };
    let space = MobileNet::fixed_depth();
    let network = skeleton.network(&space.whole(), &OpTable::mobilenet()).unwrap();
    let net = built(&network, PUBLISHED);
    let blocks = net.operations().iter().filter(|op| net.trainable_of(op) > 0).count();
    assert_eq!(blocks, 17 * 6);
    // Identities have none in the biased net.
    assert_eq!(net.operations().len(), 17 * 6 + 4);
    let route = space.whole().route(&space.parse(BN_NAS).unwrap()).unwrap();
    let path = net.path(&route).unwrap();
    assert_eq!((path.params().len(), path.operations().len()), (17 * 2, 21));
}

#[test]
fn each_variant_trains_what_it_says() {
    let network = nasbench201(Norm::UNBIASED);
    let names = |trainable| {
        let net = built(&network, trainable);
        let params = net.params().iter().enumerate();
        params.filter(|(id, _)| net.trains(*id)).map(|(_, (name, _))| name.to_owned()).collect::<Vec<_>>()
    };
    let all = Supernet::build(&network, Placement::exact(), &mut rng(1)).unwrap();
    assert_eq!(names(Trainable::All).len(), all.params().len());
    let operations = names(PUBLISHED);
    assert_eq!(operations.len(), 2 * 72);
    let norms = names(Trainable::Norms { classifier: false });
    // Stem, four of two reductions, and the last one, beside those of the operations.
    assert_eq!(norms.len(), 2 * (72 + 1 + 4 + 1));
    let with_classifier = names(Trainable::OperationNorms { classifier: true });
    assert_eq!(with_classifier.len(), operations.len() + 2);
    assert!(with_classifier.iter().any(|name| name == "classifier.1.weight"));
    assert_eq!(all.train_only(PUBLISHED).unwrap().trainable(), 6 * 4 * 2 * (4 + 8 + 16));
}

#[test]
fn a_step_moves_what_trains_and_nothing_else() {
    let network = nasbench201(Norm::UNBIASED);
    let net = built(&network, PUBLISHED);
    let path = net.path(&network.full_route()).unwrap();
    let before: Vec<_> = net.params().iter().map(|(_, tensor)| tensor.detach().copy()).collect();
    let (images, labels) = batch(4, network.image(), Placement::exact());
    let mut sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    let loss =
        Loss::default().of(&net.forward(&images, &path, &mut Pass::train()).unwrap(), &labels).unwrap();
    let _norm = sgd.step(&net, path.params(), &loss, 0.5).unwrap();
    for (id, ((name, after), before)) in net.params().iter().zip(&before).enumerate() {
        assert_eq!(same(after, before), !net.trains(id), "{name}");
    }
}

#[test]
fn gradients_of_what_trains_do_not_depend_on_what_is_frozen() {
    let network = nasbench201(Norm::DISCRETE);
    let gradient = |trainable| {
        let net = built(&network, trainable);
        let path = net.path(&network.full_route()).unwrap();
        let (images, labels) = batch(4, network.image(), Placement::exact());
        let output = net.forward(&images, &path, &mut Pass::train()).unwrap();
        let loss = Loss::default().of(&output, &labels).unwrap();
        let norms = net.operations().iter().filter_map(|op| op.norm);
        let mut ids: Vec<_> = norms.flat_map(|n| [n.scale, n.shift]).collect();
        ids.sort_unstable();
        super::super::Gradients::of(&loss, &net, &ids).unwrap().flat().copy()
    };
    let (frozen, all) = (gradient(PUBLISHED), gradient(Trainable::All));
    assert!(frozen.allclose(&all, 1e-10, 1e-12, false));
    assert!(frozen.abs().max().double_value(&[]) > 1e-6);
}

#[test]
fn a_network_without_trainable_norms_is_refused_with_the_remedy() {
    let network = nasbench201(Norm::SEARCH);
    let net = Supernet::build(&network, Placement::exact(), &mut rng(1)).unwrap();
    let error = net.train_only(PUBLISHED).unwrap_err();
    assert!(matches!(error, SupernetError::Setting { name: "trainable", .. }));
    let message = error.to_string();
    assert!(
        message.contains("no BatchNorm of the operations") && message.contains("Norm::UNBIASED"),
        "{message}"
    );
}

#[test]
fn a_path_made_before_freezing_is_refused() {
    let network = nasbench201(Norm::UNBIASED);
    let net = Supernet::build(&network, Placement::exact(), &mut rng(1)).unwrap();
    let path = net.path(&network.full_route()).unwrap();
    let net = net.train_only(PUBLISHED).unwrap();
    let (images, _) = batch(2, network.image(), Placement::exact());
    let error = net.forward(&images, &path, &mut Pass::train()).unwrap_err().to_string();
    assert!(error.contains("made by another network"), "{error}");
}

/// Of the units with weights, the head has the full rate, the last cell `decay` of it, and so on to the stem.
#[test]
fn rates_decay_from_the_head_to_the_stem() {
    let network = nasbench201(Norm::DISCRETE);
    let plain = super::support::built(&network, Placement::exact());
    let decayed = super::support::built(&network, Placement::exact()).with_layer_decay(0.5).unwrap();
    let (images, labels) = batch(4, network.image(), Placement::exact());
    let settings = SgdSettings { momentum: 0.0, weight_decay: 0.0, clip: None, ..SgdSettings::default() };
    let before = plain.params().flat().copy();
    let change = |net: &Supernet| {
        let path = net.path(&network.full_route()).unwrap();
        let output = net.forward(&images, &path, &mut Pass::train()).unwrap();
        let loss = Loss::default().of(&output, &labels).unwrap();
        let _norm = Sgd::new(settings, net).unwrap().step(net, path.params(), &loss, 0.1).unwrap();
        net.params().flat() - &before // [P]
    };
    let [whole, parts] = [change(&plain), change(&decayed)];
    let factor = |prefix: &str| {
        let mut found = Vec::new();
        for id in 0..plain.params().len() {
            let spec = plain.params().spec(id);
            if spec.name.starts_with(prefix) {
                let norm = |all: &tch::Tensor| all.narrow(0, spec.start, spec.len()).norm().double_value(&[]);
                if norm(&whole) > 0.0 {
                    found.push(norm(&parts) / norm(&whole));
                }
            }
        }
        assert!(!found.is_empty(), "{prefix}");
        assert!(found.iter().all(|factor| (factor - found[0]).abs() < 1e-9), "{prefix}: {found:?}");
        found[0]
    };
    let names: Vec<&str> = network.units.iter().map(|unit| unit.name.as_str()).collect();
    let of = |unit: usize| factor(&format!("{}.", names[unit]));
    let with_weights: Vec<usize> = (0..names.len())
        .filter(|&unit| plain.params().iter().any(|(name, _)| name.starts_with(&format!("{}.", names[unit]))))
        .collect();
    for (back, &unit) in with_weights.iter().rev().enumerate() {
        assert!((of(unit) - 0.5_f64.powi(back as i32)).abs() < 1e-9, "{}", names[unit]);
    }
    let named: Vec<&str> = with_weights.iter().map(|&unit| names[unit]).collect();
    let cells = ["stage0.cell0", "reduction1", "stage1.cell0", "reduction2", "stage2.cell0"];
    assert_eq!(named, [&["stem"][..], &cells, &["last", "classifier"]].concat());
}
