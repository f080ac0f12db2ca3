//! Space files: the published spaces written as files are the built-in ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use bonas::config::space_from_toml;
use bonas::spaces::catalogue::SPACES;
use bonas::spaces::network::Union;
use bonas::spaces::testing::check_space;
use bonas::spaces::{Architecture, SearchSpace};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::tidy::workspace;

/// The spaces that `examples/spaces` has as files.
const PUBLISHED: [&str; 4] = ["nasbench201", "darts", "mnasnet", "nasbench1shot1-1"];

fn file(name: &str) -> PathBuf {
    workspace().join(format!("examples/spaces/{name}.toml"))
}

fn declared(name: &str) -> Arc<dyn SearchSpace> {
    let text = fs::read_to_string(file(name)).unwrap();
    space_from_toml(&text, name, "another").unwrap()
}

/// Text, key and spelling: what studies, journals and caches know an architecture by.
fn known(space: &dyn SearchSpace, architecture: &Architecture) -> (String, String, u64) {
    (space.format(architecture).unwrap(), architecture.key().to_string(), architecture.spelling())
}

#[test]
fn files_of_published_spaces_draw_and_change_as_the_built_in_ones() {
    for name in PUBLISHED {
        let (own, file) = (SPACES.get(name).unwrap().space(), declared(name));
        assert_eq!((own.name(), own.size(), own.cell_names()), (file.name(), file.size(), file.cell_names()));
        assert_eq!(own.vocabulary(), file.vocabulary());
        let (mut one, mut other) = (ChaCha8Rng::seed_from_u64(7), ChaCha8Rng::seed_from_u64(7));
        for _ in 0..40 {
            let (a, b) = (own.sample(&mut one), file.sample(&mut other));
            assert_eq!(known(&*own, &a), known(&*file, &b));
            assert_eq!(file.parse(&own.format(&a).unwrap()).unwrap().spelling(), a.spelling());
            let (c, d) = (own.mutate(&a, &mut one).unwrap(), file.mutate(&b, &mut other).unwrap());
            assert_eq!(known(&*own, &c), known(&*file, &d));
            let (near, also) = (own.neighbours(&a).unwrap(), file.neighbours(&b).unwrap());
            let all = |space: &Arc<dyn SearchSpace>, list: &[Architecture]| {
                list.iter().map(|architecture| known(&**space, architecture)).collect::<Vec<_>>()
            };
            assert_eq!(all(&own, &near), all(&file, &also), "{name}");
            if let Some(own) = own.choices() {
                let file = file.choices().unwrap();
                assert_eq!(own.counts(), file.counts());
                let options = own.read(&c).unwrap();
                assert_eq!(options, file.read(&d).unwrap());
                let built = [own, file].map(|choices| choices.build(&options).unwrap().unwrap());
                assert_eq!(built[0].spelling(), built[1].spelling());
            }
        }
        // The generators have been asked for the same numbers.
        assert_eq!(one.get_word_pos(), other.get_word_pos());
    }
}

#[test]
fn files_of_published_spaces_list_the_same_architectures() {
    for (name, points, keys) in [("nasbench201", 15_625, 6_466), ("nasbench1shot1-1", 3_288, 2_685)] {
        let (own, file) = (SPACES.get(name).unwrap().space(), declared(name));
        let list =
            |space: &Arc<dyn SearchSpace>| space.enumerate().unwrap().map(|a| a.key()).collect::<Vec<_>>();
        let (own_keys, file_keys) = (list(&own), list(&file));
        assert!(own_keys == file_keys, "{name}");
        assert_eq!(own_keys.len(), points);
        assert_eq!(file_keys.into_iter().collect::<std::collections::HashSet<_>>().len(), keys);
        assert_eq!(file.size().to_string(), format!("{keys} unique"));
    }
    assert_eq!(declared("mnasnet").size().to_string(), "104485552128 unique");
    assert_eq!(declared("darts").size().to_string(), "at most 1076746950455072400");
}

