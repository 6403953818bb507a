//! How a running capture is told what to do, and how it tells how it goes: flags and counters that any thread may use.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Stops and rotates a capture, and counts what it did.
#[derive(Default)]
pub struct Control {
    /// Set to end the capture: whoever captures looks at it ten times a second.
    pub stop: Arc<AtomicBool>,
    /// Set to begin a new file; cleared when that is done.
    pub rotate: Arc<AtomicBool>,
    frames: AtomicU64,
    bytes: AtomicU64,
    written: AtomicU64,
    interface_drops: AtomicU64,
    system_drops: AtomicU64,
    secrets: AtomicU64,
    complaints: Mutex<Vec<String>>,
}

/// Counters of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames captured.
    pub frames: u64,
    /// Captured bytes of them, with the blocks around them.
    pub bytes: u64,
    /// Bytes written to files.
    pub written: u64,
    /// Frames that the devices lost.
    pub interface_drops: u64,
    /// Frames that the kernel lost, because nobody fetched them in time.
    pub system_drops: u64,
    /// Key-log lines that were followed.
    pub secrets: u64,
}

impl Control {
    /// How it goes.
    pub fn totals(&self) -> Totals {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Totals {
            frames: of(&self.frames),
            bytes: of(&self.bytes),
            written: of(&self.written),
            interface_drops: of(&self.interface_drops),
            system_drops: of(&self.system_drops),
            secrets: of(&self.secrets),
        }
    }

    /// What went wrong since the last call, a line each: devices that ended, files that cannot be written.
    pub fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the capture is to end.
    pub fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Says that something went wrong, in a line.
    pub fn complain(&self, complaint: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
    }

    pub(super) fn end(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_rotation(&self) -> bool {
        self.rotate.swap(false, Ordering::Relaxed)
    }

    pub(super) fn captured(&self, frames: u64, bytes: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, interface: u64, system: u64) {
        self.interface_drops.store(interface, Ordering::Relaxed);
        self.system_drops.store(system, Ordering::Relaxed);
    }

    pub(super) fn learned(&self, lines: u64) {
        self.secrets.fetch_add(lines, Ordering::Relaxed);
    }
}
