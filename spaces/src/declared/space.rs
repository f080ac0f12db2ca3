//! Declared spaces as search spaces.

use std::sync::{Arc, OnceLock};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::body::Body;
use super::description::Description;
use super::network::Networks;
use super::operations::Operations;
use super::rules::Rules;
use super::{DescriptionError, cells, chain, names};
use crate::error::{Exclusion, SpaceError};
use crate::graph::{Architecture, Vocabulary};
use crate::network::{OpTable, SkeletonEntry, SpaceNetwork, Union};
use crate::notation;
use crate::space::left::{Left, TooFew, Whole, counted};
use crate::space::{Choices, SearchSpace, SpaceSize};

/// The space of a description: [`DeclaredSpace::new`].
///
/// # Errors
/// [`DescriptionError`] with the path of the key at fault.
pub fn space(description: &Description) -> Result<Arc<dyn SearchSpace>, DescriptionError> {
    Ok(Arc::new(DeclaredSpace::new(description)?))
}

/// A search space that a description declares.
///
/// Samples are uniform over the points of the description that its rules leave. For cells a point has an operation in
/// each place and, where nodes are free, a set of sources for each. For chains it has an option for each choice that
/// exists. Pruned cells are drawn uniformly over sets of sources, then over the operations of the nodes that are left.
/// Neighbours change one operation, source or option.
///
/// # Examples
/// ```
/// use bonas_spaces::declared::{ChoiceDescription, Description, OptionValue, space};
/// use bonas_spaces::testing::check_space;
///
/// let choice = |name: &str, options: [i64; 2]| ChoiceDescription {
///     name: name.into(),
///     options: options.map(OptionValue::Int).to_vec(),
///     ..ChoiceDescription::default()
/// };
/// let description = Description {
///     name: "tiny".into(),
///     choices: vec![choice("width", [16, 32]), choice("kernel", [3, 5])],
///     rules: vec!["width == 16 or kernel == 3".into()],
///     ..Description::default()
/// };
/// let space = space(&description)?;
/// assert_eq!(space.size().to_string(), "3 unique");
/// assert_eq!(space.format(&space.parse("width=16,kernel=5")?)?, "width=16,kernel=5");
/// check_space(&*space, 1, 20)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DeclaredSpace {
    name: String,
    about: String,
    body: Arc<dyn Body>,
    operations: Operations,
    rules: Rules,
    left: Left,
    networks: Option<Networks>,
    size: OnceLock<SpaceSize>,
    source: Option<String>,
}

/// Most options of a place that networks are tried with.
const MOST_TYPICAL: usize = 12;

impl DeclaredSpace {
    /// Builds the space of a description.
    ///
    /// # Errors
    /// [`DescriptionError`] with the path of the key at fault, among others for rules that leave fewer than one in a
    /// thousand points of a space that is too large to be listed.
    pub fn new(description: &Description) -> Result<Self, DescriptionError> {
        names::check("name", "space", &description.name)?;
        if description.about.chars().count() > 200 || description.about.contains(char::is_control) {
            return Err(DescriptionError::new("about", "expected one line of at most 200 letters"));
        }
        let kinds =
            [!description.cells.is_empty(), !description.stages.is_empty(), !description.choices.is_empty()];
        let (body, operations) = match kinds {
            [true, false, false] => {
                if description.separator.is_some() {
                    return Err(DescriptionError::new(
                        "separator",
                        "this stands between stages; cells have none",
                    ));
                }
                let operations = Operations::of(description.inputs, &description.operations)?;
                (cells::body(description, &operations)?, operations)
            }
            [false, true, false] | [false, false, true] => chain::body(description)?,
            [false, false, false] => {
                return Err(DescriptionError::new(
                    "",
                    "nothing to search: add [[cells]], [[stages]] or [[choices]]",
                ));
            }
            _ => {
                let reason = "cells, stages and choices are different kinds of spaces; take one of them";
                return Err(DescriptionError::new(if kinds[0] { "cells" } else { "stages" }, reason));
            }
        };
        if description.shuffle.is_some() && body.points() > super::body::MOST_LISTED {
            return Err(DescriptionError::new(
                "shuffle",
                "the space is too large to be listed; leave this out",
            ));
        }
        let rules = Rules::of(&description.rules, &*body)?;
        let mut space = Self {
            name: description.name.clone(),
            about: description.about.clone(),
            body: body.into(),
            operations,
            rules,
            left: Left::All,
            networks: None,
            size: OnceLock::new(),
            source: None,
        };
        space.left = space.find_left()?;
        if let Some(network) = &description.network {
            let networks = Networks::of(description, network, &space.operations, &*space.body)?;
            networks.try_out(&space.typical())?;
            space.networks = Some(networks);
        }
        Ok(space)
    }

    /// One line about the space; may be empty.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Number of points of the description, before rules; `u128::MAX` where it is larger.
    pub fn points(&self) -> u128 {
        self.body.points()
    }

    /// The share of the points that the rules leave: exact in a space that was listed, else estimated; `None` without rules.
    pub fn share_left(&self) -> Option<f64> {
        match &self.left {
            Left::All => None,
            Left::Many { share, .. } => Some(*share),
            Left::Few(left) => Some(left.len() as f64 / self.points() as f64),
        }
    }

