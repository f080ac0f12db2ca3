//! What is read of a column: all numbers of a cell, or one of those that `;` joins.

/// What is read of a column of the file.
pub(super) struct Part {
    pub(super) column: usize,
    pick: Pick,
    /// As it was asked for: `val` or `val[3]`.
    pub(super) name: String,
}

impl Part {
    /// The part of a name: a column of the file, or one of its numbers.
    pub(super) fn named<E>(
        name: &str,
        is_column: impl Fn(&str) -> bool,
        place: impl Fn(&str) -> Result<usize, E>,
    ) -> Result<Self, E> {
        let (column, pick) = Pick::split(name).filter(|_| !is_column(name)).unwrap_or((name, Pick::All));
        Ok(Self { column: place(column)?, pick, name: name.to_owned() })
    }

    /// Its numbers in a cell; none where there are not so many.
    pub(super) fn numbers<'c>(&self, cell: &'c str) -> impl Iterator<Item = &'c str> + use<'c> {
        let (skip, take) = match self.pick {
            Pick::All => (0, usize::MAX),
            Pick::At(position) => (position, 1),
            Pick::Last => (cell.matches(';').count(), 1),
        };
        cell.split(';').skip(skip).take(take)
    }
}

/// Which of the numbers that `;` joins.
#[derive(Clone, Copy)]
enum Pick {
    All,
    /// The one at a position, from 0.
    At(usize),
    Last,
}

impl Pick {
    /// The name of a column and what stands in brackets behind it: `val[3]`, `val[last]`.
    fn split(name: &str) -> Option<(&str, Self)> {
        let (column, position) = name.strip_suffix(']')?.rsplit_once('[')?;
        let position = position.trim();
        if position == "last" {
            return Some((column.trim(), Self::Last));
        }
        Some((column.trim(), Self::At(position.parse::<usize>().ok()?.checked_sub(1)?)))
    }
}
