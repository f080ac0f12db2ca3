//! Keys against functions: cells are evaluated with random weights in double precision.

use super::*;

/// Width of states and of `x`: above 1, so that matrices do not commute.
const WIDTH: usize = 2;

type Vector = [f64; WIDTH];

/// Weights of a linear node: a matrix an input, and a bias.
#[derive(Clone, Debug)]
struct Weights {
    matrices: [[Vector; WIDTH]; 3],
    bias: Vector,
}

fn number(rng: &mut ChaCha8Rng) -> f64 {
    f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0
}

fn weights(rng: &mut ChaCha8Rng) -> Weights {
    let mut vector = || [number(rng), number(rng)];
    let matrices = std::array::from_fn(|_| [vector(), vector()]);
    // One result is positive and one negative, so that a leaky ReLU shows.
    let [above, below] = vector();
    Weights { matrices, bias: [above + 3.0, below - 3.0] }
}

/// The new states. Linear node `n` takes the weights `of_nodes[n]`, and the matrices in the order of its inputs.
fn step(
    cell: &RecurrentCell,
    x: Vector,
    states: &[Vector],
    of_nodes: &BTreeMap<usize, Weights>,
) -> Vec<Vector> {
    let mut results: Vec<Vector> = Vec::new();
    for (at, node) in cell.nodes().iter().enumerate() {
        let read = |source: &Source| match *source {
            Source::Input => x,
            Source::State(state) => states[state],
            Source::Node(node) => results[node],
        };
        let inputs: Vec<Vector> = node.inputs.iter().map(read).collect();
        let each = |f: &dyn Fn(usize) -> f64| std::array::from_fn(f);
        results.push(match node.op {
            RecurrentOp::Linear => {
                let Weights { matrices, bias } = &of_nodes[&at];
                let product = |row: usize, input: usize| -> f64 {
                    (0..WIDTH).map(|column| matrices[input][row][column] * inputs[input][column]).sum()
                };
                each(&|row| bias[row] + (0..inputs.len()).map(|input| product(row, input)).sum::<f64>())
            }
            RecurrentOp::Blend => {
                each(&|i| inputs[0][i] * inputs[1][i] + (1.0 - inputs[0][i]) * inputs[2][i])
            }
            RecurrentOp::Product => each(&|i| inputs[0][i] * inputs[1][i]),
            RecurrentOp::Sum => each(&|i| inputs[0][i] + inputs[1][i]),
            RecurrentOp::Tanh => each(&|i| inputs[0][i].tanh()),
            RecurrentOp::Sigmoid => each(&|i| 1.0 / (1.0 + (-inputs[0][i]).exp())),
            RecurrentOp::LeakyRelu => each(&|i| inputs[0][i].max(0.01 * inputs[0][i])),
        });
    }
    cell.outputs().iter().map(|&node| results[node]).collect()
}

fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..n).map(move |at| {
            let mut longer = order.clone();
            longer.insert(at, n - 1);
            longer
        })
    };
    orders(n - 1).into_iter().flat_map(insert).collect()
}

/// Every choice of one option from each list.
fn products<T: Clone>(lists: Vec<Vec<T>>) -> Vec<Vec<T>> {
    lists.into_iter().fold(vec![Vec::new()], |found, list| {
        let with =
            |chosen: Vec<T>| list.clone().into_iter().map(move |one| [chosen.clone(), vec![one]].concat());
        found.into_iter().flat_map(with).collect()
    })
}

