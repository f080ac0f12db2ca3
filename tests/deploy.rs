//! Trained networks as model folders, through the command.

mod untrained;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::cli::{bonas, text};

/// A cell whose 3x3 convolution on edge 0 -> 1 feeds zeros only.
const DEAD: &str = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|";

pub(crate) fn train(at: &Path, more: &[&str]) -> Output {
    let small =
        ["train", "--space", "nasbench201", "--genotype", DEAD, "--data", "digits", "--channels", "4"];
    let small = [&small[..], &["--layers", "1", "--epochs", "1", "--out", "t"], more].concat();
    bonas(&small, at)
}

/// The model folders below a training.
pub(crate) fn models(at: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(at.join("t/final")).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    models.sort();
    models
}

pub(crate) fn bytes(model: &Path) -> [Vec<u8>; 2] {
    ["model.json", "model.safetensors"].map(|file| fs::read(model.join(file)).unwrap())
}

#[test]
fn training_leaves_one_folder_a_seed_and_no_second_copy() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let done = train(at, &["--seeds", "2"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let models = models(at);
    assert_eq!(models.len(), 2);
    for (run, model) in models.iter().enumerate() {
        assert!(!model.with_extension("safetensors").exists());
        let card: serde_json::Value = serde_json::from_slice(&bytes(model)[0]).unwrap();
        assert_eq!((&card["format"], &card["space"]["name"]), (&1.into(), &"nasbench201".into()));
        assert_eq!(card["architecture"], DEAD);
        assert_eq!(card["classes"].as_array().unwrap().len(), 10);
        assert_eq!(card["training"]["run"], run);
        assert_eq!(card["training"]["accuracy"]["images"], 599);
        assert_eq!(card["training"]["recipe"]["epochs"], 1);
    }
    assert!(text(&done.stdout).contains(&format!("model in t/final/{}", name(&models[0]))));
    let before: Vec<_> = models.iter().map(|model| bytes(model)).collect();
    let again = train(at, &["--seeds", "2"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(before, models.iter().map(|model| bytes(model)).collect::<Vec<_>>());
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Killed after the weights and before the description, a training writes the same when it goes on.
#[test]
fn a_folder_that_was_half_written_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    let before = bytes(&model);
    // The same training, stopped before its weights became a folder: its journal has no end yet.
    let journal = at.join("t/final/journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, lines.split_inclusive('\n').take(2).collect::<String>()).unwrap();
    fs::remove_file(model.join("model.json")).unwrap();
    fs::write(model.join("model.safetensors"), "cut off").unwrap();
    let again = train(at, &[]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(bytes(&model), before);
    assert!(!model.with_extension("safetensors").exists());
}

/// A training of an earlier version ended, and left its weights in one file: given again, its command makes the folder.
#[test]
fn an_ended_training_without_a_folder_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    let (before, weights) = (bytes(&model), model.with_extension("safetensors"));
    // Trained again, with a file where the folder should be: the training ends, and its weights stay.
    let journal = at.join("t/final/journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, lines.split_inclusive('\n').take(2).collect::<String>()).unwrap();
    fs::remove_dir_all(&model).unwrap();
    fs::write(&model, "").unwrap();
    let stopped = train(at, &[]);
    assert_eq!(stopped.status.code(), Some(1), "{}", text(&stopped.stderr));
    assert!(text(&stopped.stderr).contains(&name(&model)), "{}", text(&stopped.stderr));
    let kept = fs::read(&weights).unwrap();
    let ended = fs::read_to_string(&journal).unwrap();
    assert_eq!(ended.lines().count(), lines.lines().count());
    fs::remove_file(&model).unwrap();
    for description in [false, true] {
        if description {
            // Killed between the weights and the description.
            fs::write(&weights, &kept).unwrap();
            fs::remove_file(model.join("model.json")).unwrap();
        }
        let again = train(at, &[]);
        assert!(again.status.success(), "{}", text(&again.stderr));
        assert_eq!(bytes(&model), before);
        assert!(!weights.exists());
        assert_eq!(fs::read_to_string(&journal).unwrap(), ended, "nothing is trained again");
    }
    // Weights that cannot be used are named with what to do.
    fs::write(&weights, "cut off").unwrap();
    let damaged = train(at, &[]);
    assert_eq!(damaged.status.code(), Some(1));
    let error = text(&damaged.stderr);
    assert!(error.contains("it is no whole safetensors file") && error.contains("delete it"), "{error}");
}

#[test]
fn a_model_is_exported_to_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    // Beside its weights, and by the folder of the training.
    let beside = bonas(&["export", "t", "--to", "pytorch"], at);
    assert!(beside.status.success(), "{}", text(&beside.stderr));
    assert_eq!(text(&beside.stdout), format!("t/final/{}/model.py\n", name(&model)));
    let source = fs::read_to_string(model.join("model.py")).unwrap();
    assert!(source.contains("network.load_state_dict(load_file(weights), strict=True)"), "{source}");
    assert!(source.contains(&format!("Architecture: {DEAD}\n")), "{source}");
    // Elsewhere, with a space in the path.
    let elsewhere = bonas(&["export", "t", "--to", "pytorch", "--out", "my model"], at);
    assert!(elsewhere.status.success(), "{}", text(&elsewhere.stderr));
    assert_eq!(fs::read_to_string(at.join("my model/model.py")).unwrap(), source);
    assert_eq!(fs::read(at.join("my model/model.safetensors")).unwrap(), bytes(&model)[1]);
    let copy = bonas(&["export", "t", "--to", "safetensors", "--out", "copy"], at);
    assert!(copy.status.success(), "{}", text(&copy.stderr));
    assert_eq!(bytes(&at.join("copy")), bytes(&model));
    assert!(bonas(&["export", "copy", "--to", "pytorch"], at).status.success());
    // What someone has edited stays, in the model folder itself and elsewhere; other exports do not touch it.
    let edited = source + "\nprint(\"mine\")\n";
    for (folder, more) in [(model.as_path(), &[][..]), (&at.join("my model"), &["--out", "my model"])] {
        let export = |to: &str| bonas(&[&["export", "t", "--to", to], more].concat(), at);
        fs::write(folder.join("model.py"), &edited).unwrap();
        let refused = export("pytorch");
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stdout));
        let error = text(&refused.stderr);
        assert!(
            error.contains("model.py was changed or is of another version; move it away, or give another"),
            "{error}"
        );
        assert!(export("onnx").status.success());
        assert_eq!(fs::read_to_string(folder.join("model.py")).unwrap(), edited);
    }
}

#[test]
fn what_cannot_be_exported_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let error = |args: &[&str], code| {
        let failed = bonas(&[&["export"], args].concat(), at);
        assert_eq!(failed.status.code(), Some(code), "{args:?}: {}", text(&failed.stderr));
        text(&failed.stderr)
    };
    assert!(error(&["none", "--to", "pytorch"], 2).contains("there is no folder none"));
    fs::create_dir(at.join("empty")).unwrap();
    assert!(error(&["empty", "--to", "pytorch"], 2).contains("empty holds no model: there is no model.json"));
    assert!(train(at, &[]).status.success());
    let trained = models(at).remove(0);
    let into = trained.strip_prefix(at).unwrap().to_str().unwrap();
    assert!(bonas(&["export", "t", "--to", "pytorch"], at).status.success());
    let own = fs::read(trained.join("model.py")).unwrap();
    let untrained = ["--space", "nasbench201", "--arch", DEAD, "--to", "pytorch", "--out", into];
    assert!(error(&untrained, 2).contains("holds another model, of which model.json is"));
    assert_eq!(fs::read(trained.join("model.py")).unwrap(), own);
    let copy = |out: &str| bonas(&["export", "t", "--to", "safetensors", "--out", out], at);
    assert!(copy("a").status.success() && copy("b").status.success());
    // Another model, told from the first by its description.
    let card = fs::read_to_string(at.join("b/model.json")).unwrap();
    fs::write(at.join("b/model.json"), card.replace("\"run\": 0", "\"run\": 1")).unwrap();
    assert!(error(&["b", "--to", "safetensors", "--out", "a"], 2).contains("a holds another model"));
    // A description that cannot be read is told as what it is.
    fs::create_dir(at.join("c")).unwrap();
    fs::write(at.join("c/model.json"), "{\"format\": 1").unwrap();
    fs::write(at.join("c/model.safetensors"), fs::read(at.join("b/model.safetensors")).unwrap()).unwrap();
    assert!(
        error(&["t", "--to", "onnx", "--out", "c"], 1).contains("c/model.json: it is no whole JSON file")
    );
    // A network that reads other images has another file, and so has one of other classes.
    fs::write(at.join("b/model.json"), card.replace("\"7\"", "\"seven\"")).unwrap();
    assert!(bonas(&["export", "t", "--to", "onnx", "--out", "x"], at).status.success());
    let theirs = fs::read(at.join("x/model.onnx")).unwrap();
    for to in ["onnx", "pytorch"] {
        assert!(error(&["b", "--to", to, "--out", "x"], 2).contains("another model, of which model.onnx is"));
    }
    assert_eq!(fs::read(at.join("x/model.onnx")).unwrap(), theirs);
    fs::remove_file(at.join("b/model.safetensors")).unwrap();
    assert!(error(&["b", "--to", "pytorch"], 1).contains("b/model.safetensors: there is no such file"));
    fs::write(at.join("b/model.safetensors"), [0; 100]).unwrap();
    assert!(error(&["b", "--to", "pytorch"], 1).contains("b/model.safetensors: it is no whole safetensors"));
    assert!(!at.join("b/model.py").exists());
    fs::write(at.join("file"), "").unwrap();
    assert!(error(&["a", "--to", "pytorch", "--out", "file"], 2).contains("file is a file, not a folder"));
}

#[test]
fn an_architecture_without_weights_is_exported_to_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let arch = ["export", "--arch", "DARTS_V2", "--to", "pytorch", "--out", "d"];
    let done = bonas(&arch, folder.path());
    assert!(done.status.success(), "{}", text(&done.stderr));
    let source = fs::read_to_string(folder.path().join("d/model.py")).unwrap();
    assert!(source.contains("Search space: darts; 3349342 parameters,"), "{source}");
    // The same again, and no other in its place.
    assert!(bonas(&arch, folder.path()).status.success());
    let other = bonas(&arch.map(|word| if word == "DARTS_V2" { "DARTS_V1" } else { word }), folder.path());
    assert_eq!(other.status.code(), Some(2));
    let error = text(&other.stderr);
    assert!(error.contains("d holds another model, of which model.py is; give another folder"), "{error}");
    let file = folder.path().join("d/model.py");
    assert_eq!(fs::read_to_string(&file).unwrap(), source);
    let edited = source + "\n# mine\n";
    fs::write(&file, &edited).unwrap();
    let again = bonas(&arch, folder.path());
    let error = text(&again.stderr);
    assert_eq!(again.status.code(), Some(2), "{error}");
    assert!(error.contains("d/model.py was changed or is of another version"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
}

/// Of the model folders of a training none can be read: the first fault is told, not that there is none.
#[test]
fn a_damaged_model_of_a_winner_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    fs::write(model.join("model.json"), "{\"format\": 9}").unwrap();
    let failed = bonas(&["export", "t", "--to", "pytorch"], at);
    assert_eq!(failed.status.code(), Some(1));
    let error = text(&failed.stderr);
    assert!(error.contains("model.json: format 9, and this program knows those up to 1"), "{error}");
}

#[test]
fn a_model_is_exported_to_onnx() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(train(at, &[]).status.success());
    let model = models(at).remove(0);
    let onnx = |more: &[&str]| bonas(&[&["export", "t", "--to", "onnx"], more].concat(), at);
    let beside = onnx(&[]);
    assert!(beside.status.success(), "{}", text(&beside.stderr));
    let told = text(&beside.stderr);
    #[cfg(feature = "tract")]
    assert!(told.starts_with("checked: run by tract, its logits of 8 images differ from"), "{told}");
    #[cfg(not(feature = "tract"))]
    assert!(told.starts_with("not checked: this program was built without tract"), "{told}");
    let kept = fs::read(model.join("model.onnx")).unwrap();
    assert!(onnx(&["--fold", "--out", "o"]).status.success());
    let folded = fs::read(at.join("o/model.onnx")).unwrap();
    assert!(folded.len() < kept.len());
    assert!(!at.join("o/model.safetensors").exists());
    // Beside what another export of this model has written, in either order.
    assert!(bonas(&["export", "t", "--to", "pytorch", "--out", "o"], at).status.success());
    assert!(onnx(&["--fold", "--out", "o"]).status.success());
    assert_eq!(fs::read(at.join("o/model.onnx")).unwrap(), folded);
    // The file of another version is replaced; that of another program is not.
    let (own, written) =
        (at.join("o/model.onnx"), [b"\x1a\x05", env!("CARGO_PKG_VERSION").as_bytes()].concat());
    let place = folded.windows(written.len()).position(|window| window == written).unwrap();
    let mut older = folded.clone();
    older[place + 2] = b'9';
    fs::write(&own, &older).unwrap();
    let replaced = onnx(&["--fold", "--out", "o"]);
    assert!(replaced.status.success(), "{}", text(&replaced.stderr));
    assert_eq!(fs::read(&own).unwrap(), folded);
    fs::write(&own, "another program's").unwrap();
    let another = onnx(&["--fold", "--out", "o"]);
    assert!(text(&another.stderr).contains("o holds another model, of which model.onnx is"));
    let refused = bonas(&["export", "t", "--to", "pytorch", "--fold"], at);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--fold: it is for --to onnx"));
}

