//! Observers: what a running study shows its user.
//!
//! Use [`Console`] to print a table of rounds and progress; implement [`Observer`](crate::Observer) for your own.
//!
//! Invariant: an observer changes nothing, and trouble in showing (a closed pipe) is no trouble of
//! the study.

mod console;
mod drift;
mod ending;
mod estimate;
mod overall;

mod table;

pub use crate::shell::quoted;
pub use console::Console;
pub use ending::Ending;
pub use overall::{Counter, Overall};
pub use table::{round_header, round_line};
