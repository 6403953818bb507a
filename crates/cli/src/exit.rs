//! Exit codes: a promise to scripts, listed in `authtrace --help`.

/// Nothing at or above `--fail-on`; a closed pipe and a capture without authentication traffic, too.
pub(crate) const OK: u8 = 0;
/// Findings at or above `--fail-on`.
pub(crate) const FINDINGS: u8 = 1;
/// A usage error, or a named input that gave nothing at all; wins over [`FINDINGS`].
pub(crate) const USAGE: u8 = 2;
/// No readable exchange in any input, or a sanitised capture in which nothing was found: no judgement is possible.
pub(crate) const NO_JUDGEMENT: u8 = 3;
/// Interrupted; what was read so far was reported.
pub(crate) const INTERRUPTED: u8 = 130;

/// What an invocation came to, before it is one number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    /// Findings at or above `--fail-on`.
    pub(crate) findings: bool,
    /// Nothing could be judged.
    pub(crate) no_judgement: bool,
    /// An input gave nothing, or the command line was wrong.
    pub(crate) usage: bool,
    /// Ctrl-C.
    pub(crate) interrupted: bool,
    /// `--exit-zero`.
    pub(crate) exit_zero: bool,
}

impl Verdict {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self { interrupted: true, .. } => INTERRUPTED,
            Self { usage: true, .. } => USAGE,
            Self { exit_zero: true, .. } => OK,
            Self { findings: true, .. } => FINDINGS,
            Self { no_judgement: true, .. } => NO_JUDGEMENT,
            _ => OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_input_wins_and_exit_zero_does_not_hide_it() {
        let all = Verdict { findings: true, usage: true, exit_zero: true, ..Verdict::default() };
        assert_eq!(all.code(), USAGE);
        assert_eq!(Verdict { usage: false, ..all }.code(), OK);
        assert_eq!(Verdict { usage: false, exit_zero: false, ..all }.code(), FINDINGS);
        assert_eq!(Verdict { no_judgement: true, ..Verdict::default() }.code(), NO_JUDGEMENT);
        assert_eq!(Verdict { interrupted: true, ..all }.code(), INTERRUPTED);
    }
}
