//! What the rest of a client's traffic says of the cookies and tokens that its sockets may have.

use std::collections::{HashMap, HashSet};

use authtrace_parse::{HeaderView, Kind};

use super::is_event_stream;
use crate::{
    case::Case,
    facts::{Fact, credential::Method, site},
    text::Text,
};

/// One client's cookies and accepted calls, by where they went; drawn up once, since a capture may hold thousands of sockets.
pub(in crate::rules) struct Client<'a> {
    case: Case<'a>,
    /// Hosts that were sent any cookie.
    cookied: HashSet<&'a str>,
    /// Sites that set any.
    setting: HashSet<&'a str>,
    /// The first call with `Authorization` that was accepted, by origin, by site, and by the page that made it.
    by_origin: HashMap<&'a Text, &'a Fact>,
    by_site: HashMap<&'a str, &'a Fact>,
    by_page: HashMap<&'a Text, &'a Fact>,
}

impl<'a> Client<'a> {
    /// What `case` says; `None` where the client opened no socket and no event stream, so that nobody will ask.
    pub(in crate::rules) fn of(case: &Case<'a>) -> Option<Self> {
        case.facts().any(|f| f.kind == Kind::WebSocket || is_event_stream(f)).then_some(())?;
        let mut client = Self {
            case: *case,
            cookied: HashSet::new(),
            setting: HashSet::new(),
            by_origin: HashMap::new(),
            by_site: HashMap::new(),
            by_page: HashMap::new(),
        };
        for fact in case.facts() {
            if fact.has_cookies {
                client.cookied.insert(&fact.host);
            }
            if !fact.set_cookies.is_empty() {
                client.setting.insert(site::registrable(&fact.host));
            }
            if fact.kind == Kind::Http && fact.is_api_call() && fact.accepted() && case.carries_authorization(fact) {
                client.by_origin.entry(&fact.origin).or_insert(fact);
                client.by_site.entry(site::registrable(&fact.host)).or_insert(fact);
                if let Some(page) = page(fact) {
                    client.by_page.entry(page).or_insert(fact);
                }
            }
        }
        Some(client)
    }

    /// Whether a browser opened `fact` without a credential in any carrier, and without introducing itself later.
    pub(in crate::rules) fn lacks(&self, fact: &Fact) -> bool {
        let by_browser =
            is_event_stream(fact) || fact.resource_type.as_deref() == Some("websocket") || page(fact).is_some();
        let introduces = fact.socket().is_some_and(|socket| socket.introduces);
        by_browser && fact.credentials.is_empty() && !introduces && !self.may_have_cookies(fact)
    }

    /// Whether cookies may have gone along that the recording does not list: then nothing is known to be missing, unless no
    /// other request to that host ever had one.
    fn may_have_cookies(&self, fact: &Fact) -> bool {
        if fact.has_cookies {
            // Cookies of another sort than a session; the API may read one whose name says nothing.
            return self.case.control(fact).0.accepts(Method::Cookie);
        }
        let listed = fact.view == HeaderView::Full && fact.status.is_some();
        let host_has_some =
            || self.cookied.contains(&*fact.host) || self.setting.contains(site::registrable(&fact.host));
        !listed && (self.case.capture().hides_headers(fact.source.input) || host_has_some())
    }

    /// A call to the same origin, else to the same site, else of the same page, that was accepted with `Authorization`:
    /// what the socket lacks.
    pub(super) fn control(&self, fact: &Fact) -> Option<&'a Fact> {
        let same_origin = self.by_origin.get(&fact.origin);
        let same_site = || self.by_site.get(site::registrable(&fact.host));
        let same_page = || self.by_page.get(page(fact)?);
        same_origin.or_else(same_site).or_else(same_page).copied()
    }
}

/// Origin of the page that made a request.
fn page(fact: &Fact) -> Option<&Text> {
    fact.cors.as_ref().and_then(|cors| cors.origin.as_ref())
}
