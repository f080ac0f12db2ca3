//! Exact counts of published networks, and what unions and routes hold.

use std::sync::Arc;

use rand::SeedableRng;

use crate::families::darts::{
    BNASV2_CLR_V1, BNASV2_CLR_V2, BNASV2_PC_CIFAR_V1, BNASV2_PC_CIFAR_V2, BNASV2_PC_IMAGE, Darts, Genotype,
};
use crate::families::darts::{BcnnSkeleton, DartsSkeleton};
use crate::families::mobilenet::MobileNet;
use crate::families::mobilenet::MobileNetSkeleton;
use crate::families::nasbench201::NasBench201Skeleton;
use crate::graph::{Architecture, Cell, CellGraph, OpId, Role, Vocabulary};
use crate::network::{Network, NetworkSize, OpTable, Route, Shape, Skeleton, Union};
use crate::space::CostTable;
use crate::space::SearchSpace;

fn nasbench201_vocabulary() -> Arc<Vocabulary> {
    let ops = [
        ("none", Role::Zero),
        ("skip_connect", Role::Identity),
        ("nor_conv_1x1", Role::Compute),
        ("nor_conv_3x3", Role::Compute),
        ("avg_pool_3x3", Role::Compute),
    ];
    Arc::new(Vocabulary::new(1, ops).unwrap())
}

/// Operations of the edges 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, as positions in the published list.
fn nasbench201(ops: [u16; 6]) -> Architecture {
    let vocabulary = nasbench201_vocabulary();
    let mut graph = CellGraph::new();
    let nodes: Vec<_> = [OpId::input(0), OpId::PLAIN, OpId::PLAIN, OpId::OUTPUT]
        .into_iter()
        .map(|op| graph.add_node(op))
        .collect();
    for ((from, to), op) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)].into_iter().zip(ops) {
        graph.add_edge(nodes[from], nodes[to], OpId::from_index(3 + op));
    }
    let cell = Cell::new(graph, &vocabulary).unwrap();
    Architecture::new(vocabulary, vec![cell])
}

fn discrete(ops: [u16; 6]) -> Network {
    let union = Union::of(&[nasbench201(ops)]).unwrap();
    NasBench201Skeleton::cifar().network(&union, &OpTable::nasbench201()).unwrap()
}

#[test]
fn nasbench201_parameters_are_those_of_the_benchmark() {
    // NATS-Bench's own `mparams`: all `none`, one 1×1, one 3×3, the CIFAR-10 optimum.
    assert_eq!(discrete([0; 6]).params(), 73_306);
    assert_eq!(discrete([2, 0, 0, 0, 0, 0]).params(), 73_306 + 28_000);
    assert_eq!(discrete([3, 0, 0, 0, 0, 0]).params(), 73_306 + 243_040);
    assert_eq!(discrete([4; 6]).params(), 73_306);
    assert_eq!(discrete([3, 3, 3, 1, 3, 3]).params(), 1_288_506);
}

#[test]
fn nasbench201_multiply_adds_are_those_of_the_benchmark() {
    // The benchmark's API counts 7.78305 M for all `none` (with the ten biases of the classifier)
    // and 220.12 M for six 3×3 convolutions.
    assert_eq!(discrete([0; 6]).macs(), 7_783_040);
    assert_eq!(discrete([3; 6]).macs(), 220_119_680);
}

#[test]
fn nasbench201_flops_of_the_tables_are_ours_and_their_batch_norms() {
    // `mflops_c10` of NATS-Bench (Dong et al. 2021, MIT), which counts 3 more for every output of
    // a convolution and 9 for every pooled output. Five cells a stage with outputs of
    // 16×32×32, 32×16×16 and 64×8×8 make 143,360. The rest, the same for all, is the skeleton's.
    let rows: [([u16; 6], u64); 6] = [
        ([3, 1, 0, 2, 2, 2], 56_850_112),
        ([4, 1, 0, 3, 2, 4], 50_706_112),
        ([4, 1, 4, 3, 3, 4], 83_453_632),
        ([4, 0, 3, 0, 0, 1], 45_053_632),
        ([3, 3, 1, 0, 0, 1], 79_582_912),
        ([2, 1, 0, 2, 4, 4], 19_248_832),
    ];
    let outputs = 5 * (16 * 32 * 32 + 32 * 16 * 16 + 64 * 8 * 8);
    for (ops, published) in rows {
        let number = |wanted: &[u16]| ops.iter().filter(|op| wanted.contains(op)).count() as u64;
        let extra = outputs * (3 * number(&[2, 3]) + 9 * number(&[4]));
        assert_eq!(published - discrete(ops).macs() - extra, 160_832, "{ops:?}");
    }
}

