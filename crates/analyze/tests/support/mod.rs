//! Test support: exchanges written as short transcripts, so that a test reads as a story.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part; a wrong transcript may panic")]

pub(crate) mod fixture;
pub(crate) mod tokens;
pub(crate) mod transcript;

use authtrace_analyze::{Analysis, Analyzer, Settings, coverage::Input};
use authtrace_parse::Exchange;

/// Analyses `exchanges` as one HAR.
pub(crate) fn analyze(exchanges: &[Exchange], settings: Settings) -> Analysis {
    analyze_input(exchanges, settings, Input::default())
}

/// Analyses `exchanges` as one input of which `input` says the rest.
pub(crate) fn analyze_input(exchanges: &[Exchange], settings: Settings, input: Input) -> Analysis {
    let mut analyzer = Analyzer::new(settings);
    for exchange in exchanges {
        analyzer.push(exchange);
    }
    let exchanges = u32::try_from(exchanges.len()).unwrap();
    analyzer.finish(vec![Input { path: "transcript".into(), sha256: [7; 32], exchanges, ..input }])
}
