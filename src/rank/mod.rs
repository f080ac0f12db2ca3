//! Fits a surrogate once, keeps it in a file, and ranks lists of any length with it (`bonas fit`, `bonas rank`).
//!
//! Use [`Model::fit`] and [`Model::write`] once, then [`rank`] for each list of [`Candidates`]. Memory does not depend on
//! the length of the list, and results do not depend on the number of threads: candidates are predicted in chunks of
//! [`CHUNK`], in their order.
//!
//! ```
//! use bonas::rank::{Candidates, Model, Recipe, Training, rank};
//! use bonas::spaces::catalogue::SPACES;
//! use bonas::study::table::{EMBEDDED_SEARCH, EMBEDDED_SPACE, Reading, Source};
//!
//! let space = SPACES.get(EMBEDDED_SPACE)?.space();
//! let reading = Reading { columns: vec![EMBEDDED_SEARCH.parse()?], ..Reading::default() };
//! let table = Source::Embedded.open(space.clone(), &reading)?;
//! let recipe = Recipe { surrogate: bonas::config::SurrogateName::named("trees")?, ..Recipe::default() };
//! let model = Model::fit(space, &Training::of_table(&table, 0), &recipe)?;
//! let (mut ranked, text) = (Vec::new(), table.arms()[0].text.to_string());
//! let list = Candidates::read("a list".as_ref(), std::io::Cursor::new(text))?;
//! rank(&model, list, 2, |chunk| {
//!     ranked.extend(chunk);
//!     true
//! })?;
//! assert!(ranked[0].low < ranked[0].median && ranked[0].median < ranked[0].high);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod best;
mod candidates;
mod features;
mod model;
mod stream;

pub use best::Best;
pub use candidates::Candidates;
pub use features::Features;
pub use model::{Model, Recipe, Training};
pub use stream::{CHUNK, INTERVAL, Ranked, rank};
