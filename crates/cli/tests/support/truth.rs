//! What the recorded incidents are in truth: which findings are right, which exchanges are innocent.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use authtrace_analyze::{Analysis, Finding, facts::Fact};
use authtrace_parse::ExchangeId;
use serde_json::Value;

use crate::support::normalise;

/// Which rules answer to which kind of incident, the best answer first.
pub(crate) const ANSWERS: &[(&str, &[&str])] = &[
    ("connection_refused_port_drift", &["AUTH074"]),
    ("cors_blocked_request", &["AUTH060"]),
    ("cors_preflight_blocks_authorization", &["AUTH060"]),
    ("cors_wildcard_with_credentials", &["AUTH061"]),
    ("expired_access_token_sent", &["AUTH020"]),
    ("jwt_missing_aud", &["AUTH023"]),
    ("missing_authorization_client_bypass", &["AUTH003", "AUTH004", "AUTH001"]),
    ("missing_authorization_race", &["AUTH002"]),
    ("refresh_storm", &["AUTH042", "AUTH040", "AUTH041"]),
    ("refresh_thundering_herd", &["AUTH043", "AUTH041"]),
    ("refresh_token_reuse", &["AUTH043"]),
    ("signature_mismatch", &["AUTH030", "AUTH033"]),
    ("signature_mismatch_websocket", &["AUTH080", "AUTH030", "AUTH033"]),
    ("token_format_opaque_session", &["AUTH013"]),
    ("token_literal_null", &["AUTH010"]),
    ("token_literal_undefined", &["AUTH010"]),
];

/// Rules that may be right beside the truth, which lists incidents and not hygiene, amplifiers or context.
pub(crate) const BESIDE: &[&str] =
    &["AUTH001", "AUTH044", "AUTH061", "AUTH062", "AUTH074", "AUTH100", "AUTH101", "AUTH103"];

pub(crate) const FORMS: &[&str] =
    &["devtools.full.har", "devtools.sanitized.har", "playwright.har", "capture.pcapng", "capture-any.pcap"];

/// A folder whose captures speak HTTP/2 over TLS, which is not read.
pub(crate) const HTTP2: &str = "s7-mixed";

/// Whether a form holds packets, which show the wire and not the browser.
pub(crate) fn is_packets(form: &str) -> bool {
    form.contains(".pcap")
}

/// One expected finding of a truth file.
pub(crate) struct Expected {
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) routes: BTreeSet<String>,
    pub(crate) on_browser: bool,
    pub(crate) on_wire: bool,
}

pub(crate) fn answers(kind: &str) -> &'static [&'static str] {
    ANSWERS.iter().find(|(name, _)| *name == kind).map_or(&[], |(_, codes)| codes)
}

pub(crate) fn expected(truth: &Value) -> Vec<Expected> {
    let list = truth["findings_expected"].as_array().unwrap();
    let one = |e: &Value| Expected {
        kind: e["kind"].as_str().unwrap().to_owned(),
        severity: e["severity"].as_str().unwrap().to_owned(),
        routes: e["endpoints"].as_array().unwrap().iter().map(|r| normalise(r.as_str().unwrap())).collect(),
        on_browser: e["requests_browser"].as_array().is_some_and(|r| !r.is_empty()),
        on_wire: e["on"] == "wire" && (e["kind"] != "cors_wildcard_with_credentials" || sends_cookies(truth, e)),
    };
    list.iter().map(one).collect()
}

/// Whether a request of `expected` carried cookies: on the wire nothing else tells that it had credentials.
pub(crate) fn sends_cookies(truth: &Value, expected: &Value) -> bool {
    let requests = truth["wire_requests"].as_array().unwrap();
    let of = |r: &&Value| expected["requests_wire"].as_array().is_some_and(|list| list.contains(&r["seq"]));
    requests.iter().filter(of).any(|r| r["cookies_sent"].as_array().is_some_and(|cookies| !cookies.is_empty()))
}

