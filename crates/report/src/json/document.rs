//! The shape of the document, one type per object, fields in the order of the published schema.

use std::collections::BTreeMap;

use authtrace_analyze::text::Text;
use serde::Serialize;

/// The whole document.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the field names are the published schema, which describes them")]
pub struct Document {
    pub schema: &'static str,
    pub tool: Tool,
    pub inputs: Vec<Input>,
    pub coverage: Vec<Coverage>,
    pub summary: Summary,
    pub incidents: Vec<Incident>,
    pub findings: Vec<Finding>,
    pub sessions: Vec<Session>,
    pub tokens: Vec<Token>,
}

/// The program that wrote it.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

/// One input.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Input {
    pub path: String,
    pub format: &'static str,
    pub sha256: String,
    pub bytes: u64,
    pub exchanges: u32,
    pub first: Option<String>,
    pub last: Option<String>,
    pub creator: Option<String>,
    pub truncated: bool,
    pub anomalies: BTreeMap<Text, u64>,
}

/// One gap of coverage.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Coverage {
    pub code: &'static str,
    pub id: &'static str,
    pub says: String,
    pub affects: Vec<&'static str>,
    pub remedy: Option<&'static str>,
}

/// Totals.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Summary {
    pub exchanges: usize,
    pub auth_failures: usize,
    pub protected: usize,
    pub sessions: usize,
    pub tokens: usize,
    /// Findings of a dataset that is too large to list them all, beyond those in `findings`, by the code of their rule.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub further_findings: BTreeMap<&'static str, usize>,
}

/// One root cause with everything that it caused.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Incident {
    pub id: String,
    pub root: String,
    pub title: String,
    pub severity: &'static str,
    pub confidence: f64,
    pub confidence_band: &'static str,
    pub statement: String,
    pub findings: Vec<String>,
    pub exchanges: Vec<u32>,
    pub exchanges_count: usize,
    pub hypotheses: Vec<Hypothesis>,
    pub contrast: Vec<Contrast>,
    pub compared: Compared,
    pub fixes: Vec<Fix>,
}

/// A competing explanation with its verdict.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Hypothesis {
    pub id: &'static str,
    pub statement: &'static str,
    pub verdict: &'static str,
    pub because: String,
    pub evidence: Vec<Shown>,
    pub needs: Option<&'static str>,
}

/// A fact that decides a hypothesis.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Shown {
    pub exchange: u32,
    pub part: String,
    pub says: String,
}

/// What separates failing from succeeding exchanges.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Contrast {
    pub feature: String,
    pub failing: String,
    pub succeeding: String,
    pub exact: bool,
    pub chance: f64,
}

/// How many exchanges were compared.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Compared {
    pub failing: usize,
    pub succeeding: usize,
    pub same_route: bool,
}

/// What to change.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Fix {
    pub key: &'static str,
    #[serde(rename = "where")]
    pub place: &'static str,
    pub text: &'static str,
}

/// One rule's judgement on one route, for one client and one credential.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Finding {
    pub id: String,
    pub code: &'static str,
    pub rule: &'static str,
    pub variant: Option<&'static str>,
    pub severity: &'static str,
    pub severity_reason: Option<&'static str>,
    pub confidence: f64,
    pub confidence_band: &'static str,
    pub title: String,
    pub message: String,
    pub origin: String,
    pub route: String,
    pub routes: Vec<String>,
    pub session: Option<String>,
    pub token: Option<String>,
    pub call_site: Option<String>,
    pub exchanges: Vec<u32>,
    pub exchanges_count: usize,
    pub evidence: Vec<Evidence>,
    pub caused_by: Option<String>,
    pub fixes: Vec<&'static str>,
    pub fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// By whom a finding is accepted: why, and until when.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Accepted {
    pub reason: String,
    pub until: Option<String>,
}

/// A fact that a finding stands on.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Evidence {
    pub exchange: u32,
    pub part: String,
    pub role: &'static str,
    pub says: String,
}

/// One authentication lifetime.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Session {
    pub id: String,
    pub principal: Option<String>,
    pub first: Option<String>,
    pub last: Option<String>,
    pub exchanges: u32,
    pub refused: u32,
    pub first_exchange: u32,
}

/// One distinct credential.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Token {
    pub id: String,
    pub kind: &'static str,
    pub vendor: Option<Text>,
    pub fingerprint: Option<String>,
    pub literal: Option<String>,
    pub length: Option<usize>,
    pub purpose: Option<&'static str>,
    pub defects: Vec<&'static str>,
    pub carriers: Vec<String>,
    pub alg: Option<String>,
    pub kid: Option<String>,
    pub claims: Option<Claims>,
    pub issued_at: Option<String>,
    pub expires_at: Option<String>,
    pub first: Option<String>,
    pub last: Option<String>,
    pub delivered_by: Option<u32>,
    pub sent_in: Vec<u32>,
    pub sent_in_count: u32,
    pub accepted: u32,
    pub refused: u32,
    pub verified_by: Vec<String>,
    pub rejected_by: Vec<String>,
    pub keys: Vec<KeyVerdict>,
}

/// What one key says of one token.
#[derive(Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct KeyVerdict {
    pub name: String,
    pub source: &'static str,
    pub verified: bool,
    pub form: &'static str,
    pub length: usize,
    pub short: bool,
    pub kid: Option<String>,
    pub kid_known: Option<bool>,
}

/// The claims that name parties and times, and nobody; absent where the token has none.
#[derive(Default, Serialize)]
#[expect(missing_docs, reason = "as above")]
pub struct Claims {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}
