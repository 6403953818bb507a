//! What a refusal says went wrong, and at which stage of checking a verifier says it.

use serde::{Deserialize, Serialize};

/// What a server's answer says went wrong. It is the server's word, not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// No credentials.
    Missing,
    /// No credentials, or credentials of a scheme that the server ignores.
    MissingOrWrongScheme,
    /// Credentials of another scheme than the server wants.
    WrongScheme,
    /// No credentials or bad ones: the text does not say.
    MissingOrInvalid,
    /// The credentials break their grammar.
    Malformed,
    /// The credentials are bad; the text does not say how.
    Invalid,
    /// Past `exp`, or a session that ended by time.
    Expired,
    /// Before `nbf`, or `iat` in the future.
    NotYetValid,
    /// The time that the client wrote into a signed request is too far from the server's.
    ClockSkew,
    /// The signature does not verify.
    Signature,
    /// No key for the token's `kid` or issuer, or the key set could not be fetched.
    UnknownKey,
    /// `alg` is not accepted.
    Algorithm,
    /// `aud` is missing or another.
    Audience,
    /// `iss` is missing, another, or unknown to the verifier.
    Issuer,
    /// `azp` is not an allowed party.
    AuthorizedParty,
    /// A required claim is missing or unacceptable.
    Claim,
    /// An ID or refresh token where an access token belongs, or the reverse.
    WrongTokenType,
    /// The DPoP proof is missing, malformed or bound to another key.
    Dpop,
    /// A TLS client certificate is missing or another one than the token is bound to.
    ClientCertificate,
    /// Signed in, but not allowed to do this.
    Forbidden,
    /// Signed in, but a scope is missing.
    Scope,
    /// Signed in, but not strongly or recently enough.
    StepUp,
    /// Signed in, but not from here: an address, a site, an application or a tenant is not admitted.
    Restricted,
    /// The credential is of another environment than what it asks for.
    OtherEnvironment,
    /// The token is good and names a user that does not exist or is disabled.
    UserUnknown,
    /// The token or session was revoked.
    Revoked,
    /// The refresh token or grant is bad, expired or revoked; the text does not say which.
    RefreshInvalid,
    /// The refresh token expired.
    RefreshExpired,
    /// The refresh token was used before.
    RefreshReused,
    /// The client failed to authenticate itself.
    ClientAuth,
    /// User name, password or code were wrong.
    LoginFailed,
    /// The account is locked or disabled at login.
    AccountLocked,
    /// An API key is missing.
    ApiKeyMissing,
    /// An API key is bad.
    ApiKeyInvalid,
    /// More than one credential was sent.
    ConflictingCredentials,
    /// The anti-forgery token is missing or wrong.
    Csrf,
    /// A CORS preflight was refused.
    PreflightRejected,
    /// Too many requests.
    RateLimited,
    /// A firewall or bot filter refused the client.
    Blocked,
    /// An identity-aware gateway refused before the application was reached.
    GatewayDenied,
    /// The gateway has no such route and says so in words of authentication.
    GatewayUndefinedRoute,
    /// The request head is too large.
    HeaderTooLarge,
    /// The verifier itself failed.
    VerifierFailure,
}

