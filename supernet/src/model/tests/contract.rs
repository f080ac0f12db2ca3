//! What the network of every space must do, over the catalogue.
//!
//! Each space brings its default skeleton, made small. Everything is computed in double precision.

use bonas_spaces::catalogue::{Entry, SPACES};
use bonas_spaces::network::{Network, Norm, Shape, SkeletonSize, SpaceNetwork, Union};
use bonas_spaces::{Architecture, SearchSpace, SpaceEntry, SpaceError};
use tch::{Device, Kind, Tensor, no_grad};

use super::super::{Gradients, Loss, Mode, Pass, Path, Placement, Supernet};
use super::support::{batch, built, rng};

const CLASSES: usize = 4;

fn size(image: Shape) -> SkeletonSize {
    SkeletonSize {
        channels: Some(4),
        layers: Some(2),
        image: Some(image),
        classes: Some(CLASSES),
        norm: Some(Norm::DISCRETE),
        ..SkeletonSize::default()
    }
}

fn network(
    space: &dyn SearchSpace,
    architectures: &[Architecture],
    image: Shape,
) -> Result<(Network, Union), SpaceError> {
    let own: &dyn SpaceNetwork = space.require_network()?;
    let union = Union::of(architectures)?;
    let network = own.skeleton().build(&size(image))?.network(&union, &own.ops())?;
    Ok((network, union))
}

/// Each space of image networks with architectures drawn from it.
fn drawn(count: usize) -> impl Iterator<Item = (&'static SpaceEntry, Vec<Architecture>)> {
    let of_images = SPACES.iter().filter(|entry| entry.space().network().is_some());
    of_images.map(move |entry| {
        let (space, mut rng) = (entry.space(), rng(5));
        (entry, (0..count).map(|_| space.sample(&mut rng)).collect())
    })
}

/// One architecture and its network in tensors, with its only path.
fn alone(space: &dyn SearchSpace, architecture: &Architecture, image: Shape) -> (Network, Supernet, Path) {
    let (network, union) = network(space, std::slice::from_ref(architecture), image).unwrap();
    let net = built(&network, Placement::exact());
    let path = net.path(&union.route(architecture).unwrap()).unwrap();
    (network, net, path)
}