#[test]
fn a_union_holds_every_operation_once_and_none_never() {
    let cells = [nasbench201([3, 0, 1, 2, 0, 4]), nasbench201([2, 0, 1, 2, 0, 4])];
    let union = Union::of(&cells).unwrap();
    let ops: usize = union.cells[0].edges.iter().map(|e| e.ops.len()).sum();
    assert_eq!(ops, 5);
    let used = |r: Route| r.0[0].0.iter().map(Vec::len).sum::<usize>();
    assert_eq!(used(union.route(&cells[0]).unwrap()), 4);
    assert_eq!(used(union.full_route()), 5);
    let stranger = nasbench201([4, 0, 1, 2, 0, 4]);
    assert!(union.route(&stranger).unwrap_err().to_string().contains("avg_pool_3x3"));
}

#[test]
fn sizes_that_do_not_fit_name_the_value() {
    let union = Union::of(&[nasbench201([3; 6])]).unwrap();
    let odd = NasBench201Skeleton { image: Shape::square(3, 1), ..NasBench201Skeleton::cifar() };
    let error = odd.network(&union, &OpTable::nasbench201()).unwrap_err().to_string();
    assert!(error.contains("1x1"), "{error}");
    let empty = NasBench201Skeleton { channels: 0, ..NasBench201Skeleton::cifar() };
    assert!(empty.network(&union, &OpTable::nasbench201()).is_err());
}

#[test]
fn images_too_small_for_the_reductions_are_refused() {
    let union = Darts::new().whole();
    let planned = |side| {
        let skeleton = BcnnSkeleton { image: Shape::square(3, side), ..BcnnSkeleton::search() };
        skeleton.network(&union, &OpTable::darts()).map_err(|error| error.to_string())
    };
    let error = planned(2).unwrap_err();
    assert!(error.contains("x1x1 map is too small") && error.contains("at least 2x2"), "{error}");
    let error = planned(6).unwrap_err();
    assert!(error.contains("2x2") && error.contains("halves evenly"), "{error}");
    assert!(planned(4).is_ok());
}

fn bcnn(genotype: &Genotype, skeleton: &BcnnSkeleton) -> Network {
    let union = Union::of(&[Darts::new().architecture(genotype).unwrap()]).unwrap();
    skeleton.network(&union, &OpTable::darts()).unwrap()
}

#[test]
fn broad_networks_have_the_published_parameters() {
    // Counted in the official networks at C = 48, 10 classes.
    let published = [
        (&BNASV2_CLR_V1, 3_338_074),
        (&BNASV2_CLR_V2, 3_174_874),
        (&BNASV2_PC_CIFAR_V1, 3_678_682),
        (&BNASV2_PC_CIFAR_V2, 3_525_850),
        (&BNASV2_PC_IMAGE, 3_671_962),
    ];
    for (genotype, params) in published {
        assert_eq!(bcnn(genotype, &BcnnSkeleton::cifar()).params(), params, "{genotype}");
    }
    let relaxed = BcnnSkeleton { channels: 8, ..BcnnSkeleton::search() };
    let partial = BcnnSkeleton { partial: 4, ..relaxed.clone() };
    assert_eq!(partial.network(&Darts::broad().whole(), &OpTable::darts()).unwrap().params(), 88_050);
    let whole = Darts::broad().whole();
    assert_eq!(relaxed.network(&whole, &OpTable::darts()).unwrap().params(), 364_770);
}

/// Channels and side of every unit but the image and the classifier.
fn shapes(network: &Network) -> Vec<(&str, usize, usize)> {
    let units = network.units.iter().map(|u| (u.name.as_str(), u.shape.channels, u.shape.height));
    units.filter(|(name, ..)| !["image", "classifier"].contains(name)).collect()
}

