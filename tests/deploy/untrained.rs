//! Networks that are not trained, as files.

use std::fs;

use bonas::deploy::folder::{ModelCard, Untrained, Weights};
use bonas::spaces::SearchSpace;
use bonas::spaces::families::darts::Darts;
use bonas::study::rng::stream;

use super::DEAD;
use crate::cli::{bonas, text};

/// The same seed gives the same bytes, in every form; what is written is a model folder like any other.
#[test]
fn an_architecture_is_exported_with_random_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let arch = ["export", "--space", "nasbench201", "--arch", DEAD, "--channels", "4", "--layers", "1"];
    let arch = [&arch[..], &["--image", "8", "--image-channels", "1", "--classes", "3"]].concat();
    let export = |more: &[&str]| {
        let done = bonas(&[&arch, more].concat(), at);
        assert!(done.status.success(), "{more:?}: {}", text(&done.stderr));
        done
    };
    assert_eq!(
        text(&export(&["--to", "safetensors", "--out", "a"]).stdout),
        "a/model.safetensors\na/model.json\n"
    );
    let card: serde_json::Value =
        serde_json::from_slice(&fs::read(at.join("a/model.json")).unwrap()).unwrap();
    assert_eq!((&card["training"], &card["classes"]), (&serde_json::Value::Null, &["0", "1", "2"].into()));
    // Beside each other, since they are of one network.
    let direct = export(&["--to", "onnx", "--out", "a"]);
    export(&["--to", "pytorch", "--out", "a"]);
    let source = fs::read_to_string(at.join("a/model.py")).unwrap();
    assert!(source.contains("Not trained: MEAN, STD and CLASSES are to be filled in."), "{source}");
    let onnx = fs::read(at.join("a/model.onnx")).unwrap();
    // From the folder that was written.
    let again = bonas(&["export", "a", "--to", "onnx", "--out", "b"], at);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(fs::read(at.join("b/model.onnx")).unwrap(), onnx);
    for done in [&direct, &again] {
        let (told, checked) =
            (text(&done.stderr), "checked: run by tract, its logits of 8 images differ from");
        assert_eq!(told.starts_with(checked), cfg!(feature = "tract"), "{told}");
    }
    // Another seed is another network.
    let other = [&arch[..], &["--seed", "1", "--to", "onnx", "--out"]].concat();
    let refused = bonas(&[&other[..], &["a"]].concat(), at);
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{error}");
    assert!(error.contains("a holds another model, of which model.safetensors is"), "{error}");
    assert!(bonas(&[&other[..], &["c"]].concat(), at).status.success());
    assert_ne!(fs::read(at.join("c/model.onnx")).unwrap(), onnx);
    // The source has no weights, and is the same for all seeds.
    export(&["--to", "pytorch", "--out", "c"]);
    assert_eq!(fs::read_to_string(at.join("c/model.py")).unwrap(), source);
    assert!(!at.join("c/model.safetensors").exists());
    let seed = [&arch[..], &["--seed", "1", "--to", "pytorch", "--out", "d"]].concat();
    let refused = bonas(&seed, at);
    assert_eq!((refused.status.code(), at.join("d").exists()), (Some(2), false));
    assert!(text(&refused.stderr).contains("--seed: PyTorch source has no weights"));
}

#[test]
fn what_does_not_fit_an_architecture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (more, expected) in [
        (["--arch", "DARTS_V3", "--space", "darts"], "--arch: "),
        (["--arch", DEAD, "--space", "nasbench2"], "--space: "),
        (["--arch", "DARTS_V2", "--skeleton", "none"], "--skeleton: "),
        (["--arch", "DARTS_V2", "--channels", "0"], "channels"),
    ] {
        for to in ["onnx", "safetensors", "pytorch"] {
            let args = [&["export", "--to", to, "--out", "o"], &more[..]].concat();
            let refused = bonas(&args, folder.path());
            let error = text(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{error}");
            assert!(error.contains(expected), "{error}");
            assert!(!folder.path().join("o").exists());
        }
    }
}