fn logits(net: &Supernet, images: &Tensor, path: &Path, mode: Mode<'_>) -> Tensor {
    net.forward(images, path, &mut Pass::new(mode)).unwrap().logits
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

const IMAGE: Shape = Shape::square(3, 32);
/// For networks that halve the map more often together than alone.
const LARGER: Shape = Shape::square(3, 64);

#[test]
fn parameters_and_shapes_are_those_of_the_description() {
    for (entry, architectures) in drawn(2) {
        for architecture in &architectures {
            let (network, net, path) = alone(&*entry.space(), architecture, IMAGE);
            assert_eq!(net.params().numel(), network.params(), "{}", entry.name());
            let (images, _) = batch(2, IMAGE, net.placement());
            let found = logits(&net, &images, &path, Mode::Train);
            assert_eq!(found.size(), [2, CLASSES as i64], "{}", entry.name());
            assert_eq!(found.isfinite().all().int64_value(&[]), 1, "{}", entry.name());
        }
    }
}

/// Masks are drawn before the pass: a pass that needs fewer or more of them panics or fails.
#[test]
fn drop_path_draws_a_mask_for_every_operation_of_a_path() {
    for (entry, architectures) in drawn(2) {
        let (_, net, path) = alone(&*entry.space(), &architectures[0], IMAGE);
        drop_some(&net, &path, IMAGE, entry.name());
        // Not all spaces have networks of several architectures.
        if let Ok((network, union)) = network(&*entry.space(), &architectures, LARGER) {
            let net = built(&network, Placement::exact());
            let single = net.path(&union.route(&architectures[0]).unwrap()).unwrap();
            for path in [single, net.path(&union.full_route()).unwrap()] {
                drop_some(&net, &path, LARGER, entry.name());
            }
        }
    }
}

fn drop_some(net: &Supernet, path: &Path, image: Shape, name: &str) {
    let (images, _) = batch(2, image, net.placement());
    let mut draws = rng(1);
    let mut pass = Pass::train().with_drop_path(0.3, &mut draws);
    let found = net.forward(&images, path, &mut pass).unwrap().logits;
    assert_eq!(found.isfinite().all().int64_value(&[]), 1, "{name}");
}

/// Evaluated, an image gives what it gives among others, and the smallest batch is one image.
#[test]
fn one_image_gives_what_it_gives_among_others() {
    for (entry, architectures) in drawn(1) {
        let (_, net, path) = alone(&*entry.space(), &architectures[0], IMAGE);
        let (images, _) = batch(3, IMAGE, net.placement());
        let together = logits(&net, &images, &path, Mode::Eval);
        let single = logits(&net, &images.narrow(0, 1, 1), &path, Mode::Eval);
        assert!(largest_difference(&single, &together.narrow(0, 1, 1)) < 1e-9, "{}", entry.name());
    }
}

/// Weights of a network alone, taken from one that it shares: those under its own name, or a part of those that the
/// choices of an edge have together.
fn take_weights(single: &Supernet, shared: &Supernet) {
    let find = |name: &str| shared.params().iter().find(|(own, _)| *own == name).map(|(_, tensor)| tensor);
    for (id, (name, tensor)) in single.params().iter().enumerate() {
        let in_common = || {
            // unit.part.to-from.operation.layer..: the operation is what differs.
            let words: Vec<&str> = name.split('.').collect();
            let edge = words.iter().position(|word| word.contains('-')).unwrap();
            let mut renamed = words.clone();
            renamed[edge + 1] = "shared";
            find(&renamed.join(".")).unwrap()
        };
        let mut source = find(name).unwrap_or_else(in_common).shallow_clone();
        for (dim, &wanted) in tensor.size().iter().enumerate() {
            let start = if dim < 2 { 0 } else { (source.size()[dim] - wanted) / 2 };
            source = source.narrow(dim as i64, start, wanted);
        }
        single.params().set(id, &source).unwrap();
    }
}

/// Spaces whose networks share weights only where they are alike; the words with which others are refused.
const LIMITS: [(&str, &str); 2] = [
    ("mnasnet", "all of the same length"),
    ("once-for-all", "networks share weights at one resolution only"),
];

/// Spaces that share weights between edges and units, under other names than a network alone.
const TRELLISES: [&str; 2] = ["transnas-macro", "nats-size"];

/// Gives every number a value that depends on where it stands among the channels and in the kernel, seen from its middle,
/// so that a part of a larger weight is what the smaller weight is.
fn fill_by_place(net: &Supernet) {
    for (id, (name, tensor)) in net.params().iter().enumerate() {
        let size = tensor.size();
        let along = |dim: usize, by: f64| {
            let length = size.get(dim).copied().unwrap_or(1);
            let start = if dim < 2 { 0 } else { -(length / 2) };
            let mut shape = vec![1; size.len()];
            if let Some(own) = shape.get_mut(dim) {
                *own = length;
            }
            Tensor::arange_start(start, start + length, (Kind::Double, Device::Cpu)).view(shape.as_slice())
                * by
        };
        let angle = along(0, 0.7) + along(1, 1.3) + along(2, 0.9) + along(3, 0.4);
        // Scales of BatchNorm are about 1.
        let around = f64::from(u8::from(name.ends_with("weight") && size.len() == 1));
        net.params().set(id, &(angle.sin() * 0.1 + around)).unwrap();
    }
}

/// Spaces in which the width of an operation depends on all cells of the union; `vertices` has a test of what they share.
const WIDTHS_OF_THE_UNION: [&str; 4] =
    ["nasbench101", "nasbench1shot1-1", "nasbench1shot1-2", "nasbench1shot1-3"];

#[test]
fn a_path_of_a_shared_network_is_the_network_alone() {
    for (entry, architectures) in drawn(3).filter(|(entry, _)| !WIDTHS_OF_THE_UNION.contains(&entry.name())) {
        let space = entry.space();
        let limit = LIMITS.iter().find(|(name, _)| *name == entry.name());
        let image = if TRELLISES.contains(&entry.name()) { LARGER } else { IMAGE };
        let (network, union) = match (network(&*space, &architectures, image), limit) {
            (Ok(shared), None) => shared,
            (Err(SpaceError::Network { reason }), Some((_, words))) => {
                assert!(reason.contains(words) || reason.contains("same length"), "{reason}");
                continue;
            }
            (shared, _) => panic!("{}: {:?}", entry.name(), shared.map(drop)),
        };
        let shared = built(&network, Placement::exact());
        assert_eq!(shared.params().numel(), network.params(), "{}", entry.name());
        let (images, _) = batch(3, image, shared.placement());
        for architecture in &architectures {
            let (_, single, own) = alone(&*space, architecture, image);
            if TRELLISES.contains(&entry.name()) {
                [&single, &shared].into_iter().for_each(fill_by_place);
            } else {
                take_weights(&single, &shared);
            }
            let path = shared.path(&union.route(architecture).unwrap()).unwrap();
            let of = |net: &Supernet, path: &Path| {
                let statistics = net.estimate(path, [images.shallow_clone()]).unwrap();
                [Mode::Train, Mode::EvalWith(&statistics)].map(|mode| logits(net, &images, path, mode))
            };
            for (found, expected) in of(&shared, &path).iter().zip(of(&single, &own)) {
                assert!(largest_difference(found, &expected) < 1e-5, "{}", entry.name());
                assert!(largest_difference(&expected, &expected.narrow(0, 0, 1)) > 1e-4, "images tell apart");
            }
        }
    }
}

/// Slopes of the loss along a few parameters by central differences, with the statistics of the batch.
#[test]
fn gradients_are_the_slopes_of_the_loss() {
    const STEP: f64 = 1e-7;
    for (entry, architectures) in drawn(1) {
        let (_, net, path) = alone(&*entry.space(), &architectures[0], IMAGE);
        let (images, _) = batch(4, IMAGE, net.placement());
        let labels = Tensor::from_slice(&[0_i64, 1, 2, 3]);
        let statistics = net.estimate(&path, [images.shallow_clone()]).unwrap();
        let loss = || {
            let mut pass = Pass::new(Mode::EvalWith(&statistics)).with_gradients();
            Loss::default().of(&net.forward(&images, &path, &mut pass).unwrap(), &labels).unwrap()
        };
        let gradients = Gradients::of(&loss(), &net, path.params()).unwrap();
        let (ids, flat) = (gradients.params(), gradients.flat());
        let starts = ids.iter().scan(0, |at, &id| {
            let start = *at;
            *at += net.params().spec(id).len();
            Some((id, start))
        });
        let all: Vec<(usize, i64)> = starts.collect();
        for &(id, start) in all.iter().step_by((all.len() / 5).max(1)) {
            let middle = net.params().spec(id).len() / 2;
            let number = net.params().tensor(id).view([-1]).narrow(0, middle, 1);
            let moved = |by: f64| {
                let _ = no_grad(|| number.detach().g_add_scalar_(by));
                no_grad(|| loss().double_value(&[]))
            };
            let (above, below) = (moved(STEP), moved(-2.0 * STEP));
            let _ = moved(STEP);
            let slope = (above - below) / (2.0 * STEP);
            let found = flat.double_value(&[start + middle]);
            let name = &net.params().spec(id).name;
            assert!(
                (slope - found).abs() < 1e-7 + 1e-3 * found.abs(),
                "{} {name}: {slope} {found}",
                entry.name()
            );
        }
    }
}

/// Sides that do not halve evenly are computed or refused with what to do, before anything is built.
#[test]
fn odd_images_fit_or_are_refused_with_a_remedy() {
    for (entry, architectures) in drawn(1) {
        for image in
            [Shape { channels: 1, height: 33, width: 45 }, Shape { channels: 1, height: 40, width: 32 }]
        {
            match network(&*entry.space(), &architectures, image) {
                Ok((network, union)) => {
                    let net = built(&network, Placement::exact());
                    let path = net.path(&union.full_route()).unwrap();
                    let (images, _) = batch(2, image, net.placement());
                    let found = logits(&net, &images, &path, Mode::Train);
                    assert_eq!(found.size(), [2, CLASSES as i64], "{}", entry.name());
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains("image size that halves evenly"), "{}: {text}", entry.name());
                }
            }
        }
    }
}

