//! Published training recipes.

use bonas_spaces::catalogue::{Catalogue, Entry};

use crate::config::{ConfigError, FinalSettings, SearchConfig, plain};

/// A published recipe of final training: keys of `[final]`, each with its source in a comment.
///
/// ```
/// use bonas::search::RECIPES;
///
/// let finals = RECIPES.get("nasbench201")?.finals()?;
/// assert_eq!((finals.epochs, finals.learning_rate, finals.nesterov), (200, Some(0.1), Some(true)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TrainingRecipe {
    /// Its name.
    pub name: &'static str,
    /// The space whose networks were trained by it; others may be, too.
    pub space: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The keys, as TOML.
    pub toml: &'static str,
    /// What was published and no key says, one sentence each.
    pub lacks: &'static [&'static str],
}

impl Entry for TrainingRecipe {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        self.about
    }
}

/// A key that is not as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The key, with its section.
    pub key: String,
    /// Its value as published, as TOML.
    pub published: String,
    /// Its value here; none where it is left out.
    pub here: Option<String>,
}

impl TrainingRecipe {
    /// What errors call it.
    pub fn origin(&self) -> String {
        format!("recipe {}", self.name)
    }

    /// The settings; keys that the recipe leaves out have their defaults.
    ///
    /// # Errors
    /// [`ConfigError`], never for those of [`RECIPES`].
    pub fn finals(&self) -> Result<FinalSettings, ConfigError> {
        Ok(SearchConfig::from_toml(self.toml, &self.origin())?.finals)
    }

