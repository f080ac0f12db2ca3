//! Searches with a program that are killed at random instants: what is recorded, and what goes on running.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rand::RngExt;

use super::Place;
use crate::support::ends_within;

/// Kills of each kind of search.
const KILLS: usize = 55;

/// Takes about 20 ms, has a child, and finds out whether another run is at work in its folder.
const SCRIPT: &str = r#"
if grep -qas "BONAS_REQUEST=$BONAS_REQUEST" "/proc/$(cat "$folder/shell" 2>/dev/null)/environ"; then
    echo "$folder" >> overlaps
fi
echo $$ > "$folder/shell"
sleep 0.02 &
echo "{\"step\": 1, \"value\": 0.$count}"
wait
case "$count" in
1) echo '{"failed": "too small"}' ;;
2) exit 3 ;;
*) echo "{\"score\": 0.$(value seed)}" ;;
esac
rm "$folder/shell""#;

fn start(place: &Place, workers: usize) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bonas"))
        .args(["search", "s.toml", "--out", "r", "--workers", &workers.to_string()])
        .current_dir(place.at("."))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn whole_records(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text[..text.rfind('\n').map_or(0, |at| at + 1)].to_owned()
}

/// Kills searches one after another, and says how often processes were at work at that instant.
fn kill_often(workers: &[usize], evaluator: &str) -> usize {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let mut rng = bonas::study::rng::stream(now as u64, &[]);
    let undisturbed = Place::new(SCRIPT, 30, evaluator);
    let expected = undisturbed.journal();
    let shortlist = |place: &Place| fs::read_to_string(place.at("r/shortlist/journal.jsonl")).ok();
    let (mut kills, mut at_work) = (0, 0);
    while kills < KILLS {
        let place = Place::new(SCRIPT, 30, evaluator);
        for life in 0.. {
            let millis = rng.random_range(20.0..250.0 + 50.0 * f64::from(life));
            let workers = workers[life as usize % workers.len()];
            if ends_within(start(&place, workers), Duration::from_secs_f64(millis / 1e3)) {
                break;
            }
            kills += 1;
            at_work += usize::from(place.has_processes_now());
            // Half of the time the next search begins at once.
            assert!(life % 2 == 0 || !place.has_processes(), "a process outlives the search");
            assert!(expected.starts_with(&whole_records(&place.at("r/journal.jsonl"))));
        }
        assert_eq!(fs::read_to_string(place.at("r/journal.jsonl")).unwrap(), expected);
        assert_eq!(shortlist(&place), shortlist(&undisturbed));
        assert!(!place.at("overlaps").exists(), "two runs were at work in one folder");
        assert!(!place.has_processes());
    }
    println!("{kills} kills, {at_work} with processes at work, workers {workers:?}");
    at_work
}

#[test]
#[cfg_attr(not(feature = "torch"), ignore = "takes long: runs in the build with libtorch")]
fn killed_and_resumed_with_two_workers() {
    assert!(kill_often(&[2], "") > 0);
}

#[test]
#[cfg_attr(not(feature = "torch"), ignore = "takes long: runs in the build with libtorch")]
fn killed_and_resumed_with_changing_workers_seeds_retries_and_a_shortlist() {
    let evaluator = "seeds = 2\nretries = 1\n[shortlist]\ncells = 4";
    assert!(kill_often(&[2, 1, 4], evaluator) > 0);
}