/// One pixel is refused with what it cannot be halved by, or computed where nothing halves it or convolutions pad it.
#[test]
fn images_too_small_are_refused_or_computed() {
    let image = Shape::square(3, 1);
    for (entry, architectures) in drawn(1) {
        match network(&*entry.space(), &architectures, image) {
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("1x1") && text.contains("map"), "{}: {text}", entry.name());
            }
            Ok((network, union)) => {
                let net = built(&network, Placement::exact());
                let path = net.path(&union.full_route()).unwrap();
                let (images, _) = batch(2, image, net.placement());
                let found = logits(&net, &images, &path, Mode::Train);
                assert_eq!(found.size(), [2, CLASSES as i64], "{}", entry.name());
            }
        }
    }
}

#[test]
fn single_precision_stays_near_double() {
    for (entry, architectures) in drawn(1) {
        let (network, exact, path) = alone(&*entry.space(), &architectures[0], IMAGE);
        let single = built(&network, Placement::on(Device::Cpu));
        let own = single.path(&network.full_route()).unwrap();
        let (images, _) = batch(2, IMAGE, exact.placement());
        let expected = logits(&exact, &images, &path, Mode::Eval);
        let found = logits(&single, &images, &own, Mode::Eval).to_kind(Kind::Double);
        assert!(largest_difference(&found, &expected) < 1e-3, "{}", entry.name());
    }
}
