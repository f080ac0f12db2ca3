use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use bonas_spaces::graph::OpGraph;

use crate::Posterior;
use crate::metrics::kendall_tau_b;
use crate::testing::{
    check_surrogate, check_toy_robustness, toy_architectures, toy_known, toy_observations, toy_quality,
    toy_score,
};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

#[test]
fn contract() {
    check_surrogate(&GraphGp::default(), &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    check_toy_robustness(&GraphGp::default());
}

#[test]
fn ranks_unseen_cells_and_knows_how_well() {
    let (tau, covered) = toy_quality(&GraphGp::default(), 100);
    assert!(tau > 0.9, "tau {tau}");
    assert!((0.65..=1.0).contains(&covered), "{covered}");
}

#[test]
fn steps_grow_and_take_a_spread_of_many_observations() {
    let steps = |n| steps(n).collect::<Vec<_>>();
    assert_eq!((steps(0), steps(5), steps(30)), (vec![], vec![5], vec![16, 20, 25]));
    assert_eq!(steps(600)[13..], [304, 380, 475, 594]);
    assert_eq!(
        (spread_in_time(20, 400), spread_in_time(40, 16)[..4].to_vec()),
        ((0..20).collect(), vec![0, 2, 5, 7])
    );
}

/// What is kept from the rounds before changes nothing, whether it goes on from one step to the next, grows
/// between two (50 and 63), is asked for again, or is of another list: a resumed study goes on alike.
#[test]
fn a_fit_is_a_function_of_the_observations() {
    let (observations, candidates) = (toy_observations(60, 4), toy_architectures(20, 5));
    let mut others = observations.clone();
    others[51].score += 0.1;
    let (good, _) = good_and_bad();
    for forms in [&[PriorForm::Mean][..], &PriorForm::ALL] {
        let gp = || GraphGp::default().with_prior_knowledge(vec![good.clone()], forms);
        let predict = |gp: &GraphGp, list: &[Observation]| {
            gp.fit(list, &mut rng()).unwrap().predict(&candidates).unwrap()
        };
        let mut long = gp();
        for n in [21, 50, 57, 57, 60, 55] {
            for list in [&observations[..n], &others[..n]] {
                assert_eq!(predict(&long, list), predict(&gp(), list), "{forms:?} {n}");
            }
        }
        long.iterations += 3;
        let changed = GraphGp { iterations: long.iterations, ..gp() };
        assert_eq!(predict(&long, &observations), predict(&changed, &observations), "{forms:?}");
    }
}

#[test]
fn joint_draws_agree_with_single_posteriors() {
    let fitted = GraphGp::default().fit(&toy_observations(50, 2), &mut rng()).unwrap();
    let mut candidates = toy_architectures(6, 9);
    candidates.push(candidates[0].clone());
    let joint = fitted.joint(&candidates).unwrap().unwrap();
    let (mut rng, mut sums) = (rng(), vec![0.0; 7]);
    for _ in 0..2000 {
        let draw = joint.sample(&mut rng);
        assert!((draw[0] - draw[6]).abs() < 0.05, "equal candidates are drawn alike");
        sums.iter_mut().zip(&draw).for_each(|(sum, y)| *sum += y / 2000.0);
    }
    for (mean, posterior) in sums.iter().zip(fitted.predict(&candidates).unwrap()) {
        assert!((mean - posterior.mean()).abs() < 0.02, "{mean} {}", posterior.mean());
    }
}

/// Half of the scores have an error that is known to be large: saying so helps, and one that is said to have no
/// error pulls the prediction there.
#[test]
fn known_noise_is_trusted_less() {
    let mut observations = toy_observations(60, 4);
    let error = |i: usize| 0.15 * (i as f64 * 78.233).sin();
    for (i, o) in observations.iter_mut().enumerate().filter(|(i, _)| i % 2 == 0) {
        o.score += error(i);
    }
    let candidates = toy_architectures(300, 5);
    let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
    let tau = |observations: &[Observation]| {
        let fitted = GraphGp::default().fit(observations, &mut rng()).unwrap();
        let medians: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::median).collect();
        kendall_tau_b(&medians, &truth).unwrap()
    };
    let unknown = tau(&observations);
    for (i, o) in observations.iter_mut().enumerate() {
        o.noise = Some(if i % 2 == 0 { 0.1 } else { 0.0 });
    }
    let known = tau(&observations);
    assert!(known > unknown + 0.02, "{known} {unknown}");
    observations[3].noise = Some(f64::NAN);
    let error = GraphGp::default().fit_process(&observations).unwrap_err().to_string();
    assert!(error.contains("noise of observation 3 is NaN"), "{error}");
}

