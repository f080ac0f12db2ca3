use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
use bonas_spaces::network::{LanguageModel, SpaceRecurrent};
use bonas_spaces::{SearchSpace, rand::SeedableRng};
use bonas_study::rng::StudyRng;
use tch::{Device, Kind};

use super::*;

const SIZES: LanguageModel = LanguageModel { words: 5, embedding: 4, hidden: 4, layers: 1, tied: true };

/// A parameter that is first trained in the fourth step moves as one that is trained in the first: with gradients 1 and 2 the
/// ratio of Adam's means is 1 and then (0.29 / 0.19) / √(0.004999 / 0.001999) = 0.965182.
#[test]
fn adam_counts_the_steps_of_each_parameter() {
    let space = NasBenchNlp::new();
    let cell = space.cell(&space.parse("rnn").unwrap()).unwrap();
    let mut rng = StudyRng::seed_from_u64(1);
    let net =
        LanguageNet::build(std::slice::from_ref(&cell), SIZES, Kind::Double, Device::Cpu, &mut rng).unwrap();
    let route = net.route(&cell).unwrap();
    let recipe = LanguageRecipe { weight_decay: 0.0, gradient_clip: 0.0, ..LanguageRecipe::default() };
    let mut optimizer = Optimizer::new(&recipe, &net).unwrap();
    // The decoder's bias, and a parameter of the cell.
    let [early, late] = [1, 2];
    let value = |id: ParamId| net.params().tensor(id).flatten(0, -1).double_value(&[0]);
    let mut step = |id: ParamId, gradient: f64| {
        let before = value(id);
        let loss = net.params().tensor(id).flatten(0, -1).get(0) * gradient;
        assert!(optimizer.step(&net, &route, &loss, 0.5).unwrap());
        (before - value(id)) / 0.5
    };
    for _ in 0..3 {
        assert!((step(early, 1.0) - 1.0).abs() < 1e-7);
    }
    assert!((step(late, 1.0) - 1.0).abs() < 1e-7);
    assert!((step(late, 2.0) - 0.965_182).abs() < 1e-6);
}
