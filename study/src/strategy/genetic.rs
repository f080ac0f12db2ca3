//! The evolution of SPOS and BN-NAS: mutants and crosses of the best, under a limit of multiply-adds.

use std::collections::HashSet;

use bonas_spaces::catalogue::spaces_with;
use bonas_spaces::{Architecture, Choices, Key, SearchSpace, SpaceError};
use rand::RngExt;

use super::fresh::is_new;
use super::knowledge::published;
use super::{
    Ask, BuildContext, BuildStrategy, Candidate, CostLimit, Costs, Proposal, Scored, Strategy, Targets,
    WholeSpace, check_batch_settings,
};
use crate::StudyError;
use crate::rng::{StudyRng, stream};
use crate::settings::{at_least_1, ensure};

crate::settings! {
    /// Settings of the evolution of BN-NAS.
    pub struct BnNasSettings {
        /// Architectures a generation, which is a round. Published: 50.
        population: usize = 50,
        /// Generations. Published: 20.
        generations: usize = 20,
        /// The best so far, of which children are made. Published: 10.
        parents: usize = 10,
        /// Mutants a generation. Published: 25.
        mutants: usize = 25,
        /// Crosses of two parents a generation; what is missing is random. Published: 25.
        crosses: usize = 25,
        /// Probability that a mutant draws an element again. Published: 0.1.
        mutation: f64 = 0.1,
        /// Most multiply-adds of an architecture's published network (cells: CIFAR-10; mobilenet: ImageNet);
        /// 0: no limit. Published: 475000000.
        macs_limit: u64 = 0,
        /// A space that can be listed, with at most so many points, is evaluated whole in place of an
        /// evolution; 0: none.
        exhaustive: usize = 0,
        /// Architectures a batch.
        batch: usize = 10,
    }
    check(s) {
        at_least_1(s.population, "population")?;
        at_least_1(s.generations, "generations")?;
        at_least_1(s.parents, "parents")?;
        let children = s.mutants + s.crosses <= s.population;
        ensure(children, "mutants", s.mutants, "with crosses at most population")?;
        ensure((0.0..=1.0).contains(&s.mutation), "mutation", s.mutation, "a probability from 0 to 1")?;
        ensure(i64::try_from(s.macs_limit).is_ok(), "macs_limit", s.macs_limit, "0 to 9223372036854775807")?;
        check_batch_settings(1, s.batch)
    }
}

impl BuildStrategy for BnNasSettings {
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Strategy>, StudyError> {
        let space = context.space;
        if space.choices().is_none() {
            let reason = format!(
                "bn-nas needs a space of choices, and {} has none here (no table has any); take {}, without a table",
                space.name(),
                spaces_with(|space| space.choices().is_some()).join(", ")
            );
            return Err(StudyError::Setting { name: "strategy.name".into(), reason });
        }
        Ok(Box::new(Genetic {
            population: self.population,
            generations: self.generations,
            parents: self.parents,
            mutants: self.mutants,
            crosses: self.crosses,
            mutation: self.mutation,
            batch: self.batch,
            limit: if self.macs_limit > 0 { Some(cost_limit(self.macs_limit, space)?) } else { None },
            exhaustive: self.exhaustive,
        }))
    }

    batch!();

    /// It recombines choices, and the rows of a table are none.
    fn compares_on_tables(&self, _: bool) -> bool {
        false
    }
}

/// A limit of multiply-adds of a space's published network.
fn cost_limit(most: u64, space: &dyn SearchSpace) -> Result<CostLimit, StudyError> {
    let none = |reason: String| StudyError::Setting { name: "strategy.macs_limit".into(), reason };
    let (skeleton, ops) =
        published(space).map_err(|error| none(format!("{most}, but {error}; set it to 0")))?;
    let limit = CostLimit { costs: Costs::of(space, skeleton, ops)?, most };
    if let Some(reason) = limit.too_low(space, &mut stream(0, &[]))? {
        return Err(none(reason));
    }
    Ok(limit)
}

/// Tries for each mutant, cross or random architecture wanted (SPOS: 10).
const TRIES_EACH: usize = 10;
/// Random draws over the limit before one is made cheaper.
const DRAWS: usize = 50;

