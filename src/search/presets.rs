//! Ready-made configurations.

use std::path::PathBuf;

use bonas_spaces::catalogue::{Catalogue, Entry};

use crate::config::{ConfigError, SearchConfig};

/// A ready-made configuration of a search.
///
/// ```
/// use bonas::search::PRESETS;
///
/// let config = PRESETS.get("demo")?.config()?;
/// assert_eq!(config.data.source, "digits");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The configuration.
    pub toml: &'static str,
}

impl Entry for Preset {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

impl Preset {
    /// What errors call it.
    pub fn origin(&self) -> String {
        format!("preset {}", self.name)
    }

    /// The configuration; relative paths in it start from the folder that the program runs in.
    ///
    /// # Errors
    /// [`ConfigError`], never for those of [`PRESETS`].
    pub fn config(&self) -> Result<SearchConfig, ConfigError> {
        SearchConfig::from_toml(self.toml, &self.origin())
    }

    /// The folder of a search that is given none.
    pub fn folder(&self) -> PathBuf {
        PathBuf::from("runs").join(self.name)
    }
}

/// The preset that `bonas search` runs if it is given no configuration.
pub static DEMO: Preset = Preset {
    name: "demo",
    about: "BONAS on DARTS cells and the embedded digits; about a minute on two cores",
    toml: include_str!("presets/demo.toml"),
};

/// The ready-made configurations, one line each.
pub static PRESETS: Catalogue<Preset> = Catalogue::new(
    "preset",
    &[
        &DEMO,
        &Preset {
            name: "bonas-darts-cifar10",
            about: "BONAS as published: DARTS cells on CIFAR-10; for GPUs, images in data/cifar10",
            toml: include_str!("presets/bonas-darts-cifar10.toml"),
        },
        &Preset {
            name: "bonas-lstm",
            about: "BONAS on recurrent cells and Penn Treebank; for a GPU, text in data/ptb",
            toml: include_str!("presets/bonas-lstm.toml"),
        },
        &Preset {
            name: "darts",
            about: "Differentiable search, first order (DARTS), on the embedded digits",
            toml: include_str!("../../examples/differentiable/darts.toml"),
        },
        &Preset {
            name: "pc-darts",
            about: "Differentiable search with partial channels (PC-DARTS), on the embedded digits",
            toml: include_str!("../../examples/differentiable/pc-darts.toml"),
        },
        &Preset {
            name: "bnas-v2-clr",
            about: "Broad networks with a confident learning rate (BNAS-v2-CLR), on the embedded digits",
            toml: include_str!("../../examples/differentiable/bnas-v2-clr.toml"),
        },
        &Preset {
            name: "bnas-v2-pc",
            about: "Broad networks with partial channels (BNAS-v2-PC), on the embedded digits",
            toml: include_str!("../../examples/differentiable/bnas-v2-pc.toml"),
        },
        &Preset {
            name: "bn-nas",
            about: "Evolution on the BatchNorm scales of one MobileNet supernet (BN-NAS), on the embedded digits",
            toml: include_str!("../../examples/bnnas/mobilenet.toml"),
        },
        &Preset {
            name: "bnnas-plus",
            about: "Evolution on a composite indicator, cells of NAS-Bench-201 (BNNAS++), on the embedded digits",
            toml: include_str!("../../examples/bnnas/nasbench201.toml"),
        },
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_configuration_with_a_line_about_it() {
        for preset in PRESETS.iter() {
            let config = preset.config().unwrap();
            assert_eq!(SearchConfig::from_toml(&config.commented(), "again").unwrap(), config);
            assert!(!preset.about.is_empty() && !preset.about.ends_with('.'), "{}", preset.name);
        }
    }
}
