//! One record: `{"seq":N,"record":{...},"crc":"xxxxxxxx"}` and a newline.
//!
//! The CRC-32 is of all bytes before `,"crc":`, so that it can be checked before anything is
//! parsed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How every record begins.
const START: &str = "{\"seq\":";

/// Bytes of `,"crc":"xxxxxxxx"}`.
const TAIL: usize = 18;

#[derive(Serialize)]
struct Out<'a, T> {
    seq: usize,
    record: &'a T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In<T> {
    seq: usize,
    record: T,
    #[serde(rename = "crc")]
    _crc: String,
}

/// The line of a record, newline included.
///
/// # Errors
/// That of a record that cannot be JSON.
pub fn encode<T: Serialize>(seq: usize, record: &T) -> Result<String, serde_json::Error> {
    let mut line = serde_json::to_string(&Out { seq, record })?;
    line.pop();
    let crc = crc32fast::hash(line.as_bytes());
    Ok(format!("{line},\"crc\":\"{crc:08x}\"}}\n"))
}

/// Whether bytes behind the last newline can be a record that was cut short, so that it is safe to take them away.
pub fn is_torn(bytes: &[u8]) -> bool {
    let n = bytes.len().min(START.len());
    bytes[..n] == START.as_bytes()[..n] || bytes.iter().all(|&byte| byte == 0)
}

/// Reads a line (without its newline) that must have this sequence number.
///
/// # Errors
/// What is wrong with the line: damaged, not a record, or of another number.
pub fn decode<T: DeserializeOwned>(line: &[u8], seq: usize) -> Result<T, String> {
    check_crc(line)?;
    let record: In<T> = serde_json::from_slice(line).map_err(|e| format!("not a record: {e}"))?;
    if record.seq != seq {
        return Err(format!("the record has number {}, expected {seq}", record.seq));
    }
    Ok(record.record)
}

fn check_crc(line: &[u8]) -> Result<(), String> {
    let Some(body) = line.len().checked_sub(TAIL).map(|end| &line[..end]) else {
        return Err("the line is too short for a record".into());
    };
    let expected = format!(",\"crc\":\"{:08x}\"}}", crc32fast::hash(body));
    if &line[body.len()..] != expected.as_bytes() {
        return Err("the checksum does not fit the line".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{EndReason, Event};

    fn line() -> String {
        encode(7, &Event::Ended { reason: EndReason::Budget }).unwrap()
    }

    #[test]
    fn the_format_is_fixed() {
        let body = r#"{"seq":7,"record":{"event":"ended","reason":"budget"}"#;
        let crc = crc32fast::hash(body.as_bytes());
        assert!(body.starts_with(START));
        assert_eq!(line(), format!("{body},\"crc\":\"{crc:08x}\"}}\n"));
    }

    #[test]
    fn reads_back() {
        let event: Event = decode(line().trim_end().as_bytes(), 7).unwrap();
        assert_eq!(event, Event::Ended { reason: EndReason::Budget });
    }

    #[test]
    fn what_is_torn_begins_as_a_record() {
        let line = line();
        assert!((0..line.len()).all(|n| is_torn(&line.as_bytes()[..n])) && is_torn(&[0; 40]));
        for foreign in [&b"seq"[..], b"[{\"seq\":1}]", b"{\"sequence\": 1", b"\0\0a"] {
            assert!(!is_torn(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn every_single_bit_counts() {
        let good = line();
        let good = good.trim_end().as_bytes();
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<Event>(&bad, 7).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn refuses_another_number_an_unknown_event_and_an_unknown_field() {
        assert!(decode::<Event>(line().trim_end().as_bytes(), 8).unwrap_err().contains("expected 8"));
        let odd = encode(0, &serde_json::json!({"event": "danced"})).unwrap();
        assert!(decode::<Event>(odd.trim_end().as_bytes(), 0).unwrap_err().contains("danced"));
        let extra = encode(0, &serde_json::json!({"event": "ended", "reason": "budget", "x": 1})).unwrap();
        assert!(decode::<Event>(extra.trim_end().as_bytes(), 0).is_err());
    }
}
