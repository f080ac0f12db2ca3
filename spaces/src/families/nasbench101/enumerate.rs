//! Every cell of NAS-Bench-101, as its authors generated them.

use super::module::Module;
use super::{MAX_VERTICES, OPS};

/// All labelled modules: by number of vertices, then by edge bits, then by operations. A module is
/// kept if every vertex but the output has a successor, every one but the input a predecessor,
/// and the edges are within the limit (nasbench, `generate_graphs.py`, `is_full_dag`).
pub(super) fn modules() -> impl Iterator<Item = Module> {
    (2..=MAX_VERTICES).flat_map(|n| {
        let labelings = OPS.len().pow(n as u32 - 2);
        let full = (0..1_u32 << (n * (n - 1) / 2)).filter(move |&bits| is_full(bits, n));
        full.flat_map(move |bits| {
            (0..labelings).map(move |code| Module::from_bits(bits, &digits(code, n - 2)))
        })
    })
}

fn is_full(bits: u32, n: usize) -> bool {
    let zeros = vec![0; n - 2];
    let module = Module::from_bits(bits, &zeros);
    module.within_limits().is_ok() && module.pruned() == Ok(module)
}

fn digits(code: usize, count: usize) -> Vec<u8> {
    let base = OPS.len();
    (0..count).map(|i| (code / base.pow(i as u32) % base) as u8).collect()
}
