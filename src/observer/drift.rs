//! A warning when a search drifts to architectures that short training favours.

use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::history::{Event, Proposed};

use crate::report::{DriftRank, Usual, WINDOW, drifted};

/// Holds the proposals of a study against random architectures.
#[derive(Debug)]
pub(super) struct DriftWatch {
    space: Arc<dyn SearchSpace>,
    /// Drawn for the first proposal.
    usual: Option<Usual>,
    proposals: Vec<DriftRank>,
    warned: bool,
}

impl DriftWatch {
    pub(super) fn new(space: Arc<dyn SearchSpace>) -> Self {
        Self { space, usual: None, proposals: Vec::new(), warned: false }
    }

    /// The warning that an event calls for: one when a drift begins, before anything is trained.
    pub(super) fn event(&mut self, event: &Event) -> Option<String> {
        let Event::Asked { round, batches, .. } = event else { return None };
        let usual = self.usual.get_or_insert_with(|| Usual::of(&*self.space));
        let asked: Vec<&Proposed> = batches.iter().flatten().collect();
        let standings = asked.iter().filter_map(|one| self.space.parse(&one.arch).ok());
        self.proposals.extend(standings.map(|architecture| usual.standing(&architecture)));
        let latest = self.proposals.len().saturating_sub(asked.len().max(WINDOW));
        let said = drifted(&self.proposals[latest..]);
        let begins = said.is_some() && !self.warned;
        self.warned = said.is_some();
        said.filter(|_| begins).map(|said| {
            format!(
                "round {round}: {said}. Short training favours small architectures: train longer, or \
                 let longer training from scratch choose the winner ([shortlist])"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use bonas_spaces::NasBench201;

    use super::*;

    fn asked(round: usize, archs: &[&str]) -> Event {
        let space = NasBench201::new();
        let proposed = archs.iter().map(|arch| Proposed {
            arch: (*arch).to_owned(),
            key: space.parse(arch).unwrap().key(),
            predicted: None,
        });
        Event::Asked { round, batches: vec![proposed.collect()], dropped: 0 }
    }

    #[test]
    fn warns_once_when_a_drift_begins() {
        let mut watch = DriftWatch::new(Arc::new(NasBench201::new()));
        let wide =
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|";
        let skips = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|none~2|";
        assert_eq!(watch.event(&asked(0, &[wide; 8])), None);
        assert_eq!(watch.event(&asked(1, &[skips; 4])), None, "half of the last eight");
        let said = watch.event(&asked(2, &[skips; 8])).unwrap();
        assert!(said.starts_with("round 2: of the latest 8 proposals 8 have more skips"), "{said}");
        assert_eq!(watch.event(&asked(3, &[skips; 8])), None, "said before");
        assert_eq!(watch.event(&asked(4, &[wide; 8])), None);
        assert!(watch.event(&asked(5, &[skips; 8])).is_some(), "a drift that begins again");
    }
}