/// Three grey images of a digit's size.
pub(crate) fn pictures(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for i in 0..3_u8 {
        let picture =
            image::GrayImage::from_fn(8, 8, |x, y| image::Luma([(x as u8 * 29).wrapping_mul(y as u8 + i)]));
        picture.save(folder.join(format!("{i}.png"))).unwrap();
    }
}

#[test]
fn images_are_classified_and_unreadable_ones_named() {
    let root = tempfile::tempdir().unwrap();
    let at = root.path();
    assert!(train(at, &[]).status.success());
    pictures(&at.join("some images"));
    let json = bonas(&["infer", "t", "some images", "--format", "json", "--top", "10"], at);
    assert!(json.status.success(), "{}", text(&json.stderr));
    let answers: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 3);
    for answer in answers.as_array().unwrap() {
        let classes = answer["classes"].as_array().unwrap();
        let probabilities: Vec<f64> = classes.iter().map(|c| c["probability"].as_f64().unwrap()).collect();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        assert!(probabilities.is_sorted_by(|a, b| a >= b));
    }
    // One image at a time, with a file that is none in between: the others are done.
    fs::write(at.join("some images/1b.png"), "no image").unwrap();
    let table = bonas(&["infer", "t", "some images", "--batch", "1", "--format", "csv"], at);
    assert_eq!(table.status.code(), Some(3));
    let (said, error) = (text(&table.stdout), text(&table.stderr));
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.starts_with("image,rank,class,probability\nsome images/0.png,1,"), "{said}");
    assert!(error.contains("some images/1b.png: cannot be decoded as an image"), "{error}");
    assert!(error.ends_with("error: 1 of 4 images cannot be read\n"), "{error}");
    let missing = bonas(&["infer", "t", "nowhere.png"], at);
    assert_eq!(missing.status.code(), Some(3));
    fs::create_dir(at.join("none")).unwrap();
    let none = bonas(&["infer", "t", "none"], at);
    assert_eq!((none.status.code(), text(&none.stderr).contains("none holds no image")), (Some(2), true));
    // A network that reads no squares of one channel or three reads no file, which is said once.
    let card = models(at).remove(0).join("model.json");
    let square = fs::read_to_string(&card).unwrap();
    let narrow = square.replace("\"width\": 8", "\"width\": 4");
    assert_ne!(narrow, square);
    fs::write(&card, &narrow).unwrap();
    // It has fewer multiply-adds, which the refusal says.
    let error = text(&bonas(&["infer", "t", "some images"], at).stderr);
    let (before, macs) = error.split_once(", and the network that it describes has ").unwrap();
    let macs_before = before.rsplit_once("macs ").unwrap().1;
    let narrow = narrow.replace(&format!("\"macs\": {macs_before}"), &format!("\"macs\": {}", macs.trim()));
    fs::write(&card, narrow).unwrap();
    let refused = bonas(&["infer", "t", "some images"], at);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), String::new()));
    let error = text(&refused.stderr);
    assert_eq!(error.matches("1x8x4; image files are read as squares").count(), 1, "{error}");
    fs::write(&card, square).unwrap();
    let device = bonas(&["infer", "t", "some images", "--device", "tpu"], at);
    assert_eq!((device.status.code(), text(&device.stderr).contains("--device")), (Some(2), true));
}