/// An error beyond all bounds says nothing of its score, and takes nothing from the others.
#[test]
fn any_finite_noise_is_fitted() {
    let mut observations = toy_observations(30, 4);
    let candidates = toy_architectures(20, 5);
    for sd in [1e3, 1e300, f64::MAX] {
        observations[7].noise = Some(sd);
        let fitted = GraphGp::default().fit(&observations, &mut rng()).unwrap();
        let posteriors = fitted.predict(&candidates).unwrap();
        assert!(posteriors.iter().all(|p| p.median().is_finite()), "{sd}");
    }
}

/// A study that asked on the way and one that is resumed are the same with known noise, too.
#[test]
fn earlier_fits_change_nothing_with_known_noise() {
    let mut observations = toy_observations(44, 4);
    for (i, o) in observations.iter_mut().enumerate() {
        o.noise = (i % 3 > 0).then_some(0.02 * (i % 5) as f64);
    }
    let candidates = toy_architectures(30, 5);
    let grown = GraphGp::default();
    let predict = |gp: &GraphGp, n: usize| {
        gp.fit(&observations[..n], &mut rng()).unwrap().predict(&candidates).unwrap()
    };
    for n in [12, 33, 36, 44] {
        assert_eq!(predict(&grown, n), predict(&GraphGp::default(), n), "{n}");
    }
}

/// What a feature of one's own says that the graph does not is learnt, in whatever form.
#[test]
fn own_features_are_learnt_beside_the_graph() {
    let hidden = |a: &bonas_spaces::Architecture| {
        (a.key().to_string().bytes().map(u64::from).sum::<u64>() % 17) as f64
    };
    let truth = |a: &bonas_spaces::Architecture| toy_score(a) + 0.2 * (0.6 * hidden(a)).sin();
    let known = toy_known(move |_, a| hidden(a)).as_feature();
    let mut observations = toy_observations(60, 4);
    for o in &mut observations {
        o.score = truth(&o.architecture);
    }
    let candidates = toy_architectures(300, 5);
    let targets: Vec<f64> = candidates.iter().map(truth).collect();
    let tau = |known: &[PriorKnowledge]| {
        let gp = GraphGp::default().with_prior(known, &FeatureCache::default()).unwrap();
        let fitted = gp.fit(&observations, &mut rng()).unwrap();
        let medians: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::median).collect();
        kendall_tau_b(&medians, &targets).unwrap()
    };
    let (without, with) = (tau(&[]), tau(std::slice::from_ref(&known)));
    assert!(with > without + 0.1, "{with} {without}");
    // Among features that say nothing, in any place.
    let mut among = vec![toy_known(|_, _| 3.0).as_feature(); 100];
    among.insert(40, known.clone());
    assert_eq!(tau(&among), with);
    // Beside prior knowledge, whichever stands first.
    let (good, _) = good_and_bad();
    let both = [good, known];
    let reversed = [both[1].clone(), both[0].clone()];
    assert_eq!(tau(&both), tau(&reversed));
    assert!(tau(&both) > with - 0.02);
}

fn tau(gp: &GraphGp, n: usize) -> f64 {
    let fitted = gp.fit(&toy_observations(60, 4)[..n], &mut rng()).unwrap();
    let candidates = toy_architectures(300, 5);
    let means: Vec<f64> = fitted.predict(&candidates).unwrap().iter().map(Posterior::mean).collect();
    kendall_tau_b(&means, &candidates.iter().map(toy_score).collect::<Vec<_>>()).unwrap()
}

/// The score itself, distorted; and what says nothing.
fn good_and_bad() -> (PriorKnowledge, PriorKnowledge) {
    let good = toy_known(|i, a| -(toy_score(a) + 0.02 * (i as f64 * 12.9898).sin()).exp());
    (good, toy_known(|i, _| (i as f64 * 78.233).sin()))
}

#[test]
fn contract_with_what_is_known() {
    let (good, bad) = good_and_bad();
    for form in PriorForm::ALL {
        let gp = GraphGp::default().with_prior_knowledge(vec![good.clone(), bad.clone()], &[form]);
        check_surrogate(&gp, &toy_observations(30, 4), &toy_architectures(20, 5), 6);
    }
}

#[test]
fn what_is_known_helps_and_noise_does_little_harm() {
    let (good, bad) = good_and_bad();
    let (few, many) = (tau(&GraphGp::default(), 8), tau(&GraphGp::default(), 50));
    for form in [PriorForm::Mean, PriorForm::Feature] {
        let with =
            |known: &PriorKnowledge| GraphGp::default().with_prior_knowledge(vec![known.clone()], &[form]);
        let (helped, harmed) = (tau(&with(&good), 8), tau(&with(&bad), 50));
        assert!(helped > few + 0.05 && harmed > many - 0.05, "{form:?}: {helped} {few}, {harmed} {many}");
    }
}

