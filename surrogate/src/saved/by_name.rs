//! Lists of maps in the order of their keys, so that equal models have equal bytes.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

type Rounds = Vec<(usize, HashMap<u64, usize>)>;

pub(crate) fn serialize<S: Serializer>(rounds: &Rounds, serializer: S) -> Result<S::Ok, S::Error> {
    let sorted = |(first, names): &(usize, HashMap<u64, usize>)| {
        (*first, names.iter().map(|(name, column)| (*name, *column)).collect())
    };
    rounds.iter().map(sorted).collect::<Vec<(usize, BTreeMap<u64, usize>)>>().serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rounds, D::Error> {
    Rounds::deserialize(deserializer)
}
