//! Cells against torch's own, shared weights, and trainings that learn.

use bonas_spaces::families::nasbench_nlp::NasBenchNlp;
use bonas_spaces::network::{LanguageModel, RecurrentCell, SpaceRecurrent};
use bonas_spaces::rand::SeedableRng;
use bonas_spaces::{SearchSpace, SpaceError};
use bonas_study::StudyError;
use bonas_study::evaluator::Monitor;
use bonas_study::rng::{StudyRng, stream};
use tch::{Device, Kind, Tensor};

use super::*;
use crate::model::SupernetError;
use crate::recipe::Precision;

struct Deaf;

impl Monitor for Deaf {
    fn step(&self, _: u64, _: u64, _: &str) {}

    fn cancelled(&self) -> bool {
        false
    }
}

fn cell(text: &str) -> RecurrentCell {
    let space = NasBenchNlp::new();
    space.cell(&space.parse(text).unwrap()).unwrap()
}

fn rng(seed: u64) -> StudyRng {
    StudyRng::seed_from_u64(seed)
}

fn sampled(count: usize, seed: u64) -> Vec<RecurrentCell> {
    let (space, mut rng) = (NasBenchNlp::new(), rng(seed));
    (0..count).map(|_| space.cell(&space.sample(&mut rng)).unwrap()).collect()
}

const SIZES: LanguageModel = LanguageModel { words: 11, embedding: 4, hidden: 5, layers: 2, tied: true };

fn net(cells: &[RecurrentCell], sizes: LanguageModel, seed: u64) -> LanguageNet {
    LanguageNet::build(cells, sizes, Kind::Double, Device::Cpu, &mut rng(seed)).unwrap()
}

/// The LSTM of torch: a sigmoid for the output gate.
const TORCH_LSTM: &str = r#"{
    "i": {"op": "linear", "input": ["x", "h_prev_0"]}, "i_act": {"op": "sigm", "input": ["i"]},
    "f": {"op": "linear", "input": ["x", "h_prev_0"]}, "f_act": {"op": "sigm", "input": ["f"]},
    "g": {"op": "linear", "input": ["x", "h_prev_0"]}, "g_act": {"op": "tanh", "input": ["g"]},
    "o": {"op": "linear", "input": ["x", "h_prev_0"]}, "o_act": {"op": "sigm", "input": ["o"]},
    "kept": {"op": "prod", "input": ["f_act", "h_prev_1"]}, "new": {"op": "prod", "input": ["i_act", "g_act"]},
    "h_new_1": {"op": "sum", "input": ["kept", "new"]}, "c_act": {"op": "tanh", "input": ["h_new_1"]},
    "h_new_0": {"op": "prod", "input": ["c_act", "o_act"]}}"#;

/// The GRU of torch, which resets what the matrix makes of the state.
const TORCH_GRU: &str = r#"{
    "r": {"op": "linear", "input": ["x", "h_prev_0"]}, "r_act": {"op": "sigm", "input": ["r"]},
    "z": {"op": "linear", "input": ["x", "h_prev_0"]}, "z_act": {"op": "sigm", "input": ["z"]},
    "of_x": {"op": "linear", "input": ["x"]}, "of_h": {"op": "linear", "input": ["h_prev_0"]},
    "reset": {"op": "prod", "input": ["r_act", "of_h"]}, "n": {"op": "sum", "input": ["of_x", "reset"]},
    "n_act": {"op": "tanh", "input": ["n"]}, "h_new_0": {"op": "blend", "input": ["z_act", "h_prev_0", "n_act"]}}"#;

/// The places of torch's gates, in the order of its matrices, and the names of the parts that read `x` and the state.
type Gates = &'static [(&'static str, &'static str)];

/// Sets a layer's weights to gates of torch's matrices `[G·H, E]` and `[G·H, H]` and biases `[G·H]`.
fn set(net: &LanguageNet, layer: usize, gates: Gates, torch: &[Tensor]) {
    let place = |name: &str| (0..net.params().len()).find(|&id| net.params().spec(id).name == name);
    let put = |name: String, value: &Tensor| {
        let id = place(&name).unwrap_or_else(|| panic!("no {name}"));
        net.params().set(id, value).unwrap();
    };
    let parts: Vec<Vec<Tensor>> = torch.iter().map(|t| t.chunk(gates.len() as i64, 0)).collect();
    for (gate, (of_x, of_h)) in gates.iter().enumerate() {
        put(format!("layer{layer}.{of_x}.x"), &parts[0][gate]);
        put(format!("layer{layer}.{of_h}.h0"), &parts[1][gate]);
        if of_x == of_h {
            put(format!("layer{layer}.{of_x}.bias"), &(&parts[2][gate] + &parts[3][gate]));
        } else {
            put(format!("layer{layer}.{of_x}.bias"), &parts[2][gate]);
            put(format!("layer{layer}.{of_h}.bias"), &parts[3][gate]);
        }
    }
}

