//! What a condition leaves of a space: found by drawing, and in a small space by listing.

use std::collections::HashSet;
use std::fmt;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::SpaceSize;
use crate::graph::{Architecture, Key};

/// Spaces of at most so many points are counted by listing them.
const COUNTED: u128 = 50_000;

/// Draws by which it is found out how many points the condition leaves.
const TRIED: usize = 2_000;
const TRIED_LARGE: usize = 20_000;
/// Draws of a large space after which nothing more is expected where the condition leaves none of them: where it leaves one in
/// five hundred, all of them fail with probability e⁻¹⁰.
const TRIED_IN_VAIN: usize = 5_000;
/// The least that it may leave of [`TRIED`], or the space is listed.
const LEFT: usize = 40;
/// The least that it may leave of [`TRIED_LARGE`] in a space that is too large to be listed.
const LEFT_LARGE: usize = 20;
/// Draws of a sample; at one in a thousand, all of them fail with probability e⁻¹⁰⁰⁰.
const MOST_DRAWS: usize = 1_000_000;

/// What a condition leaves of a space.
#[derive(Clone, Debug)]
pub(crate) enum Left {
    /// All of it.
    All,
    /// Enough to draw until a point is right; `known` is, and so is an estimated share of all.
    Many { known: Architecture, share: f64 },
    /// These points.
    Few(Vec<Architecture>),
}

/// Too little is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooFew {
    /// No point of a space that was listed.
    Nothing,
    /// So many of the points that were drawn.
    Drawn { left: usize, of: usize },
}

impl fmt::Display for TooFew {
    /// What follows "the condition leaves".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => write!(f, "no architecture"),
            Self::Drawn { left, of } => {
                write!(f, "{left} of {of} points drawn at random, expected at least 1 in 1000")
            }
        }
    }
}

/// A space as a condition sees it.
pub(crate) struct Whole<'a> {
    /// Number of points.
    pub(crate) points: u128,
    /// Draws a point.
    pub(crate) sample: &'a dyn Fn(&mut dyn Rng) -> Architecture,
    /// Lists the points, where there are not too many.
    pub(crate) list: &'a dyn Fn() -> Option<Box<dyn Iterator<Item = Architecture> + 'a>>,
}

impl Left {
    /// Finds out how much a condition leaves.
    ///
    /// # Errors
    /// [`TooFew`] for none at all, and for fewer than one in a thousand points of a space that is too large to be listed.
    pub(crate) fn find(whole: &Whole<'_>, accepts: &dyn Fn(&Architecture) -> bool) -> Result<Self, TooFew> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let (mut known, mut left, mut drawn) = (None, 0, 0);
        let in_vain = |drawn, left| drawn >= TRIED_IN_VAIN && left == 0;
        while drawn < TRIED_LARGE && !(drawn >= TRIED && left >= LEFT) && !in_vain(drawn, left) {
            if drawn == TRIED
                && whole.points <= COUNTED
                && let Some(all) = (whole.list)()
            {
                let few: Vec<Architecture> = all.filter(|architecture| accepts(architecture)).collect();
                return if few.is_empty() { Err(TooFew::Nothing) } else { Ok(Self::Few(few)) };
            }
            let architecture = (whole.sample)(&mut rng);
            drawn += 1;
            if accepts(&architecture) {
                left += 1;
                known = Some(architecture);
            }
        }
        let too_few = TooFew::Drawn { left, of: drawn };
        let known = known.filter(|_| left >= LEFT_LARGE).ok_or(too_few)?;
        Ok(Self::Many { known, share: left as f64 / drawn as f64 })
    }

    /// Draws a point that is left, as the whole space draws it.
    pub(crate) fn sample(
        &self,
        draw: impl Fn(&mut dyn Rng) -> Architecture,
        accepts: impl Fn(&Architecture) -> bool,
        rng: &mut dyn Rng,
    ) -> Architecture {
        match self {
            Self::All => draw(rng),
            Self::Few(left) => left[rng.random_range(0..left.len() as u32) as usize].clone(),
            Self::Many { known, .. } => {
                let mut draws = (0..MOST_DRAWS).map(|_| draw(rng));
                draws.find(|drawn| accepts(drawn)).unwrap_or_else(|| known.clone())
            }
        }
    }
}

/// The size of a space of at most `points` points, which are counted where they are few.
pub(crate) fn counted<'a>(
    points: u128,
    list: impl FnOnce() -> Option<Box<dyn Iterator<Item = Architecture> + 'a>>,
) -> SpaceSize {
    let all = (points <= COUNTED).then(list).flatten();
    all.map_or(SpaceSize::AtMost(points), |all| {
        SpaceSize::Unique(all.map(|architecture| architecture.key()).collect::<HashSet<Key>>().len() as u128)
    })
}
