use std::collections::HashMap;

use bonas_spaces::families::nasbench201::NasBench201;
use bonas_spaces::network::{Network, Shape, SkeletonSize, Union};
use safetensors::tensor::{Dtype, TensorView};

use super::*;

const ARCH: &str = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|";

pub(crate) fn card() -> ModelCard {
    let key = NasBench201::new().parse(ARCH).unwrap().key().to_string();
    ModelCard {
        format: FORMAT,
        program: "bonas 0.1.0".into(),
        space: SpaceCard { name: "nasbench201".into(), text: None },
        architecture: ARCH.into(),
        key,
        skeleton: "nasbench201".into(),
        channels: Some(2),
        layers: Some(1),
        input: Input {
            channels: 1,
            height: 8,
            width: 8,
            mean: vec![0.25],
            std: vec![0.5],
            reading: Reading::default(),
        },
        classes: ["no", "yes"].map(String::from).to_vec(),
        training: None,
        params: 0,
        macs: 0,
    }
}

/// A training on images of which a share was for testing.
fn training(test_fraction: f64) -> Training {
    let data = Data {
        source: "folder:images".into(),
        fingerprint: None,
        part: "train".into(),
        images: 10,
        test_fraction,
        split_seed: 3,
        on_bad: OnBad::Skip,
    };
    let accuracy = Accuracy { value: 0.5, split: "test".into(), images: 10 };
    Training { recipe: serde_json::json!({"epochs": 1}), run: 0, data, accuracy }
}

pub(crate) fn network() -> Network {
    network_of(ARCH)
}

/// The network of an architecture.
pub(crate) fn network_of(arch: &str) -> Network {
    let space = NasBench201::new();
    let networks = space.network().unwrap();
    let size = SkeletonSize {
        channels: Some(2),
        layers: Some(1),
        image: Some(Shape::square(1, 8)),
        classes: Some(2),
        ..SkeletonSize::default()
    };
    let union = Union::of(&[space.parse(arch).unwrap()]).unwrap();
    networks.skeleton().build(&size).unwrap().network(&union, &networks.ops()).unwrap()
}

/// A file with the tensors of a supernet, tensor `i` filled with `i`, and one that the network does not need.
pub(crate) fn supernet(deployed: &Deployed) -> Vec<u8> {
    let mut data: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (i, tensor) in deployed.tensors().into_iter().enumerate() {
        let bytes = (i as f32).to_le_bytes().repeat(tensor.shape.iter().product());
        data.push((tensor.place, tensor.shape, bytes));
    }
    data.push(("auxiliary.0.weight".into(), vec![1], 1.0_f32.to_le_bytes().to_vec()));
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, &None).unwrap()
}

/// A folder with a model, the card changed by `change`.
fn folder(change: impl FnOnce(&mut ModelCard)) -> tempfile::TempDir {
    let (root, deployed) = (tempfile::tempdir().unwrap(), Deployed::new(&network()).unwrap());
    let mut card = ModelCard { params: deployed.params(), macs: deployed.macs().unwrap(), ..card() };
    let weights = Weights::of_supernet(Path::new("w"), &supernet(&deployed), &deployed, &card.key).unwrap();
    change(&mut card);
    fs::write(root.path().join(WEIGHTS_FILE), weights.bytes()).unwrap();
    fs::write(root.path().join(CARD_FILE), card.to_json().unwrap()).unwrap();
    root
}

/// What reading all of a folder says.
fn error(root: &tempfile::TempDir) -> String {
    let read = || {
        let folder = Folder::read(root.path())?;
        folder.weights(&folder.network(&NasBench201::new())?)
    };
    let error = read().unwrap_err().to_string();
    error.replace(&root.path().display().to_string(), "M")
}

#[test]
fn a_folder_comes_back() {
    let reading = Reading { shrink: 2, background: [0, 0, 9], resize: Some(20) };
    let root = folder(|c| (c.training, c.input.reading) = (Some(training(0.25)), reading));
    let folder = Folder::read(root.path()).unwrap();
    assert_eq!((&folder.card().training, folder.card().input.reading), (&Some(training(0.25)), reading));
    let deployed = folder.network(&NasBench201::new()).unwrap();
    let weights = folder.weights(&deployed).unwrap().values().unwrap();
    for (i, tensor) in deployed.tensors().iter().enumerate() {
        let values = &weights[&tensor.name];
        assert_eq!(values.shape, tensor.shape);
        assert!(values.numbers.iter().all(|&number| number == i as f32), "{}", tensor.name);
    }
    assert_eq!(weights.len(), deployed.tensors().len());
}

/// The weights of a training have no model.json beside them.
#[test]
fn weights_of_a_training_that_do_not_fit_are_named() {
    let deployed = Deployed::new(&network()).unwrap();
    let whole = supernet(&deployed);
    let error = |bytes: &[u8], deployed: &Deployed| {
        Weights::of_supernet(Path::new("w"), bytes, deployed, "k").unwrap_err().to_string()
    };
    let remedy = "delete it and train into another folder";
    let cut = error(&whole[..whole.len() - 4], &deployed);
    assert!(cut.starts_with("w: it is no whole safetensors file") && cut.contains(remedy), "{cut}");
    let none = error(
        &safetensors::serialize([("a", TensorView::new(Dtype::F32, vec![0], &[]).unwrap())], &None).unwrap(),
        &deployed,
    );
    assert!(none.starts_with("w: it has no ") && none.contains("which the trained network has"), "{none}");
    assert!(none.contains(remedy) && !none.contains("model.json"), "{none}");
}

