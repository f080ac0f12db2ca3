//! `bonas data check`, and searches that leave out what cannot be read.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli::{bonas, text};

/// Two classes of five images, one of which is a page and one a link that leads nowhere.
fn images(root: &Path) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("supernet/tests/pictures");
    for (class, names) in [
        ("colour", ["rgb8.png", "rgb16.png", "rgb.jpg", "turned2.jpg"]),
        ("grey", ["grey1.png", "grey2.png", "grey4.png", "grey8.png"]),
    ] {
        fs::create_dir_all(root.join(class)).unwrap();
        for name in names {
            fs::copy(pictures.join(name), root.join(class).join(name)).unwrap();
        }
    }
    fs::write(root.join("grey/page.jpg"), "\n<HTML>404").unwrap();
    std::os::unix::fs::symlink("nowhere.png", root.join("colour/link.png")).unwrap();
}

#[test]
fn a_check_lists_what_is_wrong_and_fails_if_a_search_would() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(&at.join("my images"));
    let found = bonas(&["data", "check", "my images", "--json"], at);
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stderr).contains("2 files cannot be read"), "{}", text(&found.stderr));
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&report["usable"], &report["images"]["all"]), (&false.into(), &8.into()));
    let paths: Vec<&str> =
        report["faults"].as_array().unwrap().iter().map(|fault| fault["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["my images/colour/link.png", "my images/grey/page.jpg"]);
    let shown = text(&bonas(&["data", "check", "my images", "--list", "1"], at).stdout);
    assert!(shown.contains("and 1 more (--list 0 lists all)") && !shown.contains("page.jpg"), "{shown}");
    fs::remove_file(at.join("my images/grey/page.jpg")).unwrap();
    fs::remove_file(at.join("my images/colour/link.png")).unwrap();
    let fine = bonas(&["data", "check", "folder:my images"], at);
    assert!(fine.status.success() && text(&fine.stdout).contains("nothing is wrong with them"));
    for (arguments, code, expected) in [
        (&["data", "check", "./none"][..], 1, "does not exist"),
        (&["data", "check", "my images", "--image-size", "2"], 2, "--image-size: 2"),
        (&["data", "check", "my images", "--background", "red"], 2, "expected white, black or #rrggbb"),
    ] {
        let refused = bonas(arguments, at);
        let error = text(&refused.stderr);
        assert!(refused.status.code() == Some(code) && error.contains(expected), "{error}");
    }
}

/// What is left out is said at every start, and where nothing is to be left out the search ends with all of it.
#[test]
fn a_search_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    images(&at.join("images"));
    let config = |more: &str| {
        format!(
            "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 1\n[data]\nsource = \"images\"\n{more}\
             [evaluator]\nname = \"command\"\ncommand = [\"echo\", '{{\"score\": 0.5}}']\n\
             [study]\narchitectures = 2\n[final]\nseeds = 0\n"
        )
    };
    fs::write(at.join("s.toml"), config("on_bad = \"skip\"\n")).unwrap();
    let printed = text(&bonas(&["search", "s.toml", "--out", "r"], at).stdout);
    for expected in ["data.on_bad: 2 images cannot be read and are left out:", "link.png", "HTML page"] {
        assert!(printed.contains(expected), "{printed}");
    }
    fs::write(at.join("t.toml"), config("on_bad = \"skp\"\n")).unwrap();
    let error = text(&bonas(&["search", "t.toml", "--out", "t"], at).stderr);
    assert!(
        error.contains("t.toml line 8: data.on_bad: ") && error.contains("did you mean `skip`?"),
        "{error}"
    );
}