impl ErrorClass {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::MissingOrWrongScheme => "missing-or-wrong-scheme",
            Self::WrongScheme => "wrong-scheme",
            Self::MissingOrInvalid => "missing-or-invalid",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::ClockSkew => "clock-skew",
            Self::Signature => "signature",
            Self::UnknownKey => "unknown-key",
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::AuthorizedParty => "authorized-party",
            Self::Claim => "claim",
            Self::WrongTokenType => "wrong-token-type",
            Self::Dpop => "dpop",
            Self::ClientCertificate => "client-certificate",
            Self::Forbidden => "forbidden",
            Self::Scope => "scope",
            Self::StepUp => "step-up",
            Self::Restricted => "restricted",
            Self::OtherEnvironment => "other-environment",
            Self::UserUnknown => "user-unknown",
            Self::Revoked => "revoked",
            Self::RefreshInvalid => "refresh-invalid",
            Self::RefreshExpired => "refresh-expired",
            Self::RefreshReused => "refresh-reused",
            Self::ClientAuth => "client-auth",
            Self::LoginFailed => "login-failed",
            Self::AccountLocked => "account-locked",
            Self::ApiKeyMissing => "api-key-missing",
            Self::ApiKeyInvalid => "api-key-invalid",
            Self::ConflictingCredentials => "conflicting-credentials",
            Self::Csrf => "csrf",
            Self::PreflightRejected => "preflight-rejected",
            Self::RateLimited => "rate-limited",
            Self::Blocked => "blocked",
            Self::GatewayDenied => "gateway-denied",
            Self::GatewayUndefinedRoute => "gateway-undefined-route",
            Self::HeaderTooLarge => "header-too-large",
            Self::VerifierFailure => "verifier-failure",
        }
    }

    /// Whether the class leaves open what was wrong: any class that does not beats it.
    pub const fn is_general(self) -> bool {
        matches!(self, Self::MissingOrInvalid | Self::Invalid)
    }

    /// Whether the server says that it saw no usable credentials.
    pub const fn is_missing(self) -> bool {
        matches!(self, Self::Missing | Self::MissingOrWrongScheme | Self::ApiKeyMissing)
    }

    /// Whether the answer refuses an authentication, rather than an authorisation, a preflight or a client at large.
    pub const fn is_authentication(self) -> bool {
        !matches!(
            self,
            Self::Forbidden
                | Self::Scope
                | Self::StepUp
                | Self::Restricted
                | Self::Csrf
                | Self::PreflightRejected
                | Self::RateLimited
                | Self::Blocked
                | Self::GatewayUndefinedRoute
                | Self::HeaderTooLarge
                | Self::VerifierFailure
        )
    }

    /// The stage at which a verifier says this; `None` where no stage of token checking says it.
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Missing | Self::MissingOrWrongScheme | Self::WrongScheme => Some(Stage::Present),
            Self::Malformed => Some(Stage::Structure),
            Self::UnknownKey => Some(Stage::Key),
            Self::Algorithm => Some(Stage::Algorithm),
            Self::Signature => Some(Stage::Signature),
            Self::NotYetValid => Some(Stage::NotBefore),
            Self::Expired => Some(Stage::Expiry),
            Self::Audience => Some(Stage::Audience),
            Self::Issuer => Some(Stage::Issuer),
            Self::AuthorizedParty => Some(Stage::AuthorizedParty),
            Self::WrongTokenType => Some(Stage::Type),
            Self::Revoked => Some(Stage::Revocation),
            Self::UserUnknown => Some(Stage::User),
            _ => None,
        }
    }
}

/// One thing that a verifier checks. Verifiers differ in the order; see `[[verifier]]` in `signatures.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Credentials are there, under a scheme that the verifier reads.
    Present,
    /// The value parses.
    Structure,
    /// A key for the token was found.
    Key,
    /// `alg` is accepted.
    Algorithm,
    /// The signature verifies.
    Signature,
    /// `nbf` and `iat` are not in the future.
    NotBefore,
    /// `exp` is not past.
    Expiry,
    /// `aud` is the verifier's.
    Audience,
    /// `iss` is known and right.
    Issuer,
    /// The token is of the right type.
    Type,
    /// `azp` is allowed.
    AuthorizedParty,
    /// The token was not revoked.
    Revocation,
    /// The user exists and may sign in.
    User,
}

impl Stage {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Structure => "structure",
            Self::Key => "key",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::NotBefore => "not-before",
            Self::Expiry => "expiry",
            Self::Audience => "audience",
            Self::Issuer => "issuer",
            Self::Type => "type",
            Self::AuthorizedParty => "authorized-party",
            Self::Revocation => "revocation",
            Self::User => "user",
        }
    }
}