/// Evidence finds out which it is, and the fit is then that of the form alone.
#[test]
fn evidence_takes_what_is_good_and_leaves_what_is_bad() {
    let (good, bad) = good_and_bad();
    let (observations, candidates) = (toy_observations(40, 4), toy_architectures(20, 5));
    let fit = |known: &PriorKnowledge, forms: &[PriorForm]| {
        GraphGp::default()
            .with_prior_knowledge(vec![known.clone()], forms)
            .fit_process(&observations)
            .unwrap()
    };
    assert_eq!(fit(&good, &PriorForm::ALL).knowledge.len(), 1);
    let (chosen, alone) =
        (fit(&bad, &PriorForm::ALL), GraphGp::default().fit_process(&observations).unwrap());
    assert!(chosen.knowledge.is_empty());
    assert_eq!(chosen.predict(&candidates).unwrap(), alone.predict(&candidates).unwrap());
}

#[test]
fn an_architecture_of_which_nothing_is_known_is_named() {
    let (good, _) = good_and_bad();
    let gp = GraphGp::default().with_prior_knowledge(vec![good], &[PriorForm::Feature]);
    let fitted = gp.fit(&toy_observations(10, 4), &mut rng()).unwrap();
    let known = good_and_bad().0;
    let mut all = toy_architectures(200, 77).into_iter();
    let strange = all.find(|a| known.ranks([a]).is_err()).expect("a cell without a value");
    let error = fitted.predict(&[strange]).unwrap_err().to_string();
    assert!(error.contains("architecture 0, ") && error.contains("has no value of the indicator"), "{error}");
}

#[test]
fn other_spaces_are_refused() {
    let fitted = GraphGp::default().fit(&toy_observations(5, 2), &mut rng()).unwrap();
    let other = bonas_spaces::SearchSpace::sample(&bonas_spaces::Darts::new(), &mut rng());
    let mixed = [toy_architectures(1, 1).remove(0), other.clone()];
    for candidates in [&mixed[..], &[other]] {
        let error = fitted.predict(candidates).unwrap_err().to_string();
        assert!(
            error.contains("1 cell of none, skip") && error.contains("2 cells of max_pool_3x3"),
            "{error}"
        );
    }
}

/// A study that asked on the way and one that is resumed: the same to the bit, with a run that diverged after the last
/// choice of hyper-parameters, too.
#[test]
fn earlier_fits_change_nothing_where_runs_diverge() {
    let mut observations = toy_observations(38, 104);
    observations[35].score = -3.0;
    observations[7].score = -2.0;
    let candidates = toy_architectures(50, 5);
    let grown = GraphGp::default();
    for n in [10, 20, 30, 34, 36] {
        grown.fit(&observations[..n], &mut rng()).unwrap();
    }
    let fitted = |gp: &GraphGp| gp.fit_process(&observations).unwrap();
    let (grown, fresh) = (fitted(&grown), fitted(&GraphGp::default()));
    assert_eq!(grown.predict(&candidates).unwrap(), fresh.predict(&candidates).unwrap());
    let trust = fresh.process().trust();
    assert!(trust[35] < 0.3 && trust.iter().filter(|&&trust| trust > 0.8).count() > 25, "{trust}");
}

/// A study whose first cells have no convolutions: the hyper-parameters are those of all the same, however many there are.
#[test]
fn what_comes_late_is_learnt_from() {
    let is_late = |o: &Observation| {
        let vocabulary = o.architecture.vocabulary();
        let is_late = |graph: &OpGraph| graph.labels().any(|op| vocabulary.name(op).starts_with("conv"));
        o.architecture.op_graphs().iter().any(is_late)
    };
    let (late, early): (Vec<_>, Vec<_>) = toy_observations(2000, 4).into_iter().partition(is_late);
    let mut observations: Vec<_> = early.into_iter().take(100).chain(late.into_iter().take(150)).collect();
    for (i, o) in observations.iter_mut().enumerate() {
        o.score += 0.05 * (i as f64 * 78.233).sin();
    }
    let candidates = toy_architectures(300, 5);
    let truth: Vec<f64> = candidates.iter().map(toy_score).collect();
    let tau = |limit| {
        let gp = GraphGp { limit, ..GraphGp::default() };
        let posteriors = gp.fit(&observations, &mut rng()).unwrap().predict(&candidates).unwrap();
        kendall_tau_b(&posteriors.iter().map(Posterior::median).collect::<Vec<_>>(), &truth).unwrap()
    };
    let (all, some) = (tau(400), tau(100));
    assert!(all > 0.9 && some > all - 0.03, "{all} {some}");
}
