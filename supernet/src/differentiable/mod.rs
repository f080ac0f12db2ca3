//! Differentiable search: DARTS, PC-DARTS and BNAS-v2 as one strategy with independent options.
//!
//! Use it as the strategy of an image search. A network that holds every operation of the space on every edge is trained
//! with softmax weights on the operations, which are trained too. Asked for a round, the strategy trains one epoch and
//! proposes the cells that the weights decode to.
//!
//! | preset | network | confidence power | partial | edge normalisation | α from epoch |
//! | --- | --- | --- | --- | --- | --- |
//! | DARTS (Liu et al. 2019) | DARTS | 0 | 1 | no | 0 |
//! | PC-DARTS (Xu et al. 2020) | DARTS | 0 | 4 | yes | 15 |
//! | BNAS-D | broad | 0 | 1 | no | 0 |
//! | BNAS-v2-CLR (Ding et al. 2022) | broad | 2 | 1 | no | 0 |
//! | BNAS-v2-PC (Ding et al. 2022) | broad | 0 | 4 | yes | 15 |
//!
//! Invariant: the state after an epoch is a function of the settings, the seed and the task. A
//! resumed search reads it back from its checkpoint, or trains it again where there is none.

#[cfg(feature = "torch")]
mod adam;
#[cfg(feature = "torch")]
mod bilevel;
#[cfg(feature = "torch")]
mod checkpoint;
mod proposes;
#[cfg(feature = "torch")]
mod relaxation;
#[cfg(feature = "torch")]
mod search;
mod settings;
mod trajectory;

pub use proposes::Proposes;
#[cfg(feature = "torch")]
pub use search::{Differentiable, Relaxing};
pub use settings::{DifferentiableSettings, ImageSearch};
pub use trajectory::{Epoch, TRAJECTORY_FILE, read_trajectory};
