//! Paths through shared networks, statistics, drop-path.

use bonas_spaces::families::darts::{BcnnSkeleton, DARTS_V1, DARTS_V2, Darts, DartsSkeleton};
use bonas_spaces::network::{Layer, Network, NetworkBuilder, Norm, OpTable, Route, Shape, Skeleton, Union};
use bonas_spaces::{Cell, CellGraph, OpId, Role, Vocabulary};
use tch::{Device, Kind, Tensor};

use super::super::{
    DropPath, Gradients, Loss, Mixture, Mode, Pass, Path, Placement, Supernet, SupernetError,
};
use super::support::{architecture, batch, built, chain_of, discrete, rng, same, small};

/// The union of `DARTS_V1` and `DARTS_V2` and their routes.
fn shared(skeleton: &DartsSkeleton) -> (Network, [Route; 3]) {
    let both = [architecture(&DARTS_V1), architecture(&DARTS_V2)];
    let union = Union::of(&both).unwrap();
    let network = skeleton.network(&union, &OpTable::darts()).unwrap();
    (network, [union.route(&both[0]).unwrap(), union.route(&both[1]).unwrap(), union.full_route()])
}

fn logits(net: &Supernet, x: &Tensor, path: &Path, mode: Mode<'_>) -> Tensor {
    net.forward(x, path, &mut Pass::new(mode)).unwrap().logits
}

#[test]
fn a_path_of_a_union_is_the_discrete_network() {
    let skeleton = small(4, 4);
    let (network, routes) = shared(&skeleton);
    let union = built(&network, Placement::exact());
    for (published, route) in [(&DARTS_V1, &routes[0]), (&DARTS_V2, &routes[1])] {
        let (network, own) = discrete(published, &skeleton);
        let single = Supernet::build(&network, Placement::exact(), &mut rng(9)).unwrap();
        let path = union.path(route).unwrap();
        for (id, (name, _)) in single.params().iter().enumerate() {
            let source = union.params().iter().find(|(n, _)| *n == name).unwrap();
            single.params().set(id, source.1).unwrap();
        }
        let used = path.params().iter().map(|&id| union.params().spec(id).name.clone());
        let mut used: Vec<_> = used.collect();
        let mut all: Vec<_> = single.params().iter().map(|(name, _)| name.to_owned()).collect();
        used.sort();
        all.sort();
        assert_eq!(used, all);
        let (x, _) = batch(2, union.image(), union.placement());
        let own = single.path(&own).unwrap();
        let (found, expected) =
            (logits(&union, &x, &path, Mode::Eval), logits(&single, &x, &own, Mode::Eval));
        assert!((found - expected).abs().max().double_value(&[]) < 1e-12);
    }
}

#[test]
fn weights_of_one_are_a_sum() {
    let (network, [.., full]) = shared(&small(4, 3));
    let net = built(&network, Placement::exact());
    let path = net.path(&full).unwrap();
    let (x, labels) = batch(2, net.image(), net.placement());
    let ones = [(); 2].map(|()| Tensor::ones([14, 7], (Kind::Double, Device::Cpu)).set_requires_grad(true));
    let sum = logits(&net, &x, &path, Mode::Train);
    let weighted = net.forward(&x, &path, &mut Pass::train().with_mixture(Mixture::Weighted(&ones))).unwrap();
    assert!((sum - &weighted.logits).abs().max().double_value(&[]) < 1e-12);
    Loss::default().of(&weighted, &labels).unwrap().backward();
    assert!(ones.iter().all(|w| w.grad().norm().double_value(&[]) > 0.0), "gradients reach the weights");
}