/// Evolution as in SPOS (Guo et al. 2020) and BN-NAS (Chen et al. 2021; release, `ea.py`): a round is
/// a generation, children are mutants and crosses of the best evaluated so far, and the rest of the
/// population is random. No architecture over the limit, and none twice.
///
/// A random architecture over the limit is drawn again; after 50 draws random layers of the last one
/// are made as cheap as they can be until it is under the limit. Choices that make no architecture are
/// drawn again too.
#[derive(Clone, Debug)]
pub struct Genetic {
    /// Architectures a generation; published: 50.
    pub population: usize,
    /// Generations, the first random one counted; published: 20.
    pub generations: usize,
    /// The best that children are made of; published: 10.
    pub parents: usize,
    /// Mutants a generation; published: 25.
    pub mutants: usize,
    /// Crosses a generation; published: 25.
    pub crosses: usize,
    /// Probability that a mutant draws a position again; published: 0.1.
    pub mutation: f64,
    /// Architectures a batch.
    pub batch: usize,
    /// Limit of multiply-adds, if there is one.
    pub limit: Option<CostLimit>,
    /// A space that can be listed with at most so many points is evaluated whole instead; 0: none.
    pub exhaustive: usize,
}

impl Default for Genetic {
    fn default() -> Self {
        Self {
            population: 50,
            generations: 20,
            parents: 10,
            mutants: 25,
            crosses: 25,
            mutation: 0.1,
            batch: 10,
            limit: None,
            exhaustive: 0,
        }
    }
}

impl Strategy for Genetic {
    fn name(&self) -> &'static str {
        "bn-nas"
    }

    fn ask(&mut self, ask: &Ask<'_>, rng: &mut StudyRng) -> Result<Proposal, StudyError> {
        self.check()?;
        let Some(choices) = ask.space.choices() else {
            return Err(self.broken(format!(
                "space {} is not one of choices, which crossing needs; use {}, or strategy evolution",
                ask.space.name(),
                spaces_with(|space| space.choices().is_some()).join(", ")
            )));
        };
        if ask.round == 0
            && let Some(limit) = &self.limit
            && let Some(reason) = limit.too_low(&**ask.space, &mut rng.clone())?
        {
            return Err(self.broken(format!("macs_limit = {reason}")));
        }
        let mut generation =
            Generation { genetic: self, ask, choices, taken: HashSet::new(), made: Vec::new() };
        if self.exhaustive > 0
            && let Some(whole) = WholeSpace::of(&**ask.space, self.exhaustive)
        {
            for architecture in whole.architectures() {
                if generation.made.len() < ask.remaining {
                    generation.take(architecture.clone())?;
                }
            }
        } else if ask.round < self.generations {
            generation.breed(rng)?;
        }
        let candidates = generation.made.into_iter().map(Candidate::from).collect();
        Ok(Proposal::in_batches(candidates, self.batch))
    }
}

impl Genetic {
    fn check(&self) -> Result<(), StudyError> {
        super::check_positive("bn-nas.population", self.population)?;
        super::check_positive("bn-nas.parents", self.parents)?;
        super::check_positive("bn-nas.batch", self.batch)?;
        if (0.0..=1.0).contains(&self.mutation) {
            return Ok(());
        }
        let reason = format!("{}, it must be between 0 and 1", self.mutation);
        Err(StudyError::Setting { name: "bn-nas.mutation".into(), reason })
    }

    fn broken(&self, reason: String) -> StudyError {
        StudyError::Strategy { strategy: self.name().to_owned(), reason }
    }
}

/// A generation in the making.
struct Generation<'a> {
    genetic: &'a Genetic,
    ask: &'a Ask<'a>,
    choices: &'a dyn Choices,
    taken: HashSet<Key>,
    made: Vec<Architecture>,
}

