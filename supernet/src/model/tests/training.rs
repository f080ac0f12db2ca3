//! Steps, schedules, checkpoints.

use bonas_spaces::families::darts::{DARTS_V1, DARTS_V2};
use bonas_spaces::network::{OpTable, Skeleton, Union};
use tch::{Device, Tensor};

use super::super::{
    Gradients, Loss, Optimizer, Pass, Path, Placement, Progress, Sgd, SgdSettings, Supernet, SupernetError,
    load, load_older, load_weights, save, save_weights,
};
use super::support::{architecture, batch, built, discrete, rng, same, small};

fn single(channels: usize, placement: Placement) -> (Supernet, Path) {
    let (network, route) = discrete(&DARTS_V2, &small(channels, 3));
    let net = built(&network, placement);
    let path = net.path(&route).unwrap();
    (net, path)
}

/// One step on a batch that depends on `turn`; returns the loss.
fn step(net: &Supernet, path: &Path, sgd: &mut Sgd, turn: u64, rate: f64) -> f64 {
    let (x, labels) = batch(4, net.image(), net.placement());
    let mut draws = rng(turn);
    let mut pass = Pass::train().with_drop_path(0.2, &mut draws);
    let output = net.forward(&(x * (1.0 + turn as f64)), path, &mut pass).unwrap();
    let loss = Loss { smoothing: 0.1, auxiliary: 0.4 }.of(&output, &labels).unwrap();
    let _norm = sgd.step(net, path.params(), &loss, rate).unwrap();
    loss.double_value(&[])
}

#[test]
fn steps_follow_the_published_rule() {
    for nesterov in [false, true] {
        let (net, path) = single(2, Placement::exact());
        let settings = SgdSettings { nesterov, clip: Some(0.5), ..SgdSettings::default() };
        let mut sgd = Sgd::new(settings, &net).unwrap();
        let (mut w, mut v) = (net.params().flat().copy(), net.params().flat().zeros_like());
        for turn in 0..3 {
            let (x, labels) = batch(4, net.image(), net.placement());
            let output = net.forward(&(x * (1.0 + f64::from(turn))), &path, &mut Pass::train()).unwrap();
            let loss = Loss::default().of(&output, &labels).unwrap();
            let gradients = Gradients::of(&loss, &net, path.params()).unwrap();
            let norm = gradients.norm().unwrap().double_value(&[]);
            let g = gradients.flat() * (0.5 / (norm + 1e-6)).min(1.0) + &w * 3e-4;
            v = &v * 0.9 + &g;
            w = if nesterov { &w - (&g + &v * 0.9) * 0.1 } else { &w - &v * 0.1 };
            let reported = sgd.apply(&net, gradients, 0.1).unwrap().double_value(&[]);
            assert!((reported - norm).abs() < 1e-12);
            assert!((net.params().flat() - &w).abs().max().double_value(&[]) < 1e-12);
        }
    }
}

#[test]
fn untouched_weights_and_velocities_do_not_move() {
    let both = [architecture(&DARTS_V1), architecture(&DARTS_V2)];
    let union = Union::of(&both).unwrap();
    let network = small(4, 3).network(&union, &OpTable::darts()).unwrap();
    let net = built(&network, Placement::on(Device::Cpu));
    let mut sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    let [one, two] = both.map(|a| net.path(&union.route(&a).unwrap()).unwrap());
    for turn in 0..2 {
        step(&net, &one, &mut sgd, turn, 0.1);
    }
    let (w, v) = (net.params().flat().copy(), sgd.velocity().copy());
    step(&net, &two, &mut sgd, 2, 0.1);
    let mut left_out = 0;
    for id in 0..net.params().len() {
        let spec = net.params().spec(id);
        let part = |t: &Tensor| t.narrow(0, spec.start, spec.len());
        let still = same(&part(&w), &part(net.params().flat())) && same(&part(&v), &part(sgd.velocity()));
        assert_eq!(still, !two.params().contains(&id), "{}", spec.name);
        left_out += usize::from(still && one.params().contains(&id));
    }
    assert!(left_out >= 6, "the second path leaves out much of what the first one moved");
}

#[test]
fn one_seed_gives_the_same_bits() {
    let run = |placement| {
        let (net, path) = single(4, placement);
        let mut sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
        let losses: Vec<f64> = (0..3).map(|turn| step(&net, &path, &mut sgd, turn, 0.05)).collect();
        (losses, net.params().flat().copy())
    };
    let cpu = Placement::on(Device::Cpu);
    let (first, second) = (run(cpu), run(cpu));
    assert!(first.0 == second.0 && same(&first.1, &second.1));
    let exact = run(Placement::exact());
    assert!(first.0.iter().zip(&exact.0).all(|(a, b)| (a - b).abs() < 1e-3), "{:?} {:?}", first.0, exact.0);
}

