//! Ctrl-C: the first one stops reading and reports what there is, the second one ends the program.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether the user asked to stop.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let flag = Self::default();
        let signal = signal_hook::consts::SIGINT;
        // In this order: the first signal finds the flag unset and sets it, the second finds it set and ends the program.
        let second = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag.0));
        let first = second.and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag.0)));
        if let Err(error) = first {
            tracing::warn!("Ctrl-C will end the program at once: {error}");
        }
        flag
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
