//! Competing hypotheses: every explanation that a senior engineer would think of for this symptom, each with a verdict
//! and the wire fact that decides it (detectors §5).

mod cors;
mod csrf;
mod identity;
mod login_page;
mod missing;
mod oauth;
mod redirect_loop;
mod refresh;
mod rejected;
mod websocket;

use super::lookups::Lookups;
use crate::{
    capture::Capture,
    facts::Fact,
    finding::{Evidence, EvidenceRole, Finding, part},
    lookup::{Lookup, Sign},
};

/// How a hypothesis stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A rule established it with confidence of .80 or more.
    Confirmed,
    /// A rule found it with less.
    Supported,
    /// The capture does not decide.
    Undecidable,
    /// A wire fact contradicts it.
    Rejected,
}

impl Verdict {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Supported => "supported",
            Self::Undecidable => "undecidable",
            Self::Rejected => "rejected",
        }
    }
}

/// A hypothesis with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Stable kebab-case name.
    pub id: &'static str,
    /// The hypothesis as a statement.
    pub statement: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub because: String,
    /// The facts that decide.
    pub evidence: Vec<Evidence>,
    /// What would decide it, for undecidable ones.
    pub needs: Option<&'static str>,
}

/// One explanation of a symptom.
pub(super) struct Hypothesis {
    /// Stable name.
    id: &'static str,
    /// The explanation as a statement.
    statement: &'static str,
    /// Codes of the rules that establish it; `CODE:variant` means that variant, `CODE:` the ordinary case only.
    rules: &'static [&'static str],
    /// What contradicts it, if anything.
    reject: fn(&Scene<'_>) -> Option<Contradiction>,
    /// What would decide it.
    needs: &'static str,
}

/// Why a hypothesis cannot be true.
pub(super) struct Contradiction {
    because: String,
    evidence: Vec<Evidence>,
}

impl Contradiction {
    fn new(because: impl Into<String>, evidence: Vec<Evidence>) -> Option<Self> {
        Some(Self { because: because.into(), evidence })
    }
}

/// What a hypothesis is judged on: the incident's findings and exchanges within the capture.
pub(super) struct Scene<'a> {
    pub(super) capture: &'a Capture,
    /// Every client's facts, by id.
    everybody: &'a Lookup<'a>,
    /// The facts of the root's client, by id.
    client: &'a Lookup<'a>,
    pub(super) root: &'a Finding,
    members: &'a [&'a Finding],
    /// The root's failing exchanges, in order of id.
    pub(super) failing: Vec<&'a Fact>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        capture: &'a Capture,
        lookups: &'a Lookups<'a>,
        root: &'a Finding,
        members: &'a [&'a Finding],
    ) -> Self {
        let same = members.iter().filter(|f| f.rule.code == root.rule.code);
        let mut failing: Vec<&Fact> = same.flat_map(|f| &f.exchanges).filter_map(|id| capture.fact(*id)).collect();
        failing.sort_by_key(|f| f.id);
        failing.dedup_by_key(|f| f.id);
        // A redirect hop or an accepted control belongs to the finding and is not what failed.
        if failing.iter().any(|f| !f.succeeded()) {
            failing.retain(|f| !f.succeeded());
        }
        Self { capture, everybody: lookups.all(), client: lookups.of(root.client), root, members, failing }
    }

    /// The first failing exchange.
    fn first(&self) -> Option<&'a Fact> {
        self.failing.first().copied()
    }

    /// The strongest finding of this incident by one of `codes`.
    fn finding(&self, codes: &[&str]) -> Option<&'a Finding> {
        let named = self.members.iter().copied().filter(|f| codes.iter().any(|code| names(code, f)));
        named.max_by(|a, b| a.confidence().value().total_cmp(&b.confidence().value()))
    }

    /// The client's exchanges that are a sign of something, by id.
    fn signs(&self, sign: Sign) -> impl Iterator<Item = &'a Fact> + Clone + use<'a> {
        self.client.signs(sign).iter()
    }
}

/// Whether `code`, with a variant or without, names the finding.
fn names(code: &str, finding: &Finding) -> bool {
    match code.split_once(':') {
        Some((code, variant)) => code == finding.rule.code && variant == finding.variant.unwrap_or_default(),
        None => code == finding.rule.code,
    }
}

/// One piece of evidence.
fn shows(fact: &Fact, at: &str, says: impl Into<String>) -> Vec<Evidence> {
    vec![Evidence { exchange: fact.id, part: part(at), role: EvidenceRole::Related, says: says.into() }]
}

/// The verdicts on every hypothesis about the incident's symptom.
pub(super) fn judge(scene: &Scene<'_>) -> Vec<Judged> {
    let table = table(scene.root);
    let mut judged: Vec<Judged> = table.iter().map(|hypothesis| verdict(hypothesis, scene)).collect();
    judged.sort_by_key(|j| j.verdict);
    judged
}

