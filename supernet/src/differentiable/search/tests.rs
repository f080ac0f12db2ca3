//! Gradients against finite differences, decoding against the official networks, and resumes.

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_spaces::families::darts::{BcnnSkeleton, Darts, DartsSkeleton};
use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton};
use bonas_study::history::{Fidelity, History};
use serde_json::Value;
use tch::{Device, Kind, Tensor, no_grad};

use super::*;
use crate::data::digits;

const GOLDEN: &str = include_str!("../../../tests/golden/networks.json");

fn relaxing() -> Relaxing {
    Relaxing {
        epochs: 3,
        batch: 10,
        sgd: SgdRecipe::default(),
        alpha_learning_rate: 0.1,
        alpha_weight_decay: 1e-3,
        alpha_start: 0,
        confidence_power: 0.0,
        second_order: false,
        edge_normalisation: false,
        stop_stable: None,
        stop_skips: None,
        proposes: Proposes::EveryEpoch,
    }
}

fn task() -> Arc<Task> {
    Arc::new(Task::new(&digits().unwrap(), Some(80), 0.5, None, &mut stream(0, &[])).unwrap())
}

fn darts(layers: usize, partial: usize) -> Network {
    let image = Shape::square(1, 8);
    let skeleton =
        DartsSkeleton { channels: 4, layers, image, norm: Norm::SEARCH, partial, ..DartsSkeleton::cifar() };
    skeleton.network(&Darts::new().whole(), &OpTable::darts()).unwrap()
}

fn broad(partial: usize) -> Network {
    let skeleton =
        BcnnSkeleton { channels: 4, image: Shape::square(1, 8), partial, ..BcnnSkeleton::search() };
    skeleton.network(&Darts::broad().whole(), &OpTable::darts()).unwrap()
}

fn search(network: Network, relaxing: Relaxing, placement: Placement) -> Differentiable {
    tch::set_num_threads(1);
    Differentiable::new(network, task(), relaxing, placement, 7).unwrap()
}

/// Asks for the given rounds.
fn asked(search: &mut Differentiable, rounds: std::ops::Range<usize>) -> Vec<Proposal> {
    let space: Arc<dyn SearchSpace> = Arc::new(Darts::new());
    let history = History::new();
    let ask = |round| {
        let fidelity = Fidelity::FromScratch;
        let ask = Ask { space: &space, history: &history, fidelity, round, remaining: 1, pending: &[] };
        search.ask(&ask, &mut stream(0, &[])).unwrap()
    };
    rounds.map(ask).collect()
}

#[test]
fn confident_learning_rates_are_the_published_ones() {
    let published = Relaxing { epochs: 50, alpha_learning_rate: 3e-4, confidence_power: 2.0, ..relaxing() };
    for (epoch, rate) in [(0, 1.2e-7), (9, 1.2e-5), (24, 7.5e-5), (49, 3e-4)] {
        assert!((published.alpha_rate(epoch) / rate - 1.0).abs() < 1e-12, "epoch {epoch}");
    }
    let plain = Relaxing { confidence_power: 0.0, ..published };
    assert!((plain.alpha_rate(0) - 3e-4).abs() < 1e-18);
}