#[test]
fn equal_weights_have_equal_bytes() {
    let bytes = |root: tempfile::TempDir| fs::read(root.path().join(WEIGHTS_FILE)).unwrap();
    assert_eq!(bytes(folder(|_| {})), bytes(folder(|_| {})));
}

#[test]
fn missing_and_damaged_files_are_named() {
    let root = folder(|_| {});
    let (card, weights) = (root.path().join(CARD_FILE), root.path().join(WEIGHTS_FILE));
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 4]).unwrap();
    assert!(error(&root).starts_with("M/model.safetensors: it is no whole safetensors file"));
    fs::remove_file(&weights).unwrap();
    assert!(error(&root).starts_with("M/model.safetensors: there is no such file; a model folder has"));
    assert!(Folder::is_at(root.path()));
    fs::write(&weights, bytes).unwrap();
    fs::write(&card, "{\"format\": 1").unwrap();
    assert!(error(&root).starts_with("M/model.json: it is no whole JSON file"));
    fs::write(&card, "[]").unwrap();
    assert!(error(&root).contains("it has no number \"format\""));
    fs::write(&card, "{\"format\": 2}").unwrap();
    assert_eq!(
        error(&root),
        "M/model.json: format 2, and this program knows those up to 1; take a newer bonas"
    );
    fs::write(&card, "{\"format\": 1}").unwrap();
    assert_eq!(error(&root), "M/model.json: missing field `program`");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let case = |change: fn(&mut ModelCard)| error(&folder(change));
    assert!(case(|c| c.key = "0".repeat(32)).contains("is not that of the architecture"));
    assert!(case(|c| c.architecture = "|x~0|".into()).starts_with("M/model.json: architecture: "));
    assert!(case(|c| c.skeleton = "nasbench".into()).starts_with("M/model.json: skeleton: "));
    assert!(case(|c| c.params += 1).contains("and the network that it describes has"));
    assert!(case(|c| c.macs += 1).contains("and the network that it describes has"));
    assert!(case(|c| c.input.std = vec![0.0]).contains("input.std finite and above 0"));
    assert!(case(|c| c.input.reading.shrink = 0).contains("input.reading.shrink 0 for images of 8x8"));
    assert!(case(|c| c.input.reading.shrink = usize::MAX).contains("it must be 1 or more"));
    assert!(case(|c| c.input.reading.resize = Some(7)).contains("input.reading.resize 7 for images of 8x8"));
    assert!(case(|c| c.input.reading.resize = Some(usize::MAX)).contains("at most 16384"));
    assert!(case(|c| c.input.mean = vec![]).contains("input.mean has 0"));
    assert!(case(|c| c.classes.push("maybe".into())).contains("params"));
    assert!(case(|c| c.training = Some(training(1.0))).contains("training.data.test_fraction 1; it must be"));
    assert!(case(|c| c.input.height = 0).starts_with("M/model.json: "));
    let more = case(|c| {
        // Three classes in place of two: 8 weights and a bias.
        c.classes.push("maybe".into());
        c.params += 9;
        c.macs += 8;
    });
    assert!(more.starts_with("M/model.safetensors: classifier.2.weight is F32 [2, 8]"), "{more}");
}

/// The weights of one folder beside the card of another.
#[test]
fn weights_of_another_architecture_are_refused() {
    let root = folder(|c| {
        c.architecture = ARCH.replace("avg_pool_3x3~2", "skip_connect~2");
        c.key = NasBench201::new().parse(&c.architecture).unwrap().key().to_string();
    });
    assert!(error(&root).contains("its weights are of architecture"), "{}", error(&root));
}

/// A file that PyTorch wrote has counters of batches, and no metadata of ours.
#[test]
fn files_of_pytorch_are_read() {
    let root = folder(|_| {});
    let file = root.path().join(WEIGHTS_FILE);
    let deployed = Deployed::new(&network()).unwrap();
    let bytes = fs::read(&file).unwrap();
    let source = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let zero = 0_i64.to_le_bytes();
    let mut views: Vec<(String, TensorView<'_>)> = source.tensors();
    views.push(("stem.1.num_batches_tracked".into(), TensorView::new(Dtype::I64, vec![], &zero).unwrap()));
    let pt = Some(HashMap::from([("format".to_owned(), "pt".to_owned())]));
    fs::write(&file, safetensors::serialize(views, &pt).unwrap()).unwrap();
    let folder = Folder::read(root.path()).unwrap();
    assert!(folder.weights(&deployed).is_ok());
    let mut views = source.tensors();
    views.push(("stem.9.weight".into(), TensorView::new(Dtype::F32, vec![1], &zero[..4]).unwrap()));
    fs::write(&file, safetensors::serialize(views, &pt).unwrap()).unwrap();
    assert!(error(&root).contains("it has stem.9.weight, which the network of model.json has not"));
}
