//! The section `[latency]`: how long a network takes, as a limit or an objective of a search.

use bonas_study::history::{Aims, Bound};
use bonas_study::settings::{at_least_1, ensure};
use bonas_study::table::ColumnName;
use serde::{Deserialize, Serialize};

/// The program that runs networks whose latency is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LatencyBy {
    /// Nothing is measured.
    #[default]
    Off,
    /// libtorch, in this process.
    Libtorch,
    /// tract, in this process, which runs the exported ONNX file on one thread of the CPU.
    Tract,
    /// A program of the user's, which is given the exported ONNX file.
    Command,
}

/// Most numbers of a batch of images: 4 GiB.
const MOST_NUMBERS: usize = 1 << 30;

bonas_study::settings! {
    /// How long the network of an architecture takes on this machine. The network has random weights, which latency does not
    /// depend on.
    pub struct LatencySettings {
        /// What runs it: off (nothing is measured), libtorch, tract, or command (a program of yours, as for a phone).
        by: LatencyBy = LatencyBy::Off,
        /// For command: the program and its arguments, such as `["python3", "measure.py"]`. It runs in the folder of the
        /// configuration, reads its task (a JSON object) from standard input, times the file model.onnx in the task's folder,
        /// and prints `{"measures": {"latency_ms": 3.1}}`.
        command: Vec<String> = Vec::new(),
        /// For command: seconds after which it is ended and the architecture has failed; 0: no limit.
        timeout_seconds: f64 = 0.0,
        /// Milliseconds that a batch may take at most; a slower architecture is no candidate for the best. 0: no limit.
        limit_ms: f64 = 0.0,
        /// Whether latency is a second objective, for strategies that take two.
        objective: bool = false,
        /// Random architectures that are measured first; a table of layers that is fitted to them predicts the others. 0: every
        /// architecture is measured.
        table: usize = 0,
        /// Network around the cells; that of `[final]` if it is not set, which is that of `[training]` unless it names one.
        skeleton: Option<String> = None,
        /// Width C of the first cells of the measured network.
        channels: usize = 16,
        /// Cells in it (cells a stage, where the skeleton has stages).
        layers: usize = 5,
        /// Side of its images in pixels.
        image: usize = 32,
        /// Channels of its images.
        image_channels: usize = 3,
        /// Number of its classes.
        classes: usize = 10,
        /// Images at a time.
        batch: usize = 1,
        /// Threads of libtorch; tract has one.
        threads: usize = 1,
        /// Where libtorch computes: cpu, cuda or cuda:0.
        device: String = "cpu".to_owned(),
        /// Passes before the first that counts.
        warmup: usize = 3,
        /// Passes that count, each followed by one of a reference network; the quickest of both are compared.
        repeats: usize = 51,
    }
    check(s) {
        let limit = s.limit_ms >= 0.0 && s.limit_ms <= 1e9;
        ensure(limit, "limit_ms", s.limit_ms, "0 (no limit) to 1e9")?;
        let table = s.table == 0 || (10..=10_000).contains(&s.table);
        ensure(table, "table", s.table, "0 (none), or 10 to 10000")?;
        at_least_1(s.channels, "channels")?;
        at_least_1(s.layers, "layers")?;
        at_least_1(s.image, "image")?;
        at_least_1(s.image_channels, "image_channels")?;
        ensure(s.classes >= 2, "classes", s.classes, "at least 2")?;
        ensure((1..=65_536).contains(&s.batch), "batch", s.batch, "1 to 65536")?;
        let numbers = [s.image, s.image, s.image_channels].into_iter().try_fold(s.batch, usize::checked_mul);
        let fits = numbers.is_some_and(|numbers| numbers <= MOST_NUMBERS);
        ensure(fits, "batch", s.batch, &format!("of images with {MOST_NUMBERS} numbers in all at most"))?;
        ensure((1..=1024).contains(&s.threads), "threads", s.threads, "1 to 1024")?;
        let by_libtorch = matches!(s.by, LatencyBy::Libtorch | LatencyBy::Off);
        ensure(by_libtorch || s.threads == 1, "threads", s.threads, "1 with another by than libtorch")?;
        ensure(by_libtorch || s.device == "cpu", "device", &s.device, "cpu with another by than libtorch")?;
        let by_command = s.by == LatencyBy::Command;
        let program = s.command.first().is_some_and(|program| !program.is_empty());
        ensure(program || !by_command, "command", "none", "a program and its arguments with by = \"command\"")?;
        ensure(by_command || s.command.is_empty(), "command", "a program", "none with another by than command")?;
        ensure(s.timeout_seconds >= 0.0 && s.timeout_seconds <= 1e9, "timeout_seconds", s.timeout_seconds,
            "0 (no limit) to 1e9")?;
        ensure(!by_command || s.batch == 1, "batch", s.batch, "1 with by = \"command\": the program chooses it")?;
        ensure(s.warmup <= 100_000, "warmup", s.warmup, "at most 100000")?;
        let one = !s.device.contains(',') && s.device != "auto";
        ensure(one, "device", &s.device, "one device: cpu, cuda or cuda:0")?;
        ensure((1..=100_000).contains(&s.repeats), "repeats", s.repeats, "1 to 100000")?;
        let aims = s.by != LatencyBy::Off || (s.limit_ms == 0.0 && !s.objective);
        ensure(aims, "by", "off", "libtorch, tract or command, with a limit or an objective")
    }
}

