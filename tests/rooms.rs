//! Keeps the rooms apart: few public modules in a crate, and no circle of modules beside each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tidy::{SOURCES, code, rust_files, workspace};

/// Most public modules in a crate root.
const MAX_PUBLIC_MODULES: usize = 9;

/// Who reads whom: modules by their paths from the crate root.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Module path of a file inside `src`: `a/b.rs` and `a/b/mod.rs` are both `[a, b]`, the crate root is `[]`.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// The leaves of a `use` tree: `a::{b, c::{d, e}}` is `a::b`, `a::c::d`, `a::c::e`.
fn leaves(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else { return vec![tree.trim().to_owned()] };
    let (prefix, rest) = tree.split_at(open);
    let inner = &rest[1..rest.rfind('}').unwrap_or(rest.len())];
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inner[start..at].trim();
                let nested = leaves(part).into_iter().filter(|leaf| !leaf.is_empty());
                found.extend(nested.map(|leaf| format!("{}{leaf}", prefix.trim())));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The paths inside the crate that are written out where they are needed: `crate::a::b(..)`.
fn written_out(line: &str) -> impl Iterator<Item = String> + '_ {
    let starts = ["crate::", "super::", "self::"].into_iter().flat_map(|start| line.match_indices(start));
    let whole =
        starts.filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c)));
    whole.map(|(at, _)| {
        let end = line[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        line[at..end.map_or(line.len(), |end| at + end)].trim_end_matches(':').to_owned()
    })
}

/// The paths that a file names, in its `use` lines or written out, without its tests.
fn used(text: &str) -> Vec<String> {
    let lines = code(text).lines().filter(|line| !line.trim_start().starts_with("//"));
    let inline: Vec<String> = lines.clone().flat_map(written_out).collect();
    let text = format!("\n{}", lines.collect::<Vec<_>>().join("\n"));
    let statements = text.split(';').filter_map(|statement| {
        let start = statement.rfind("\nuse ").or_else(|| statement.rfind(" use "));
        start.map(|at| statement[at + 1..].trim_start().trim_start_matches("use ").to_owned())
    });
    statements.flat_map(|tree| leaves(&tree)).chain(inline).collect()
}

/// The module that a path written in `module` leads to, from the crate root; none outside the crate.
fn target(module: &[String], path: &str) -> Option<Vec<String>> {
    let mut parts = path.split("::").map(str::trim).peekable();
    let mut at = match parts.next()? {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        _ => return None,
    };
    while parts.next_if_eq(&"super").is_some() {
        at.pop()?;
    }
    at.extend(parts.map(str::to_owned));
    Some(at)
}

