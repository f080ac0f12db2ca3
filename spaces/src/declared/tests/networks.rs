//! Networks of declared spaces.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{built, declared};
use crate::network::{SkeletonSize, Union};
use crate::space::{CostTable, SearchSpace};
use crate::testing::check_space;

/// Two stages of layers of four operations.
fn stages(depth: &Value, network: &Value) -> Value {
    json!({
        "name": "mine",
        "operations": [
            {"name": "skip", "role": "compute", "layer": {"kind": "identity"}},
            {"name": "conv", "layer": {"kind": "conv", "kernel": 3, "groups": 2, "activate": "after"}},
            {"name": "pool", "layer": {"kind": "max-pool", "kernel": 3}},
            {"name": "block", "layer": {"kind": "expansion-block", "expansion": 3, "kernel": 5, "activation": "silu"}},
        ],
        "stages": [{"count": 2, "depth": depth, "choices": [
            {"name": "op", "options": ["skip", "conv", "pool", "block"], "each_layer": true},
        ]}],
        "network": network,
    })
}

#[test]
fn chains_of_layers_have_a_network_of_stages() {
    let network =
        json!({"skeletons": ["stages"], "stem": 4, "widths": [4, 8], "last": 16, "image": 8, "classes": 5});
    for depth in [json!(2), json!([1, 3])] {
        let space = declared(stages(&depth, &network));
        check_space(&space, 1, 20).unwrap();
        let text = if depth == json!(2) {
            "op=conv:skip;op=skip:conv"
        } else {
            "depth=2,op=conv:skip;depth=2,op=skip:conv"
        };
        let networks = space.network().unwrap();
        let union = Union::of(&[space.parse(text).unwrap()]).unwrap();
        let network = networks.skeleton().published().network(&union, &networks.ops()).unwrap();
        // Stem 3·4·9 + 8; conv 4·2·9 + 8; skip to 8 channels 4·8 + 16; conv 8·4·9 + 16; last 8·16 + 32; 17·5.
        let by_hand = (108 + 8) + (72 + 8) + (32 + 16) + (288 + 16) + (128 + 32) + 85;
        assert_eq!(network.params(), by_hand, "{network}");
        let convolutions = 108 * 64 + 72 * 64 + 32 * 16 + 288 * 16 + 128 * 16 + 80;
        assert_eq!(network.macs(), convolutions, "{network}");
        // Twice the width: the counts follow, and other images do too.
        let size = SkeletonSize { channels: Some(8), classes: Some(2), ..SkeletonSize::default() };
        let wide = networks.skeleton().build(&size).unwrap().network(&union, &networks.ops()).unwrap();
        assert_eq!(wide.image().to_string(), "3x8x8");
        assert!(wide.params() > 2 * network.params() && wide.classes() == 2);
    }
}

#[test]
fn a_space_of_fixed_depth_shares_weights_and_costs_add_up() {
    let network = json!({"skeletons": ["stages"], "widths": [8, 8], "strides": [2, 1]});
    let space = declared(stages(&json!(3), &network));
    let networks = space.network().unwrap();
    let skeleton = networks.skeleton().published();
    let whole = skeleton.network(&networks.whole(), &networks.ops()).unwrap();
    let table = CostTable::of(&space, &*skeleton, &networks.ops()).unwrap().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..20 {
        let architecture = space.sample(&mut rng);
        networks.whole().route(&architecture).unwrap();
        let own = skeleton
            .network(&Union::of(std::slice::from_ref(&architecture)).unwrap(), &networks.ops())
            .unwrap();
        assert!(own.params() <= whole.params());
        assert_eq!(own.macs(), table.macs(&space.choices().unwrap().read(&architecture).unwrap()));
    }
    // Depths differ in the other space, so that only networks of the same depths share weights.
    let space = declared(stages(&json!([1, 2]), &json!({"skeletons": ["stages"], "widths": [8, 8]})));
    let networks = space.network().unwrap();
    let built = |texts: [&str; 2]| {
        let union = Union::of(&texts.map(|text| space.parse(text).unwrap())).unwrap();
        networks.skeleton().published().network(&union, &networks.ops()).map_err(|error| error.to_string())
    };
    built(["depth=1,op=conv;depth=2,op=skip:conv", "depth=1,op=pool;depth=2,op=block:conv"]).unwrap();
    let error =
        built(["depth=1,op=conv;depth=2,op=skip:conv", "depth=2,op=pool:pool;depth=1,op=conv"]).unwrap_err();
    assert!(error.contains("only networks of the same depths can share weights"), "{error}");
}

#[test]
fn networks_of_stages_that_do_not_fit_are_refused() {
    let fixed = |network: Value| stages(&json!(2), &network);
    let mut two = stages(&json!(2), &json!({"skeletons": ["stages"], "widths": [4, 8]}));
    two["stages"][0]["choices"].as_array_mut().unwrap().push(json!({"name": "w", "options": [1, 2]}));
    let mut dotted = fixed(json!({"skeletons": ["stages"], "widths": [4, 8]}));
    dotted["operations"][1]["name"] = json!("conv.3");
    for (value, expected) in [
        (dotted, "operations[1].name: operation \"conv.3\" has '.' in it"),
        (fixed(json!({"skeletons": ["stages"]})), "network.widths: 0 numbers given, expected 2"),
        (fixed(json!({"skeletons": ["stages"], "widths": [4, 0]})), "network.widths: a width of 0"),
        (fixed(json!({"skeletons": ["stages"], "widths": [4, 1_000_000_000]})), "expected 1 to 4096"),
        (
            fixed(json!({"skeletons": ["stages"], "widths": [4, 4], "strides": [1, 9]})),
            "network.strides[1]: 9",
        ),
        (
            fixed(json!({"skeletons": ["stages"], "widths": [4, 4], "strides": [1]})),
            "network.strides: 1 numbers given",
        ),
        (fixed(json!({"skeletons": ["stages"], "widths": [4, 4], "image": 0})), "images of 0"),
        (fixed(json!({"skeletons": ["stages"], "widths": [4, 3]})), "does not fit this space"),
        (fixed(json!({"skeletons": ["macro"], "widths": [4, 4]})), "those of the skeleton \"stages\""),
        (two, "stage 0: it wants one choice, of the operation, with each_layer = true"),
    ] {
        let error = built(value.clone()).unwrap_err();
        assert!(error.contains(expected), "{value}: {error}");
    }
}