    /// The space with the text that declares it ([`SearchSpace::source`]).
    #[must_use]
    pub fn with_source(self, text: &str) -> Self {
        Self { source: Some(text.to_owned()), ..self }
    }

    /// Architectures in which every option stands in every place, and a random one first.
    fn typical(&self) -> Vec<Architecture> {
        let choices = self.body.choices();
        let counts = choices.counts();
        let most = counts.iter().copied().max().unwrap_or(1).min(MOST_TYPICAL);
        let of = |option: usize| {
            let options: Vec<usize> = counts.iter().map(|count| option.min(count - 1)).collect();
            choices.build(&options).ok().flatten().filter(|architecture| self.accepts(architecture))
        };
        let drawn = self.sample(&mut ChaCha8Rng::seed_from_u64(0));
        std::iter::once(drawn).chain((0..most).filter_map(of)).collect()
    }

    fn broken(&self, architecture: &Architecture) -> Option<&str> {
        self.rules.broken(architecture, &*self.body, &self.operations)
    }

    /// Checks an architecture, if there are rules; without them reading it is a check.
    fn expect_rules(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        if self.rules.is_empty() { Ok(()) } else { self.check(architecture) }
    }

    fn accepts(&self, architecture: &Architecture) -> bool {
        self.broken(architecture).is_none()
    }

    /// Finds out how much the rules leave.
    fn find_left(&self) -> Result<Left, DescriptionError> {
        if self.rules.is_empty() {
            return Ok(Left::All);
        }
        let whole = Whole {
            points: self.body.points(),
            sample: &|rng| self.body.sample(rng),
            list: &|| self.body.enumerate(),
        };
        Left::find(&whole, &|architecture| self.accepts(architecture)).map_err(|few| {
            let reason = match few {
                TooFew::Nothing => "no architecture keeps all of them; loosen them".to_owned(),
                TooFew::Drawn { .. } => format!("they leave {few}; loosen them"),
            };
            DescriptionError::new("rules", reason)
        })
    }

    fn counted(&self) -> SpaceSize {
        let points = match &self.left {
            Left::Few(left) => left.len() as u128,
            Left::All | Left::Many { .. } => self.body.points(),
        };
        if matches!(self.left, Left::All) && self.body.is_exact() && points < u128::MAX {
            return SpaceSize::Unique(points);
        }
        counted(points, || self.enumerate())
    }
}

impl SearchSpace for DeclaredSpace {
    fn name(&self) -> &str {
        &self.name
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.body.vocabulary()
    }

    fn cell_names(&self) -> &[&str] {
        self.body.cell_names()
    }

    fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    fn shared(&self) -> Option<Arc<dyn SearchSpace>> {
        Some(Arc::new(self.clone()))
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.left.sample(|rng| self.body.sample(rng), |drawn| self.accepts(drawn), rng)
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        self.expect_rules(architecture)?;
        self.body.mutate(architecture, rng, &|mutant| self.accepts(mutant))
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.expect_rules(architecture)?;
        let mut neighbours = self.body.neighbours(architecture)?;
        neighbours.retain(|neighbour| self.accepts(neighbour));
        Ok(neighbours)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.body.check(architecture)?;
        match self.broken(architecture) {
            None => Ok(()),
            Some(rule) => {
                let text = self.body.format(architecture)?;
                Err(notation::excluded(&text, Exclusion::Rule(rule.to_owned())))
            }
        }
    }

    fn size(&self) -> SpaceSize {
        *self.size.get_or_init(|| self.counted())
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        match &self.left {
            Left::Few(left) => Some(Box::new(left.iter().cloned())),
            Left::All => self.body.enumerate(),
            Left::Many { .. } => {
                let all = self.body.enumerate()?;
                Some(Box::new(all.filter(|architecture| self.accepts(architecture))))
            }
        }
    }

    /// None where the rules leave so little that combinations of options are rarely architectures.
    fn choices(&self) -> Option<&dyn Choices> {
        (!matches!(self.left, Left::Few(_))).then_some(self)
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        self.networks.is_some().then_some(self)
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        self.expect_rules(architecture)?;
        self.body.format(architecture)
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let architecture = self.body.parse(text)?;
        match self.broken(&architecture) {
            None => Ok(architecture),
            Some(rule) => Err(notation::excluded(text, Exclusion::Rule(rule.to_owned()))),
        }
    }
}

impl Choices for DeclaredSpace {
    fn counts(&self) -> Vec<usize> {
        self.body.choices().counts()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        self.expect_rules(architecture)?;
        self.body.choices().read(architecture)
    }

    fn build(&self, choices: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        let built = self.body.choices().build(choices)?;
        Ok(built.filter(|architecture| self.accepts(architecture)))
    }
}

/// Present only where there are networks ([`SearchSpace::network`]).
impl SpaceNetwork for DeclaredSpace {
    fn ops(&self) -> OpTable {
        self.networks.as_ref().map_or_else(OpTable::new, |networks| networks.ops.clone())
    }

    fn whole(&self) -> Union {
        self.body.whole()
    }

    fn skeletons(&self) -> &'static [&'static SkeletonEntry] {
        self.networks.as_ref().map_or(&[], |networks| networks.skeletons)
    }
}
