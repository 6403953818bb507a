//! What an endpoint is for: one list of roles for the provider table and for what is inferred from an exchange.

use serde::{Deserialize, Serialize};

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Takes a password or one-time code.
    Login,
    /// OAuth token endpoint, any grant but refresh and password (RFC 6749 §3.2).
    Token,
    /// Trades a refresh token for an access token (RFC 6749 §6).
    Refresh,
    /// Trades a session cookie for a short-lived token, without a refresh token.
    Mint,
    /// Ends a session.
    Logout,
    /// Says who the caller is.
    Userinfo,
    /// Publishes verification keys (RFC 7517 §5).
    Jwks,
    /// Publishes provider metadata (RFC 8414).
    Discovery,
    /// Authorization endpoint (RFC 6749 §3.1).
    Authorize,
    /// Redirection endpoint (RFC 6749 §3.1.2).
    Callback,
    /// Token introspection (RFC 7662).
    Introspect,
    /// Makes or hands out an anti-forgery token.
    Csrf,
    /// CORS preflight.
    Preflight,
    /// A file for everybody.
    Static,
    /// Anything else.
    #[default]
    Other,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 15] = [
        Self::Login,
        Self::Token,
        Self::Refresh,
        Self::Mint,
        Self::Logout,
        Self::Userinfo,
        Self::Jwks,
        Self::Discovery,
        Self::Authorize,
        Self::Callback,
        Self::Introspect,
        Self::Csrf,
        Self::Preflight,
        Self::Static,
        Self::Other,
    ];

    /// Every role that evidence can add up for.
    pub(crate) const SCORED: [Self; 12] = [
        Self::Login,
        Self::Token,
        Self::Refresh,
        Self::Mint,
        Self::Logout,
        Self::Userinfo,
        Self::Jwks,
        Self::Discovery,
        Self::Authorize,
        Self::Callback,
        Self::Introspect,
        Self::Csrf,
    ];

    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Token => "token",
            Self::Refresh => "refresh",
            Self::Mint => "mint",
            Self::Logout => "logout",
            Self::Userinfo => "userinfo",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::Authorize => "authorize",
            Self::Callback => "callback",
            Self::Introspect => "introspect",
            Self::Csrf => "csrf",
            Self::Preflight => "preflight",
            Self::Static => "static",
            Self::Other => "other",
        }
    }

    /// Whether a successful answer hands out a token.
    pub fn delivers(self) -> bool {
        matches!(self, Self::Login | Self::Token | Self::Refresh | Self::Mint)
    }

    /// Whether it belongs to an identity provider's own conversation, not to the protected API.
    pub fn is_identity(self) -> bool {
        !matches!(self, Self::Other | Self::Static | Self::Preflight | Self::Userinfo)
    }
}