/// Weights of torch for a layer of `gates` gates.
fn torch_weights(gates: i64, input: i64, width: i64) -> Vec<Tensor> {
    let shapes: [&[i64]; 4] =
        [&[gates * width, input], &[gates * width, width], &[gates * width], &[gates * width]];
    let mut rng = rng(9);
    let number = |rng: &mut StudyRng| {
        use bonas_spaces::rand::RngExt;
        rng.random_range(-0.7..0.7)
    };
    let tensor = |shape: &&[i64]| {
        let values: Vec<f64> = (0..shape.iter().product::<i64>()).map(|_| number(&mut rng)).collect();
        Tensor::from_slice(&values).view(*shape)
    };
    shapes.iter().map(tensor).collect()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Two stacked layers of torch's own LSTM and GRU, and of their recipes with the same weights.
#[test]
fn lstm_and_gru_are_those_of_torch() {
    let sizes = LanguageModel { embedding: 3, tied: false, ..SIZES };
    let lstm: Gates = &[
        ("sigm-linear0", "sigm-linear0"),
        ("sigm-linear1", "sigm-linear1"),
        ("tanh-linear0", "tanh-linear0"),
        ("sigm-linear2", "sigm-linear2"),
    ];
    let gru: Gates =
        &[("sigm-linear0", "sigm-linear0"), ("sigm-linear1", "sigm-linear1"), ("linear0", "linear1")];
    for (recipe, gates, states) in [(TORCH_LSTM, lstm, 2), (TORCH_GRU, gru, 1)] {
        let cell = cell(recipe);
        let net = net(std::slice::from_ref(&cell), sizes, 1);
        let count = gates.len() as i64;
        let torch: Vec<Tensor> =
            [torch_weights(count, 3, 5), torch_weights(count, 5, 5)].into_iter().flatten().collect();
        set(&net, 0, gates, &torch[..4]);
        set(&net, 1, gates, &torch[4..]);
        let words = Tensor::from_slice(&[3_i64, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]).view([6, 2]); // [T, B]
        let inputs = Tensor::embedding(net.params().tensor(0), &words, -1, false, false); // [T, B, E]
        let start: Vec<Vec<Tensor>> = (0..2)
            .map(|layer| {
                (0..states)
                    .map(|s| {
                        Tensor::full(
                            [2, 5],
                            0.1 + 0.2 * f64::from(layer + 3 * s),
                            (Kind::Double, Device::Cpu),
                        )
                    })
                    .collect()
            })
            .collect();
        let stacked = |state: usize| Tensor::stack(&[&start[0][state], &start[1][state]], 0);
        let (expected, last) = if states == 2 {
            let (out, h, c) =
                inputs.lstm(&[stacked(0), stacked(1)], &torch, true, 2, 0.0, false, false, false);
            (out, vec![h, c])
        } else {
            let (out, h) = inputs.gru(&stacked(0), &torch, true, 2, 0.0, false, false, false);
            (out, vec![h])
        };
        let pass = net.forward(&net.route(&cell).unwrap(), &words, &start, None).unwrap();
        assert!(largest_difference(&pass.raw, &expected) < 1e-12, "{recipe}");
        for (state, last) in last.iter().enumerate() {
            for layer in 0..2 {
                assert!(largest_difference(&pass.states[layer][state], &last.get(layer as i64)) < 1e-12);
            }
        }
    }
}

#[test]
fn models_have_the_parameters_that_are_counted() {
    for (at, cell) in sampled(12, 3).into_iter().enumerate() {
        let sizes = LanguageModel { tied: at % 2 == 0, layers: 1 + at % 3, ..SIZES };
        let net = net(std::slice::from_ref(&cell), sizes, 1);
        assert_eq!(net.params().numel() as u64, sizes.params(&cell).unwrap());
        assert_eq!(net.route(&cell).unwrap().params().len(), net.params().len());
    }
}

/// A model of several cells computes for each what the model of that cell alone computes, of equal weights.
#[test]
fn cells_of_one_model_compute_what_they_compute_alone() {
    let cells = sampled(6, 5);
    let all = net(&cells, SIZES, 7);
    let own: usize = cells.iter().map(|cell| SIZES.params(cell).unwrap() as usize).sum();
    assert!(all.params().numel() < own, "nothing is shared");
    let words = Tensor::from_slice(&[3_i64, 1, 4, 1, 5, 9]).view([3, 2]);
    for cell in &cells {
        let alone = net(std::slice::from_ref(cell), SIZES, 7);
        let results = [&all, &alone].map(|net| {
            let route = net.route(cell).unwrap();
            let pass = net.forward(&route, &words, &net.start(&route, 2).unwrap(), None).unwrap();
            net.loss(&pass.dropped, &words).unwrap()
        });
        assert_eq!(results[0].double_value(&[]), results[1].double_value(&[]));
    }
    let lone = net(&[cell("rnn")], SIZES, 1);
    let error = lone.route(&cell("lstm")).unwrap_err();
    assert!(
        matches!(&error, SupernetError::Mismatch { .. }) && error.to_string().contains("layer0."),
        "{error}"
    );
    let none =
        LanguageNet::build(&[], LanguageModel { words: 0, ..SIZES }, Kind::Float, Device::Cpu, &mut rng(1));
    assert!(matches!(none.unwrap_err(), SupernetError::Space(SpaceError::Network { .. })));
}

/// A leaky ReLU, worked by hand: one number, weights 1, bias 0.
#[test]
fn leaky_relus_have_the_slope_of_torch() {
    let cell =
        cell(r#"{"f":{"op":"linear","input":["x","h_prev_0"]},"h_new_0":{"op":"leaky_relu","input":["f"]}}"#);
    let sizes = LanguageModel { words: 2, embedding: 1, hidden: 1, layers: 1, tied: true };
    let net = net(std::slice::from_ref(&cell), sizes, 1);
    for id in 0..net.params().len() {
        let spec = net.params().spec(id);
        let value = if spec.name.ends_with("bias") {
            vec![0.0; spec.len() as usize]
        } else {
            vec![1.0; spec.len() as usize]
        };
        net.params().set(id, &Tensor::from_slice(&value).view(spec.shape.as_slice())).unwrap();
    }
    net.params().set(0, &Tensor::from_slice(&[-2.0, 3.0]).view([2, 1])).unwrap();
    let route = net.route(&cell).unwrap();
    let words = Tensor::from_slice(&[0_i64, 1]).view([2, 1]);
    let pass = net.forward(&route, &words, &net.start(&route, 1).unwrap(), None).unwrap();
    let values: Vec<f64> = Vec::try_from(pass.raw.view([2])).unwrap();
    assert!((values[0] + 0.02).abs() < 1e-15 && (values[1] - 2.98).abs() < 1e-15, "{values:?}");
}

/// Words that follow each other in a circle.
fn circle(words: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let line = ["red green blue grey\n"; 60].concat();
    for part in ["train.txt", "valid.txt", "test.txt"] {
        std::fs::write(folder.path().join(part), &line[..line.len() * words / 300]).unwrap();
    }
    folder
}

fn small() -> LanguageRecipe {
    LanguageRecipe {
        embedding: 8,
        hidden: 8,
        epochs: 6,
        batch: 4,
        bptt: 8,
        learning_rate: 0.02,
        ..LanguageRecipe::default()
    }
}

fn trained(recipe: &LanguageRecipe, cells: &[RecurrentCell], seed: u64) -> Result<Trained, StudyError> {
    let folder = circle(300);
    let text = Text::load(&format!("text:{}", folder.path().display()), 1).unwrap();
    Training { text: &text, recipe, device: Device::Cpu, seed }.run(cells, &Deaf)
}

#[test]
fn a_circle_of_words_is_learnt_by_every_optimizer() {
    let adam = LanguageRecipe { drop_embedding: 0.0, drop_output: 0.1, ..small() };
    // The mean of e^(−loss) of a guess is 1/5.
    let guess = 5_f64.ln();
    for (optimizer, learning_rate, most) in [
        (LanguageOptimizer::Adam, 0.05, 0.3),
        (LanguageOptimizer::Sgd, 20.0, 1.2),
        (LanguageOptimizer::NtAsgd, 20.0, 1.2),
    ] {
        let recipe = LanguageRecipe {
            optimizer,
            learning_rate,
            patience: 1,
            activation_penalty: 0.1,
            slowness_penalty: 0.1,
            ..adam.clone()
        };
        let run = trained(&recipe, &[cell("lstm")], 1).unwrap();
        let loss = *run.valid[0].as_ref().unwrap();
        assert!(loss < most * guess, "{optimizer:?} {loss}");
        assert_eq!(run.epochs.len(), 6);
        let folder = circle(300);
        let text = Text::load(&format!("text:{}", folder.path().display()), 1).unwrap();
        assert!((run.loss(0, &text.valid).unwrap() - loss).abs() < 1e-6);
    }
}

/// Products in bfloat16: gradients are in single precision, and losses are those of single precision to two digits, also
/// after training.
#[test]
fn mixed_precision_stays_near_single() {
    let mixed = LanguageRecipe { precision: Precision::Mixed, ..small() };
    for name in ["lstm", "gru"] {
        let [full, half] = [small(), mixed.clone()].map(|recipe| trained(&recipe, &[cell(name)], 1).unwrap());
        let loss = |run: &Trained| *run.valid[0].as_ref().unwrap();
        let (exact, near) = (loss(&full), loss(&half));
        assert!((exact - near).abs() < 0.05 * exact && exact != near, "{name} {exact} {near}");
        assert!(full.epochs[0].train != half.epochs[0].train);
    }
    let (cells, words) = (sampled(5, 3), Tensor::from_slice(&[0_i64, 1, 2, 3, 1, 2]).view([3, 2]));
    let sizes = LanguageModel { words: 5, embedding: 6, hidden: 7, layers: 2, tied: true };
    for cell in cells {
        let build = || {
            let (kind, cells) = (Kind::Float, std::slice::from_ref(&cell));
            LanguageNet::build(cells, sizes, kind, Device::Cpu, &mut rng(1)).unwrap()
        };
        let [full, half] = [build(), build().precision(Precision::Mixed)];
        let losses = [&full, &half].map(|net| {
            let route = net.route(&cell).unwrap();
            let start = net.start(&route, 2).unwrap();
            let pass = net.forward(&route, &words, &start, None).unwrap();
            let loss = net.loss(&pass.dropped, &words).unwrap();
            loss.backward();
            assert_eq!((loss.kind(), pass.raw.kind()), (Kind::Float, Kind::Float));
            let moved = net.params().tensor(route.params()[0]).grad();
            assert_eq!(moved.kind(), Kind::Float);
            loss.double_value(&[])
        });
        assert!((losses[0] - losses[1]).abs() < 0.02, "{losses:?}");
    }
}

#[test]
fn equal_seeds_train_equal_models_and_cells_take_turns() {
    let cells = [cell("rnn"), cell("gru"), cell("lstm")];
    let run = |seed| trained(&small(), &cells, seed).unwrap();
    let losses = |run: &Trained| run.valid.iter().map(|loss| *loss.as_ref().unwrap()).collect::<Vec<f64>>();
    let (one, same, other) = (run(1), run(1), run(2));
    assert_eq!(losses(&one), losses(&same));
    assert_ne!(losses(&one), losses(&other));
    assert!(losses(&one).iter().all(|loss| *loss < 5_f64.ln()), "{:?}", losses(&one));
    assert_eq!((one.epochs[0].valid.len(), one.epochs[5].valid.len()), (0, 3));
}

#[test]
fn what_diverges_fails_with_its_reason() {
    let recipe = LanguageRecipe {
        optimizer: LanguageOptimizer::Sgd,
        learning_rate: 1e3,
        gradient_clip: 0.0,
        ..small()
    };
    let leaky = cell(
        r#"{"f":{"op":"linear","input":["x","h_prev_0"]},"a":{"op":"leaky_relu","input":["f"]},
            "g":{"op":"linear","input":["h_prev_0","a"]},"h_new_0":{"op":"prod","input":["a","g"]}}"#,
    );
    let run = trained(&recipe, &[leaky], 1).unwrap();
    assert!(run.valid[0].as_ref().unwrap_err().contains("not finite"));
    assert!(run.epochs.len() < 6);
}

/// Up to 10 nats above guessing among 5 words, ln 5 = 1.609.
#[test]
fn a_loss_far_above_guessing_is_a_failure() {
    for loss in [0.0, 1.6, 11.6] {
        assert_eq!(state::sound(loss, "test", 5), Ok(loss));
    }
    for loss in [11.62, 700.0, 720.0, 1e300] {
        let reason = state::sound(loss, "test", 5).unwrap_err();
        assert!(reason.contains("far above the 1.6 of guessing: training diverged"), "{reason}");
    }
    assert_eq!(
        state::sound(720.4, "validation", 5).unwrap_err().find("its validation loss is 720 nats"),
        Some(0)
    );
    assert_eq!(state::sound(f64::NAN, "test", 5).unwrap_err(), "its test loss is not finite");
    let far = LanguageRecipe { optimizer: LanguageOptimizer::Sgd, learning_rate: 1e3, epochs: 1, ..small() };
    let reason = trained(&far, &[cell("rnn")], 1).unwrap().valid[0].clone().unwrap_err();
    assert!(reason.starts_with("its validation loss is ") && reason.contains("far above"), "{reason}");
}

#[test]
fn a_training_stops_where_it_is_told_to_and_refuses_what_does_not_fit() {
    struct Stop;
    impl Monitor for Stop {
        fn step(&self, _: u64, _: u64, _: &str) {}

        fn cancelled(&self) -> bool {
            true
        }
    }
    let (folder, recipe) = (circle(300), small());
    let text = Text::load(&format!("text:{}", folder.path().display()), 1).unwrap();
    let training = Training { text: &text, recipe: &recipe, device: Device::Cpu, seed: 1 };
    assert!(matches!(training.run(&[cell("rnn")], &Stop), Err(StudyError::Interrupted)));
    let wide = LanguageRecipe { batch: 200, ..small() };
    let error = Training { recipe: &wide, ..training }.run(&[cell("rnn")], &Deaf).unwrap_err().to_string();
    assert!(error.contains("200 sequences side by side, but the text has 300 words"), "{error}");
    let wrong = LanguageRecipe { drop_weights: 1.0, ..small() };
    let error = Training { recipe: &wrong, ..training }.run(&[cell("rnn")], &Deaf).unwrap_err().to_string();
    assert!(error.contains("drop_weights: 1; it must be 0 to 0.99"), "{error}");
    assert!(LanguageRecipe::nas_bench_nlp().check().is_ok());
}

/// Masks of a step: the same of all words, 0 or 1/(1 − p), as often as p says.
#[test]
fn dropout_drops_whole_columns_and_keeps_the_mean() {
    let recipe = LanguageRecipe {
        drop_input: 0.25,
        drop_embedding: 0.5,
        drop_output: 0.0,
        ..LanguageRecipe::default()
    };
    let mut rng = stream(3, &[]);
    let mut dropout = dropout::Dropout::new(&recipe, &mut rng, Kind::Double, Device::Cpu);
    let ones = Tensor::ones([3, 40, 50], (Kind::Double, Device::Cpu));
    let input = dropout.input(&ones).unwrap();
    assert_eq!(largest_difference(&input.get(0), &input.get(2)), 0.0);
    let zeros = input.get(0).eq(0.0).to_kind(Kind::Double).mean(None).double_value(&[]);
    assert!((zeros - 0.25).abs() < 0.04, "{zeros}");
    assert_eq!(input.max().double_value(&[]), f64::from(1.0_f32 / 0.75));
    let rows = dropout.embedding(&ones.get(0)).unwrap(); // [40, 50]
    assert_eq!(largest_difference(&rows.select(1, 0), &rows.select(1, 49)), 0.0);
    assert_eq!(largest_difference(&dropout.output(&ones).unwrap(), &ones), 0.0);
}

/// `nt-asgd` with a patience of one epoch: averaging begins when the loss is above the least of those before the last one, and
/// the model is left with the mean of the weights since.
#[test]
fn averaging_begins_when_the_loss_no_longer_falls() {
    let cell = cell("rnn");
    let net = net(std::slice::from_ref(&cell), SIZES, 1);
    let route = net.route(&cell).unwrap();
    let recipe = LanguageRecipe {
        optimizer: LanguageOptimizer::NtAsgd,
        patience: 1,
        weight_decay: 0.0,
        gradient_clip: 0.0,
        ..LanguageRecipe::default()
    };
    let mut optimizer = optimizer::Optimizer::new(&recipe, &net).unwrap();
    let bias = || net.params().tensor(1).double_value(&[0]);
    // The gradient of the first number of the decoder's bias is 1.
    let step = |optimizer: &mut optimizer::Optimizer| {
        let loss = net.params().tensor(1).get(0);
        assert!(optimizer.step(&net, &route, &loss, 0.5).unwrap());
        bias()
    };
    for loss in [3.0, 2.0, 2.5] {
        optimizer.epoch(loss).unwrap();
    }
    step(&mut optimizer);
    let last = |optimizer: &optimizer::Optimizer| optimizer.averaged(&net, || Ok(bias())).unwrap();
    assert_eq!(last(&optimizer), bias(), "2.5 is above 2.0, but below the 3.0 of two epochs ago");
    optimizer.epoch(2.4).unwrap();
    let weights = [step(&mut optimizer), step(&mut optimizer), step(&mut optimizer)];
    let mean = weights.iter().sum::<f64>() / 3.0;
    assert!((last(&optimizer) - mean).abs() < 1e-12 && bias() == weights[2]);
    optimizer.keep_average(&net).unwrap();
    assert!((bias() - mean).abs() < 1e-12);
}