#[test]
fn the_gradient_by_alpha_is_that_of_finite_differences() {
    // With partial channels and edge normalisation, or without.
    for (second_order, partial) in [(false, 1), (false, 2), (true, 2)] {
        let edge_normalisation = partial > 1;
        let relaxing = Relaxing { second_order, edge_normalisation, ..relaxing() };
        let search = search(darts(3, partial), relaxing, Placement::exact());
        let mut state = search.fresh().unwrap();
        let [mut train, mut validation] = search.batches(0).unwrap();
        let [train, validation] = [&mut train, &mut validation].map(|of| search.next(of).unwrap().unwrap());
        // A velocity, so that the virtual step has all of its terms.
        let loss = state.relaxed.loss(&train).unwrap();
        let _ = state.sgd.step(&state.relaxed.net, state.relaxed.path.params(), &loss, 1e-3).unwrap();
        let unrolling = Unrolling { rate: 0.05, momentum: 0.9, weight_decay: 3e-4, distance: 1e-6 };
        let State { relaxed, sgd, .. } = &state;
        let found = if second_order {
            relaxed.unrolled_gradient(&train, &validation, sgd, unrolling).unwrap()
        } else {
            relaxed.gradient(&validation).unwrap()
        };
        let objective = || {
            if !second_order {
                return relaxed.loss(&validation).unwrap().double_value(&[]);
            }
            let flat = relaxed.net.params().flat();
            let before = flat.copy();
            let gradient = crate::model::Gradients::of(
                &relaxed.loss(&train).unwrap(),
                &relaxed.net,
                relaxed.path.params(),
            );
            let step = sgd.velocity() * 0.9 + gradient.unwrap().flat() + &before * 3e-4;
            no_grad(|| flat.shallow_clone().copy_(&(&before - step * 0.05)));
            let loss = relaxed.loss(&validation).unwrap().double_value(&[]);
            no_grad(|| flat.shallow_clone().copy_(&before));
            loss
        };
        for ((name, leaf), gradient) in relaxed.relaxation.leaves().into_iter().zip(&found) {
            for at in [0, 13] {
                let (flat, gradient) = (leaf.detach().view([-1]), gradient.reshape([-1]));
                let sides = [1e-6, -2e-6].map(|change| {
                    let _ = no_grad(|| flat.get(at).f_add_scalar_(change)).unwrap();
                    objective()
                });
                let _ = no_grad(|| flat.get(at).f_add_scalar_(1e-6)).unwrap();
                let expected = (sides[0] - sides[1]) / 2e-6;
                let gradient = gradient.double_value(&[at]);
                let scale = expected.abs().max(1e-3);
                let close = (gradient - expected).abs() < if second_order { 1e-3 } else { 1e-4 } * scale;
                assert!(close, "{name}[{at}], second order {second_order}: {gradient} for {expected}");
            }
        }
    }
}

#[test]
fn the_second_order_gradient_leaves_the_weights_as_they_were() {
    let search = search(broad(1), Relaxing { second_order: true, ..relaxing() }, Placement::exact());
    let state = search.fresh().unwrap();
    let [mut train, mut validation] = search.batches(0).unwrap();
    let before = state.relaxed.net.params().flat().copy();
    let unrolling = Unrolling { rate: 0.05, momentum: 0.9, weight_decay: 3e-4, distance: 1e-6 };
    let [train, validation] = [&mut train, &mut validation].map(|of| search.next(of).unwrap().unwrap());
    state.relaxed.unrolled_gradient(&train, &validation, &state.sgd, unrolling).unwrap();
    assert!(state.relaxed.net.params().flat().equal(&before));
}

#[test]
fn weights_decode_to_the_official_genotypes() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let cases = [("darts search C=8 layers=5", false), ("pcdarts search C=8 layers=5", true)];
    for (name, normalised) in cases {
        let relaxation = Relaxation::new(normalised, Kind::Double, Device::Cpu, &mut stream(0, &[])).unwrap();
        let rules: [fn(f64) -> f64; 4] =
            [|i| (0.7 * i + 0.2).sin(), |i| (0.7 * i + 0.2).cos(), |i| (0.5 * i).sin(), |i| (0.5 * i).cos()];
        for ((_, leaf), rule) in relaxation.leaves().into_iter().zip(rules) {
            let values: Vec<f64> = (0..leaf.numel()).map(|i| rule(i as f64)).collect();
            let values = Tensor::from_slice(&values).view(leaf.size().as_slice());
            no_grad(|| leaf.shallow_clone().copy_(&values));
        }
        let found = relaxation.genotype().unwrap().to_string();
        assert_eq!(found, golden[name]["genotype"].as_str().unwrap());
    }
}

#[test]
fn a_search_goes_on_exactly_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Relaxing { edge_normalisation: true, ..relaxing() };
    let made = || search(broad(2), settings.clone(), Placement::on(Device::Cpu));
    let mut whole = made();
    asked(&mut whole, 0..3);
    assert_eq!(whole.trajectory().len(), 3);
    assert_ne!(whole.trajectory()[0].weights, whole.trajectory()[2].weights);
    let mut first = made().folder(folder.path().to_owned());
    asked(&mut first, 0..2);
    // Killed before the second round was journalled, then after.
    for round in [1, 2] {
        let mut second = made().folder(folder.path().to_owned());
        asked(&mut second, round..3);
        assert_eq!(second.trajectory(), whole.trajectory());
    }
    // Without a checkpoint it trains again.
    let mut again = made();
    asked(&mut again, 2..3);
    assert_eq!(again.trajectory(), whole.trajectory());
    // The epochs are spent.
    assert!(asked(&mut again, 3..4)[0].batches.is_empty());
}