/// What `pub use` lines of a module hand on from its own modules: name to the module it comes from.
fn handed_on(text: &str) -> BTreeMap<String, String> {
    let lines = code(text).lines().filter(|line| !line.trim_start().starts_with("//"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let statements = text.split(';').filter_map(|statement| {
        let start = ["pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .find_map(|start| statement.rfind(start).map(|at| at + start.len()));
        start.map(|at| statement[at..].to_owned())
    });
    let paths = statements.flat_map(|tree| leaves(&tree));
    let own = paths.filter_map(|path| {
        let (module, name) = path.split_once("::")?;
        let name = name.rsplit([':', ' ']).next()?;
        (!["crate", "super"].contains(&module)).then(|| (name.to_owned(), module.to_owned()))
    });
    own.collect()
}

/// Edges between modules with one parent, among the files of a crate given as (path inside `src`, text).
fn edges(files: &[(String, String)]) -> Edges {
    let modules: BTreeSet<Vec<String>> = files.iter().map(|(file, _)| module_of(file.as_ref())).collect();
    let handed: BTreeMap<Vec<String>, BTreeMap<String, String>> =
        files.iter().map(|(file, text)| (module_of(file.as_ref()), handed_on(text))).collect();
    // An item of a module may come from one of the modules inside.
    let resolve = |mut path: Vec<String>| {
        for depth in 0..path.len() {
            let inner = handed.get(&path[..depth]).and_then(|names| names.get(&path[depth]));
            if let Some(inner) =
                inner.filter(|inner| modules.contains(&[&path[..depth], &[(*inner).clone()]].concat()))
            {
                path.insert(depth, inner.clone());
            }
        }
        path
    };
    let mut edges = Edges::new();
    for (file, text) in files {
        let module = module_of(file.as_ref());
        for to in used(text).iter().filter_map(|path| target(&module, path)).map(resolve) {
            let shared = module.iter().zip(&to).take_while(|(a, b)| a == b).count();
            let (Some(_), Some(_)) = (module.get(shared), to.get(shared)) else { continue };
            // What is no module is an item of the parent, which is no sibling.
            if modules.contains(&to[..=shared]) {
                let (from, to) = (module[..=shared].join("::"), to[..=shared].join("::"));
                edges.entry(from).or_default().insert(to);
            }
        }
    }
    edges
}

/// A way from `at` back to the first module of `path`, if there is one.
fn back<'a>(edges: &'a Edges, at: &'a str, path: &mut Vec<&'a str>, seen: &mut BTreeSet<&'a str>) -> bool {
    path.push(at);
    for next in edges.get(at).into_iter().flatten() {
        if next == path[0] || (seen.insert(next) && back(edges, next, path, seen)) {
            return true;
        }
    }
    path.pop();
    false
}

/// The circles, one for each module that is in some: "a -> b -> a".
fn circles(edges: &Edges) -> Vec<String> {
    let mut found: BTreeMap<BTreeSet<&str>, String> = BTreeMap::new();
    for start in edges.keys() {
        let (mut path, mut seen) = (Vec::new(), BTreeSet::new());
        if back(edges, start, &mut path, &mut seen) {
            let text = format!("{} -> {start}", path.join(" -> "));
            found.entry(path.into_iter().collect()).or_insert(text);
        }
    }
    found.into_values().collect()
}

/// The files of a crate: path inside its `src`, and text. Files that hold nothing but tests are left out.
fn files(source: &str) -> Vec<(String, String)> {
    let root = workspace().join(source);
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    let inside = paths.iter().map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
    let product = inside.filter(|path| !path.ends_with("tests.rs") && !path.contains("tests/"));
    product.map(|path| (path.clone(), fs::read_to_string(root.join(path)).unwrap())).collect()
}

#[test]
fn modules_beside_each_other_form_no_circle() {
    let found = SOURCES.iter().flat_map(|source| {
        circles(&edges(&files(source))).into_iter().map(move |circle| format!("{source}: {circle}"))
    });
    let found: Vec<String> = found.collect();
    assert!(found.is_empty(), "modules that read each other in a circle:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_and_named() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let mut files = vec![
        file("lib.rs", "mod a;\nmod b;\nmod c;\n"),
        file("a/mod.rs", "mod inner;\n\nuse std::fmt;\n\nuse crate::b::{self, deep::{B, C}};\n"),
        file("a/inner.rs", "use super::A;\n"),
        file("b.rs", "use crate::c::C;\n"),
        file("c.rs", "//! C.\n\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"),
    ];
    assert_eq!(circles(&edges(&files)), Vec::<String>::new());
    files.push(file("c/deep.rs", "use super::super::a::inner;\n"));
    assert_eq!(circles(&edges(&files)), ["a -> b -> c -> a"]);
    // A name that the parent hands on counts as one of the module it comes from.
    files.push(file("a/other.rs", "use super::Inner;\n"));
    files[1].1.push_str("\npub use inner::Inner;\n");
    files[2].1 = "fn f() {\n    crate::a::other::f();\n}\n".to_owned();
    assert_eq!(circles(&edges(&files)), ["a -> b -> c -> a", "a::inner -> a::other -> a::inner"]);
}

#[test]
fn crate_roots_have_few_public_modules() {
    let mut crowded = Vec::new();
    for source in SOURCES {
        let root = workspace().join(source).join("lib.rs");
        // A program has no public modules.
        let root = if root.exists() { root } else { root.with_file_name("main.rs") };
        let root = fs::read_to_string(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        let modules: Vec<&str> = root.lines().filter_map(|line| line.strip_prefix("pub mod ")).collect();
        if modules.len() > MAX_PUBLIC_MODULES {
            crowded.push(format!("{source}: {} ({})", modules.len(), modules.join(" ")));
        }
    }
    assert!(crowded.is_empty(), "more than {MAX_PUBLIC_MODULES} public modules:\n{}", crowded.join("\n"));
}

/// Who may name whom, besides the crates outside the workspace: arrows one way.
const ARROWS: [(&str, &[&str]); 7] = [
    ("spaces", &[]),
    ("deploy", &["spaces"]),
    ("surrogate", &["spaces"]),
    ("study", &["spaces", "surrogate"]),
    ("supernet", &["spaces", "surrogate", "study", "libtorch"]),
    ("src", &["spaces", "deploy", "surrogate", "study", "supernet", "libtorch"]),
    // It takes all from the crate `bonas`.
    ("python", &[]),
];

#[test]
fn rooms_name_only_what_they_may() {
    for (room, allowed) in ARROWS {
        let source = if room == "src" { room.to_owned() } else { format!("{room}/src") };
        for (path, text) in files(&source) {
            let lines = code(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
            let words: BTreeSet<&str> =
                lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
            for other in ["spaces", "deploy", "surrogate", "study", "supernet"] {
                let named = words.contains(format!("bonas_{other}").as_str());
                assert!(!named || room == other || allowed.contains(&other), "{source}/{path} names {other}");
            }
            let tensors = words.contains("tch");
            let graph_network = room == "surrogate" && path.starts_with("models/gcn/");
            let may = graph_network || ["supernet", "src"].contains(&room);
            assert!(!tensors || may, "{source}/{path} names tch");
            let toml = words.contains("toml");
            assert!(!toml || ["src", "python"].contains(&room), "{source}/{path} names toml");
        }
    }
}
