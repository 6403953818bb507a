//! What every verb that judges shares: floors, focus, and the verdict that becomes the exit code.

use std::collections::BTreeSet;

use anyhow::bail;
use authtrace_analyze::{Analysis, Severity};
use authtrace_parse::ExchangeId;
use authtrace_report::{Acceptance, Focus, View};

use super::focus;
use crate::{
    accept,
    args::{AnalyzeArgs, severity},
    config,
    exit::Verdict,
    load::Loaded,
};

/// What to show, and from which severity on to fail.
pub(super) struct Floors {
    fail_on: Severity,
    min_severity: Option<Severity>,
    min_confidence: Option<f64>,
    accepted: Vec<Acceptance>,
}

impl Floors {
    /// As the flags say.
    pub(super) fn parse(args: &AnalyzeArgs) -> anyhow::Result<Self> {
        if args.min_confidence.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            bail!("--min-confidence: a probability lies between 0 and 1");
        }
        Ok(Self {
            fail_on: args.fail_on.as_deref().map_or(Ok(Severity::High), |name| severity("--fail-on", name))?,
            min_severity: args.min_severity.as_deref().map(|name| severity("--min-severity", name)).transpose()?,
            min_confidence: args.min_confidence,
            accepted: {
                let mut accepted = args.inspect.judgement.ignored.clone();
                if let Some(path) = &args.accept {
                    accepted.extend(accept::read(path, config::today())?);
                }
                accepted
            },
        })
    }

    /// What of the analysis is in focus.
    pub(super) fn view<'a>(&self, args: &AnalyzeArgs, analysis: &'a Analysis) -> anyhow::Result<View<'a>> {
        let exchanges: Option<BTreeSet<ExchangeId>> = focus::exchanges(&args.inspect, analysis)?;
        let (min_severity, min_confidence) = (self.min_severity, self.min_confidence);
        let accepted = self.accepted.clone();
        Ok(View::new(analysis, Focus { exchanges, min_severity, min_confidence, accepted }))
    }

    /// The severity from which on a finding fails.
    pub(super) fn fail_on(&self) -> Severity {
        self.fail_on
    }

    /// What the invocation came to.
    pub(super) fn verdict(&self, args: &AnalyzeArgs, loaded: &Loaded, view: &View<'_>) -> Verdict {
        let analysis = &loaded.analysis;
        Verdict {
            findings: view.worst().is_some_and(|worst| worst >= self.fail_on),
            no_judgement: analysis.is_empty() || view.is_sanitized() && analysis.findings.is_empty(),
            usage: loaded.failed,
            interrupted: loaded.interrupted,
            exit_zero: args.exit_zero,
        }
    }
}

impl Loaded {
    /// The exit code where no input could be read at all.
    pub(super) fn unread(&self) -> Option<u8> {
        self.nothing.then_some(if self.interrupted { crate::exit::INTERRUPTED } else { crate::exit::USAGE })
    }
}
