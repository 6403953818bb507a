//! Kinds of incidents: rules whose incidents share what should have happened, how to check the fix, and how to prevent it.

use authtrace_parse::Kind;

use super::scene::Scene;

/// What sort of incident it is, told by its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// The call left without the credential that it needs.
    Missing,
    /// The credential was there, and the API did not take it.
    Rejected,
    /// Renewing the token went wrong.
    Refresh,
    /// A WebSocket handshake was refused.
    WebSocket,
    /// The browser held the call or its answer back.
    Cors,
    /// The credential was lost on a redirect.
    Redirect,
    /// The call went to a place where nothing answers.
    Address,
    /// Something that breaks no call by itself.
    Exposure,
}

impl Family {
    /// The family of the incident.
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        match scene.root.rule.code {
            "AUTH001" | "AUTH002" | "AUTH003" | "AUTH004" | "AUTH005" | "AUTH050" | "AUTH051" | "AUTH073" => {
                Self::Missing
            }
            "AUTH040" | "AUTH041" | "AUTH042" | "AUTH043" => Self::Refresh,
            "AUTH080" | "AUTH081" | "AUTH082" => Self::WebSocket,
            "AUTH060" | "AUTH061" | "AUTH062" => Self::Cors,
            "AUTH070" => Self::Redirect,
            "AUTH074" => Self::Address,
            "AUTH100" | "AUTH101" | "AUTH102" | "AUTH103" | "AUTH104" => Self::Exposure,
            _ if scene.failing.iter().any(|f| f.kind == Kind::WebSocket) && scene.same.len() == 1 => Self::WebSocket,
            _ => Self::Rejected,
        }
    }

    /// What keeps it from coming back.
    pub(crate) fn prevention(self) -> &'static [&'static str] {
        match self {
            Self::Missing => &[
                "Lint: no raw fetch, XMLHttpRequest or second HTTP client outside the module that attaches the credential.",
                "End-to-end test: record a HAR of the first ten seconds after sign-in and run authtrace on it with --fail-on high.",
                "Monitor: share of 401 answers to requests without any credential, by route and release.",
            ],
            Self::Rejected => &[
                "Start-up check: compare fingerprints of signing and verifying keys, the expected issuer and audience; refuse to start where they differ.",
                "Contract test: a token from the real issuer against the real verifier, for every route group, in every environment.",
                "Monitor: share of 401 and 403 answers to requests with a credential, by the error that the verifier names.",
            ],
            Self::Refresh => &[
                "Unit tests of the refresh logic: invalid refresh token: one attempt, then sign-in; expired access token: one refresh for all waiting calls; network error: back-off.",
                "Guard: refuse a second refresh within the life of the token that the last one gave.",
                "Monitor: refreshes per session and hour, and the ratio of refused refreshes.",
            ],
            Self::WebSocket => &[
                "Smoke test: open the WebSocket with a fresh token after every deployment and expect 101.",
                "Log the reason of a refused handshake with its request id; the browser shows a page no more than the failure.",
                "Monitor: handshakes answered with anything but 101, by reason.",
            ],
            Self::Cors => &[
                "Test: OPTIONS for every route group with the headers that the frontend sends, without credentials, expects 2xx and the headers in the answer.",
                "Keep allowed origins, methods and headers in one place, next to the routes.",
                "Monitor: OPTIONS answered with 4xx or 5xx.",
            ],
            Self::Redirect => &[
                "Test: every URL in the API client answers without a redirect.",
                "Monitor: 301, 302, 307 and 308 answers of API routes.",
            ],
            Self::Address => &[
                "Start-up check: the API's base URL is set and answers its health route.",
                "Lint: no literal host or port in calls; one constant, from the environment.",
            ],
            Self::Exposure => &[
                "Scan responses and URLs for token shapes in the end-to-end run: authtrace with --fail-on medium.",
                "Rotate what was exposed, and say so in the change.",
            ],
        }
    }
}