/// A number that cells share if their functions are equal but for names: the least over all names of weights and states of a
/// value of the new states at a point.
fn fingerprint(cell: &RecurrentCell) -> f64 {
    let linear: Vec<usize> = cell.places_of(RecurrentOp::Linear).collect();
    let mut rng = rng(11);
    let point: Vec<Vector> = (0..9).map(|_| [number(&mut rng), number(&mut rng)]).collect();
    let pool: Vec<Weights> = linear.iter().map(|_| weights(&mut rng)).collect();
    let inputs: Vec<Vec<Vec<usize>>> =
        linear.iter().map(|&node| orders(cell.nodes()[node].inputs.len())).collect();
    let (own, matrices) = (orders(linear.len()), products(inputs));
    let mut least = f64::INFINITY;
    for states in orders(cell.states() - 1) {
        let place = |state: usize| if state == 0 { 0 } else { 1 + states[state - 1] };
        let old: Vec<Vector> = (0..cell.states()).map(|state| point[1 + place(state)]).collect();
        for order in &own {
            for matrices in &matrices {
                let named = |(at, &node): (usize, &usize)| {
                    let Weights { matrices: pool, bias } = &pool[order[at]];
                    let mut own = *pool;
                    matrices[at].iter().enumerate().for_each(|(input, &from)| own[input] = pool[from]);
                    (node, Weights { matrices: own, bias: *bias })
                };
                let of_nodes = linear.iter().enumerate().map(named).collect();
                let new = step(cell, point[0], &old, &of_nodes);
                let value = new.iter().enumerate().map(|(state, new)| {
                    let by = point[5 + place(state)];
                    new[0] * by[0] + new[1] * by[1]
                });
                least = least.min(value.sum());
            }
        }
    }
    least
}

/// A small cell whose names can all be tried.
fn small(rng: &mut ChaCha8Rng) -> RecurrentCell {
    loop {
        let cell = sample::cell(rng);
        if cell.places_of(RecurrentOp::Linear).count() <= 3 && cell.nodes().len() <= 8 {
            return cell;
        }
    }
}

/// Among small cells and what is one or two changes away from them: keys are equal if and only if functions are.
#[test]
fn keys_are_equal_if_and_only_if_functions_are() {
    let (space, mut rng) = (NasBenchNlp::new(), rng(17));
    let mut found = BTreeMap::new();
    let (mut equal, mut printed) = (0, HashSet::new());
    for _ in 0..40 {
        let start = space.architecture(&small(&mut rng));
        let mut cells = vec![start.clone()];
        for _ in 0..10 {
            let near = space.mutate(&start, &mut rng).unwrap();
            cells.push(space.mutate(&near, &mut rng).unwrap());
            cells.push(near);
        }
        for architecture in cells {
            let cell = space.cell(&architecture).unwrap();
            if !is_within_the_law(&cell) || !printed.insert(space.format(&architecture).unwrap()) {
                continue;
            }
            let value = fingerprint(&cell);
            if let Some(same) = found.insert(architecture.key(), value) {
                assert!(
                    (same - value).abs() < 1e-9,
                    "{} {same} {value}",
                    space.format(&architecture).unwrap()
                );
                equal += 1;
                continue;
            }
            let twin = found.iter().find(|(key, other)| {
                **key != architecture.key() && (*other - value).abs() < 1e-11 * value.abs().max(1.0)
            });
            assert!(twin.is_none(), "{} {twin:?} {value}", space.format(&architecture).unwrap());
        }
    }
    assert!(found.len() > 300 && equal > 10, "{} keys, {equal} equal ones", found.len());
}

/// Whether a cell is small, and has one activation a linear node at most and none of another node.
fn is_within_the_law(cell: &RecurrentCell) -> bool {
    let mut seen = HashSet::new();
    let lawful = |node: &RecurrentNode| {
        let of_linear = |source: &Source| match *source {
            Source::Node(read) => cell.nodes()[read].op == RecurrentOp::Linear && seen.insert((read, 0)),
            _ => false,
        };
        !RecurrentOp::ACTIVATIONS.contains(&node.op) || node.inputs.iter().all(of_linear)
    };
    cell.nodes().iter().all(lawful) && cell.places_of(RecurrentOp::Linear).count() <= 3
}