#[test]
fn broad_networks_have_the_published_shapes() {
    let search = bcnn(&BNASV2_CLR_V1, &BcnnSkeleton::search());
    let expected = [
        ("stem", 48, 32),
        ("tap0", 16, 8),
        ("block0.broad", 128, 16),
        ("tap1", 32, 8),
        ("block1.broad", 256, 8),
        ("embedding.before", 32, 8),
        ("embedding.last", 256, 8),
        ("enhancement0", 256, 8),
        ("enhancement0.tap", 256, 8),
        ("broad", 304, 8),
    ];
    assert_eq!(shapes(&search), expected);
    let evaluation = bcnn(&BNASV2_CLR_V1, &BcnnSkeleton::cifar());
    let expected = [
        ("stem", 144, 32),
        ("block0.deep1", 192, 32),
        ("block0.deep2", 192, 32),
        ("tap0", 48, 8),
        ("block0.broad", 384, 16),
        ("block1.deep1", 384, 16),
        ("block1.deep2", 384, 16),
        ("tap1", 96, 8),
        ("block1.broad", 768, 8),
        ("embedding.before", 96, 8),
        ("embedding.last", 768, 8),
        ("enhancement0", 768, 8),
        ("enhancement0.tap", 192, 8),
        ("enhancement1", 768, 8),
        ("enhancement1.tap", 768, 8),
        ("broad", 1104, 8),
    ];
    assert_eq!(shapes(&evaluation), expected);
}

#[test]
fn broad_networks_refuse_what_does_not_fit() {
    let union = Union::of(&[Darts::new().architecture(&BNASV2_CLR_V1).unwrap()]).unwrap();
    let refused =
        |skeleton: BcnnSkeleton| skeleton.network(&union, &OpTable::darts()).unwrap_err().to_string();
    let cifar = BcnnSkeleton::cifar;
    assert!(refused(BcnnSkeleton { layers: 5, ..cifar() }).contains("layers = 5"));
    assert!(refused(BcnnSkeleton { blocks: 1, ..cifar() }).contains("blocks = 1; valid: 2 to 8"));
    assert!(refused(BcnnSkeleton { enhancement: 0, ..cifar() }).contains("enhancement = 0"));
    assert!(
        refused(BcnnSkeleton { partial: 5, ..cifar() }).contains("K = 5; it must divide the 48 channels")
    );
    assert!(refused(BcnnSkeleton { partial: 0, ..cifar() }).contains("K = 0"));
    assert!(refused(BcnnSkeleton { image: Shape::square(3, 2), ..cifar() }).contains('1'));
}

fn mobilenet(text: &str) -> Network {
    let union = Union::of(&[MobileNet::new().parse(text).unwrap()]).unwrap();
    MobileNetSkeleton::imagenet().network(&union, &OpTable::mobilenet()).unwrap()
}

#[test]
fn the_published_mobilenet_has_its_parameters_and_multiply_adds() {
    // BN-NAS says 473.5 M of its look-up table and 5.2 M; counted layer by layer it is these.
    let network = mobilenet(crate::families::mobilenet::BN_NAS);
    assert_eq!(network.params() - network.norm_params(), 5_192_968);
    assert_eq!(network.norm_params(), 35_568);
    assert_eq!(network.macs(), 471_822_240);
}

#[test]
fn mobilenet_widths_and_maps_are_those_published() {
    let network = mobilenet(crate::families::mobilenet::BN_NAS);
    let stages = [("stem", 40, 112), ("first", 24, 112), ("layer0", 32, 56), ("layer4", 56, 28)];
    let stages = stages.into_iter().chain([("layer8", 112, 14), ("layer12", 128, 14), ("layer16", 256, 7)]);
    for (name, channels, side) in stages.chain([("layer20", 432, 7), ("last", 1728, 7)]) {
        let unit = network.units.iter().find(|u| u.name == name).unwrap();
        assert_eq!((unit.shape.channels, unit.shape.height), (channels, side), "{name}");
    }
    // Identities cost nothing.
    assert_eq!(network.units.iter().filter(|u| u.name.starts_with("layer") && u.macs == 0).count(), 4);
}