impl Generation<'_> {
    fn breed(&mut self, rng: &mut StudyRng) -> Result<(), StudyError> {
        let (genetic, choices, counts) = (self.genetic, self.choices, self.choices.counts());
        let wanted = genetic.population.min(self.ask.remaining);
        let parents = self.parents()?;
        if !parents.is_empty() {
            let mutant = |rng: &mut StudyRng| {
                let mut child = pick(&parents, rng).clone();
                for (option, &count) in child.iter_mut().zip(&counts) {
                    if rng.random_bool(genetic.mutation) {
                        *option = rng.random_range(0..count);
                    }
                }
                Ok(child)
            };
            self.make(genetic.mutants.min(wanted), rng, &mutant)?;
            let cross = |rng: &mut StudyRng| {
                let (mother, father) = (pick(&parents, rng), pick(&parents, rng));
                let either = |(a, b): (&usize, &usize)| if rng.random_bool(0.5) { *a } else { *b };
                Ok(mother.iter().zip(father).map(either).collect())
            };
            self.make((self.made.len() + genetic.crosses).min(wanted), rng, &cross)?;
        }
        self.make(wanted, rng, &|rng| random(genetic, choices, rng))
    }

    /// The choices of the best evaluated so far, best first, the earlier of equals.
    fn parents(&self) -> Result<Vec<Vec<usize>>, StudyError> {
        let mut scored: Vec<Scored<'_>> = Targets::Raw.of(self.ask.history, self.ask.fidelity);
        scored.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.index.cmp(&b.index)));
        let best = scored.iter().take(self.genetic.parents);
        Ok(best.map(|s| self.choices.read(&s.evaluation.architecture)).collect::<Result<_, _>>()?)
    }

    /// Adds what `draw` gives until there are `total`, or tries run out.
    fn make(
        &mut self,
        total: usize,
        rng: &mut StudyRng,
        draw: &dyn Fn(&mut StudyRng) -> Result<Vec<usize>, SpaceError>,
    ) -> Result<(), StudyError> {
        for _ in 0..TRIES_EACH * total.saturating_sub(self.made.len()) {
            if self.made.len() >= total {
                break;
            }
            if let Some(drawn) = self.choices.build(&draw(rng)?)? {
                self.take(drawn)?;
            }
        }
        Ok(())
    }

    /// Adds an architecture that is new and under the limit.
    fn take(&mut self, architecture: Architecture) -> Result<(), StudyError> {
        let under = match &self.genetic.limit {
            Some(limit) => {
                let choices = self.choices.read(&architecture)?;
                limit.costs.macs(&choices, self.choices)?.is_some_and(|macs| macs <= limit.most)
            }
            None => true,
        };
        if under && is_new(self.ask, &architecture, &mut self.taken) {
            self.made.push(architecture);
        }
        Ok(())
    }
}

/// Random choices; under the limit, if choices that make an architecture can be brought there.
fn random(genetic: &Genetic, choices: &dyn Choices, rng: &mut StudyRng) -> Result<Vec<usize>, SpaceError> {
    let counts = choices.counts();
    let uniform = |rng: &mut StudyRng| counts.iter().map(|&n| rng.random_range(0..n)).collect::<Vec<usize>>();
    let mut drawn = uniform(rng);
    let Some(limit) = &genetic.limit else { return Ok(drawn) };
    let over = |drawn: &[usize]| {
        Ok::<_, SpaceError>(limit.costs.macs(drawn, choices)?.is_none_or(|macs| macs > limit.most))
    };
    for _ in 1..DRAWS {
        if !over(&drawn)? {
            return Ok(drawn);
        }
        drawn = uniform(rng);
    }
    let mut dear: Vec<usize> = (0..counts.len()).collect();
    while over(&drawn)? && !dear.is_empty() {
        let position = dear.swap_remove(rng.random_range(0..dear.len()));
        limit.costs.cheapen(&mut drawn, position, choices)?;
    }
    Ok(drawn)
}