impl LatencySettings {
    /// Whether latency is measured.
    pub fn is_on(&self) -> bool {
        self.by != LatencyBy::Off
    }

    /// Names of what is measured beside a score: `latency_ms`, and `-latency_ms` where it is an objective.
    pub fn columns(&self) -> Vec<ColumnName> {
        let column = |negated| ColumnName { parts: vec!["latency_ms".to_owned()], negated };
        match (self.is_on(), self.objective) {
            (false, _) => Vec::new(),
            (true, false) => vec![column(false)],
            (true, true) => vec![column(false), column(true)],
        }
    }

    /// The same as measures, of a latency in milliseconds.
    pub fn measures(&self, milliseconds: f64) -> Vec<f64> {
        let signed = |column: ColumnName| if column.negated { -milliseconds } else { milliseconds };
        self.columns().into_iter().map(signed).collect()
    }

    /// Adds limit and objective to the aims of an evaluator that has so many measures of its own.
    pub fn add_to(&self, mut aims: Aims, own: usize) -> Aims {
        if self.is_on() && self.limit_ms > 0.0 {
            aims.bounds.push((own, Bound { at_most: true, value: self.limit_ms }));
        }
        if self.is_on() && self.objective {
            aims.second = Some(own + 1);
        }
        aims
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SearchConfig;

    #[test]
    fn limit_and_objective_come_after_the_measures_of_the_evaluator() {
        let settings =
            LatencySettings { by: LatencyBy::Tract, limit_ms: 5.0, objective: true, ..Default::default() };
        let aims = settings.add_to(Aims::default(), 2);
        assert_eq!(aims.bounds, [(2, Bound { at_most: true, value: 5.0 })]);
        assert_eq!((aims.second, settings.measures(4.0)), (Some(3), vec![4.0, -4.0]));
        let off = LatencySettings::default();
        assert_eq!((off.add_to(Aims::default(), 2), off.measures(4.0)), (Aims::default(), vec![]));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_key() {
        for (keys, expected) in [
            ("limit_ms = 5.0", "latency.by: off"),
            ("by = \"torch\"", "latency.by: unknown variant `torch`"),
            ("by = \"tract\"\nthreads = 2", "latency.threads: 2"),
            ("by = \"tract\"\ndevice = \"cuda\"", "latency.device: cuda"),
            ("by = \"tract\"\nlimit_ms = nan", "latency.limit_ms: NaN"),
            ("by = \"tract\"\nrepeats = 0", "latency.repeats: 0"),
            ("by = \"tract\"\ntable = 9", "latency.table: 9"),
            ("by = \"command\"", "latency.command: none"),
            ("by = \"tract\"\ncommand = [\"a\"]", "latency.command: a program"),
            ("by = \"command\"\ncommand = [\"a\"]\nthreads = 2", "latency.threads: 2"),
            ("by = \"tract\"\nwarmup = 100001", "latency.warmup: 100001"),
            ("by = \"tract\"\nbatch = 9223372036854775807", "latency.batch: 9223372036854775807"),
            ("by = \"tract\"\nimage = 99999999\nimage_channels = 9999999999", "latency.batch: 1"),
            ("by = \"libtorch\"\ndevice = \"auto\"", "latency.device: auto"),
        ] {
            let error = SearchConfig::from_toml(&format!("[latency]\n{keys}"), "t").unwrap_err().to_string();
            assert!(error.contains(expected), "{keys}: {error}");
        }
        let told = "[evaluator]\nname = \"told\"\n[latency]\nby = \"tract\"";
        let error = SearchConfig::from_toml(told, "t").unwrap_err().to_string();
        assert!(error.contains("latency.by: nothing is measured here where scores are told"), "{error}");
    }
}
