//! A space with some of its operations only.

use std::sync::{Arc, OnceLock};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::left::{Left, TooFew, Whole, counted};
use super::{Choices, SearchSpace, SpaceSize, check_choices};
use crate::error::{Exclusion, SpaceError};
use crate::graph::{Architecture, Vocabulary};
use crate::network::{SpaceNetwork, SpaceRecurrent};
use crate::notation::{self, Notation};

/// Draws beside which options are tried.
const BESIDE: usize = 20;

/// The architectures of a space that are made of some of its operations, as a space of their own.
///
/// Keys, notations and networks are those of the whole space, so that scores compare with it. Samples are drawn as
/// the whole space draws them, until one is left; in a small space of which little is left they are uniform. A mutant is drawn
/// in the same way; neighbours are those of the whole space that are left.
///
/// ```
/// use std::sync::Arc;
/// use bonas_spaces::families::nasbench201::NasBench201;
/// use bonas_spaces::{Restricted, SearchSpace, SpaceSize};
///
/// let without_pooling = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"];
/// let space = Restricted::to(Arc::new(NasBench201::new()), &without_pooling)?;
/// assert_eq!(space.size(), SpaceSize::Unique(1_236));
/// # Ok::<(), bonas_spaces::SpaceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Restricted {
    whole: Arc<dyn SearchSpace>,
    /// Whether an architecture may have each label of the vocabulary.
    allowed: Vec<bool>,
    left: Left,
    /// The options of the whole space that are left at each position, where it is one of choices.
    options: Vec<Vec<usize>>,
    size: OnceLock<SpaceSize>,
}

impl Restricted {
    /// The part of a space that is made of `operations`.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`]; [`SpaceError::Parameter`] for no operations, and where fewer than one in a thousand
    /// architectures is left, so that drawing them would take too long.
    pub fn to(whole: Arc<dyn SearchSpace>, operations: &[impl AsRef<str>]) -> Result<Self, SpaceError> {
        let bad = |reason: String| Err(SpaceError::Parameter { parameter: "operations", reason });
        let vocabulary = whole.vocabulary();
        let mut allowed = vec![true; vocabulary.len()];
        vocabulary.ops().for_each(|op| allowed[op.index()] = false);
        if operations.is_empty() {
            return bad("none is left; name at least one".to_owned());
        }
        for name in operations {
            allowed[vocabulary.id(name.as_ref())?.index()] = true;
        }
        let (left, options, size) = (Left::All, Vec::new(), OnceLock::new());
        let mut space = Self { whole, allowed, left, options, size };
        space.left = match space.find_left() {
            Ok(left) => left,
            Err(few) => {
                return bad(format!("these leave {few}; allow more, or declare the space in a file"));
            }
        };
        space.options = space.options_left()?;
        Ok(space)
    }

    /// Finds out how much is left.
    fn find_left(&self) -> Result<Left, TooFew> {
        let (SpaceSize::Unique(points) | SpaceSize::AtMost(points)) = self.whole.size();
        let whole = Whole { points, sample: &|rng| self.whole.sample(rng), list: &|| self.whole.enumerate() };
        Left::find(&whole, &|architecture| self.is_left(architecture))
    }

    /// The options at each position that bring no forbidden operation into some architecture that has none. What stands at
    /// a position that an architecture does not use is no operation.
    fn options_left(&self) -> Result<Vec<Vec<usize>>, SpaceError> {
        let Some(choices) = self.whole.choices() else { return Ok(Vec::new()) };
        let counts = choices.counts();
        let mut left: Vec<Vec<bool>> = counts.iter().map(|&count| vec![false; count]).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for _ in 0..BESIDE {
            let mut options = choices.read(&self.sample(&mut rng))?;
            for (position, left) in left.iter_mut().enumerate() {
                let own = options[position];
                for (option, left) in left.iter_mut().enumerate() {
                    options[position] = option;
                    *left = *left || choices.build(&options)?.is_none_or(|built| self.is_left(&built));
                }
                options[position] = own;
            }
        }
        let kept = |left: Vec<bool>| (0..left.len()).filter(|&option| left[option]).collect();
        Ok(left.into_iter().map(kept).collect())
    }

    /// The name of an operation that an architecture has and must not have.
    fn forbidden(&self, architecture: &Architecture) -> Option<&str> {
        let labels = architecture.cells().iter().flat_map(|cell| {
            let graph = cell.graph();
            graph.node_weights().chain(graph.edge_weights()).copied()
        });
        let mut forbidden = labels.filter(|label| !self.allowed[label.index()]);
        forbidden.next().map(|label| self.vocabulary().name(label))
    }

