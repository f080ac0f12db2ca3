//! Networks of cells with operations on vertices, and what they share.

use std::collections::BTreeMap;

use bonas_spaces::families::nasbench101::{NasBench1Shot1, NasBench101, NasBench101Skeleton, Part};
use bonas_spaces::network::{Network, Norm, OpTable, Shape, Skeleton, Union};
use bonas_spaces::{Architecture, SearchSpace};
use tch::{Kind, Tensor, no_grad};

use super::super::{Loss, Mode, Pass, Path, Placement, Supernet, Trainable};
use super::support::{batch, built, rng, same};

/// Vertex 1 enters vertex 2, cut by a channel at odd widths; the output reads both, and the input.
const CELL: &str = "101111|conv3x3-bn-relu;maxpool3x3";

fn cell(text: &str) -> Architecture {
    NasBench101::new().parse(text).unwrap()
}

fn network(union: &Union, channels: usize, norm: Norm) -> Network {
    let image = Shape::square(3, 8);
    let skeleton = NasBench101Skeleton { channels, cells: 1, image, classes: 10, norm };
    skeleton.network(union, &OpTable::nasbench101()).unwrap()
}

fn discrete(text: &str, channels: usize) -> Network {
    network(&Union::of(&[cell(text)]).unwrap(), channels, Norm::DISCRETE)
}

fn logits(net: &Supernet, x: &Tensor, path: &Path) -> Tensor {
    net.forward(x, path, &mut Pass::eval()).unwrap().logits
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Moves scales and shifts off 1 and 0.
fn scatter(net: &Supernet) {
    let flat = net.params().flat().shallow_clone();
    let noise: Vec<f64> = (0..flat.numel()).map(|i| 0.2 * (i as f64).sin()).collect();
    let _ = no_grad(|| flat.shallow_clone().f_add_(&Tensor::from_slice(&noise)).unwrap());
}

/// The parameters of a network by name.
struct Named<'a>(BTreeMap<&'a str, &'a Tensor>);

impl Named<'_> {
    /// Convolution, normalisation with mean 0 and variance 1, ReLU: `[B, C, H, W]` to `[B, C', H, W]`.
    fn conv_bn_relu(&self, x: &Tensor, name: &str, kernel: i64) -> Tensor {
        let of = |part: &str| self.0[format!("{name}.{part}").as_str()];
        let padding = [kernel / 2; 2];
        let y = x.conv2d::<Tensor>(of("0.weight"), None, [1, 1], padding, [1, 1], 1);
        let per_channel = |t: &Tensor| t.view([1, -1, 1, 1]);
        (y / (1.0_f64 + 1e-5).sqrt() * per_channel(of("1.weight")) + per_channel(of("1.bias"))).relu()
    }
}

#[test]
fn a_network_computes_what_the_benchmark_says() {
    let network = discrete(CELL, 5);
    let net = built(&network, Placement::exact());
    scatter(&net);
    let (input, _) = batch(2, net.image(), net.placement());
    let named = Named(net.params().iter().collect());
    let mut x = named.conv_bn_relu(&input, "stem", 3); // [B, 5, 8, 8]
    for (stack, width) in [(0, 5), (1, 10), (2, 20)] {
        if stack > 0 {
            x = x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
        }
        let name = |part: &str| format!("stack{stack}.cell0.{part}");
        let first = named.conv_bn_relu(&x, &name("1-0.plain"), 1);
        let first = named.conv_bn_relu(&first, &name("2-1.conv3x3-bn-relu"), 3);
        assert_eq!(first.size()[1], (width + 1) / 2);
        let cut = first.narrow(1, 0, width / 2);
        let second = cut.max_pool2d([3, 3], [1, 1], [1, 1], [1, 1], false);
        let around = named.conv_bn_relu(&x, &name("projection.1-0.plain"), 1);
        x = Tensor::cat(&[first, second], 1) + around; // [B, width, H, W]
    }
    let (weight, bias) = (named.0["classifier.1.weight"], named.0["classifier.1.bias"]);
    let expected = x.mean_dim([2_i64, 3].as_slice(), false, None).linear(weight, Some(bias)); // [B, 10]
    let path = net.path(&network.full_route()).unwrap();
    assert!(distance(&logits(&net, &input, &path), &expected) < 1e-12);
}

#[test]
fn gradients_reach_every_parameter_and_are_the_slopes_of_the_loss() {
    let network = discrete(CELL, 5);
    let net = built(&network, Placement::exact());
    scatter(&net);
    let (x, labels) = batch(4, net.image(), net.placement());
    let path = net.path(&network.full_route()).unwrap();
    assert_eq!(path.params().len(), net.params().len());
    let loss = || Loss::default().of(&net.forward(&x, &path, &mut Pass::train()).unwrap(), &labels).unwrap();
    loss().backward();
    for id in 0..net.params().len() {
        let (tensor, name) = (net.params().tensor(id), &net.params().spec(id).name);
        let gradient = tensor.grad();
        assert!(gradient.norm().double_value(&[]) > 0.0, "{name}");
        let slope = gradient.view([-1]).double_value(&[0]);
        let at = |by: f64| {
            let mut first = no_grad(|| tensor.view([-1]).narrow(0, 0, 1));
            let _ = no_grad(|| first.f_add_scalar_(by).unwrap());
            let value = no_grad(loss).double_value(&[]);
            let _ = no_grad(|| first.f_add_scalar_(-by).unwrap());
            value
        };
        let found = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((found - slope).abs() < 1e-5 * (1.0 + slope.abs()), "{name}: {found} {slope}");
    }
}