#[test]
fn files_of_published_spaces_have_the_same_networks() {
    for name in PUBLISHED {
        let (own, file) = (SPACES.get(name).unwrap().space(), declared(name));
        let (a, b) = (own.network().unwrap(), file.network().unwrap());
        assert_eq!(a.whole().cells, b.whole().cells, "{name}");
        let names = |network: &dyn bonas::spaces::network::SpaceNetwork| {
            network.skeletons().iter().map(|entry| entry.name).collect::<Vec<_>>()
        };
        assert_eq!(names(a), names(b));
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..6 {
            let union = Union::of(&[own.sample(&mut rng)]).unwrap();
            for entry in a.skeletons() {
                let [one, other] = [a, b].map(|n| entry.published().network(&union, &n.ops()).unwrap());
                assert_eq!(one.to_string(), other.to_string(), "{name} {}", entry.name);
                assert_eq!(format!("{:?}", one.units), format!("{:?}", other.units));
            }
        }
    }
}

#[test]
fn files_of_published_spaces_keep_the_contract() {
    for name in PUBLISHED {
        check_space(&*declared(name), 1, 10).unwrap();
    }
}

fn bonas(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bonas")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output of a command that succeeds.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = bonas(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that is refused as wrongly used.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = bonas(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn config(space: &str, strategy: &str) -> String {
    format!(
        "[study]\nseed = 3\narchitectures = 30\n[space]\nname = \"{space}\"\n[strategy]\n{strategy}\n\
         [evaluator]\nname = \"synthetic\"\nnoise = 0.02\n[shortlist]\ncells = 0\n[final]\nseeds = 0\n"
    )
}

/// The journal but for the configuration in its first record.
fn history(folder: &Path) -> Vec<String> {
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    journal.lines().skip(1).map(str::to_owned).collect()
}

fn same_studies(name: &str, strategies: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(file(name), folder.path().join("space.toml")).unwrap();
    for (i, strategy) in strategies.iter().enumerate() {
        let mut histories = Vec::new();
        for (kind, space) in [("own", name), ("file", "file:space.toml")] {
            let run = format!("{kind}{i}");
            fs::write(folder.path().join(format!("{run}.toml")), config(space, strategy)).unwrap();
            told(folder.path(), &["search", &format!("{run}.toml"), "--out", &run]);
            let folder = folder.path().join(run);
            histories
                .push((history(&folder), fs::read_to_string(folder.join("winner.txt")).unwrap_or_default()));
        }
        let evaluated = histories[0].0.iter().filter(|line| line.contains("\"evaluated\"")).count();
        assert!(
            evaluated > 0 && histories[0].0.concat().len() > 3000,
            "{name} {strategy}: {:?}",
            histories[0].0
        );
        assert!(histories[0] == histories[1], "{name} {strategy}");
    }
}

#[test]
#[cfg_attr(not(feature = "torch"), ignore = "takes long: runs in the build with libtorch")]
fn studies_of_files_have_the_histories_of_the_built_in_spaces() {
    let quick = ["name = \"evolution\"", "name = \"local-search\""];
    for name in PUBLISHED {
        same_studies(name, &quick);
    }
    for name in ["nasbench201", "nasbench1shot1-1"] {
        same_studies(name, &["name = \"bonas\""]);
    }
    // Without prior knowledge, as counting large networks takes long in a build for tests.
    for name in ["darts", "mnasnet"] {
        same_studies(name, &["name = \"bonas\"\nprior = \"none\"\npool_size = 40"]);
    }
    let genetic = "name = \"bn-nas\"\npopulation = 8\ngenerations = 3\nparents = 4\nmutants = 4\ncrosses = 4\n\
                   macs_limit = 100000000\nbatch = 5";
    same_studies("nasbench201", &[genetic]);
}

