//! Where a redirect leads: a login form, an identity provider, a gateway that guards the application.

use crate::{
    dictionary::{Route, providers},
    facts::{Fact, Redirect, login_page::LoginPage, role::Role},
};

/// A place where people sign in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Destination {
    /// The application's own login page.
    Login,
    /// An identity provider's authorization endpoint.
    Provider(&'static str),
    /// A gateway that guards the application.
    Gateway(&'static str),
}

impl Destination {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login page",
            Self::Provider(name) | Self::Gateway(name) => name,
        }
    }

    pub(super) fn is_gateway(self) -> bool {
        matches!(self, Self::Gateway(_))
    }
}

/// Gateways by a part of the URL that they redirect to.
const GATEWAYS: &[(&str, &str)] = &[
    (".cloudflareaccess.com/cdn-cgi/access/login", "Cloudflare Access"),
    ("/cdn-cgi/access/login", "Cloudflare Access"),
    ("/oauth2/start", "oauth2-proxy"),
    ("/oauth2/sign_in", "oauth2-proxy"),
    ("/_oauth", "forward-auth proxy"),
    ("/outpost.goauthentik.io/start", "authentik"),
    ("/.pomerium/", "Pomerium"),
    ("/if/flow/", "authentik"),
    ("/.auth/login", "App Service authentication"),
    ("/_gcp_iap/", "Identity-Aware Proxy"),
];

/// Segments that mean signing in, whole and in lower case.
const SIGN_IN: &[&str] = &[
    "authorize",
    "log-in",
    "log_in",
    "login",
    "login.aspx",
    "login.html",
    "login.jsp",
    "login.php",
    "logon",
    "servicelogin",
    "sign-in",
    "sign_in",
    "signin",
    "sso",
    "wp-login.php",
];

/// Segments of a path that starts or ends a session on purpose, beside [`SIGN_IN`].
const SESSION: &[&str] = &[
    "authorization",
    "callback",
    "connect",
    "handshake",
    "logout",
    "oauth2",
    "saml",
    "saml2",
    "sign_out",
    "signout",
    "signup",
    "sign-up",
    "register",
];

/// Whether asking for this path means to sign in or out: then a login page is the right answer.
pub(super) fn is_sign_in_path(path: &str) -> bool {
    segments(path).any(|s| SIGN_IN.contains(&s.as_str()) || SESSION.contains(&s.as_str()))
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    path.split('/').filter(|s| !s.is_empty()).map(str::to_ascii_lowercase)
}

/// Where the answer of `at`, a hop of `call`, sends a person to sign in; `None` where it does not.
pub(super) fn of(call: &Fact, at: &Fact) -> Option<Destination> {
    if at.redirect.is_some() {
        return of_redirect(at);
    }
    // A script may fetch a piece of a page with a password field on purpose: data must have been asked for, or the address
    // must be one where people sign in.
    let is_telling = asks_for_data(call) || is_sign_in_path(&at.path);
    (at.login_page != LoginPage::No && is_telling).then_some(Destination::Login)
}

/// Whether headers or path say that the answer is to be data.
fn asks_for_data(call: &Fact) -> bool {
    let is_version =
        |s: &str| s.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let by_path = || segments(&call.path).any(|s| matches!(s.as_str(), "api" | "graphql" | "rest") || is_version(&s));
    call.client_signature.to_ascii_lowercase().contains("json") || by_path()
}

/// Where a redirect leads, if to a place where people sign in.
pub(super) fn of_redirect(fact: &Fact) -> Option<Destination> {
    let to: &Redirect = fact.redirect.as_deref()?;
    let url = format!("{}{}", to.origin, to.path).to_ascii_lowercase();
    if let Some((_, name)) = GATEWAYS.iter().find(|(part, _)| url.contains(part)) {
        return Some(Destination::Gateway(name));
    }
    let host = crate::facts::site::host_of(&to.origin);
    let hit = providers().endpoint(&Route { host, method: "GET", path: &to.path, query: "", operation: "" });
    if let Some(hit) = hit.filter(|hit| matches!(hit.role, Role::Authorize | Role::Login)) {
        return Some(if hit.by_host { Destination::Provider(hit.provider.name()) } else { Destination::Login });
    }
    let words: Vec<String> = segments(&to.path).collect();
    let named = words.iter().any(|s| SIGN_IN.contains(&s.as_str()));
    let new_session =
        words.ends_with(&["session".into(), "new".into()]) || words.ends_with(&["sessions".into(), "new".into()]);
    let keycloak = words.ends_with(&["openid-connect".into(), "auth".into()]);
    let spring = words.starts_with(&["oauth2".into(), "authorization".into()]);
    let saml = words.iter().any(|s| s == "saml2" || s == "saml") && words.len() > 1;
    (named || new_session || keycloak || spring || saml).then_some(Destination::Login)
}