    /// The keys that settings do not have as published.
    ///
    /// # Errors
    /// As [`Self::finals`].
    pub fn deviations(&self, here: &FinalSettings) -> Result<Vec<Deviation>, ConfigError> {
        let (published, here) = (plain("final", &self.finals()?), plain("final", here));
        let given = |text: &str| -> Vec<(String, String)> {
            let pairs = text.lines().filter_map(|line| line.split_once(" = "));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        let here = given(&here);
        let said = given(self.toml);
        let own = given(&published).into_iter().filter(|(key, _)| said.iter().any(|(said, _)| said == key));
        let deviation = |(key, published): (String, String)| {
            let value = here.iter().find(|(other, _)| *other == key).map(|(_, value)| value.clone());
            (value.as_ref() != Some(&published)).then(|| Deviation {
                key: format!("final.{key}"),
                published,
                here: value,
            })
        };
        Ok(own.filter_map(deviation).collect())
    }
}

/// A recipe from a file of its name.
macro_rules! recipe {
    ($name:literal, $space:literal, $about:literal, [$($lacks:literal),*]) => {
        TrainingRecipe {
            name: $name,
            space: $space,
            about: $about,
            toml: include_str!(concat!("recipes/", $name, ".toml")),
            lacks: &[$($lacks),*],
        }
    };
}

/// The published recipes, one line each.
pub static RECIPES: Catalogue<TrainingRecipe> = Catalogue::new(
    "recipe",
    &[
        &recipe!("darts-cifar10", "darts", "DARTS on CIFAR-10: 600 epochs, cutout, drop-path 0.2", []),
        &recipe!("pc-darts-cifar10", "darts", "PC-DARTS on CIFAR-10: as DARTS, drop-path 0.3", []),
        &recipe!("bnas-v2-cifar10", "bcnn", "BNAS-v2 on CIFAR-10: 600 epochs, batch 128, drop-path 0.3", []),
        &recipe!(
            "darts-imagenet",
            "darts",
            "DARTS on ImageNet: 250 epochs, batch 128, rate times 0.97 an epoch",
            [
                "training images are crops of the whole image; here of the middle data.resize pixels of it",
                "test images are the middle 224 pixels of 256: data.image_size = 224 and data.resize = 256"
            ]
        ),
        &recipe!(
            "pc-darts-imagenet",
            "darts",
            "PC-DARTS on ImageNet: 250 epochs, batch 1024, warm-up, rate on a line",
            [
                "the line reaches a 5th of its slope in the last 5 epochs; here it is straight",
                "training images are crops of the whole image; here of the middle data.resize pixels of it",
                "test images are the middle 224 pixels of 256: data.image_size = 224 and data.resize = 256"
            ]
        ),
        &recipe!("nasbench201", "nasbench201", "NAS-Bench-201: 200 epochs, batch 256, Nesterov", []),
        &recipe!(
            "nasbench101",
            "nasbench101",
            "NAS-Bench-101: 108 epochs, batch 256, RMSProp of TensorFlow, cosine by step",
            [
                "each half of a batch has BatchNorm statistics of its own (two shards of a TPU); here the batch has",
                "the rate of the very first step is 0; here that of the cosine"
            ]
        ),
        &recipe!(
            "mobilenet-imagenet",
            "mobilenet",
            "BN-NAS on ImageNet: 240 epochs, batch 1024, rate on a line by step",
            [
                "training images are square crops of random size, with colour noise; here of a padded image, without noise",
                "test images are the middle 224 pixels of 256: data.image_size = 224 and data.resize = 256",
                "images are drawn with replacement and pixels not normalised; here each image comes once an epoch, normalised",
                "the bias of the classifier decays; here no bias does"
            ]
        ),
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_a_final_section_whose_every_key_has_its_source() {
        for recipe in RECIPES.iter() {
            let finals = recipe.finals().unwrap();
            assert_eq!(recipe.deviations(&finals).unwrap(), [], "{}", recipe.name);
            assert!(!recipe.about.is_empty() && !recipe.about.ends_with('.'), "{}", recipe.name);
            let lines: Vec<&str> = recipe.toml.lines().collect();
            let top: Vec<&str> = lines.iter().take_while(|line| **line != "[final]").copied().collect();
            assert!(
                top.join(" ").contains(&format!("or space {}", recipe.space)),
                "{}: no space",
                recipe.name
            );
            assert!(lines[0].starts_with("# ") && lines.contains(&"[final]"), "{}", recipe.name);
            for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#')) {
                assert!(pair[0].starts_with("# "), "{}: {} has no source", recipe.name, pair[1]);
            }
        }
    }

    #[test]
    fn published_values_by_hand() {
        let finals = |name: &str| RECIPES.get(name).unwrap().finals().unwrap();
        let darts = finals("darts-cifar10");
        assert_eq!((darts.epochs, darts.batch, darts.channels, darts.layers), (600, 96, 36, 20));
        assert_eq!((darts.auxiliary_weight, darts.drop_path, darts.cutout), (0.4, 0.2, 16));
        let pc_darts = FinalSettings { drop_path: 0.3, ..darts };
        assert_eq!(finals("pc-darts-cifar10"), pc_darts);
        let bench = finals("nasbench101").recipe(&crate::config::TrainingSettings::default());
        assert_eq!((bench.optimizer.name.name(), bench.optimizer.epsilon), ("rmsprop-tf", Some(1.0)));
        assert_eq!((bench.sgd.learning_rate, bench.sgd.clip()), (0.2, None));
        let large = finals("pc-darts-imagenet").recipe(&crate::config::TrainingSettings::default());
        // Fourth epoch: 0.5·(1 - 3/250)·4/5.
        assert!((large.schedule.rate(&large.sgd, [3, 250], [0, 1251]) - 0.3952).abs() < 1e-12);
    }

    #[test]
    fn keys_that_are_not_as_published_are_told() {
        let recipe = RECIPES.get("nasbench101").unwrap();
        let published = recipe.finals().unwrap();
        let here = FinalSettings { epochs: 12, epsilon: None, seeds: 7, ..published };
        let deviation = |key: &str, published: &str, here: Option<&str>| Deviation {
            key: key.into(),
            published: published.into(),
            here: here.map(Into::into),
        };
        let expected =
            [deviation("final.epochs", "108", Some("12")), deviation("final.epsilon", "1.0", None)];
        assert_eq!(recipe.deviations(&here).unwrap(), expected, "seeds are not of the recipe");
    }
}
