//! Colour, used sparingly: headlines bold, severities coloured, secondary text dim; off means plain bytes.

use authtrace_analyze::Severity;

/// Whether and how text is coloured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    colour: bool,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As it comes.
    Plain,
    /// A headline.
    Bold,
    /// Secondary text.
    Dim,
    /// The name of a severity.
    Severity(Severity),
    /// All is well.
    Good,
}

impl Style {
    /// No colour at all.
    pub const PLAIN: Self = Self { colour: false };

    /// With ANSI colours, where `colour` says so.
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// `text` in `ink`.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "1;32",
            Ink::Severity(Severity::Critical | Severity::High) => "1;31",
            Ink::Severity(Severity::Medium) => "1;33",
            Ink::Severity(Severity::Low) => "1;36",
            Ink::Severity(Severity::Info) => "1;34",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_plain() {
        assert_eq!(Style::PLAIN.paint(Ink::Bold, "x"), "x");
        assert_eq!(Style::new(true).paint(Ink::Bold, "x"), "\x1b[1mx\x1b[0m");
    }
}