/// Trainings and comparisons leave out and say the same, and paths of a comparison start from its configuration.
#[cfg(feature = "torch")]
#[test]
fn trainings_and_comparisons_say_what_they_leave_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("my files")).unwrap();
    images(&at.join("my files/images"));
    let skipped = "data.on_bad: 2 images cannot be read and are left out:";
    let small = "channels = 2\nlayers = 1\nepochs = 1\nbatch = 2\n";
    let compared = format!(
        "seeds = 1\nbudget = 1\n[data]\nsource = \"folder:images\"\non_bad = \"skip\"\nvalidation = 0.5\n[space]\n\
         name = \"nasbench201\"\n[evaluator]\nname = \"from-scratch\"\n{small}[final]\nseeds = 1\n{small}\
         [[strategy]]\nname = \"random\"\nbatch = 1\n"
    );
    fs::write(at.join("my files/c.toml"), compared).unwrap();
    let compared = bonas(&["compare", "my files/c.toml", "--out", "c"], at);
    assert!(
        compared.status.success() && text(&compared.stdout).contains(skipped),
        "{}",
        text(&compared.stderr)
    );
    let cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|none~2|";
    let train = |out: &str, set: &str| {
        let data = ["train", "--space", "nasbench201", "--genotype", cell, "--data", "my files/images"];
        let small = ["--channels", "2", "--layers", "1", "--epochs", "1", "--batch", "2", "--out", out];
        bonas(&[&data[..], &small, &["--set", set]].concat(), at)
    };
    let trained = train("t", "data.on_bad=skip");
    assert!(trained.status.success() && text(&trained.stdout).contains(skipped), "{}", text(&trained.stderr));
    for (set, expected) in [
        ("data.on_bad=stop", "link.png"),
        ("study.seed=3", "--set study.seed=3: a training has sections data, training, final"),
        ("data.on_bda=skip", "did you mean `on_bad`?"),
        ("final.seeds=0", "--set final.seeds"),
    ] {
        let refused = train("u", set);
        assert!(
            !refused.status.success() && text(&refused.stderr).contains(expected),
            "{}",
            text(&refused.stderr)
        );
    }
}

/// Files of a folder in three parts, and a manifest that names them with the same parts.
#[cfg(feature = "torch")]
fn three_parts(root: &Path) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("supernet/tests/pictures");
    let colour = ["rgb8.png", "rgb16.png", "rgb.jpg", "turned2.jpg", "turned3.jpg"];
    let grey = ["grey1.png", "grey2.png", "grey4.png", "grey8.png", "grey16.png"];
    let mut manifest = "\u{feff}path;label;split\r\n".to_owned();
    for (class, names) in [("colour", colour), ("grey \u{e9}", grey)] {
        for (part, names) in [("train", &names[..2]), ("val", &names[2..4]), ("test", &names[4..])] {
            fs::create_dir_all(root.join(part).join(class)).unwrap();
            for name in names {
                let path = format!("{part}/{class}/{name}");
                fs::copy(pictures.join(name), root.join(&path)).unwrap();
                manifest.extend([&*path, ";", class, ";", part, "\r\n"]);
            }
        }
    }
    fs::write(root.join("list.csv"), manifest).unwrap();
}

/// A validation part is used as such and said, from a folder and from a manifest; a search that goes on finds the change of
/// a manifest, and the same images give the same scores.
#[cfg(feature = "torch")]
#[test]
fn a_search_scores_on_the_validation_part() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    three_parts(&at.join("my images"));
    let config = |source: &str, architectures: usize, images: &str| {
        let small = "channels = 2\nlayers = 1\nepochs = 1\nbatch = 2\n";
        let text = format!(
            "[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 1\n[data]\nsource = \"{source}\"\n\
             [evaluator]\nname = \"from-scratch\"\n{small}[study]\narchitectures = {architectures}\n\
             [final]\nseeds = 1\nrandom = 0\nimages = \"{images}\"\n{small}"
        );
        fs::write(at.join("s.toml"), text).unwrap();
    };
    let search = |out: &str| bonas(&["search", "s.toml", "--out", out], at);
    config("my images", 1, "all");
    let planned = text(&bonas(&["search", "s.toml", "--dry-run"], at).stdout);
    assert!(planned.contains("\nimages: 4 train, 4 val, 2 test; a search scores on val"), "{planned}");
    let found = search("folder");
    let (printed, error) = (text(&found.stdout), text(&found.stderr));
    let said = "images: 4 train, 4 val, 2 test; a search scores on val, and final training learns from ";
    assert!(
        found.status.success() && printed.contains(&format!("{said}train and val\n")),
        "{printed}{error}"
    );
    assert_eq!(images_of_model(&at.join("folder")), 8);
    config("manifest:my images/list.csv", 1, "search");
    let found = search("manifest");
    let (printed, error) = (text(&found.stdout), text(&found.stderr));
    assert!(found.status.success() && printed.contains(&format!("{said}train alone\n")), "{printed}{error}");
    assert_eq!(images_of_model(&at.join("manifest")), 4);
    let scores = |out: &str| {
        let journal = fs::read_to_string(at.join(out).join("journal.jsonl")).unwrap();
        let records =
            journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["record"].clone());
        records.filter(|record| record["event"] == "evaluated").collect::<Vec<_>>()
    };
    assert_eq!(scores("folder").len(), 1);
    assert_eq!(scores("folder"), scores("manifest"), "the same images in the same order");
    for (part, images) in [("val", 4), ("train", 8), ("test", 2)] {
        let args = ["evaluate", "folder", "--data", "manifest:my images/list.csv", "--part", part, "--json"];
        let figures: Value = serde_json::from_slice(&bonas(&args, at).stdout).unwrap();
        assert_eq!(figures["images"], images, "{part}");
    }
    // A row less is another data set.
    let list = fs::read_to_string(at.join("my images/list.csv")).unwrap();
    fs::write(at.join("my images/list.csv"), list.replace("train/colour/rgb8.png;colour;train\r\n", ""))
        .unwrap();
    let resumed = bonas(&["resume", "manifest", "--budget", "2"], at);
    let error = text(&resumed.stderr);
    assert!(
        !resumed.status.success() && error.contains("data.source: the data have changed"),
        "{}{error}",
        text(&resumed.stdout)
    );
}