#[test]
fn a_whole_union_is_that_of_every_architecture() {
    let space = crate::families::nasbench201::NasBench201::new();
    let all: Vec<_> = space.enumerate().unwrap().collect();
    assert_eq!(space.whole().cells, Union::of(&all).unwrap().cells);
    let (space, mut rng) = (MobileNet::new(), rand_chacha::ChaCha8Rng::seed_from_u64(1));
    let drawn: Vec<_> = (0..300).map(|_| space.sample(&mut rng)).collect();
    assert_eq!(space.whole().cells, Union::of(&drawn).unwrap().cells);
    let size = NetworkSize { channels: 8, ..MobileNetSkeleton::imagenet().size };
    let supernet = MobileNetSkeleton { size };
    let network = supernet.network(&space.whole(), &OpTable::mobilenet()).unwrap();
    assert_eq!(network.full_route(), space.whole().full_route());
}

#[test]
fn multiply_adds_from_the_table_are_those_of_the_network() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(2);
    let cells: (Arc<dyn SearchSpace>, Box<dyn Skeleton>, OpTable) = (
        Arc::new(crate::families::nasbench201::NasBench201::new()),
        Box::new(NasBench201Skeleton::cifar()),
        OpTable::nasbench201(),
    );
    let nets: (Arc<dyn SearchSpace>, Box<dyn Skeleton>, OpTable) =
        (Arc::new(MobileNet::new()), Box::new(MobileNetSkeleton::imagenet()), OpTable::mobilenet());
    for (space, skeleton, ops) in [cells, nets] {
        let table = CostTable::of(&*space, &*skeleton, &ops).unwrap().unwrap();
        for _ in 0..20 {
            let drawn = space.sample(&mut rng);
            let choices = space.choices().unwrap().read(&drawn).unwrap();
            let network = skeleton.network(&Union::of(&[drawn]).unwrap(), &ops).unwrap();
            // Behind `none`, option 0 of NAS-Bench-201, there may be operations that nothing reaches.
            let reached = space.name() != "nasbench201" || !choices.contains(&0);
            assert!(table.macs(&choices) >= network.macs());
            assert!(!reached || table.macs(&choices) == network.macs(), "{choices:?}");
            assert!(table.least() <= network.macs());
        }
    }
    let space = crate::families::nasbench201::NasBench201::new();
    let table =
        CostTable::of(&space, &NasBench201Skeleton::cifar(), &OpTable::nasbench201()).unwrap().unwrap();
    assert_eq!([table.macs(&[3; 6]), table.macs(&[0; 6])], [220_119_680, 7_783_040]);
    // A 3x3 convolution behind a node that nothing enters.
    assert_eq!(table.macs(&[0, 0, 3, 0, 0, 0]), 7_783_040 + (220_119_680 - 7_783_040) / 6);
    assert_eq!(CostTable::of(&Darts::new(), &DartsSkeleton::cifar(), &OpTable::darts()).unwrap(), None);
}

/// On images whose maps do not fit, the error names a size that does; that size is accepted.
#[test]
fn an_auxiliary_head_fits_or_says_which_images_it_needs() {
    let architecture = Darts::new().parse("DARTS_V2").unwrap();
    let union = Union::of(&[architecture]).unwrap();
    let with_head = |published: DartsSkeleton, side| {
        let skeleton = DartsSkeleton { auxiliary: true, image: Shape::square(3, side), ..published };
        skeleton.network(&union, &OpTable::darts())
    };
    for (published, side, named) in [
        (DartsSkeleton::cifar(), 64, "use images of 32x32"),
        (DartsSkeleton::cifar(), 28, "use images of 32x32"),
        (DartsSkeleton { layers: 1, ..DartsSkeleton::cifar() }, 64, "use images of 16x16"),
        (DartsSkeleton::imagenet(), 64, "use images of 224x224"),
        (DartsSkeleton::imagenet(), 448, "use images of 224x224"),
    ] {
        let error = with_head(published.clone(), side).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains(&format!("3x{side}x{side}")), "{error}");
        let side: usize = named.rsplit_once('x').unwrap().1.parse().unwrap();
        assert!(with_head(published, side).is_ok());
    }
    for (published, side) in [(DartsSkeleton::cifar(), 40), (DartsSkeleton::imagenet(), 256)] {
        assert!(with_head(published, side).is_ok(), "{side}");
    }
}
