//! The outside world, injected: whoever runs the terminal UI decides how an exchange is read again and how a file is written.

use authtrace_analyze::{Analysis, facts::Fact};
use authtrace_parse::Exchange;

/// What the UI cannot do itself.
pub trait Outside: Send + Sync {
    /// Reads the exchange of `fact` again, with headers and bodies.
    ///
    /// # Errors
    /// Why it cannot be read, in one line.
    fn exchange(&self, analysis: &Analysis, fact: &Fact) -> Result<Exchange, String>;

    /// Writes `text` to the file `path`, readable by this user only.
    ///
    /// # Errors
    /// Why it cannot be written, in one line.
    fn write(&self, path: &str, text: &str) -> Result<(), String>;

    /// Makes the calling thread give way to the screen; each thread calls it that works beside it.
    fn give_way(&self) {}
}