/// Sums in another order, a product written out, a node written twice, a blend without effect.
#[test]
fn laws_of_sums_and_products_make_no_other_cell() {
    let space = NasBenchNlp::new();
    let key = |rest: &str| {
        let common = r#""l":{"op":"linear","input":["x","h_prev_0"]},"s":{"op":"sigm","input":["l"]},
                        "k":{"op":"linear","input":["x","h_prev_1"]},"h_new_1":{"op":"tanh","input":["k"]}"#;
        let text = format!("{{{common},{rest}}}");
        space.parse(&text).unwrap_or_else(|error| panic!("{error}")).key()
    };
    let left = r#""a":{"op":"sum","input":["l","s"]},"h_new_0":{"op":"sum","input":["a","k"]}"#;
    let right = r#""a":{"op":"sum","input":["k","s"]},"h_new_0":{"op":"sum","input":["l","a"]}"#;
    assert_eq!(key(left), key(right));
    let factored = r#""a":{"op":"sum","input":["l","k"]},"h_new_0":{"op":"prod","input":["a","s"]}"#;
    let written = r#""a":{"op":"prod","input":["l","s"]},"b":{"op":"prod","input":["s","k"]},
                     "h_new_0":{"op":"sum","input":["a","b"]}"#;
    assert_eq!(key(factored), key(written));
    assert_ne!(key(left), key(factored));
    let twice = r#""t":{"op":"sigm","input":["l"]},"h_new_0":{"op":"prod","input":["s","t"]}"#;
    let square = r#""t":{"op":"prod","input":["s","k"]},"h_new_0":{"op":"prod","input":["s","t"]}"#;
    assert_ne!(key(twice), key(square));
    let useless = r#""t":{"op":"sigm","input":["l"]},"a":{"op":"blend","input":["k","s","t"]},
                     "h_new_0":{"op":"sum","input":["a","l"]}"#;
    let plain = r#""h_new_0":{"op":"sum","input":["s","l"]}"#;
    assert_eq!(key(useless), key(plain));
    let blend = |order: &str| key(&format!(r#""h_new_0":{{"op":"blend","input":[{order}]}}"#));
    let blends = [r#""s","l","k""#, r#""s","k","l""#, r#""l","s","k""#, r#""k","s","l""#].map(blend);
    assert_eq!(HashSet::from(blends).len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nodes in another order, inputs of all but blends in another order, states behind the first under other numbers.
    #[test]
    fn names_and_orders_make_no_other_cell(seed in any::<u64>()) {
        let (space, mut rng) = (NasBenchNlp::new(), rng(seed));
        let cell = sample::cell(&mut rng);
        let mut shuffled = |n: usize| {
            let all = orders(n.min(6));
            let order = all[draw::below(&mut rng, all.len())].clone();
            order.into_iter().chain(n.min(6)..n).collect::<Vec<usize>>()
        };
        let order = shuffled(cell.nodes().len());
        let others = shuffled(cell.states() - 1);
        let state = |old: usize| if old == 0 { 0 } else { 1 + others[old - 1] };
        let moved = |source: &Source| match *source {
            Source::Node(node) => Source::Node(order[node]),
            Source::State(old) => Source::State(state(old)),
            Source::Input => Source::Input,
        };
        let mut nodes = cell.nodes().to_vec();
        for (at, node) in cell.nodes().iter().enumerate() {
            let mut inputs: Vec<Source> = node.inputs.iter().map(moved).collect();
            if node.op != RecurrentOp::Blend {
                inputs.reverse();
            }
            nodes[order[at]] = RecurrentNode { op: node.op, inputs };
        }
        let mut outputs = cell.outputs().to_vec();
        for (old, &node) in cell.outputs().iter().enumerate() {
            outputs[state(old)] = order[node];
        }
        let other = RecurrentCell::new(&nodes, &outputs).unwrap();
        let (own, other) = (space.architecture(&cell), space.architecture(&other));
        prop_assert_eq!(own.key(), other.key());
        prop_assert_eq!(space.parse(&space.format(&other).unwrap()).unwrap().key(), own.key());
    }
}