#[test]
fn weights_that_pick_one_path_are_that_path() {
    let union = Darts::new().whole();
    let broad = BcnnSkeleton { channels: 4, ..BcnnSkeleton::search() };
    for skeleton in [&small(4, 3) as &dyn Skeleton, &broad] {
        let network = skeleton.network(&union, &OpTable::darts()).unwrap();
        let net = built(&network, Placement::exact());
        let whole = net.path(&union.full_route()).unwrap();
        let route = union.route(&architecture(&DARTS_V2)).unwrap();
        let picked = [0, 1].map(|role: usize| {
            let weights = Tensor::zeros([14, 7], (Kind::Double, Device::Cpu));
            for (edge, chosen) in route.0[role].0.iter().enumerate().take(14) {
                for &op in chosen {
                    let _ = weights.get(edge as i64).get(op as i64).fill_(1.0);
                }
            }
            weights
        });
        let (x, _) = batch(2, net.image(), net.placement());
        let mut pass = Pass::eval().with_mixture(Mixture::Weighted(&picked));
        let relaxed = net.forward(&x, &whole, &mut pass).unwrap().logits;
        let single = logits(&net, &x, &net.path(&route).unwrap(), Mode::Eval);
        assert!((relaxed - single).abs().max().double_value(&[]) < 1e-12);
    }
}

#[test]
fn estimated_statistics_are_the_mean_over_batches() {
    let (network, [first, second, _]) = shared(&small(4, 3));
    let net = built(&network, Placement::exact());
    let (one, two) = (net.path(&first).unwrap(), net.path(&second).unwrap());
    let (x, _) = batch(6, net.image(), net.placement());
    let parts = [x.narrow(0, 0, 2), x.narrow(0, 2, 2), x.narrow(0, 4, 2)];
    let before: Vec<_> = net.running().map(|(_, m, v)| (m.copy(), v.copy())).collect();
    let statistics = net.estimate(&one, parts.iter().map(Tensor::shallow_clone)).unwrap();
    assert_eq!(statistics.batches(), 3);
    assert!(net.running().zip(&before).all(|((_, m, v), (m0, v0))| same(m, m0) && same(v, v0)));

    // The stem's normalisation reads the convolved images.
    let maps = parts.map(|p| p.conv2d::<Tensor>(net.params().tensor(0), None, [1, 1], [1, 1], [1, 1], 1));
    let mean = |f: &dyn Fn(&Tensor) -> Tensor| maps.iter().map(f).sum::<Tensor>() / 3.0;
    let expected_mean = mean(&|m| m.mean_dim([0_i64, 2, 3].as_slice(), false, None));
    let expected_var = mean(&|m| m.var_dim([0_i64, 2, 3].as_slice(), true, false));
    let (found_mean, found_var) = statistics.get(0).unwrap();
    for (found, expected) in [(found_mean, expected_mean), (found_var, expected_var)] {
        assert!((found - expected).abs().max().double_value(&[]) < 1e-12);
    }

    // Nothing of the other path's is there, and it cannot be evaluated with these.
    let foreign = two.norms().iter().find(|n| !one.norms().contains(n)).unwrap();
    assert!(statistics.get(*foreign).is_none());
    let wrong = net.forward(&x, &two, &mut Pass::new(Mode::EvalWith(&statistics)));
    assert!(matches!(wrong, Err(SupernetError::Mismatch { .. })));
    let with = logits(&net, &x, &one, Mode::EvalWith(&statistics));
    assert!(!same(&with, &logits(&net, &x, &one, Mode::Eval)));
}

#[test]
fn evaluating_with_the_statistics_of_one_batch_is_training_on_it_but_for_the_unbiased_variance() {
    let (network, route) = discrete(&DARTS_V1, &small(4, 3));
    let net = built(&network, Placement::exact());
    let path = net.path(&route).unwrap();
    let (x, _) = batch(32, net.image(), net.placement());
    let statistics = net.estimate(&path, [x.shallow_clone()]).unwrap();
    let eval = logits(&net, &x, &path, Mode::EvalWith(&statistics));
    let train = logits(&net, &x, &path, Mode::Train);
    assert!((eval - train).abs().max().double_value(&[]) < 1e-2);
}