#[test]
fn libtorchs_own_generator_is_left_alone() {
    let draw = || Tensor::rand([4], (tch::Kind::Float, Device::Cpu));
    tch::manual_seed(5);
    let expected = draw();
    tch::manual_seed(5);
    let (net, path) = single(2, Placement::on(Device::Cpu));
    let mut sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    step(&net, &path, &mut sgd, 0, 0.1);
    assert!(same(&draw(), &expected));
}

#[test]
fn a_loaded_checkpoint_goes_on_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.safetensors");
    let cpu = Placement::on(Device::Cpu);
    let (net, path) = single(4, cpu);
    let mut sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    for turn in 0..2 {
        step(&net, &path, &mut sgd, turn, 0.05);
    }
    let progress = Progress { epoch: 1, step: 2 };
    save(&file, &net, &sgd, progress, &[]).unwrap();
    save(&file, &net, &sgd, progress, &[]).unwrap();
    let expected: Vec<f64> = (2..4).map(|turn| step(&net, &path, &mut sgd, turn, 0.05)).collect();

    let (network, route) = discrete(&DARTS_V2, &small(4, 3));
    let resumed = Supernet::build(&network, cpu, &mut rng(77)).unwrap();
    let path = resumed.path(&route).unwrap();
    let mut again = Sgd::new(SgdSettings::default(), &resumed).unwrap();
    assert_eq!(load(&file, &resumed, &again, &[]).unwrap(), progress);
    let found: Vec<f64> = (2..4).map(|turn| step(&resumed, &path, &mut again, turn, 0.05)).collect();
    assert_eq!(found, expected);
    assert!(same(net.params().flat(), resumed.params().flat()) && same(sgd.velocity(), again.velocity()));
    let pairs = net.running().zip(resumed.running());
    assert!(pairs.into_iter().all(|((_, m, v), (_, m2, v2))| same(m, m2) && same(v, v2)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no remains");
}

#[test]
fn what_is_no_checkpoint_of_this_network_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    let (net, _) = single(4, Placement::on(Device::Cpu));
    let sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    assert!(matches!(load(&file, &net, &sgd, &[]), Err(SupernetError::Io { .. })));
    save_weights(&file, &net).unwrap();
    assert!(load_weights(&file, &net).is_ok());
    assert!(load(&file, &net, &sgd, &[]).unwrap_err().to_string().contains("no training state"));

    let (wider, _) = single(6, Placement::on(Device::Cpu));
    let before = wider.params().flat().copy();
    let message = load_weights(&file, &wider).unwrap_err().to_string();
    assert!(message.contains("weights.safetensors") && message.contains("stem"), "{message}");
    assert!(same(&before, wider.params().flat()));

    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(load_weights(&file, &net), Err(SupernetError::Checkpoint { .. })));
    let nowhere = folder.path().join("missing").join("x.safetensors");
    assert!(save_weights(&nowhere, &net).is_err());
}

/// A file of an earlier version has a tensor less than this one.
#[test]
fn only_what_may_be_missing_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.safetensors");
    let (net, _) = single(2, Placement::on(Device::Cpu));
    let sgd = Sgd::new(SgdSettings::default(), &net).unwrap();
    let others = |value: f64| ["old", "new"].map(|name| (name.to_owned(), Tensor::from_slice(&[value])));
    let progress = Progress { epoch: 3, step: 0 };
    save(&file, &net, &sgd, progress, &others(1.0)[..1]).unwrap();
    let found = others(2.0);
    let values = || [0, 1].map(|i: usize| found[i].1.double_value(&[0]));
    for optional in [&[][..], &["old"]] {
        let message = load_older(&file, &net, &sgd, &found, optional).unwrap_err().to_string();
        assert!(message.contains("it has no new"), "{message}");
        assert_eq!(values(), [2.0, 2.0], "nothing is read");
    }
    assert_eq!(load_older(&file, &net, &sgd, &found, &["new"]).unwrap(), progress);
    assert_eq!(values(), [1.0, 2.0]);
    save(&file, &net, &sgd, progress, &others(3.0)).unwrap();
    load_older(&file, &net, &sgd, &found, &["new"]).unwrap();
    assert_eq!(values(), [3.0, 3.0], "what may be missing is read where it is there");
}

#[test]
fn settings_out_of_range_are_refused() {
    let (net, _) = single(2, Placement::on(Device::Cpu));
    let good = SgdSettings::default();
    for bad in [
        SgdSettings { momentum: 1.0, ..good },
        SgdSettings { weight_decay: -1.0, ..good },
        SgdSettings { clip: Some(0.0), ..good },
        SgdSettings { clip: Some(f64::NAN), ..good },
    ] {
        assert!(matches!(Sgd::new(bad, &net), Err(SupernetError::Setting { .. })), "{bad:?}");
    }
}
