//! The causal graph: which finding sufficiently explains which other (detectors §10).

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::candidates::Candidates;
use crate::{
    capture::Capture,
    catalogue::Layer,
    facts::clock::Moment,
    finding::{Finding, Severity},
};

/// What two findings must share for one to explain the other.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Share {
    /// An exchange.
    Exchange,
    /// A route of one origin.
    Route,
    /// An origin.
    Origin,
    /// A session; an origin where a session is unknown.
    Session,
    /// Only the client.
    Client,
}

/// `cause → effects`, with what they must share. Rules know nothing of each other: this table is the one place that does.
pub(super) const EDGES: &[(&str, &[&str], Share)] = &[
    ("AUTH033", &["AUTH024", "AUTH027", "AUTH030", "AUTH031", "AUTH032", "AUTH044", "AUTH080"], Share::Origin),
    ("AUTH033", &["AUTH071"], Share::Client),
    ("AUTH030", &["AUTH027", "AUTH044", "AUTH080", "AUTH082"], Share::Origin),
    ("AUTH030", &["AUTH040"], Share::Session),
    ("AUTH031", &["AUTH027", "AUTH030", "AUTH044", "AUTH080"], Share::Origin),
    ("AUTH032", &["AUTH027", "AUTH030", "AUTH031", "AUTH044", "AUTH080"], Share::Exchange),
    ("AUTH002", &["AUTH001", "AUTH004", "AUTH005", "AUTH010", "AUTH044"], Share::Origin),
    ("AUTH070", &["AUTH001", "AUTH002", "AUTH003", "AUTH004", "AUTH005", "AUTH044"], Share::Exchange),
    ("AUTH003", &["AUTH001", "AUTH004", "AUTH005", "AUTH044"], Share::Route),
    ("AUTH004", &["AUTH001", "AUTH044"], Share::Exchange),
    ("AUTH005", &["AUTH001", "AUTH044"], Share::Client),
    ("AUTH051", &["AUTH001", "AUTH004", "AUTH040", "AUTH044", "AUTH052"], Share::Exchange),
    ("AUTH051", &["AUTH053"], Share::Origin),
    ("AUTH051", &["AUTH071"], Share::Client),
    ("AUTH050", &["AUTH051", "AUTH053", "AUTH071"], Share::Client),
    ("AUTH050", &["AUTH052"], Share::Origin),
    ("AUTH010", &["AUTH011", "AUTH013", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH011", &["AUTH013", "AUTH027", "AUTH030", "AUTH044"], Share::Exchange),
    ("AUTH012", &["AUTH011", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH013", &["AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH014", &["AUTH013", "AUTH023", "AUTH027", "AUTH044", "AUTH073"], Share::Exchange),
    ("AUTH015", &["AUTH020", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH023", &["AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH024", &["AUTH027", "AUTH030", "AUTH044"], Share::Exchange),
    ("AUTH043", &["AUTH020", "AUTH026", "AUTH027", "AUTH040", "AUTH041", "AUTH042", "AUTH044"], Share::Session),
    ("AUTH042", &["AUTH020", "AUTH026", "AUTH027", "AUTH040", "AUTH041", "AUTH044"], Share::Session),
    ("AUTH040", &["AUTH020", "AUTH026", "AUTH027", "AUTH041", "AUTH044", "AUTH053"], Share::Session),
    ("AUTH041", &["AUTH020", "AUTH044"], Share::Session),
    ("AUTH026", &["AUTH020", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH020", &["AUTH027", "AUTH044", "AUTH080", "AUTH082"], Share::Exchange),
    ("AUTH021", &["AUTH027", "AUTH044", "AUTH080", "AUTH082"], Share::Exchange),
    ("AUTH022", &["AUTH001", "AUTH005", "AUTH020", "AUTH021", "AUTH041"], Share::Exchange),
    ("AUTH022", &["AUTH071"], Share::Client),
    ("AUTH052", &["AUTH001", "AUTH004", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH053", &["AUTH061"], Share::Exchange),
    ("AUTH054", &["AUTH027", "AUTH044", "AUTH053", "AUTH071"], Share::Origin),
    ("AUTH072", &["AUTH001", "AUTH012", "AUTH027", "AUTH044", "AUTH073", "AUTH080"], Share::Exchange),
    ("AUTH073", &["AUTH001", "AUTH044"], Share::Exchange),
    ("AUTH073", &["AUTH027"], Share::Origin),
    ("AUTH074", &["AUTH051"], Share::Client),
    ("AUTH060", &["AUTH062"], Share::Origin),
    ("AUTH001", &["AUTH044"], Share::Exchange),
    ("AUTH025", &["AUTH044"], Share::Exchange),
    ("AUTH080", &["AUTH044"], Share::Route),
    ("AUTH081", &["AUTH001", "AUTH003", "AUTH005", "AUTH044", "AUTH080"], Share::Exchange),
    ("AUTH082", &["AUTH044"], Share::Exchange),
    ("AUTH090", &["AUTH071"], Share::Client),
    ("AUTH091", &["AUTH001", "AUTH005", "AUTH052", "AUTH071"], Share::Client),
    ("AUTH091", &["AUTH020", "AUTH027"], Share::Client),
    ("AUTH092", &["AUTH040", "AUTH041", "AUTH042", "AUTH044", "AUTH091"], Share::Exchange),
    ("AUTH093", &["AUTH001", "AUTH020"], Share::Client),
    ("AUTH094", &["AUTH012", "AUTH027", "AUTH040", "AUTH044"], Share::Exchange),
    ("AUTH102", &["AUTH013", "AUTH015", "AUTH023", "AUTH024", "AUTH027", "AUTH044"], Share::Exchange),
    ("AUTH027", &["AUTH044", "AUTH053"], Share::Exchange),
    ("AUTH027", &["AUTH040"], Share::Session),
];

/// A refusal without CORS headers is always the consequence of the refusal (detectors AUTH062).
const HIDDEN_BY_CORS: &str = "AUTH062";

/// What makes every refresh useless: the new token meets the same refusal, or is not used at all.
const IN_VAIN: &[&str] = &[
    "AUTH003", "AUTH013", "AUTH014", "AUTH015", "AUTH021", "AUTH023", "AUTH024", "AUTH026", "AUTH027", "AUTH030",
    "AUTH031", "AUTH032", "AUTH033", "AUTH072", "AUTH073",
];

/// What a loop of useless refreshes does cause: more of the same.
const BY_VAIN_LOOP: &[&str] = &["AUTH020", "AUTH041", "AUTH044"];

/// Whether every refresh of a loop succeeds and changes nothing: then the loop is a consequence.
pub(super) fn is_vain_loop(finding: &Finding) -> bool {
    finding.rule.code == "AUTH042" && finding.variant == Some("ineffective-refresh")
}

/// Whether the finding proves a refresh token dead: then it is the root of the loop that it feeds, otherwise the loop is.
pub(super) fn is_dead_refresh(finding: &Finding) -> bool {
    finding.rule.code == "AUTH040" && matches!(finding.variant, Some("expired" | "damaged"))
}

/// Whether nothing but the server's unwillingness speaks against the refresh token.
fn is_open_refresh(finding: &Finding) -> bool {
    matches!(finding.variant, Some("invalid" | "revoked"))
}

/// Whether `refusal` is of a token that had not ended by its own word, before the first attempt of `refresh`.
fn refused_early(capture: &Capture, refusal: &Finding, refresh: &Finding) -> bool {
    let first = |finding: &Finding| finding.first_exchange().and_then(|id| capture.fact(id));
    let Some((refused, attempt)) = first(refusal).zip(first(refresh)) else { return false };
    let exp = || Some(capture.tokens.get(refusal.credential?).claims()?.exp?.intended().nanos());
    let clock = capture.profile.clocks.offset(&refused.origin);
    matches!(refusal.rule.code, "AUTH027" | "AUTH030")
        && refused.ended_nanos() <= attempt.started_nanos()
        && exp().is_some_and(|exp| matches!(clock.moment(refused, exp), Moment::Ahead(_)))
}

/// Whether `effect` never says why an exchange was refused, as far as the rule `cause` is concerned: it may follow from
/// it, always follows from something, or is true on its own.
pub(crate) fn is_no_explanation(cause: &str, effect: &Finding) -> bool {
    let follows = EDGES.iter().any(|(from, to, _)| *from == cause && to.contains(&effect.rule.code));
    follows || effect.rule.code == HIDDEN_BY_CORS || effect.rule.layer == Layer::Hygiene || is_vain_loop(effect)
}

/// For every finding, the index of the one that explains it best; `None` for roots.
pub(super) fn parents(capture: &Capture, findings: &[Finding]) -> Vec<Option<usize>> {
    let candidates = Candidates::new(capture, findings);
    findings.par_iter().map(|effect| parent(capture, &candidates, effect)).collect()
}

fn parent(capture: &Capture, candidates: &Candidates<'_>, effect: &Finding) -> Option<usize> {
    let sharing = candidates.sharing(effect).map(|cause| (cause, true));
    let related = candidates.related(effect).map(|cause| (cause, false));
    let explaining = sharing.chain(related).filter(|(cause, shared)| explains(capture, cause.finding, effect, *shared));
    explaining
        .max_by(|(a, a_shares), (b, b_shares)| {
            (a_shares.cmp(b_shares))
                .then(a.confidence.total_cmp(&b.confidence))
                .then(b.finding.rule.layer.cmp(&a.finding.rule.layer))
                .then(b.finding.rule.code.cmp(a.finding.rule.code))
                .then(a.index.cmp(&b.index))
        })
        .map(|(cause, _)| cause.index)
}

/// Whether `cause` explains `effect`; `shared` says that both are about one exchange.
fn explains(capture: &Capture, cause: &Finding, effect: &Finding, shared: bool) -> bool {
    if std::ptr::eq(cause, effect) || cause.client != effect.client {
        return false;
    }
    if effect.rule.code == HIDDEN_BY_CORS {
        return cause.rule.code != HIDDEN_BY_CORS && cause.severity > Severity::Low && shared;
    }
    if is_vain_loop(effect) {
        return IN_VAIN.contains(&cause.rule.code) && shared;
    }
    if is_vain_loop(cause) && !BY_VAIN_LOOP.contains(&effect.rule.code) {
        return false;
    }
    // Two credentials explain "expired" where the one that counts is not: the server judged the other one.
    if cause.rule.code == "AUTH015" && effect.rule.code == "AUTH020" && effect.variant != Some("clocks-disagree") {
        return false;
    }
    // A provider that sees a code twice revokes what the first trade gave (RFC 6749 §4.1.2); no other failed trade does.
    if cause.rule.code == "AUTH091"
        && matches!(effect.rule.code, "AUTH020" | "AUTH027")
        && cause.variant != Some("code-replayed")
    {
        return false;
    }
    // Tokens that are good by their own word, and refused before the client thought of a refresh: no refresh broke them.
    if cause.rule.code == "AUTH040" && refused_early(capture, effect, cause) {
        return false;
    }
    if effect.rule.code == "AUTH040"
        && matches!(cause.rule.code, "AUTH027" | "AUTH030")
        && !(is_open_refresh(effect) && refused_early(capture, cause, effect))
    {
        return false;
    }
    if is_dead_refresh(cause) && effect.rule.code == "AUTH042" {
        return share(cause, effect, Share::Session, shared);
    }
    if is_dead_refresh(effect) && cause.rule.code == "AUTH042" {
        return false;
    }
    let edge = EDGES.iter().find(|(from, to, _)| *from == cause.rule.code && to.contains(&effect.rule.code));
    edge.is_some_and(|(_, _, scope)| share(cause, effect, *scope, shared) && not_later(capture, cause, effect, *scope))
}

fn share(a: &Finding, b: &Finding, scope: Share, exchange: bool) -> bool {
    match scope {
        Share::Exchange => exchange,
        Share::Route => a.origin == b.origin && (a.route == b.route || exchange),
        Share::Origin => a.origin == b.origin,
        Share::Session => match (a.session, b.session) {
            (Some(a), Some(b)) => a == b,
            _ => a.origin == b.origin,
        },
        Share::Client => true,
    }
}

/// Whether both findings are about one request.
pub(super) fn shares_exchange(a: &Finding, b: &Finding) -> bool {
    let (small, large) = if a.exchanges.len() < b.exchanges.len() { (a, b) } else { (b, a) };
    let ids: BTreeSet<_> = small.exchanges.iter().collect();
    large.exchanges.iter().any(|id| ids.contains(id))
}

/// A cause does not begin after its effect has ended; a broken refresh explains the expired tokens sent before it.
fn not_later(capture: &Capture, cause: &Finding, effect: &Finding, scope: Share) -> bool {
    let at = |id| capture.fact(id).map_or(0, crate::facts::Fact::started_nanos);
    let (Some(begin), Some(end)) = (cause.exchanges.first(), effect.exchanges.last()) else { return false };
    scope == Share::Session || at(*begin) <= at(*end)
}
