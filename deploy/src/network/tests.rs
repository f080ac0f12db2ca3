use bonas_spaces::catalogue::SPACES;
use bonas_spaces::network::{Shape, SkeletonSize, Union};
use bonas_spaces::rand::SeedableRng;
use bonas_spaces::{Architecture, SearchSpace};
use rand_chacha::ChaCha8Rng;

use super::*;

fn network(space: &str, arch: &str, size: &SkeletonSize) -> Network {
    let space = SPACES.get(space).unwrap().space();
    let networks = space.network().unwrap();
    let union = Union::of(&[space.parse(arch).unwrap()]).unwrap();
    networks.skeleton().build(size).unwrap().network(&union, &networks.ops()).unwrap()
}

/// Nothing is left out of a cell without dead operations, but the auxiliary head is.
#[test]
fn the_auxiliary_head_is_left_out() {
    let size = SkeletonSize { auxiliary: true, ..SkeletonSize::default() };
    let network = network("darts", "DARTS_V2", &size);
    let deployed = Deployed::new(&network).unwrap();
    let head = network.auxiliary.map(|unit| network.units[unit].params).unwrap();
    assert_eq!(deployed.params(), network.params() - head);
    assert_eq!(deployed.params(), 3_349_342);
    assert_eq!(deployed.macs().unwrap(), network.macs());
    assert!(deployed.parts().iter().all(|part| part.name != "auxiliary"));
}

/// On edge 0 -> 1 a convolution whose result is never read: node 1 feeds zeros only.
#[test]
fn what_feeds_only_zeros_is_left_out() {
    let arch = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|";
    let network = network("nasbench201", arch, &SkeletonSize::default());
    let deployed = Deployed::new(&network).unwrap();
    // Five cells a stage, of widths 16, 32 and 64, each with a 3x3 convolution and its BatchNorm fewer.
    let dead: usize = [16, 32, 64].iter().map(|c| 5 * (9 * c * c + 2 * c)).sum();
    assert_eq!(deployed.params(), network.params() - dead);
    // The skip and the 1x1 convolution are all that is left: the cell is one operation.
    let part = deployed.parts().iter().find(|part| part.name == "stage0_cell0").unwrap();
    assert!(matches!(&part.body, Body::Layers { op: Some(op), .. } if op == "nor_conv_1x1"), "{part:?}");
}

/// A cell of zeros gives zeros, and what is before it is not needed.
#[test]
fn a_cell_that_nothing_leaves_is_zeros() {
    let arch = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
    let network = network("nasbench201", arch, &SkeletonSize::default());
    let deployed = Deployed::new(&network).unwrap();
    assert_eq!(deployed.parts().iter().filter(|part| matches!(part.body, Body::Zeros)).count(), 15);
}

/// Names are those of PyTorch's modules, and each tensor has a place in the supernet.
#[test]
fn tensors_have_names_and_places() {
    let size = SkeletonSize { image: Some(Shape::square(1, 8)), ..SkeletonSize::default() };
    let deployed = Deployed::new(&network("darts", "DARTS_V2", &size)).unwrap();
    let tensors = deployed.tensors();
    let named = |name: &str| tensors.iter().find(|tensor| tensor.name == name).unwrap();
    assert_eq!(named("stem.0.weight").shape, [108, 1, 3, 3]);
    assert_eq!(named("classifier.2.weight").place, "classifier.1.weight");
    assert_eq!(named("cell0.preprocess1.1.weight").place, "cell0.input1.1.weight");
    assert_eq!(named("cell0.sep_conv_3x3_0_2.1.weight").place, "cell0.2-0.sep_conv_3x3.1.weight");
    assert!(!named("cell0.preprocess1.2.running_var").trainable);
}

/// In every space tensors have different names, and their trainable numbers are the parameters.
#[test]
fn every_space_is_deployed() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for entry in SPACES.iter() {
        let space = entry.space();
        let Some(networks) = space.network() else { continue };
        for _ in 0..5 {
            let union = Union::of(&[space.sample(&mut rng)]).unwrap();
            for skeleton in networks.skeletons().iter().filter(|entry| entry.published().is_trainable()) {
                let network = skeleton.published().network(&union, &networks.ops()).unwrap();
                let deployed = Deployed::new(&network).unwrap();
                let tensors = deployed.tensors();
                let trained = tensors.iter().filter(|tensor| tensor.trainable);
                let numbers: usize = trained.map(|tensor| tensor.shape.iter().product::<usize>()).sum();
                assert_eq!(numbers, deployed.params(), "{}", skeleton.name);
                assert!(deployed.params() <= network.params());
                assert!(deployed.macs().unwrap() <= network.macs());
                let mut names: Vec<&String> = tensors.iter().map(|tensor| &tensor.name).collect();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), tensors.len(), "{}", skeleton.name);
            }
        }
    }
}

/// A network of one architecture can be exported in every space; that of several cannot where they share parts of weights.
#[test]
fn a_network_of_one_architecture_shares_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let built = |space: &dyn SearchSpace, architectures: &[Architecture]| {
        let networks = space.network().unwrap();
        let size = SkeletonSize { image: Some(Shape::square(3, 64)), ..SkeletonSize::default() };
        let union = Union::of(architectures).unwrap();
        networks.skeleton().build(&size).unwrap().network(&union, &networks.ops())
    };
    for entry in SPACES.iter() {
        let space = entry.space();
        if space.network().is_none() {
            continue;
        }
        for _ in 0..5 {
            let network = built(&*space, &[space.sample(&mut rng)]).unwrap();
            let deployed = Deployed::new(&network).unwrap();
            assert!(deployed.params() <= network.params(), "{}", entry.name);
        }
    }
    let space = SPACES.get("once-for-all-224").unwrap().space();
    let several: Vec<Architecture> = (0..3).map(|_| space.sample(&mut rng)).collect();
    let error = Deployed::new(&built(&*space, &several).unwrap()).unwrap_err().to_string();
    assert!(error.contains("export the network of one"), "{error}");
}

/// A cell whose node 1 reads node 2, which is never computed.
pub(crate) fn out_of_order() -> LiveCell {
    let shape = Shape::square(1, 8);
    let wire = Op { name: "wire".into(), op: "wire".into(), place: String::new(), layers: Vec::new(), shape };
    let (name, place) = ("preprocess0".into(), String::new());
    let inputs = vec![Input { node: 0, name, place, layers: Vec::new(), shape }];
    let incoming = vec![Edge::From { node: 2, ops: vec![wire] }];
    let nodes = vec![Node { node: 1, join: Join::Sum, incoming }];
    LiveCell { role: 0, inputs, nodes, output: 1 }
}