fn pick<'a>(parents: &'a [Vec<usize>], rng: &mut StudyRng) -> &'a Vec<usize> {
    &parents[rng.random_range(0..parents.len())]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::darts::{Darts, DartsSkeleton};
    use bonas_spaces::families::mobilenet::{MobileNet, MobileNetSkeleton};
    use bonas_spaces::families::nasbench_macro::NasBenchMacro;
    use bonas_spaces::families::nasbench101::{NasBench101, NasBench101Skeleton};
    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{OpTable, Skeleton};
    use bonas_spaces::space::CostTable;

    use super::*;
    use crate::engine::{Budget, Finished};
    use crate::evaluator::Synthetic;
    use crate::history::Fidelity;
    use crate::strategy::Costs;
    use crate::testing::check_strategy;
    use crate::{Evaluator, Study};

    fn table(space: &dyn SearchSpace) -> CostTable {
        let table = match space.name() {
            "nasbench201" => CostTable::of(space, &NasBench201Skeleton::cifar(), &OpTable::nasbench201()),
            _ => CostTable::of(space, &MobileNetSkeleton::imagenet(), &OpTable::mobilenet()),
        };
        table.unwrap().unwrap()
    }

    fn limited(space: &dyn SearchSpace, most: u64) -> Genetic {
        let limit = CostLimit { costs: Costs::Table(table(space)), most };
        Genetic { limit: Some(limit), ..Genetic::default() }
    }

    /// The same on spaces whose networks are counted one by one.
    fn counted(space: &dyn SearchSpace, most: u64) -> Genetic {
        let (skeleton, ops): (Arc<dyn Skeleton>, _) = match space.name() {
            "nasbench101" => (Arc::new(NasBench101Skeleton::cifar()), OpTable::nasbench101()),
            _ => (Arc::new(DartsSkeleton { layers: 6, ..DartsSkeleton::cifar() }), OpTable::darts()),
        };
        let costs = Costs::of(space, skeleton, ops).unwrap();
        assert!(matches!(costs, Costs::Counted { .. }));
        let small = Genetic { population: 10, mutants: 4, crosses: 4, parents: 4, ..Genetic::default() };
        Genetic { limit: Some(CostLimit { costs, most }), ..small }
    }

    fn counts(genetic: &Genetic, space: &dyn SearchSpace, architecture: &Architecture) -> u64 {
        let (costs, choices) = (&genetic.limit.as_ref().unwrap().costs, space.choices().unwrap());
        costs.macs(&choices.read(architecture).unwrap(), choices).unwrap().unwrap()
    }

    /// Scores by the share of positions that take option 4.
    fn run(space: Arc<dyn SearchSpace>, genetic: Genetic, budget: usize) -> Result<Finished, StudyError> {
        let own = space.clone();
        let score = Synthetic::new(Fidelity::Table, move |a| {
            let choices = own.choices().unwrap().read(a).unwrap();
            Ok(choices.iter().filter(|&&choice| choice == 4).count() as f64 / choices.len() as f64)
        });
        let evaluators: Vec<Box<dyn Evaluator>> = vec![Box::new(score)];
        Study::new(space, Box::new(genetic), evaluators).seed(1).budget(Budget::architectures(budget)).run()
    }

    /// The most multiply-adds of what was evaluated.
    fn most(space: &dyn SearchSpace, finished: &Finished) -> u64 {
        let (table, choices) = (table(space), space.choices().unwrap());
        let evaluations = finished.history.evaluations().iter();
        evaluations.map(|e| table.macs(&choices.read(&e.architecture).unwrap())).max().unwrap()
    }

    #[test]
    fn nothing_over_the_limit_is_evaluated_and_every_generation_is_better() {
        let space: Arc<dyn SearchSpace> = Arc::new(MobileNet::fixed_depth());
        let finished = run(space.clone(), limited(&*space, 475_000_000), 10_000).unwrap();
        // Twenty generations of fifty, then nothing more.
        assert_eq!(finished.history.len(), 1000);
        assert!(most(&*space, &finished) <= 475_000_000);
        let scores: Vec<f64> = finished.history.scored(Fidelity::Table).map(|(_, score)| score).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        // One in six at random of 17 layers; far more once the best were bred from.
        assert!(mean(&scores[..50]) < 0.2 && mean(&scores[950..]) > 0.35, "{}", mean(&scores[950..]));
    }

    #[test]
    fn a_limit_that_random_draws_never_meet_is_met_all_the_same() {
        let space: Arc<dyn SearchSpace> = Arc::new(MobileNet::new());
        let limit = table(&*space).least() * 11 / 10;
        let genetic = Genetic { generations: 2, ..limited(&*space, limit) };
        let finished = run(space.clone(), genetic, 1000).unwrap();
        assert!(finished.history.len() > 50, "{}", finished.history.len());
        assert!(most(&*space, &finished) <= limit);
    }

    #[test]
    fn a_small_space_is_evaluated_whole() {
        let space: Arc<dyn SearchSpace> = Arc::new(NasBench201::new());
        let genetic = Genetic { exhaustive: 20_000, ..limited(&*space, 60_000_000) };
        let finished = run(space.clone(), genetic, 100_000).unwrap();
        let (table, choices) = (table(&*space), space.choices().unwrap());
        let under = |a: &Architecture| table.macs(&choices.read(a).unwrap()) <= 60_000_000;
        let mut keys = HashSet::new();
        let expected = space.enumerate().unwrap().filter(|a| keys.insert(a.key())).filter(under).count();
        assert_eq!(finished.history.len(), expected);
        assert!(expected > 1000 && expected < 6466);
    }

    #[test]
    fn it_keeps_the_contract_of_strategies() {
        let space: Arc<dyn SearchSpace> = Arc::new(NasBench201::new());
        let small = |genetic: Genetic| Genetic { population: 8, mutants: 4, crosses: 3, batch: 3, ..genetic };
        check_strategy(&|| Box::new(small(Genetic::default())), space.clone());
        let limited = small(limited(&*space, 60_000_000));
        check_strategy(&|| Box::new(limited.clone()), space);
    }

    #[test]
    fn a_limit_that_no_architecture_meets_names_the_least() {
        let space: Arc<dyn SearchSpace> = Arc::new(MobileNet::new());
        let error = run(space.clone(), limited(&*space, 1000), 10).unwrap_err().to_string();
        assert!(error.contains("macs_limit = 1000"), "{error}");
        assert!(error.contains(&format!("the smallest has {}", table(&*space).least())), "{error}");
    }

    /// Cells of pools and skips alone are not refused where a start leads to them; below the smallest found the
    /// limit is, and it is named.
    #[test]
    fn where_costs_are_no_sum_small_architectures_are_found() {
        let pools = "normal=[('max_pool_3x3', 0), ('max_pool_3x3', 1)";
        let rest = ", ('max_pool_3x3', 0), ('max_pool_3x3', 1)".repeat(3);
        let cell = format!("{pools}{rest}], normal_concat=range(2, 6)");
        let small = format!("Genotype({cell}, {})", cell.replace("normal", "reduce"));
        let spaces: [(Arc<dyn SearchSpace>, &str); 2] = [
            (
                Arc::new(NasBench101::new()),
                "100000100001001101111|maxpool3x3;maxpool3x3;maxpool3x3;maxpool3x3;maxpool3x3",
            ),
            (Arc::new(Darts::new()), &small),
        ];
        for (space, small) in spaces {
            let few = counts(&counted(&*space, 0), &*space, &space.parse(small).unwrap());
            let finished = run(space.clone(), counted(&*space, few + few / 2), 10).unwrap();
            assert_eq!(finished.history.len(), 10);
            let error = run(space.clone(), counted(&*space, 1000), 10).unwrap_err().to_string();
            assert!(error.contains("the smallest found has"), "{error}");
        }
    }

    #[test]
    fn cells_of_which_not_all_choices_are_architectures_are_bred() {
        for (space, most) in [
            (Arc::new(NasBench101::new()) as Arc<dyn SearchSpace>, 1_000_000_000),
            (Arc::new(Darts::new()), 100_000_000),
        ] {
            let genetic = counted(&*space, most);
            let finished = run(space.clone(), genetic.clone(), 60).unwrap();
            assert_eq!(finished.history.len(), 60, "{}", space.name());
            let most_of =
                finished.history.evaluations().iter().map(|e| counts(&genetic, &*space, &e.architecture));
            assert!(most_of.max().unwrap() <= most);
            let least = genetic.limit.as_ref().unwrap().too_low(&*space, &mut crate::rng::stream(0, &[]));
            assert_eq!(least.unwrap(), None);
        }
    }

    #[test]
    fn spaces_that_cannot_be_crossed_are_refused() {
        let score = Synthetic::new(Fidelity::Table, |_| Ok(0.5));
        let space = Arc::new(NasBenchMacro::new());
        let study = Study::new(space, Box::new(Genetic::default()), vec![Box::new(score)]);
        let error = study.budget(Budget::architectures(10)).run().unwrap_err().to_string();
        assert!(error.contains("space macro") && error.contains("use darts, bcnn"), "{error}");
    }
}