#[test]
fn a_study_keeps_its_space_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text =
        "choices = [{ name = \"a\", range = [1, 30] }, { name = \"b\", options = [\"x\", \"ü-2\"] }]\n";
    fs::create_dir(at("configs")).unwrap();
    // The path starts from the folder of the configuration, and the text has a mark of byte order and CRLF.
    fs::write(at("configs/mine.toml"), format!("\u{feff}{}", text.replace(", {", ",\r\n {"))).unwrap();
    fs::write(at("configs/c.toml"), config("file:mine.toml", "name = \"evolution\"")).unwrap();
    let ending = told(folder.path(), &["search", "configs/c.toml", "--out", "run"]);
    assert!(ending.contains("--space file:run/space.toml --arch"), "{ending}");
    let copy = fs::read_to_string(at("run/space.toml")).unwrap();
    assert!(copy.starts_with("name = \"mine\"\nchoices = ["), "{copy}");
    let winner = fs::read_to_string(at("run/winner.txt")).unwrap();
    let described =
        told(folder.path(), &["describe", "--space", "file:run/space.toml", "--arch", winner.trim()]);
    assert!(described.contains("space  mine\n"), "{described}");
    // The same file again is the same search.
    assert!(told(folder.path(), &["search", "configs/c.toml", "--out", "run"]).contains("Nothing is left"));
    // A comment is no change: the search goes on by the text that it keeps.
    fs::write(
        at("configs/mine.toml"),
        format!("# A comment.\nabout = \"two choices\"\n{}", text.replace(", {", ",\n  {")),
    )
    .unwrap();
    assert!(told(folder.path(), &["search", "configs/c.toml", "--out", "run"]).contains("Nothing is left"));
    assert_eq!(fs::read_to_string(at("run/space.toml")).unwrap(), copy);
    // A changed file is another search; the one in the folder goes on with its own copy, also without the file.
    fs::write(at("configs/mine.toml"), text.replace("30", "31")).unwrap();
    let error = refused(folder.path(), &["search", "configs/c.toml", "--out", "run"]);
    assert!(error.contains("line 2 of space.toml: ") && error.contains("[1, 31]"), "{error}");
    fs::remove_file(at("configs/mine.toml")).unwrap();
    told(folder.path(), &["resume", "run", "--budget", "35"]);
    assert!(told(folder.path(), &["runs", "."]).contains("mine"));
    told(folder.path(), &["report", "run"]);
    let error = refused(folder.path(), &["search", "configs/c.toml", "--out", "another"]);
    assert!(error.contains("configs/c.toml: space.name: cannot read the space file"), "{error}");
    assert!(error.contains("mine.toml: there is no such file") && !at("another").exists(), "{error}");
    // A kept text goes with its name: another space that a flag names, from the working directory, is read.
    fs::write(at("other.toml"), "choices = [{ name = \"z\", range = [1, 90] }]\n").unwrap();
    told(
        folder.path(),
        &["search", "run/config.toml", "--set", "space.name=file:other.toml", "--out", "third"],
    );
    assert!(fs::read_to_string(at("third/winner.txt")).unwrap().starts_with("z="));
    let error = refused(folder.path(), &["resume", "run", "--set", "space.name=file:other.toml"]);
    assert!(error.contains("the scores of this search depend on it"), "{error}");
    fs::create_dir(at("configs/mine.toml")).unwrap();
    let error = refused(folder.path(), &["space", "check", "configs/mine.toml"]);
    assert!(error.contains("it is a folder"), "{error}");
}

