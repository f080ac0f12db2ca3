//! `bonas libtorch` from outside, on a cache that the test makes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::text;

fn libtorch_in(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bonas"));
    command.arg("libtorch").args(arguments).env("XDG_CACHE_HOME", cache).output().unwrap()
}

#[test]
fn an_installed_libtorch_is_told_to_cargo_and_shells() {
    let cache = tempfile::tempdir().unwrap();
    for command in ["path", "env", "cargo-config"] {
        let none = libtorch_in(cache.path(), &[command, "--gpu"]);
        assert_eq!(none.status.code(), Some(1));
        assert!(text(&none.stderr).contains("run `bonas libtorch install --gpu`"), "{}", text(&none.stderr));
    }
    let torch = cache.path().join("bonas/libtorch-2.13.0-cpu/torch");
    let headers = torch.join("include/torch/csrc/api/include/torch");
    fs::create_dir_all(&headers).unwrap();
    fs::create_dir_all(torch.join("lib")).unwrap();
    for file in [headers.join("torch.h"), torch.join("lib/libtorch_cpu.so"), torch.join("../cargo.toml")] {
        fs::write(file, "").unwrap();
    }
    fs::write(torch.join("build-version"), "2.13.0").unwrap();
    let torch = torch.display();
    assert_eq!(text(&libtorch_in(cache.path(), &["path"]).stdout), format!("{torch}\n"));
    // Nothing is fetched where it is installed.
    assert_eq!(text(&libtorch_in(cache.path(), &["install"]).stdout), format!("{torch}\n"));
    let exports = text(&libtorch_in(cache.path(), &["env"]).stdout);
    assert!(exports.contains(&format!("export LIBTORCH='{torch}'\n")), "{exports}");
    let config: toml::Table = text(&libtorch_in(cache.path(), &["cargo-config"]).stdout).parse().unwrap();
    assert_eq!(config["env"]["LIBTORCH"].as_str(), Some(torch.to_string().as_str()));
    let flags = config["target"]["x86_64-unknown-linux-gnu"]["rustflags"].as_array().unwrap();
    assert_eq!(flags[1].as_str(), Some(format!("link-arg=-Wl,-rpath,{torch}/lib").as_str()));
}