    fn is_left(&self, architecture: &Architecture) -> bool {
        self.forbidden(architecture).is_none()
    }
}

impl SearchSpace for Restricted {
    fn name(&self) -> &str {
        self.whole.name()
    }

    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.whole.vocabulary()
    }

    fn cell_names(&self) -> &[&str] {
        self.whole.cell_names()
    }

    fn source(&self) -> Option<&str> {
        self.whole.source()
    }

    fn shared(&self) -> Option<Arc<dyn SearchSpace>> {
        self.whole.shared()
    }

    fn sample(&self, rng: &mut dyn Rng) -> Architecture {
        self.left.sample(|rng| self.whole.sample(rng), |drawn| self.is_left(drawn), rng)
    }

    fn mutate(&self, architecture: &Architecture, rng: &mut dyn Rng) -> Result<Architecture, SpaceError> {
        self.check(architecture)?;
        for _ in 0..100 {
            let mutant = self.whole.mutate(architecture, rng)?;
            if self.is_left(&mutant) {
                return Ok(mutant);
            }
        }
        let near = self.neighbours(architecture)?;
        Ok(match near.len() {
            0 => architecture.clone(),
            n => near[rng.random_range(0..n as u32) as usize].clone(),
        })
    }

    fn neighbours(&self, architecture: &Architecture) -> Result<Vec<Architecture>, SpaceError> {
        self.check(architecture)?;
        let mut near = self.whole.neighbours(architecture)?;
        near.retain(|neighbour| self.is_left(neighbour));
        Ok(near)
    }

    fn check(&self, architecture: &Architecture) -> Result<(), SpaceError> {
        self.whole.check(architecture)?;
        let Some(name) = self.forbidden(architecture) else { return Ok(()) };
        Err(notation::excluded(&self.whole.format(architecture)?, Exclusion::Operation(name.to_owned())))
    }

    /// Counted where the whole space is small; else at most as many as it has.
    fn size(&self) -> SpaceSize {
        *self.size.get_or_init(|| {
            let (SpaceSize::Unique(points) | SpaceSize::AtMost(points)) = self.whole.size();
            counted(points, || self.enumerate())
        })
    }

    fn enumerate(&self) -> Option<Box<dyn Iterator<Item = Architecture> + '_>> {
        match &self.left {
            Left::Few(left) => Some(Box::new(left.iter().cloned())),
            Left::All | Left::Many { .. } => {
                Some(Box::new(self.whole.enumerate()?.filter(|one| self.is_left(one))))
            }
        }
    }

    fn choices(&self) -> Option<&dyn Choices> {
        self.whole.choices().map(|_| self as &dyn Choices)
    }

    fn network(&self) -> Option<&dyn SpaceNetwork> {
        self.whole.network()
    }

    fn recurrent(&self) -> Option<&dyn SpaceRecurrent> {
        self.whole.recurrent()
    }

    fn format(&self, architecture: &Architecture) -> Result<String, SpaceError> {
        self.whole.format(architecture)
    }

    fn parse(&self, text: &str) -> Result<Architecture, SpaceError> {
        let architecture = self.whole.parse(text)?;
        self.check(&architecture)?;
        Ok(architecture)
    }

    fn notations(&self) -> Vec<Notation> {
        self.whole.notations()
    }

    fn format_as(&self, architecture: &Architecture, notation: &str) -> Result<String, SpaceError> {
        self.whole.format_as(architecture, notation)
    }
}

/// The choices of the whole space with the options that are left.
impl Choices for Restricted {
    fn counts(&self) -> Vec<usize> {
        self.options.iter().map(Vec::len).collect()
    }

    fn read(&self, architecture: &Architecture) -> Result<Vec<usize>, SpaceError> {
        self.check(architecture)?;
        let choices = self.whole.choices();
        let whole = choices.map_or_else(|| Ok(Vec::new()), |choices| choices.read(architecture))?;
        // What is left out stands where it is not used.
        let place = |(kept, option): (&Vec<usize>, usize)| {
            kept.iter().position(|&one| one == option).unwrap_or_default()
        };
        let options: Vec<usize> = self.options.iter().zip(whole).map(place).collect();
        match self.build(&options)? {
            Some(same) if same.key() == architecture.key() => Ok(options),
            _ => Err(SpaceError::cell("its choices are not among those that are left of the space")),
        }
    }

