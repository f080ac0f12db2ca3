//! Parameter counts of published networks.

use bonas_spaces::families::darts::{
    DARTS_V1, DARTS_V2, DartsSkeleton, Genotype, PC_DARTS_CIFAR, PC_DARTS_IMAGE,
};

use super::super::Placement;
use super::support::{built, discrete};

fn check(published: &Genotype, skeleton: &DartsSkeleton, expected: usize) {
    let (network, route) = discrete(published, skeleton);
    assert_eq!(network.params(), expected);
    let net = built(&network, Placement::on(tch::Device::Cpu));
    assert_eq!(net.params().numel(), expected);
    let used = net.path(&route).unwrap().params().len();
    assert_eq!(used, net.params().len(), "the only path uses every parameter");
}

#[test]
fn cifar_networks_have_the_published_sizes() {
    let plain = DartsSkeleton::cifar();
    let auxiliary = DartsSkeleton { auxiliary: true, ..plain.clone() };
    for (published, expected) in [(&DARTS_V1, 3_169_414), (&DARTS_V2, 3_349_342)] {
        check(published, &plain, expected);
        check(published, &auxiliary, expected + 476_426);
    }
    check(&PC_DARTS_CIFAR, &plain, 3_634_678);
    check(&PC_DARTS_IMAGE, &plain, 3_721_510);
}

#[test]
fn imagenet_networks_have_the_published_sizes() {
    let skeleton = DartsSkeleton::imagenet();
    check(&DARTS_V1, &skeleton, 4_510_432);
    check(&DARTS_V2, &skeleton, 4_718_752);
    check(&PC_DARTS_CIFAR, &skeleton, 5_270_560);
    check(&PC_DARTS_IMAGE, &skeleton, 5_342_464);
}
