//! How a rule is written: metadata and one function over a [`Case`] (or over the whole capture, for coverage).

use std::collections::{BTreeMap, BTreeSet};

use authtrace_parse::ExchangeId;

use crate::{
    capture::Capture,
    case::Case,
    catalogue::RuleMeta,
    coverage::Coverage,
    diagnosis::causes,
    facts::{ClientId, Fact, SessionId},
    finding::{Cap, Confidence, Evidence, EvidenceRole, Finding, Reason, Severity, part},
    text::Text,
    tokens::TokenId,
};

/// A rule: what it is and how it judges.
pub(crate) struct Rule {
    pub(crate) meta: RuleMeta,
    pub(crate) check: Check,
}

/// The three shapes of a check.
pub(crate) enum Check {
    /// Judges one client's timeline.
    Timeline(fn(&Case<'_>, &mut Findings)),
    /// Judges what no other rule explained with confidence of .55 or more.
    Residual(fn(&Case<'_>, &Explained, &mut Findings)),
    /// Says what the capture could not show.
    Coverage(fn(&Capture) -> Vec<Coverage>),
}

/// Exchanges that a finding already explains.
pub(crate) struct Explained(BTreeSet<ExchangeId>);

impl Explained {
    /// The least confidence that explains (detectors AUTH027).
    const ENOUGH: f64 = 0.55;

    /// What `findings` explain to the residual rule `rule`; a retry, say, repeats a refusal and does not explain it.
    pub(crate) fn by(findings: &[Finding], rule: &RuleMeta) -> Self {
        let sure = findings.iter().filter(|f| {
            f.confidence().value() >= Self::ENOUGH
                // A lowered severity says why there is no harm: that explains, too.
                && (f.severity > Severity::Low || f.severity_reason.is_some())
                && !causes::is_no_explanation(rule.code, f)
        });
        Self(sure.flat_map(|f| &f.exchanges).copied().collect())
    }

    pub(crate) fn contains(&self, id: ExchangeId) -> bool {
        self.0.contains(&id)
    }
}

/// A finding in the making. It starts from the exchange that it is about.
pub(crate) struct Draft(Finding);

impl Draft {
    /// A finding of `rule` about `fact`.
    pub(crate) fn new(rule: &'static RuleMeta, fact: &Fact) -> Self {
        Self(Finding {
            rule,
            variant: None,
            severity: rule.severity,
            severity_reason: None,
            reasons: Vec::new(),
            caps: Vec::new(),
            title: rule.title.to_owned(),
            message: String::new(),
            origin: fact.origin.clone(),
            route: fact.route.clone(),
            routes: Vec::new(),
            client: fact.client,
            session: fact.session,
            credential: None,
            call_site: fact.call_site.clone(),
            cause: part(""),
            exchanges: vec![fact.id],
            evidence: Vec::new(),
            fixes: rule.fixes.to_vec(),
        })
    }

    /// Names a variant, whose text or fix differs from the ordinary case.
    pub(crate) fn variant(mut self, variant: &'static str) -> Self {
        self.0.variant = Some(variant);
        self
    }

    /// One line that names this case.
    pub(crate) fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// What happened, in one or two sentences with numbers.
    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Changes the severity, and says why.
    pub(crate) fn severity(mut self, severity: Severity, reason: &'static str) -> Self {
        self.0.severity = severity;
        self.0.severity_reason = Some(reason);
        self
    }

    /// Adds a reason to believe it.
    pub(crate) fn because(mut self, reason: Reason) -> Self {
        self.0.reasons.push(reason);
        self
    }

    /// Adds a reason where `holds`.
    pub(crate) fn because_if(self, holds: bool, reason: Reason) -> Self {
        if holds { self.because(reason) } else { self }
    }

    /// Adds the server's own statement as a reason, with the weight that its form has.
    pub(crate) fn because_server_says(mut self, fact: &Fact) -> Self {
        self.0.reasons.extend(fact.outcome.error_weight);
        self
    }

    /// Limits the belief.
    pub(crate) fn capped(mut self, caps: impl IntoIterator<Item = Cap>) -> Self {
        self.0.caps.extend(caps);
        self
    }

    /// The fact that it stands on.
    pub(crate) fn primary(self, exchange: ExchangeId, at: &str, says: impl Into<String>) -> Self {
        self.evidence(EvidenceRole::Primary, exchange, at, says.into())
    }

    /// Context, control or consequence.
    pub(crate) fn related(self, exchange: ExchangeId, at: &str, says: impl Into<String>) -> Self {
        self.evidence(EvidenceRole::Related, exchange, at, says.into())
    }

    fn evidence(mut self, role: EvidenceRole, exchange: ExchangeId, at: &str, says: String) -> Self {
        self.0.evidence.push(Evidence { exchange, part: part(at), role, says });
        self
    }

    /// Quotes the server's statement as related evidence, where it made one.
    pub(crate) fn server_says(self, fact: &Fact) -> Self {
        match (&fact.outcome.error_part, &fact.outcome.error_text) {
            (Some(at), Some(text)) => self.related(fact.id, at, format!("\"{text}\"")),
            _ => match fact.status {
                Some(status) => self.related(fact.id, "response.status", status.to_string()),
                None => self,
            },
        }
    }

    /// The credential that it is about.
    pub(crate) fn credential(mut self, token: TokenId) -> Self {
        self.0.credential = Some(token);
        self
    }

    /// Findings of this rule with the same cause make one incident.
    pub(crate) fn cause(mut self, cause: impl AsRef<str>) -> Self {
        self.0.cause = part(cause.as_ref());
        self
    }

    /// Further exchanges that it is about.
    pub(crate) fn also(mut self, exchanges: impl IntoIterator<Item = ExchangeId>) -> Self {
        self.0.exchanges.extend(exchanges);
        self
    }

    /// Replaces the fixes of the rule by those of this case.
    pub(crate) fn fixes(mut self, fixes: &[&'static str]) -> Self {
        self.0.fixes = fixes.to_vec();
        self
    }

    /// The routes of a finding about several; the first is the most affected.
    pub(crate) fn routes(mut self, routes: Vec<Text>) -> Self {
        self.0.routes = routes;
        self
    }
}

type Key = (&'static str, Option<&'static str>, ClientId, Text, Text, Option<SessionId>, Option<TokenId>);

/// Collects drafts: one finding per rule, variant, route, client, session and credential.
#[derive(Default)]
pub(crate) struct Findings {
    by_key: BTreeMap<Key, Finding>,
}

impl Findings {
    /// Most pieces of evidence kept of one finding.
    const EVIDENCE: usize = 12;

    /// Adds a draft; a second one for the same key adds its exchanges, reasons and evidence to the first.
    /// A draft without primary evidence is a bug of its rule and is dropped: a finding must stand on something.
    pub(crate) fn add(&mut self, draft: Draft) {
        let new = draft.0;
        debug_assert!(
            new.evidence.iter().any(|e| e.role == EvidenceRole::Primary),
            "{}: no primary evidence",
            new.rule.code
        );
        if !new.evidence.iter().any(|e| e.role == EvidenceRole::Primary) {
            return;
        }
        let key = (
            new.rule.code,
            new.variant,
            new.client,
            new.origin.clone(),
            new.route.clone(),
            new.session,
            new.credential,
        );
        match self.by_key.get_mut(&key) {
            None => {
                self.by_key.insert(key, new);
            }
            Some(known) => merge(known, new),
        }
    }

    /// Adds every draft of `drafts`.
    pub(crate) fn add_all(&mut self, drafts: impl IntoIterator<Item = Draft>) {
        drafts.into_iter().for_each(|draft| self.add(draft));
    }

    /// The findings, with lists sorted and bounded.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.by_key.into_values().map(tidy).collect()
    }
}

fn merge(known: &mut Finding, new: Finding) {
    let stronger = Confidence::from_reasons(&new.reasons, &new.caps) > known.confidence();
    known.exchanges.extend(new.exchanges);
    if known.evidence.len() < Findings::EVIDENCE {
        known.evidence.extend(new.evidence);
    }
    if new.severity > known.severity {
        (known.severity, known.severity_reason) = (new.severity, new.severity_reason);
    }
    if stronger {
        (known.reasons, known.caps) = (new.reasons, new.caps);
        (known.title, known.message) = (new.title, new.message);
    }
}

fn tidy(mut finding: Finding) -> Finding {
    finding.exchanges.sort_unstable();
    finding.exchanges.dedup();
    let mut seen = BTreeSet::new();
    finding.evidence.retain(|e| seen.insert((e.exchange, e.part.clone(), e.says.clone())));
    finding.evidence.sort_by_key(|e| e.role);
    finding.evidence.truncate(Findings::EVIDENCE);
    if finding.routes.is_empty() {
        finding.routes.push(finding.route.clone());
    }
    finding
}