fn table(root: &Finding) -> &'static [Hypothesis] {
    match root.rule.code {
        "AUTH001" | "AUTH002" | "AUTH003" | "AUTH004" | "AUTH005" | "AUTH050" | "AUTH051" | "AUTH070" | "AUTH073" => {
            missing::TABLE
        }
        "AUTH010" | "AUTH011" | "AUTH012" | "AUTH013" | "AUTH014" | "AUTH015" | "AUTH020" | "AUTH021" | "AUTH022"
        | "AUTH023" | "AUTH024" | "AUTH025" | "AUTH026" | "AUTH027" | "AUTH030" | "AUTH031" | "AUTH032" | "AUTH033"
        | "AUTH044" | "AUTH072" | "AUTH094" | "AUTH102" => rejected::TABLE,
        "AUTH040" | "AUTH041" | "AUTH042" | "AUTH043" => refresh::TABLE,
        "AUTH080" | "AUTH081" | "AUTH082" => websocket::TABLE,
        "AUTH052" => csrf::TABLE,
        "AUTH053" => login_page::TABLE,
        "AUTH054" => identity::TABLE,
        "AUTH091" if root.variant.is_some_and(|variant| variant.starts_with("device-")) => oauth::DEVICE,
        "AUTH090" | "AUTH091" | "AUTH092" => oauth::LOGIN,
        "AUTH093" => oauth::SILENT,
        "AUTH060" | "AUTH061" | "AUTH062" | "AUTH074" => cors::TABLE,
        "AUTH071" => redirect_loop::TABLE,
        _ => &[],
    }
}

/// A rule's finding speaks first; then a contradiction; what neither decides stays open.
fn verdict(hypothesis: &Hypothesis, scene: &Scene<'_>) -> Judged {
    let judged = |verdict, because, evidence, needs| Judged {
        id: hypothesis.id,
        statement: hypothesis.statement,
        verdict,
        because,
        evidence,
        needs,
    };
    if let Some(finding) = scene.finding(hypothesis.rules) {
        let sure = finding.confidence().value() >= 0.80;
        let primary = finding.evidence.iter().filter(|e| e.role == EvidenceRole::Primary).take(3).cloned().collect();
        return judged(
            if sure { Verdict::Confirmed } else { Verdict::Supported },
            finding.message.clone(),
            primary,
            None,
        );
    }
    match (hypothesis.reject)(scene) {
        Some(contradiction) => judged(Verdict::Rejected, contradiction.because, contradiction.evidence, None),
        None => {
            judged(Verdict::Undecidable, "The capture does not decide.".to_owned(), Vec::new(), Some(hypothesis.needs))
        }
    }
}

/// Contradictions that several symptoms share.
mod common {
    use super::{Contradiction, Scene, shows};
    use crate::facts::{Fact, socket::Socket};

    /// Nothing contradicts it.
    pub(super) fn open(_: &Scene<'_>) -> Option<Contradiction> {
        None
    }

    /// Every failing exchange was answered by a server.
    pub(super) fn answered(scene: &Scene<'_>) -> Option<Contradiction> {
        let first = scene.first()?;
        let status = first.status?;
        scene.failing.iter().all(|f| f.status.is_some()).then_some(())?;
        Contradiction::new(
            format!("The request reached a server, which answered {status}."),
            shows(first, "response.status", status.to_string()),
        )
    }

    /// The token's expiry lies after the request on the server's clock.
    pub(super) fn not_expired(scene: &Scene<'_>) -> Option<Contradiction> {
        let first = scene.first()?;
        let credential = first.main_credential()?;
        let claims = scene.capture.tokens.get(credential.token).claims()?;
        let clock = scene.capture.profile.clocks.offset(&first.origin);
        let left = clock.ahead(first, claims.exp?.intended().nanos());
        (left > 0).then_some(())?;
        let seconds = left / 1_000_000_000;
        Contradiction::new(
            format!("The token was valid for at least {seconds} s more when it was sent."),
            shows(first, "token.claim.exp", "in the future"),
        )
    }

    /// The same credential was accepted by the same origin.
    pub(super) fn accepted_elsewhere<'a>(scene: &Scene<'a>) -> Option<&'a Fact> {
        let first = scene.first()?;
        let token = first.main_credential()?.token;
        scene.client.succeeded_at(&first.origin).iter().find(|f| {
            f.credentials.iter().any(|c| c.token == token)
                && !f.socket().is_some_and(Socket::is_refused)
                && scene.capture.protection(f) == crate::capture::Protection::Protected
        })
    }

    /// The same, of what a server can change overnight: a token that is good by its own word and that nothing accepts any more
    /// may have met another key.
    pub(super) fn accepted_since(scene: &Scene<'_>, what: &str) -> Option<Contradiction> {
        let first = scene.first()?;
        let token = first.main_credential()?.token;
        let mut later = scene.client.succeeded_at(&first.origin).since(first.started_nanos()).iter();
        let still = later.any(|f| f.credentials.iter().any(|c| c.token == token));
        (still || not_expired(scene).is_none()).then(|| accepted(scene, what)).flatten()
    }

    /// What accepted the same credential, as a contradiction of `what`.
    pub(super) fn accepted(scene: &Scene<'_>, what: &str) -> Option<Contradiction> {
        let other = accepted_elsewhere(scene)?;
        Contradiction::new(
            format!("{} accepted the same token, so {what} is not the reason.", other.route),
            shows(other, "response.status", other.status.map_or_else(String::new, |s| s.to_string())),
        )
    }
}
