//! What a credential is, told by its shape alone.

use serde::{Deserialize, Serialize};

/// Kind of a credential. Shape says what it looks like, never that it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TokenKind {
    /// The value was removed by a sanitiser: present, content unknown.
    Redacted,
    /// A stringified non-value (`undefined`, `null`, `[object Object]`) or a template's gap; empty counts too.
    Placeholder,
    /// JWS in compact form whose payload is a JSON object (RFC 7519).
    Jwt,
    /// JWS in compact form with another payload (RFC 7515 §7.1).
    Jws,
    /// JWE in compact form: five parts, content encrypted (RFC 7516 §7.1).
    Jwe,
    /// A JWT followed by `~` and disclosures (SD-JWT).
    SdJwt,
    /// `v1.`–`v4.` followed by `local` or `public`.
    Paseto,
    /// Biscuit authorization token.
    Biscuit,
    /// Macaroon, any serialisation that is recognisable by its start.
    Macaroon,
    /// itsdangerous signed value, such as a Flask session: looks like a JWT and is none.
    Itsdangerous,
    /// Django `signing` value: three parts separated by `:`.
    DjangoSigned,
    /// Fernet token.
    Fernet,
    /// hapi iron seal, as iron-session makes.
    Iron,
    /// A session cookie of a known framework.
    FrameworkCookie(Framework),
    /// SAML response, request or artifact.
    Saml,
    /// A vendor's key or token, told by its public prefix.
    ApiKey {
        /// Meant to be embedded in pages and apps, so not a secret.
        publishable: bool,
    },
    /// An identifier that names something and proves nothing (`sess_…`, `user_…`, ULID).
    Identifier,
    /// A UUID: by design an identifier, in simple systems the session token itself.
    UuidOpaque,
    /// `Basic` credentials (RFC 7617).
    Basic,
    /// `Digest` credentials (RFC 7616).
    Digest,
    /// SPNEGO token (RFC 4559).
    Negotiate,
    /// NTLM message.
    Ntlm,
    /// AWS Signature Version 4.
    SigV4,
    /// Hawk, MAC, GNAP or HTTP message signature parameters.
    SignedRequest,
    /// Long and random enough for a token, of no known shape.
    Opaque,
    /// Too short or too regular for a token: a user name, a password, a test value.
    LowEntropy,
}

/// Framework that made a session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framework {
    /// Ruby on Rails, encrypted or signed.
    Rails,
    /// Laravel.
    Laravel,
    /// ASP.NET Core Data Protection.
    AspNet,
    /// express-session (`connect.sid`).
    Express,
    /// PHP.
    Php,
    /// Django.
    Django,
    /// Java servlet containers.
    Servlet,
    /// oauth2-proxy.
    OauthProxy,
}

impl Framework {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rails => "rails",
            Self::Laravel => "laravel",
            Self::AspNet => "aspnet",
            Self::Express => "express",
            Self::Php => "php",
            Self::Django => "django",
            Self::Servlet => "servlet",
            Self::OauthProxy => "oauth2-proxy",
        }
    }
}

impl TokenKind {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redacted => "redacted",
            Self::Placeholder => "placeholder",
            Self::Jwt => "jwt",
            Self::Jws => "jws",
            Self::Jwe => "jwe",
            Self::SdJwt => "sd-jwt",
            Self::Paseto => "paseto",
            Self::Biscuit => "biscuit",
            Self::Macaroon => "macaroon",
            Self::Itsdangerous => "itsdangerous",
            Self::DjangoSigned => "django-signed",
            Self::Fernet => "fernet",
            Self::Iron => "iron",
            Self::FrameworkCookie(_) => "cookie",
            Self::Saml => "saml",
            Self::ApiKey { .. } => "api-key",
            Self::Identifier => "identifier",
            Self::UuidOpaque => "uuid-opaque",
            Self::Basic => "basic",
            Self::Digest => "digest",
            Self::Negotiate => "negotiate",
            Self::Ntlm => "ntlm",
            Self::SigV4 => "sigv4",
            Self::SignedRequest => "signed-request",
            Self::Opaque => "opaque",
            Self::LowEntropy => "low-entropy",
        }
    }

    /// Every kind.
    const ALL: [Self; 34] = [
        Self::Redacted,
        Self::Placeholder,
        Self::Jwt,
        Self::Jws,
        Self::Jwe,
        Self::SdJwt,
        Self::Paseto,
        Self::Biscuit,
        Self::Macaroon,
        Self::Itsdangerous,
        Self::DjangoSigned,
        Self::Fernet,
        Self::Iron,
        Self::FrameworkCookie(Framework::Rails),
        Self::FrameworkCookie(Framework::Laravel),
        Self::FrameworkCookie(Framework::AspNet),
        Self::FrameworkCookie(Framework::Express),
        Self::FrameworkCookie(Framework::Php),
        Self::FrameworkCookie(Framework::Django),
        Self::FrameworkCookie(Framework::Servlet),
        Self::FrameworkCookie(Framework::OauthProxy),
        Self::Saml,
        Self::ApiKey { publishable: false },
        Self::ApiKey { publishable: true },
        Self::Identifier,
        Self::UuidOpaque,
        Self::Basic,
        Self::Digest,
        Self::Negotiate,
        Self::Ntlm,
        Self::SigV4,
        Self::SignedRequest,
        Self::Opaque,
        Self::LowEntropy,
    ];

    /// The word that tells kinds of one name apart.
    const fn variant(self) -> &'static str {
        match self {
            Self::FrameworkCookie(framework) => framework.name(),
            Self::ApiKey { publishable: true } => "publishable",
            _ => "",
        }
    }

    /// Whether the value is, or may be, something that grants access: a placeholder or a bare identifier is not.
    pub const fn is_credential(self) -> bool {
        !matches!(self, Self::Placeholder | Self::Identifier | Self::ApiKey { publishable: true })
    }

    /// Whether the value is in JOSE compact form, so that [`super::Jose`] can read its header.
    pub const fn is_jose(self) -> bool {
        matches!(self, Self::Jwt | Self::Jws | Self::Jwe | Self::SdJwt)
    }
}

/// As a table holds it: the name, and what tells kinds of one name apart (`cookie:rails`).
impl From<TokenKind> for String {
    fn from(kind: TokenKind) -> Self {
        match kind.variant() {
            "" => kind.name().to_owned(),
            variant => format!("{}:{variant}", kind.name()),
        }
    }
}

/// A name that is not known leaves the content unknown.
impl From<String> for TokenKind {
    fn from(text: String) -> Self {
        let (name, variant) = text.split_once(':').unwrap_or((&text, ""));
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name && kind.variant() == variant);
        known.unwrap_or(Self::Redacted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_from_its_name() {
        for kind in TokenKind::ALL {
            assert_eq!(TokenKind::from(String::from(kind)), kind);
        }
        assert_eq!(TokenKind::from("of tomorrow".to_owned()), TokenKind::Redacted);
    }
}