#[test]
fn drop_path_draws_from_the_given_generator_and_spares_identities() {
    let skips = chain_of("skip_connect");
    let net = built(&skips.0, Placement::exact());
    let path = net.path(&skips.1).unwrap();
    let (x, _) = batch(8, net.image(), net.placement());
    let run = |net: &Supernet, path: &Path, p: f64| {
        let mut rng = rng(3);
        let mut pass = Pass::train();
        pass.drop_path = Some(DropPath { probability: p, rng: &mut rng });
        net.forward(&x, path, &mut pass).unwrap().logits
    };
    assert!(same(&run(&net, &path, 0.9), &run(&net, &path, 0.0)));

    let convs = chain_of("nor_conv_1x1");
    let net = built(&convs.0, Placement::exact());
    let path = net.path(&convs.1).unwrap();
    assert!(same(&run(&net, &path, 0.5), &run(&net, &path, 0.5)), "one seed, one result");
    assert!(!same(&run(&net, &path, 0.5), &run(&net, &path, 0.0)));
    let mut rng = rng(1);
    let outside = net.forward(&x, &path, &mut Pass::train().with_drop_path(1.0, &mut rng));
    assert!(matches!(outside, Err(SupernetError::Setting { .. })));
}

#[test]
fn a_cell_that_nothing_passes_gives_zeros_and_trains_the_rest() {
    let (network, route) = chain_of("none");
    let net = built(&network, Placement::exact());
    let path = net.path(&route).unwrap();
    let (x, labels) = batch(4, net.image(), net.placement());
    let output = net.forward(&x, &path, &mut Pass::train()).unwrap();
    let loss = Loss::default().of(&output, &labels).unwrap();
    let gradients = Gradients::of(&loss, &net, path.params()).unwrap();
    let moved: Vec<_> = gradients.params().iter().map(|&id| &net.params().spec(id).name).collect();
    assert!(moved.iter().all(|name| !name.starts_with("stem")), "the loss does not depend on the stem");
    assert!(moved.iter().any(|name| name.starts_with("classifier")));
}

/// Squeeze-and-excitation and `SiLU` on two maps of 2×2 with means 2.5 and 0.5. The squeeze is `½·2.5 - 0.5 + ¼ = 1`; its `SiLU`
/// is σ(1), and the factors are `σ(σ(1) + 0.1)` and `σ(-2 σ(1) - 0.2)`.
#[test]
fn squeeze_and_excitation_by_hand() {
    let mut builder = NetworkBuilder::new(Shape::square(2, 2)).unwrap();
    let layers = vec![Layer::SqueezeExcite { channels: 2, squeeze: 1, hard: false }, Layer::Silu];
    let block = builder.layers("block", 0, layers).unwrap();
    let head = builder.classifier("classifier", block, 2).unwrap();
    let network = builder.finish(head, None);
    let net = built(&network, Placement::exact());
    let values: [(&str, &str, &[f64]); 6] = [
        ("block", "narrow.weight", &[0.5, -1.0]),
        ("block", "narrow.bias", &[0.25]),
        ("block", "wide.weight", &[1.0, -2.0]),
        ("block", "wide.bias", &[0.1, -0.2]),
        ("classifier", "weight", &[1.0, 0.0, 0.0, 1.0]),
        ("classifier", "bias", &[0.0, 0.0]),
    ];
    assert_eq!(net.params().len(), values.len());
    for id in 0..values.len() {
        let spec = net.params().spec(id);
        let is_named = |(start, end, _): &&(&str, &str, &[f64])| {
            spec.name.starts_with(start) && spec.name.ends_with(end)
        };
        let (.., value) = values.iter().find(is_named).unwrap();
        net.params().set(id, &Tensor::from_slice(value).view(spec.shape.as_slice())).unwrap();
    }
    let maps = [[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 1.0, 2.0f64]];
    let x = Tensor::from_slice(&maps.concat()).view([1, 2, 2, 2]);
    let path = net.path(&network.full_route()).unwrap();
    let found = logits(&net, &x, &path, Mode::Eval);
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    let factors = [sigmoid(sigmoid(1.0) + 0.1), sigmoid(-2.0 * sigmoid(1.0) - 0.2)];
    for (c, (map, factor)) in maps.iter().zip(factors).enumerate() {
        let mean = map.iter().map(|x| factor * x * sigmoid(factor * x)).sum::<f64>() / 4.0;
        assert!((found.double_value(&[0, c as i64]) - mean).abs() < 1e-12, "{c}");
    }
}

