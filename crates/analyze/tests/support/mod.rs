//! Test support: exchanges written as short transcripts, so that a test reads as a story.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part; a wrong transcript may panic")]

pub(crate) mod tokens;
pub(crate) mod transcript;

use authtrace_analyze::{
    Analysis, Analyzer, Settings,
    coverage::{Input, InputFormat},
};
use authtrace_parse::Exchange;

/// Analyses `exchanges` as one HAR.
pub(crate) fn analyze(exchanges: &[Exchange], settings: Settings) -> Analysis {
    analyze_input(exchanges, settings, false)
}

/// Analyses `exchanges` as one HAR, which may end in the middle.
pub(crate) fn analyze_input(exchanges: &[Exchange], settings: Settings, truncated: bool) -> Analysis {
    let mut analyzer = Analyzer::new(settings);
    for exchange in exchanges {
        analyzer.push(exchange);
    }
    let input = Input {
        path: "transcript".into(),
        format: InputFormat::Har,
        sha256: [7; 32],
        bytes: 0,
        exchanges: u32::try_from(exchanges.len()).unwrap(),
        creator: None,
        truncated,
        anomalies: Default::default(),
        first: None,
        last: None,
    };
    analyzer.finish(vec![input])
}
