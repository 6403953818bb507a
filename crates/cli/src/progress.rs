//! Progress on standard error: only on a terminal, and only for work longer than half a second.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// Silence before the first line.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two updates.
const PACE: Duration = Duration::from_millis(100);
/// Exchanges between two looks at the clock.
const STRIDE: u64 = 256;

/// A line that says how far reading has come.
pub(crate) struct Progress {
    next: Option<Instant>,
    seen: u64,
    shown: bool,
}

impl Progress {
    /// Starts the clock; stays silent where standard error is no terminal or `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        Self { next: shown.then(|| Instant::now() + PATIENCE), seen: 0, shown: false }
    }

    /// One more exchange of `path`.
    pub(crate) fn tick(&mut self, path: &str) {
        self.seen += 1;
        if !self.seen.is_multiple_of(STRIDE) {
            return;
        }
        let now = Instant::now();
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + PACE);
            self.shown = true;
            self.say(&format!("reading {path}: {} exchanges", self.seen));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            self.say("");
        }
    }

    fn say(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        // A progress line that cannot be written is no reason to stop.
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    }
}
