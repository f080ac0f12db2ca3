//! Ctrl-C, the same in every example that can be gone on with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

/// A flag that Ctrl-C sets.
pub(crate) fn interrupt() -> Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = cancel.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("stopping after the step under way; Ctrl-C again stops at once");
    })?;
    Ok(cancel)
}
