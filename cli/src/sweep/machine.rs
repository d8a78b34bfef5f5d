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

/// What decides the last digits of results on this processor: its family, and whether matrix products and
/// the functions of the C library use fused multiply-adds, which both choose as they run.
pub fn processor() -> String {
    match has_fma() {
        true => format!("{}-fma", std::env::consts::ARCH),
        false => std::env::consts::ARCH.to_owned(),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_fma() -> bool {
    is_x86_feature_detected!("fma") && is_x86_feature_detected!("avx2")
}

/// Nothing is chosen as it runs.
#[cfg(not(target_arch = "x86_64"))]
fn has_fma() -> bool {
    false
}