/// From Rust. Weights are in ±1/√fan-in, as PyTorch draws them; those of DARTS' stem have a fan-in of 27.
#[test]
fn random_weights_are_those_of_pytorch() {
    let space = Darts::new();
    let card = ModelCard::untrained(&space, &space.parse("DARTS_V2").unwrap(), &Untrained::default());
    let card = card.unwrap();
    let (_, network) = card.networks(&space).unwrap();
    assert_eq!((card.params, card.classes.len()), (3_349_342, 10));
    let weights = Weights::drawn(&network, &card.key, &mut stream(3, &[])).unwrap();
    assert_eq!(weights.bytes(), Weights::drawn(&network, &card.key, &mut stream(3, &[])).unwrap().bytes());
    let values = weights.values().unwrap();
    let stem = &values["stem.0.weight"];
    assert_eq!(stem.shape, [108, 3, 3, 3]);
    let largest = stem.numbers.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
    let bound = 1.0 / 27.0_f32.sqrt();
    assert!(largest <= bound && largest > 0.99 * bound, "{largest} of {bound}");
    assert!(values["stem.1.weight"].numbers.iter().all(|scale| scale.to_bits() == 1.0_f32.to_bits()));
    assert!(values["stem.1.running_mean"].numbers.iter().all(|mean| mean.to_bits() == 0));
}

/// Tract's reading of the file and the network in libtorch are the same, in the skeletons of the spaces.
#[cfg(all(feature = "tract", feature = "torch"))]
#[test]
fn onnx_files_agree_with_the_network() {
    use bonas::deploy::onnx::{self, BatchNorm, Session, difference};
    use bonas::spaces::catalogue::SPACES;
    use bonas::spaces::network::Shape;
    use bonas::supernet::model::{Classifier, Placement, Values};
    use bonas::tch::Device;

    let image = Shape::square(3, 32);
    // Untrained layers shrink what goes through them; with large pixels the bias of the classifier is not all that is left.
    let [pixels, others]: [Vec<f32>; 2] =
        [1.0, 1.7].map(|step: f32| (0..image.len()).map(|i| 1e6 * (step * i as f32).sin()).collect());
    let mut compared = Vec::new();
    let (channels, layers, classes) = (Some(8), Some(2), Some(3));
    let mut seen: Vec<&str> = Vec::new();
    for entry in SPACES.iter() {
        let space = entry.space();
        let Some(name) = space.network().map(|networks| networks.skeleton().name) else { continue };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let around = Untrained { channels, layers, image: Some(image), classes, skeleton: None };
        let architecture = space.sample(&mut stream(1, &[]));
        let card = ModelCard::untrained(&*space, &architecture, &around).unwrap();
        let (built, network) = card.networks(&*space).unwrap();
        // `cargo xtask deploy` has the larger ones.
        if network.tensors().len() > 200 {
            continue;
        }
        let weights = Weights::drawn(&network, &card.key, &mut stream(2, &[])).unwrap();
        let mut values = weights.values().unwrap();
        let named = network.tensors().into_iter().map(|tensor| {
            let own = values.remove(&tensor.name).unwrap();
            Values { name: tensor.place, shape: own.shape, numbers: own.numbers }
        });
        let named: Vec<_> = named.collect();
        let own = Classifier::new(&built, &named, Placement::on(Device::Cpu)).unwrap();
        let file = onnx::model(&network, &weights, &card, BatchNorm::Folded).unwrap();
        let found = Session::new(&file, image, 1).unwrap().logits(&pixels).unwrap();
        let expected = own.logits(&pixels).unwrap();
        let apart = difference(&found, &expected);
        assert!(apart < 1e-5, "{}: {apart}", space.name());
        // Logits that are the same for every image would agree, too.
        let moved = difference(&own.logits(&others).unwrap(), &expected);
        assert!(moved > 100.0 * apart.max(1e-6), "{}: {moved}", space.name());
        compared.push(space.name().to_owned());
    }
    assert!(compared.len() >= 5, "{compared:?}");
}
