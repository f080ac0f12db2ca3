//! What earlier fits have found.

use std::sync::Arc;

use super::data::Form;
use super::frame::Frame;
use crate::models::gp::{self, Seen};

/// Most choices kept.
const MAX_KEPT: usize = 64;

/// Most lists of observations kept: two objectives are two.
const MAX_SEEN: usize = 2;

/// Hyper-parameters, and the columns that they are of.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) frame: Arc<Frame>,
    pub(super) fit: gp::Fit,
}

/// What earlier fits have found, by the observations that they were of: it changes no result.
#[derive(Debug, Default)]
pub(super) struct Kept {
    choices: Vec<(Form, u64, Choice)>,
    /// The observations of the last fits, by form and history.
    seen: Vec<(Form, u64, Arc<Seen>)>,
}

impl Kept {
    pub(super) fn choice(&self, form: Form, history: u64) -> Option<Choice> {
        let kept = self.choices.iter().find(|(f, h, _)| (*f, *h) == (form, history));
        kept.map(|(.., choice)| choice.clone())
    }

    pub(super) fn keep(&mut self, form: Form, history: u64, choice: &Choice) {
        if self.choice(form, history).is_some() {
            return;
        }
        if self.choices.len() == MAX_KEPT {
            self.choices.remove(0);
        }
        self.choices.push((form, history, choice.clone()));
    }

    /// Takes out the observations that these go on from, with the same number factored at once.
    pub(super) fn take(&mut self, form: Form, base: usize, histories: &[u64]) -> Option<Arc<Seen>> {
        let goes_on = |(f, history, seen): &(Form, u64, Arc<Seen>)| {
            (*f, seen.base()) == (form, base) && histories.get(seen.len()) == Some(history)
        };
        let at = self.seen.iter().position(goes_on)?;
        Some(self.seen.remove(at).2)
    }

    pub(super) fn put(&mut self, form: Form, history: u64, seen: &Arc<Seen>) {
        if self.seen.len() == MAX_SEEN {
            self.seen.remove(0);
        }
        self.seen.push((form, history, seen.clone()));
    }
}
