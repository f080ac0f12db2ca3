//! The table of rounds of a study under way.

use std::io::Write;
use std::sync::Arc;

use bonas_spaces::SearchSpace;
use bonas_study::history::{EndReason, Event, Observer, Progress};
use bonas_study::journal::Seconds;

use super::Overall;
use super::drift::DriftWatch;
use super::table::{round_header, round_line};
use crate::report::Digest;

/// Prints a table with a line a round, and warnings.
pub struct Console {
    table: Box<dyn Write + Send>,
    warnings: Box<dyn Write + Send>,
    above: Option<Overall>,
    digest: Digest,
    seconds: Seconds,
    round: usize,
    headed: bool,
    drift: Option<DriftWatch>,
}

impl Console {
    /// The table goes to `table`, warnings to `warnings`.
    pub fn new(table: Box<dyn Write + Send>, warnings: Box<dyn Write + Send>) -> Self {
        let (digest, seconds) = (Digest::default(), Seconds::default());
        Self { table, warnings, above: None, digest, seconds, round: 0, headed: false, drift: None }
    }

    /// Prints above a line on the same terminal.
    #[must_use]
    pub fn above(self, line: Overall) -> Self {
        Self { above: Some(line), ..self }
    }

    /// Knows the seconds of earlier rounds, so that the table of a resumed study is whole.
    #[must_use]
    pub fn seconds(self, seconds: Seconds) -> Self {
        Self { seconds, ..self }
    }

    /// Warns when the proposals of a search that trains drift to architectures with many skips or few multiply-adds, compared
    /// with random ones of the space.
    #[must_use]
    pub fn watching_drift(self, space: Arc<dyn SearchSpace>) -> Self {
        Self { drift: Some(DriftWatch::new(space)), ..self }
    }

    fn row(&mut self, line: &str) {
        if !self.headed {
            self.headed = true;
            self.print(&round_header());
        }
        self.print(line);
    }

    /// Prints a line of the table.
    fn print(&mut self, line: &str) {
        write(self.above.as_ref(), &mut *self.table, line);
    }
}

/// Writes a line, above another one if there is one. A reader that went away must not stop the study.
fn write(above: Option<&Overall>, to: &mut dyn Write, line: &str) {
    let mut write = || {
        let _ = writeln!(to, "{line}");
        let _ = to.flush();
    };
    match above {
        Some(line) => line.aside(write),
        None => write(),
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("round", &self.round).finish_non_exhaustive()
    }
}

impl Observer for Console {
    fn event(&mut self, event: &Event, replayed: bool) {
        if let Event::Asked { round, .. } = event {
            self.round = *round;
        }
        if let Some(warning) = self.drift.as_mut().and_then(|watch| watch.event(event)).filter(|_| !replayed)
        {
            self.progress(&Progress::Warning(&warning));
        }
        if let Some(row) = self.digest.push(event) {
            let line = round_line(&row, self.seconds.round(row.round));
            self.row(&line);
        }
        if let Event::Ended { reason } = event
            && !replayed
        {
            self.print(match reason {
                EndReason::Budget => "The budget is spent.",
                EndReason::Exhausted => "The strategy has nothing more to propose.",
                EndReason::Reached => "The study found what it was to stop for.",
            });
        }
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Asking { round } => self.round = *round,
            Progress::Asked { seconds } => self.seconds.asked(self.round, *seconds),
            Progress::EvaluatedIn { batch, seconds } => self.seconds.evaluated(self.round, *batch, *seconds),
            Progress::Warning(text) => {
                write(self.above.as_ref(), &mut *self.warnings, &format!("warning: {text}"));
            }
            Progress::Evaluating { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::report::testing::study;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn the_table_has_a_line_a_round_and_warnings_go_elsewhere() {
        let (table, warnings) = (Shared::default(), Shared::default());
        let mut console = Console::new(Box::new(table.clone()), Box::new(warnings.clone()));
        console.progress(&Progress::Asking { round: 0 });
        console.progress(&Progress::Asked { seconds: 0.5 });
        for (done, stage) in [(0, "warm-up"), (1, "warm-up"), (2, "paths")] {
            console.progress(&Progress::Evaluating { batch: 0, done, total: 3, stage });
        }
        console.progress(&Progress::EvaluatedIn { batch: 0, seconds: 2.0 });
        for event in study() {
            console.event(&event, false);
        }
        console.progress(&Progress::Warning("late"));
        assert_eq!(warnings.text(), "warning: late\n");
        let table = table.text();
        assert_eq!(table.lines().count(), 5, "{table}");
        assert!(table.lines().nth(1).is_some_and(|line| line.contains("0.50       2.00")), "{table}");
        assert!(table.ends_with("The budget is spent.\n"));
    }

    #[test]
    fn a_reader_that_went_away_is_no_trouble() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut console = Console::new(Box::new(Closed), Box::new(Closed));
        console.progress(&Progress::Warning("nobody reads this"));
        for event in study() {
            console.event(&event, false);
        }
    }
}