/// Exchanges that must stay free of findings at medium or above, found by method, URL and time.
pub(crate) fn innocent(truth: &Value, analysis: &Analysis, packets: bool) -> BTreeSet<ExchangeId> {
    let numbers = |list: &Value, key: &str| -> BTreeSet<u64> {
        list.as_array()
            .unwrap()
            .iter()
            .flat_map(|x| x[key].as_array().into_iter().flatten())
            .filter_map(Value::as_u64)
            .collect()
    };
    let mut wire = numbers(&truth["must_not_flag"], "requests_wire");
    for guilty in numbers(&truth["findings_expected"], "requests_wire") {
        wire.remove(&guilty);
    }
    if packets {
        let requests = truth["wire_requests"].as_array().unwrap();
        let chosen = requests.iter().filter(|r| r["seq"].as_u64().is_some_and(|seq| wire.contains(&seq)));
        return chosen.filter_map(|request| find_on_wire(request, analysis)).collect();
    }
    let requests = truth["browser_requests"].as_array().unwrap();
    let chosen = requests.iter().filter(|r| r["wire_seq"].as_u64().is_some_and(|seq| wire.contains(&seq)));
    chosen.filter_map(|request| find(request, analysis)).collect()
}

pub(crate) fn find(request: &Value, analysis: &Analysis) -> Option<ExchangeId> {
    let at = (request["t"].as_f64()? * 1e9) as i64;
    let (method, url) = (request["method"].as_str()?, request["url"].as_str()?);
    let target = authtrace_parse::Target::parse(url)?;
    nearest(analysis, at, |f| &*f.method == method && *f.origin == target.origin() && *f.path == *target.path.expose())
}

pub(crate) fn find_on_wire(request: &Value, analysis: &Analysis) -> Option<ExchangeId> {
    let at = (request["t"].as_f64()? * 1e9) as i64;
    let (method, path) = (request["method"].as_str()?, request["path"].as_str()?);
    let host = request["host"].as_str()?;
    nearest(analysis, at, |f| {
        &*f.method == method && &*f.path == path && (host == format!("{}:{}", f.host, f.port) || *f.host == *host)
    })
}

/// The exchange that `is` right and nearest to `at`.
pub(crate) fn nearest(analysis: &Analysis, at: i64, is: impl Fn(&Fact) -> bool) -> Option<ExchangeId> {
    let near = analysis.capture.facts.iter().filter(|f| is(f)).map(|f| (f.id, (f.started_nanos() - at).abs()));
    near.filter(|(_, d)| *d < 200_000_000).min_by_key(|(_, d)| *d).map(|(id, _)| id)
}

pub(crate) fn touches(finding: &Finding, routes: &BTreeSet<String>) -> bool {
    let path = |r: &str| r.split_once(' ').map_or_else(String::new, |(_, p)| p.to_owned());
    finding
        .routes
        .iter()
        .any(|r| routes.contains(&normalise(r)) || routes.iter().any(|want| path(want) == path(&normalise(r))))
}

/// What is true of one form of one recorded incident.
pub(crate) struct Truth {
    /// Incidents that this form shows.
    pub(crate) expected: Vec<Expected>,
    /// Codes that answer to any incident of the recording, shown by this form or not.
    codes: BTreeSet<&'static str>,
    innocent: BTreeSet<ExchangeId>,
    healthy: bool,
}

impl Truth {
    pub(crate) fn of(truth: &Value, form: &str, analysis: &Analysis) -> Self {
        let all = expected(truth);
        let codes = all.iter().flat_map(|e| answers(&e.kind)).copied().collect();
        let shown = all.into_iter().filter(|e| if is_packets(form) { e.on_wire } else { e.on_browser });
        Self {
            // A Playwright HAR holds no preflights.
            expected: shown.filter(|e| !(form == "playwright.har" && e.kind.starts_with("cors_"))).collect(),
            codes,
            innocent: innocent(truth, analysis, is_packets(form)),
            healthy: truth["healthy"] == true,
        }
    }

    /// Whether the finding is one of the incidents.
    pub(crate) fn is_right(&self, finding: &Finding) -> bool {
        let answer = |e: &Expected| answers(&e.kind).contains(&finding.rule.code) && touches(finding, &e.routes);
        self.expected.iter().any(answer)
    }

    /// Whether it accuses only exchanges that are innocent, or anything of a healthy recording.
    pub(crate) fn is_false_alarm(&self, finding: &Finding) -> bool {
        let hygiene = matches!(finding.rule.code, "AUTH100" | "AUTH101" | "AUTH103");
        let innocent = !finding.exchanges.is_empty() && finding.exchanges.iter().all(|id| self.innocent.contains(id));
        (innocent && !hygiene) || self.healthy
    }

    /// Whether it names a cause that the recording does not have.
    pub(crate) fn is_other_cause(&self, finding: &Finding) -> bool {
        !self.codes.contains(finding.rule.code) && !BESIDE.contains(&finding.rule.code)
    }
}