#[test]
fn paths_of_cells_whose_outputs_read_the_same_vertices_are_their_discrete_networks() {
    let texts = ["110111|conv3x3-bn-relu;maxpool3x3", "100111|conv1x1-bn-relu;conv3x3-bn-relu"];
    let both = texts.map(cell);
    let union = Union::of(&both).unwrap();
    let shared = built(&network(&union, 5, Norm::DISCRETE), Placement::exact());
    let (x, _) = batch(2, shared.image(), shared.placement());
    for (text, cell) in texts.iter().zip(&both) {
        let own = discrete(text, 5);
        // Of one seed, so with equal weights where they are alike.
        let single = built(&own, Placement::exact());
        let path = shared.path(&union.route(cell).unwrap()).unwrap();
        let expected = logits(&single, &x, &single.path(&own.full_route()).unwrap());
        assert!(distance(&logits(&shared, &x, &path), &expected) < 1e-12, "{text}");
    }
}

#[test]
fn what_a_path_leaves_out_is_zero_and_does_not_bear_on_it() {
    let space = NasBench101::new();
    let union = space.whole();
    let net = built(&network(&union, 5, Norm::DISCRETE), Placement::exact());
    let path = |text: &str| net.path(&union.route(&cell(text)).unwrap()).unwrap();
    let (x, _) = batch(2, net.image(), net.placement());
    for text in ["1|", "101|maxpool3x3", CELL] {
        let path = path(text);
        let before = logits(&net, &x, &path);
        for id in (0..net.params().len()).filter(|id| !path.params().contains(id)) {
            let size = net.params().tensor(id).size();
            net.params().set(id, &Tensor::rand(size, (Kind::Double, tch::Device::Cpu))).unwrap();
        }
        assert!(same(&before, &logits(&net, &x, &path)), "{text}");
    }
    let names = |path: &Path| -> Vec<String> {
        let inner = |name: &&String| name.starts_with("stack0");
        path.params().iter().map(|&id| net.params().spec(id).name.clone()).filter(|n| inner(&n)).collect()
    };
    let around = "stack0.cell0.projection.1-0.plain";
    assert_eq!(
        names(&path("1|")),
        [format!("{around}.0.weight"), format!("{around}.1.weight"), format!("{around}.1.bias")]
    );
    assert!(names(&path("101|maxpool3x3")).iter().all(|name| name.starts_with("stack0.cell0.1-0.plain")));
    assert_eq!(path(CELL).operations().len(), 2 * 3, "the operations of two vertices in three cells");
}

#[test]
fn unbiased_nets_train_every_operation_of_a_vertex_alike() {
    let space = NasBench1Shot1::new(Part::One);
    let counts = |norm| {
        let trainable = Trainable::OperationNorms { classifier: false };
        let net = built(&network(&space.whole(), 6, norm), Placement::exact()).train_only(trainable).unwrap();
        let of = |op: &super::super::Operation| (op.unit, op.edge, op.name.clone(), net.trainable_of(op));
        net.operations().iter().map(of).collect::<Vec<_>>()
    };
    let (biased, unbiased) = (counts(Norm::DISCRETE), counts(Norm::UNBIASED));
    // Three operations on four vertices in three cells; widths 2, 2, 1, 1 in the first.
    assert_eq!((biased.len(), unbiased.len()), (36, 36));
    assert_eq!(
        unbiased[..12].iter().map(|op| op.3).collect::<Vec<_>>(),
        [4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2]
    );
    for (biased, unbiased) in biased.iter().zip(&unbiased) {
        let expected = if biased.2 == "maxpool3x3" { 0 } else { unbiased.3 };
        assert_eq!(biased.3, expected, "{} of unit {}", biased.2, biased.0);
    }
}

#[test]
fn statistics_are_those_of_the_path() {
    let (space, mut rng) = (NasBench1Shot1::new(Part::One), rng(3));
    let union = space.whole();
    let net = built(&network(&union, 4, Norm::UNBIASED), Placement::exact());
    let (x, _) = batch(4, net.image(), net.placement());
    for _ in 0..5 {
        let path = net.path(&union.route(&space.sample(&mut rng)).unwrap()).unwrap();
        let statistics = net.estimate(&path, [x.shallow_clone()]).unwrap();
        let known = (0..net.norms().len()).filter(|&norm| statistics.get(norm).is_some());
        assert_eq!(known.collect::<Vec<_>>(), path.norms());
        let trained = net.forward(&x, &path, &mut Pass::new(Mode::EvalWith(&statistics))).unwrap().logits;
        assert!(trained.isfinite().all().int64_value(&[]) == 1);
    }
}