/// Images that the first model of a search was trained on.
#[cfg(feature = "torch")]
fn images_of_model(search: &Path) -> u64 {
    let mut models =
        fs::read_dir(search.join("final")).unwrap().map(|entry| entry.unwrap().path().join("model.json"));
    let card = models.find_map(|path| fs::read_to_string(path).ok()).unwrap();
    let card: Value = serde_json::from_str(&card).unwrap();
    card["training"]["data"]["images"].as_u64().unwrap()
}

/// Two classes of twelve colour images, and a file that is none.
#[cfg(feature = "torch")]
fn colour_images(root: &Path) {
    for (class, shade) in [("dark", 20), ("light", 200)] {
        fs::create_dir_all(root.join(class)).unwrap();
        for i in 0..12 {
            let noise = |x, y| image::Rgb([shade + i, (x * 9 + y) as u8, (x + y * 7) as u8]);
            image::RgbImage::from_fn(9, 8, noise).save(root.join(class).join(format!("{i}.png"))).unwrap();
        }
    }
    fs::write(root.join("light/bad.png"), "no").unwrap();
}

/// A search on such images.
#[cfg(feature = "torch")]
const SMALL_SEARCH: &str = "[study]\narchitectures = 4\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 2\n\
                  [data]\nsource = \"images\"\nimage_size = 8\non_bad = \"skip\"\n\
                  [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 1\nepochs = 1\nbatch = 4\n[final]\nseeds = 0\n";

/// Images that do not fit into the memory that they may have are kept decoded: the search is the same, and the next one decodes nothing.
#[cfg(feature = "torch")]
#[test]
fn decoded_images_in_a_file_are_those_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    colour_images(&at.join("images"));
    fs::write(at.join("s.toml"), SMALL_SEARCH).unwrap();
    let search = |out: &str, more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bonas"));
        command.args(["search", "s.toml", "--out", out]).args(more);
        let done = command.current_dir(at).env("XDG_CACHE_HOME", at.join("cache")).output().unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
        (text(&done.stdout), fs::read_to_string(at.join(out).join("journal.jsonl")).unwrap())
    };
    let in_file = ["--set", "data.memory_megabytes=0"];
    let (_, expected) = search("memory", &[]);
    assert!(!at.join("cache").exists());
    let (printed, found) = search("file", &in_file);
    assert!(printed.contains("images: decoded, 0.0 MiB at most, in "), "{printed}");
    assert_eq!(found, expected);
    let images = at.join("cache/bonas/images");
    let files = || -> Vec<_> {
        let mut files: Vec<_> = fs::read_dir(&images).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let [facts, pixels] = &files()[..] else { panic!("{:?}", files()) };
    assert_eq!(fs::metadata(pixels).unwrap().len(), 25 * 3 * 64);
    let made = || fs::metadata(pixels).unwrap().modified().unwrap();
    let first = made();
    // What a killed process left, and what another is writing.
    fs::write(images.join("0-0.begun"), "half").unwrap();
    let held = fs::File::create(images.join("0-1.begun")).unwrap();
    held.lock().unwrap();
    assert_eq!(search("again", &in_file).1, expected);
    assert_eq!(made(), first);
    assert!(!images.join("0-0.begun").exists());
    // With damaged facts, or cut, it is made again.
    fs::write(facts, "{").unwrap();
    assert_eq!(search("anew", &in_file).1, expected);
    assert_eq!(files(), [images.join("0-1.begun"), facts.clone(), pixels.clone()]);
    fs::OpenOptions::new().write(true).open(pixels).unwrap().set_len(5).unwrap();
    assert_eq!(search("cut", &in_file).1, expected);
    assert_eq!(fs::metadata(pixels).unwrap().len(), 25 * 3 * 64);
    // The identity of a search does not depend on where its images are.
    let resumed = search("file", &["--set", "data.memory_megabytes=5"]);
    assert!(resumed.0.starts_with("Nothing is left to do here"), "{}", resumed.0);
    // Another file is another listing.
    fs::remove_file(at.join("images/light/bad.png")).unwrap();
    let (_, other) = search("other", &in_file);
    assert_eq!(files().len(), 5);
    assert_eq!(other, search("other-memory", &[]).1);
}

