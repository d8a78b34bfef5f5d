//! What this machine has.

use std::sync::OnceLock;
use sysinfo::System;

/// Bytes of memory of this machine.
pub fn memory() -> u64 {
    static MEMORY: OnceLock<u64> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let mut system = System::new();
        system.refresh_memory();
        system.total_memory()
    })
}
