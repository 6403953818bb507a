//! A session cookie that arrives at the proxy and not behind it.

use authtrace_parse::HeaderView;

use super::RULE;
use crate::{case::Case, facts::Fact, finding::Reason, rule::Draft};

/// The refusal of a call whose view behind a proxy has no cookie at all.
pub(super) fn stripped(case: &Case<'_>, fact: &Fact) -> Option<Draft> {
    let cookie = fact.main_credential().filter(|c| c.is_cookie())?;
    let lacks = |view: &&Fact| {
        !view.has_cookies && view.view == HeaderView::Full && view.started_nanos() >= fact.started_nanos()
    };
    let inner = case.capture().views(fact.id).find(lacks)?;
    let draft = Draft::new(&RULE.meta, fact)
        .variant("cookie")
        .title("Session cookie lost between the client and the application")
        .credential(cookie.token)
        .because(Reason::WireFact)
        .because(Reason::Control)
        .because_server_says(fact)
        .also([inner.id])
        .primary(fact.id, &cookie.carrier.to_string(), case.capture().describe(cookie.token))
        .primary(inner.id, "request.header.cookie", "absent behind the proxy")
        .server_says(fact)
        .cause(format!("{} cookie", fact.origin))
        .message(format!(
            "{} carried its session cookie to {}, which passed it on to {} without any; the answer was {}.",
            fact.route,
            fact.origin,
            inner.origin,
            fact.status.unwrap_or_default()
        ));
    Some(draft)
}