#[test]
fn tables_and_models_of_a_declared_space() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "name = \"tiny\"\nchoices = [{ name = \"a\", range = [1, 12] }, { name = \"b\", options = [\"x\", \"y\", \"z\"] }]\n";
    fs::write(at("tiny.toml"), text).unwrap();
    let row = |a: usize, b: usize| {
        let name = ["x", "y", "z"][b];
        format!("\"a={a},b={name}\",{}\n", (a * a) as f64 / 10.0 + b as f64)
    };
    let rows: String = (1..=12).flat_map(|a| (0..3).map(move |b| row(a, b))).collect();
    fs::write(at("t.csv"), format!("arch,score\n{rows}")).unwrap();
    let spaces = ["--space", "file:tiny.toml", "--table", "t.csv", "--train-on", "score"];
    let with = |first: &[&str], more: &[&str]| {
        let all: Vec<String> = first.iter().chain(&spaces).chain(more).map(|&word| word.to_owned()).collect();
        told(folder.path(), &all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let predicted = with(&["predict"], &["--sizes", "10", "--splits", "2"]);
    assert!(predicted.contains("tau"), "{predicted}");
    with(&["fit"], &["--out", "m.bonas"]);
    let compare = "seeds = 2\nbudget = 12\n[table]\nspace = \"file:tiny.toml\"\npath = \"t.csv\"\nsearch = \"score\"\n\
                   [[strategy]]\nname = \"random\"\n[[strategy]]\nname = \"bonas\"\n";
    fs::write(at("compare.toml"), compare).unwrap();
    told(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    // Runs are known by what the space file means: the same again is read, also with a comment, and a changed one is run.
    let runs = || fs::read_to_string(at("compared/runs.jsonl")).unwrap().lines().count();
    let begun = runs();
    told(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    assert_eq!(runs(), begun);
    fs::write(at("tiny.toml"), format!("# A comment\n{}", text.replace(", {", ",\n  {"))).unwrap();
    told(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    assert_eq!(runs(), begun);
    fs::write(at("tiny.toml"), text.replace("\"b\", options", "\"b\", ordinal = true, options")).unwrap();
    told(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    assert_eq!(runs(), 2 * begun);
    // A model keeps its space, and needs the file no more.
    fs::remove_file(at("tiny.toml")).unwrap();
    fs::write(at("list.csv"), "arch\n\"a=12,b=z\"\n\"a=1,b=x\"\n").unwrap();
    let ranked = told(folder.path(), &["rank", "--model", "m.bonas", "--candidates", "list.csv"]);
    assert!(ranked.lines().count() >= 3 && ranked.contains("a=12"), "{ranked}");
}

/// A predictor that is too small for a space says so before anything is evaluated.
#[test]
fn a_space_too_large_for_a_predictor_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let choice = |i| format!("[[choices]]\nname = \"c{i}\"\noptions = [1, 2, 3, 4, 5, 6]\n");
    std::fs::write(folder.path().join("six.toml"), (0..4).map(choice).collect::<String>()).unwrap();
    let search = "[space]\nname = \"file:six.toml\"\n[strategy]\nname = \"npenas\"\n[evaluator]\nname = \"synthetic\"\n[final]\nseeds = 0\n";
    std::fs::write(folder.path().join("s.toml"), search).unwrap();
    let done = bonas(folder.path(), &["search", "s.toml", "--out", "out"]);
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(
        !done.status.success() && error.contains("strategy.surrogate") && error.contains("at most 1500"),
        "{error}"
    );
    assert!(!folder.path().join("out").exists());
}

/// A comparison that a program measures goes on after a comment in its space file, with all that it has measured.
#[test]
#[cfg(unix)]
fn a_comment_in_a_space_file_is_no_other_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "name = \"tiny\"\nchoices = [{ name = \"a\", range = [1, 12] }]\n";
    fs::write(at("tiny.toml"), text).unwrap();
    let compare = "seeds = 1\nbudget = 3\nrandom = 1\n[space]\nname = \"file:tiny.toml\"\n[evaluator]\nname = \"command\"\n\
                   command = [\"sh\", \"-c\", \"echo x >> ran.txt; echo '{\\\"score\\\": 0.5}'\"]\n\
                   [final]\nseeds = 1\n[[strategy]]\nname = \"random\"\n";
    fs::write(at("compare.toml"), compare).unwrap();
    let compared = || told(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    let ran = || fs::read_to_string(at("ran.txt")).unwrap().lines().count();
    compared();
    assert_eq!(ran(), 5);
    fs::write(at("tiny.toml"), format!("# A comment\n{text}")).unwrap();
    compared();
    assert_eq!(ran(), 5);
    // As if the process had been killed between the search and the last measurement.
    let winner = at("compared/strategies/random/seed-1/trained");
    assert!(winner.join("training.toml").exists());
    fs::remove_file(winner.join("final/journal.jsonl")).unwrap();
    compared();
    fs::write(at("tiny.toml"), text.replace("12", "13")).unwrap();
    let refused = bonas(folder.path(), &["compare", "compare.toml", "--out", "compared"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("experiment with other settings"), "{error}");
}