    fn build(&self, options: &[usize]) -> Result<Option<Architecture>, SpaceError> {
        check_choices(options, &self.counts())?;
        let whole: Vec<usize> =
            self.options.iter().zip(options).map(|(kept, &option)| kept[option]).collect();
        let built = self.whole.choices().map_or(Ok(None), |choices| choices.build(&whole))?;
        Ok(built.filter(|built| self.is_left(built)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::darts::Darts;
    use crate::families::nasbench101::NasBench101;
    use crate::families::nasbench201::NasBench201;
    use crate::network::{SkeletonSize, Union};
    use crate::space::CostTable;
    use crate::testing::check_space;

    #[test]
    fn parts_of_spaces_keep_the_contract() {
        let ops = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"];
        let part = Restricted::to(Arc::new(NasBench201::new()), &ops).unwrap();
        let report = check_space(&part, 1, 100).unwrap();
        assert_eq!(report.enumerated, 4096);
        assert_eq!(part.size(), SpaceSize::Unique(1236));
        assert_eq!(part.choices().unwrap().counts(), [4; 6]);
        let networks = part.network().unwrap();
        let skeleton = networks.skeleton().build(&SkeletonSize::default()).unwrap();
        let costs = CostTable::of(&part, &*skeleton, &networks.ops()).unwrap().unwrap();
        let cell = part.sample(&mut ChaCha8Rng::seed_from_u64(2));
        let union = Union::of(std::slice::from_ref(&cell)).unwrap();
        let macs = skeleton.network(&union, &networks.ops()).unwrap().macs();
        assert_eq!(costs.macs(&part.choices().unwrap().read(&cell).unwrap()), macs);
        let few =
            ["skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "max_pool_3x3", "avg_pool_3x3"];
        check_space(&Restricted::to(Arc::new(Darts::new()), &few).unwrap(), 1, 4).unwrap();
        // Unused vertices read as the first operation, which is left out here.
        let without_first = ["conv3x3-bn-relu", "maxpool3x3"];
        let part = Restricted::to(Arc::new(NasBench101::new()), &without_first).unwrap();
        check_space(&part, 1, 20).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..200 {
            let cell = part.sample(&mut rng);
            let options = part.choices().unwrap().read(&cell).unwrap();
            assert_eq!(part.choices().unwrap().build(&options).unwrap(), Some(cell));
        }
    }

    /// Of 15,625 cells the 64 of two operations are listed, and so are those of one.
    #[test]
    fn little_that_is_left_is_listed() {
        let one = Restricted::to(Arc::new(NasBench201::new()), &["nor_conv_3x3"]).unwrap();
        assert_eq!((one.size(), one.enumerate().unwrap().count()), (SpaceSize::Unique(1), 1));
        let cell = one.sample(&mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(one.mutate(&cell, &mut ChaCha8Rng::seed_from_u64(1)).unwrap(), cell);
    }

    /// Chi-square of 6,400 draws over the 64 cells that two operations make, 63 degrees of freedom: 103.4 at 1 in 1,000.
    #[test]
    fn samples_are_uniform_over_what_is_left() {
        let part = Restricted::to(Arc::new(NasBench201::new()), &["nor_conv_1x1", "nor_conv_3x3"]).unwrap();
        let (mut rng, mut counts) = (ChaCha8Rng::seed_from_u64(3), std::collections::HashMap::new());
        (0..6400)
            .for_each(|_| *counts.entry(part.format(&part.sample(&mut rng)).unwrap()).or_insert(0.0) += 1.0);
        let chi: f64 = counts.values().map(|n: &f64| (n - 100.0) * (n - 100.0) / 100.0).sum();
        assert!(counts.len() == 64 && chi < 103.4, "{chi}");
    }

    #[test]
    fn what_is_left_out_is_refused_by_name() {
        let whole: Arc<dyn SearchSpace> = Arc::new(NasBench201::new());
        let part = Restricted::to(whole.clone(), &["none", "nor_conv_3x3"]).unwrap();
        let text = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|avg_pool_3x3~1|none~2|";
        let error = part.parse(text).unwrap_err().to_string();
        assert!(error.contains("avg_pool_3x3"), "{error}");
        assert!(part.neighbours(&whole.parse(text).unwrap()).is_err());
        let refused = |ops: &[&str]| Restricted::to(whole.clone(), ops).unwrap_err().to_string();
        assert!(refused(&["conv"]).contains("skip_connect"), "{}", refused(&["conv"]));
        assert!(refused(&[]).contains("operations"), "{}", refused(&[]));
        let few = Restricted::to(Arc::new(Darts::new()), &["sep_conv_3x3"]).unwrap_err().to_string();
        assert!(few.contains("these leave 0 of 5000 points"), "{few}");
    }
}
