//! Which parameters a step of joint training moves.

use serde::{Deserialize, Serialize};

#[cfg(feature = "torch")]
use crate::model::{ParamId, Path};

/// How often a weight is trained that several architectures of a batch share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// In the steps of all architectures that use it, as published: what many share is trained more.
    #[default]
    Uses,
    /// Equally often, whatever the number of architectures that use it: these take turns. What all share is trained in
    /// every step.
    Equal,
}

/// The architectures that take turns in training each parameter.
#[cfg(feature = "torch")]
#[derive(Debug)]
pub(super) struct Turns {
    /// Positions of the architectures that use each parameter, ascending; empty for one that is trained in every step of
    /// each.
    users: Vec<Vec<usize>>,
}

#[cfg(feature = "torch")]
impl Turns {
    /// Those of some paths through a network of so many parameters.
    pub(super) fn of(exposure: Exposure, paths: &[Path], params: usize) -> Self {
        let mut users = vec![Vec::new(); params];
        if exposure == Exposure::Equal {
            for (i, path) in paths.iter().enumerate() {
                path.params().iter().for_each(|&id| users[id].push(i));
            }
            users.iter_mut().filter(|users| users.len() == paths.len()).for_each(Vec::clear);
        }
        Self { users }
    }

    /// The parameters of a path that a step of architecture `i` moves; in a round each architecture takes one step.
    pub(super) fn moved(&self, path: &Path, i: usize, round: usize) -> Vec<ParamId> {
        let is_its_turn = |id: &ParamId| {
            let users = &self.users[*id];
            users.is_empty() || users[round % users.len()] == i
        };
        path.params().iter().copied().filter(is_its_turn).collect()
    }
}

#[cfg(all(test, feature = "torch"))]
mod tests {
    use bonas_spaces::SearchSpace;
    use bonas_spaces::families::nasbench201::{NasBench201, NasBench201Skeleton};
    use bonas_spaces::network::{Norm, OpTable, Shape, Skeleton, Union};
    use bonas_study::rng::stream;

    use super::*;
    use crate::model::{Placement, Supernet};

    /// Three cells: 3x3 on the first edge in two of them, 1x1 in the third. The stem is in all.
    #[test]
    fn users_take_turns() {
        let space = NasBench201::new();
        let cell = |first: &str| {
            let text = format!("|{first}~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|");
            space.parse(&text).unwrap()
        };
        let other = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|skip_connect~1|none~2|";
        let cells = [cell("nor_conv_3x3"), space.parse(other).unwrap(), cell("nor_conv_1x1")];
        let union = Union::of(&cells).unwrap();
        let cifar = NasBench201Skeleton::cifar();
        let skeleton = NasBench201Skeleton {
            channels: 2,
            cells: 1,
            image: Shape::square(1, 8),
            norm: Norm::SEARCH,
            ..cifar
        };
        let network = skeleton.network(&union, &OpTable::nasbench201()).unwrap();
        let net = Supernet::build(&network, Placement::on(tch::Device::Cpu), &mut stream(0, &[])).unwrap();
        let paths = cells.each_ref().map(|cell| net.path(&union.route(cell).unwrap()).unwrap());
        let params = net.params().len();
        let count = |exposure: Exposure, rounds: usize| {
            let turns = Turns::of(exposure, &paths, params);
            let mut counts = vec![0; params];
            for round in 0..rounds {
                for (i, path) in paths.iter().enumerate() {
                    turns.moved(path, i, round).into_iter().for_each(|id| counts[id] += 1);
                }
            }
            counts
        };
        let users = count(Exposure::Uses, 1);
        assert!((1..=3).all(|n| users.contains(&n)), "{users:?}");
        let equal = count(Exposure::Equal, 2);
        for (users, moves) in users.into_iter().zip(equal) {
            assert_eq!(moves, if users == 3 { 6 } else { 2 * users.min(1) }, "{users} users");
        }
    }
}