#[test]
fn operations_that_do_not_reach_the_output_are_left_out() {
    // input -> conv -> middle, which goes nowhere; input -> skip -> output.
    let ops = [("nor_conv_3x3", Role::Compute), ("skip_connect", Role::Identity)];
    let vocabulary = std::sync::Arc::new(Vocabulary::new(1, ops).unwrap());
    let mut graph = CellGraph::new();
    let [input, middle, output] = [OpId::input(0), OpId::PLAIN, OpId::OUTPUT].map(|l| graph.add_node(l));
    graph.add_edge(input, middle, vocabulary.id("nor_conv_3x3").unwrap());
    graph.add_edge(input, output, vocabulary.id("skip_connect").unwrap());
    let cell = Cell::new(graph, &vocabulary).unwrap();
    let architecture = bonas_spaces::Architecture::with_canonical_form(vocabulary, vec![cell], b"dead end");
    let (network, route) = super::support::nasbench201(&architecture);
    let net = built(&network, Placement::exact());
    let path = net.path(&route).unwrap();
    assert!(net.params().len() > path.params().len());
    assert!(path.params().iter().all(|&id| !net.params().spec(id).name.contains("nor_conv_3x3")));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (network, [first, ..]) = shared(&small(4, 3));
    let net = built(&network, Placement::on(Device::Cpu));
    let other = built(&network, Placement::on(Device::Cpu));
    let path = net.path(&first).unwrap();
    let (x, _) = batch(2, net.image(), net.placement());
    let refused = |x: &Tensor, path: &Path| {
        matches!(net.forward(x, path, &mut Pass::eval()), Err(SupernetError::Mismatch { .. }))
    };
    assert!(refused(&x.narrow(2, 0, 30), &path));
    assert!(refused(&x.narrow(0, 0, 0), &path));
    assert!(refused(&x, &other.path(&first).unwrap()));
    let mut short = first.clone();
    short.0.pop();
    assert!(matches!(net.path(&short), Err(SupernetError::Mismatch { .. })));
    let mut far = first;
    far.0[0].0[0] = vec![99];
    assert!(matches!(net.path(&far), Err(SupernetError::Mismatch { .. })));
    let half = Placement { kind: Kind::Half, ..Placement::on(Device::Cpu) };
    let refusal = Supernet::build(&network, half, &mut rng(1));
    assert!(matches!(refusal, Err(SupernetError::Setting { .. })));
}

#[test]
fn bfloat16_stays_near_and_keeps_its_parameters_in_single_precision() {
    let (network, route) = discrete(&DARTS_V2, &DartsSkeleton { norm: Norm::SEARCH, ..small(8, 3) });
    let full = built(&network, Placement::on(Device::Cpu));
    let half = built(&network, Placement { bf16: true, ..Placement::on(Device::Cpu) });
    let (x, labels) = batch(8, full.image(), full.placement());
    let (at, near) = (full.path(&route).unwrap(), half.path(&route).unwrap());
    let exact = logits(&full, &x, &at, Mode::Train);
    let output = half.forward(&x, &near, &mut Pass::train()).unwrap();
    assert_eq!(output.logits.kind(), Kind::Float);
    assert!((exact - &output.logits).abs().max().double_value(&[]) < 0.1);
    let loss = Loss::default().of(&output, &labels).unwrap();
    let gradients = Gradients::of(&loss, &half, near.params()).unwrap();
    assert_eq!(gradients.flat().kind(), Kind::Float);
    assert_eq!(gradients.params(), near.params());
}

#[test]
fn two_units_of_one_name_are_refused() {
    let (mut network, _) = discrete(&DARTS_V1, &small(4, 3));
    let name = network.units[2].name.clone();
    network.units[3].name = name;
    let refusal = Supernet::build(&network, Placement::exact(), &mut rng(1));
    assert!(matches!(refusal, Err(SupernetError::Space(_))));
}
