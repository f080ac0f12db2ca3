//! A study on a terminal, or in a log.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use bonas_study::history::{EndReason, Event, Observer, Progress};
use bonas_study::journal::Seconds;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::{round_header, round_line};
use crate::report::Digest;

/// Prints a table with a line a round, and shows what is going on between the lines: as progress
/// bars on a terminal, as a log line a stage elsewhere.
pub struct Console {
    table: Box<dyn Write + Send>,
    show: Show,
    digest: Digest,
    seconds: Seconds,
    round: usize,
    headed: bool,
}

enum Show {
    Bars { multi: MultiProgress, asking: Option<ProgressBar>, batches: BTreeMap<usize, ProgressBar> },
    Lines { log: Box<dyn Write + Send>, stages: BTreeMap<usize, String> },
}

impl Console {
    /// Bars on standard error, which must be a terminal; the table goes to `table`.
    pub fn with_bars(table: Box<dyn Write + Send>) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self::new(table, Show::Bars { multi, asking: None, batches: BTreeMap::new() })
    }

    /// Log lines to `log`; the table goes to `table`.
    pub fn with_lines(table: Box<dyn Write + Send>, log: Box<dyn Write + Send>) -> Self {
        Self::new(table, Show::Lines { log, stages: BTreeMap::new() })
    }

    /// Knows the seconds of earlier rounds, so that the table of a resumed study is whole.
    #[must_use]
    pub fn seconds(self, seconds: Seconds) -> Self {
        Self { seconds, ..self }
    }

    fn new(table: Box<dyn Write + Send>, show: Show) -> Self {
        let (digest, seconds) = (Digest::default(), Seconds::default());
        Self { table, show, digest, seconds, round: 0, headed: false }
    }

    fn row(&mut self, line: &str) {
        if !self.headed {
            self.headed = true;
            self.print(&round_header());
        }
        self.print(line);
    }

    /// Prints a line of the table above the bars.
    fn print(&mut self, line: &str) {
        let table = &mut self.table;
        // A reader that went away must not stop the study.
        let mut write = || {
            let _ = writeln!(table, "{line}");
            let _ = table.flush();
        };
        match &self.show {
            Show::Bars { multi, .. } => multi.suspend(write),
            Show::Lines { .. } => write(),
        }
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("round", &self.round).finish_non_exhaustive()
    }
}

impl Observer for Console {
    fn event(&mut self, event: &Event, replayed: bool) {
        match event {
            Event::Asked { round, .. } => self.round = *round,
            Event::Evaluated { batch, .. } => self.show.evaluated(*batch),
            _ => {}
        }
        if let Some(row) = self.digest.push(event) {
            let line = round_line(&row, self.seconds.round(row.round));
            self.row(&line);
        }
        if let Event::Ended { reason } = event
            && !replayed
        {
            self.show.clear();
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
            _ => {}
        }
        self.show.progress(progress, self.round);
    }
}

impl Show {
    fn progress(&mut self, progress: &Progress<'_>, round: usize) {
        match (self, progress) {
            (Self::Bars { multi, asking, .. }, Progress::Asking { round }) => {
                let spinner =
                    multi.add(ProgressBar::new_spinner().with_message(format!("round {round}: asking")));
                spinner.enable_steady_tick(Duration::from_millis(120));
                *asking = Some(spinner);
            }
            (Self::Bars { asking, .. }, Progress::Asked { .. }) => clear(asking.take()),
            (Self::Bars { multi, batches, .. }, Progress::Evaluating { batch, done, total, stage }) => {
                let bar = batches.entry(*batch).or_insert_with(|| multi.add(bar()));
                bar.set_prefix(format!("round {round} batch {batch}"));
                bar.set_length(*total);
                bar.set_position(*done);
                bar.set_message((*stage).to_owned());
            }
            (Self::Bars { multi, .. }, Progress::Warning(text)) => {
                let _ = multi.println(format!("warning: {text}"));
            }
            (Self::Lines { log, stages }, Progress::Evaluating { batch, total, stage, .. })
                if stages.get(batch).is_none_or(|last| last != stage) =>
            {
                stages.insert(*batch, (*stage).to_owned());
                let _ = writeln!(log, "round {round} batch {batch}: {stage} ({total} steps)");
            }
            (Self::Lines { log, .. }, Progress::Warning(text)) => {
                let _ = writeln!(log, "warning: {text}");
            }
            _ => {}
        }
    }

    fn evaluated(&mut self, batch: usize) {
        match self {
            Self::Bars { batches, .. } => clear(batches.remove(&batch)),
            Self::Lines { stages, .. } => {
                stages.remove(&batch);
            }
        }
    }

    fn clear(&mut self) {
        if let Self::Bars { asking, batches, .. } = self {
            clear(asking.take());
            for bar in std::mem::take(batches).into_values() {
                clear(Some(bar));
            }
        }
    }
}

impl Drop for Show {
    /// A study that is stopped leaves no half a bar behind.
    fn drop(&mut self) {
        self.clear();
    }
}

fn clear(bar: Option<ProgressBar>) {
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn bar() -> ProgressBar {
    let template = "{prefix} [{bar:28}] {pos}/{len} {msg} {elapsed} (left: {eta})";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style.progress_chars("=> "))
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
    fn a_log_has_a_line_a_stage_and_the_table_one_a_round() {
        let (table, log) = (Shared::default(), Shared::default());
        let mut console = Console::with_lines(Box::new(table.clone()), Box::new(log.clone()));
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
        assert_eq!(
            log.text(),
            "round 0 batch 0: warm-up (3 steps)\nround 0 batch 0: paths (3 steps)\nwarning: late\n"
        );
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
        let mut console = Console::with_lines(Box::new(Closed), Box::new(Closed));
        console.progress(&Progress::Warning("nobody reads this"));
        for event in study() {
            console.event(&event, false);
        }
    }
}
