//! Why a refresh was refused, as far as the wire shows.

use authtrace_parse::HeaderView;

use crate::{
    case::Case,
    dictionary::ErrorClass,
    facts::Fact,
    token::{Defect, TokenKind},
};

/// Why it was refused, as far as the wire shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    Expired,
    Reused,
    Revoked,
    Client,
    /// The token may be good; the provider wants to see the user.
    Interaction,
    Absent,
    Damaged,
    Unknown,
}

impl Cause {
    pub(super) fn variant(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::Client => "client",
            Self::Interaction => "interaction-required",
            Self::Absent => "no-refresh-token",
            Self::Damaged => "damaged",
            Self::Unknown => "invalid",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Expired => "Refresh refused: the refresh token has expired",
            Self::Reused => "Refresh refused: the refresh token had been used before",
            Self::Revoked => "Refresh refused: the session was ended or revoked",
            Self::Client => "Refresh refused: the client could not authenticate itself",
            Self::Interaction => "Refresh refused: the provider wants the user to sign in again",
            Self::Absent => "Refresh refused: no refresh token was sent",
            Self::Damaged => "Refresh refused: the refresh token is damaged",
            Self::Unknown => "Refresh refused: the refresh token is not accepted",
        }
    }
}

pub(super) fn cause_of(case: &Case<'_>, fact: &Fact) -> Cause {
    use ErrorClass as E;
    let text_is_open = fact.outcome.error_text.as_deref().is_some_and(|t| t.to_ascii_lowercase().contains(" or "));
    if damage(fact).is_some() {
        return Cause::Damaged;
    }
    if expired_for(case, fact).is_some() {
        return Cause::Expired;
    }
    match fact.outcome.error {
        Some(E::RefreshExpired) if !text_is_open => Cause::Expired,
        Some(E::RefreshReused) => Cause::Reused,
        Some(E::Revoked) => Cause::Revoked,
        Some(E::ClientAuth) => Cause::Client,
        Some(E::StepUp) => Cause::Interaction,
        _ if sent_none(case, fact) => Cause::Absent,
        _ => Cause::Unknown,
    }
}

/// What is wrong with the bytes of the refresh token; refresh tokens have no grammar, so only a broken JWT, a
/// placeholder and stray characters count.
pub(super) fn damage(fact: &Fact) -> Option<String> {
    let token = fact.request.refresh_token?;
    let credential = fact.credentials.iter().find(|c| c.token == token && !c.well_formed)?;
    let defect = credential
        .defects
        .iter()
        .find(|d| !matches!(d, Defect::NotB64Token | Defect::Comma | Defect::NonconformantBase64));
    match (credential.kind, defect) {
        (TokenKind::Placeholder, _) => Some("a placeholder instead of a token".to_owned()),
        (_, Some(Defect::SignatureLength { found, expected })) => {
            Some(format!("a JWT whose signature has {found} characters where its algorithm makes {expected}"))
        }
        (_, Some(defect)) => Some(format!("a token with a defect ({})", defect.name())),
        (_, None) => None,
    }
}

/// How long ago the refresh token expired by its own `exp`, where that is certain (G19).
pub(super) fn expired_for(case: &Case<'_>, fact: &Fact) -> Option<i64> {
    let token = case.token(fact.request.refresh_token?);
    let exp = token.claims()?.exp?.intended().nanos();
    let late = case.clock(fact).behind(fact, exp);
    (late >= 0).then_some(late)
}

/// How long the refresh token is good for by its own `exp`, where that is certain.
pub(super) fn left_for(case: &Case<'_>, fact: &Fact) -> Option<i64> {
    let token = case.token(fact.request.refresh_token?);
    let exp = token.claims()?.exp?.intended().nanos();
    let left = case.clock(fact).ahead(fact, exp);
    (left > 0).then_some(left)
}

/// Whether the whole request was seen and holds no refresh token in any carrier.
fn sent_none(case: &Case<'_>, fact: &Fact) -> bool {
    let seen =
        fact.request.body_seen && fact.view == HeaderView::Full && !case.capture().is_sanitized(fact.source.input);
    seen && fact.request.refresh_token.is_none() && !fact.has_cookies && fact.credentials.is_empty()
}