/// Ctrl-C while images are decoded ends a search at once, and leaves nothing that is taken for whole.
#[cfg(all(feature = "torch", target_os = "linux"))]
#[test]
fn a_search_that_decodes_can_be_stopped() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    colour_images(&at.join("images"));
    fs::remove_file(at.join("images/light/bad.png")).unwrap();
    // Many names of a large image, which take long to decode.
    image::RgbImage::new(5000, 5000).save(at.join("large.png")).unwrap();
    for i in 0..60 {
        std::os::unix::fs::symlink(at.join("large.png"), at.join(format!("images/dark/z{i}.png"))).unwrap();
    }
    let config = "[space]\nname = \"nasbench201\"\n[data]\nsource = \"images\"\nimage_size = 8\nmemory_megabytes = 0\n\
                  [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 1\n[final]\nseeds = 0\n";
    fs::write(at.join("s.toml"), config).unwrap();
    // Where the tests run in the background of a shell, the signal is ignored by all that they start.
    let mut search = Command::new("env")
        .args(["--default-signal=INT", env!("CARGO_BIN_EXE_bonas"), "search", "s.toml", "--out", "run"])
        .current_dir(at)
        .env("XDG_CACHE_HOME", at.join("cache"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(search.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("images: decoded, ")));
    let sent = Command::new("kill").args(["-INT", &search.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(search.wait().unwrap().signal(), Some(2));
    let left = fs::read_dir(at.join("cache/bonas/images")).into_iter().flatten();
    assert!(left.into_iter().all(|entry| entry.unwrap().path().extension().unwrap() == "begun"));
}

/// A cache folder that takes no images is named with what helps.
#[cfg(feature = "torch")]
#[test]
fn images_that_cannot_be_kept_have_remedies() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    colour_images(&at.join("images"));
    fs::write(at.join("s.toml"), SMALL_SEARCH).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bonas"));
    command.args(["search", "s.toml", "--out", "run", "--set", "data.memory_megabytes=0"]).current_dir(at);
    let refused = text(&command.env("XDG_CACHE_HOME", at.join("s.toml")).output().unwrap().stderr);
    let remedies =
        "set XDG_CACHE_HOME to a folder that can be written and has room, or raise data.memory_megabytes";
    assert!(refused.contains(remedies), "{refused}");
}

/// The images of a search are those beside its configuration, wherever the command runs, and a search that is done is told without
/// them.
#[cfg(feature = "torch")]
#[test]
fn a_search_is_told_from_any_folder_and_without_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    colour_images(&at.join("images"));
    fs::remove_file(at.join("images/light/bad.png")).unwrap();
    let config = "[study]\narchitectures = 2\n[space]\nname = \"nasbench201\"\n[strategy]\nname = \"random\"\nbatch = 2\n\
                  [data]\nsource = \"images\"\nimage_size = 8\n\
                  [evaluator]\nname = \"from-scratch\"\nchannels = 2\nlayers = 1\nepochs = 1\nbatch = 4\n[final]\nseeds = 0\n";
    fs::write(at.join("s.toml"), config).unwrap();
    fs::create_dir(at.join("elsewhere")).unwrap();
    let elsewhere = |arguments: &[&str]| {
        let done = bonas(arguments, &at.join("elsewhere"));
        assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
        text(&done.stdout)
    };
    // Begun there, too: the paths of a configuration start from its folder.
    let begun = elsewhere(&["search", "../s.toml", "--out", "../r"]);
    assert!(begun.contains("bonas train --from "), "{begun}");
    let train = "bonas train --from ../r ";
    assert!(elsewhere(&["report", "../r"]).contains(train));
    fs::rename(at.join("images"), at.join("gone")).unwrap();
    for told in [&["report", "../r"], &["resume", "../r"]] {
        let told = elsewhere(told);
        assert!(told.contains("The search is finished.") && !told.contains(train), "{told}");
    }
}