#[test]
fn an_epoch_is_given_up_when_the_user_stops() {
    let folder = tempfile::tempdir().unwrap();
    let made = || search(broad(1), relaxing(), Placement::on(Device::Cpu)).folder(folder.path().to_owned());
    let mut stopped = made();
    asked(&mut stopped, 0..1);
    let before = stopped.trajectory().to_vec();
    stopped.cancel.store(true, Ordering::SeqCst);
    let space: Arc<dyn SearchSpace> = Arc::new(Darts::new());
    let (history, fidelity) = (History::new(), Fidelity::FromScratch);
    let ask = Ask { space: &space, history: &history, fidelity, round: 1, remaining: 1, pending: &[] };
    assert!(matches!(stopped.ask(&ask, &mut stream(0, &[])), Err(StudyError::Interrupted)));
    let mut again = made();
    asked(&mut again, 1..2);
    assert_eq!(again.trajectory()[..1], before);
}

#[test]
fn alpha_waits_for_its_first_epoch() {
    let settings = Relaxing { alpha_start: 1, ..relaxing() };
    let mut search = search(darts(3, 1), settings, Placement::on(Device::Cpu));
    let start = search.fresh().unwrap().relaxed.relaxation.tables().unwrap();
    asked(&mut search, 0..2);
    assert_eq!(search.trajectory()[0].weights, start);
    assert_ne!(search.trajectory()[1].weights, start);
}

#[test]
fn a_search_may_stop_early() {
    let proposals = |relaxing: Relaxing| {
        let mut search = search(darts(3, 1), relaxing, Placement::on(Device::Cpu));
        let rounds = asked(&mut search, 0..3);
        rounds.iter().take_while(|proposal| !proposal.batches.is_empty()).count()
    };
    assert_eq!(proposals(Relaxing { stop_skips: Some(0), ..relaxing() }), 1);
    // What α says before it moves is noise.
    assert_eq!(proposals(Relaxing { alpha_start: 1, stop_skips: Some(0), ..relaxing() }), 2);
    // A rate at which the cells stay as they are.
    let still = Relaxing { alpha_learning_rate: 1e-9, stop_stable: Some(1), ..relaxing() };
    assert_eq!(proposals(still), 2);
    assert_eq!(proposals(relaxing()), 3);
}

/// Rounds without candidates until the last epoch, also where the search stops before its time.
#[test]
fn the_cells_of_the_last_epoch_alone_may_be_proposed() {
    let last = Relaxing { proposes: Proposes::LastEpoch, ..relaxing() };
    for (relaxing, epochs) in
        [(last.clone(), 3), (Relaxing { stop_skips: Some(0), alpha_start: 1, ..last }, 2)]
    {
        let mut search = search(darts(3, 1), relaxing, Placement::on(Device::Cpu));
        let rounds = asked(&mut search, 0..4);
        let candidates: Vec<Vec<usize>> =
            rounds.iter().map(|round| round.batches.iter().map(Vec::len).collect()).collect();
        let mut expected = vec![vec![0]; epochs - 1];
        expected.push(vec![1]);
        expected.resize(4, Vec::new());
        assert_eq!(candidates, expected);
        let found = &rounds[epochs - 1].batches[0][0].architecture;
        let said = Darts::new().parse(&search.trajectory()[epochs - 1].genotype).unwrap();
        assert_eq!(found.key(), said.key());
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let refused = |relaxing: Relaxing| {
        Differentiable::new(darts(3, 1), task(), relaxing, Placement::on(Device::Cpu), 0)
            .unwrap_err()
            .to_string()
    };
    let late = refused(Relaxing { alpha_start: 3, ..relaxing() });
    assert!(late.contains("alpha_start: 3; valid: 0 to 2, the last epoch"), "{late}");
    let small = Differentiable::new(darts(2, 1), task(), relaxing(), Placement::on(Device::Cpu), 0);
    assert!(small.unwrap_err().to_string().contains("no cell of kind 0"));
    assert!(refused(Relaxing { batch: 21, ..relaxing() }).contains("strategy.batch: 21; half"));
    assert!(refused(Relaxing { epochs: 0, ..relaxing() }).contains("epochs: 0"));
    assert!(refused(Relaxing { alpha_learning_rate: 0.0, ..relaxing() }).contains("alpha_learning_rate: 0"));
}
