//! The claims of a JWT as typed facts (RFC 7519 §4.1, RFC 9068 §2.2, OIDC Core §2), unverified.
//!
//! What tells parties apart (`iss`, `aud`, `azp`) is plain text; what names a person or a session is a [`Secret`].

use authtrace_parse::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Identifier, jose::bounded, json::Json};

/// Numbers above this are milliseconds: as seconds they would lie after the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// Entries kept of a list that a token states.
const MAX_ITEMS: usize = 64;

/// A point in time as a claim writes it (RFC 7519 §2, "NumericDate").
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumericDate {
    /// The number as written: seconds since the Unix epoch where the issuer keeps to the RFC.
    pub value: f64,
    /// Too large for seconds: the issuer wrote milliseconds, and verifiers see a date thousands of years away.
    pub milliseconds: bool,
    /// A JSON string holds the number; many verifiers refuse that.
    pub quoted: bool,
}

impl NumericDate {
    fn read(json: &Json) -> Option<Self> {
        let (value, quoted) = match json {
            Json::Number(value) => (*value, false),
            Json::Text(text) => (text.trim().parse().ok()?, true),
            _ => return None,
        };
        value.is_finite().then_some(Self { value, milliseconds: value.abs() > MILLISECONDS_FROM, quoted })
    }

    /// What the issuer meant: milliseconds taken as such. Saturates at the ends of [`Timestamp`].
    pub fn intended(self) -> Timestamp {
        let nanos_per_unit = if self.milliseconds { 1e6 } else { 1e9 };
        // A float-to-integer cast saturates, and whole seconds stay exact below 2^53.
        if self.value.fract() == 0.0 && !self.milliseconds {
            Timestamp::from_seconds(self.value as i64)
        } else {
            Timestamp::from_nanos((self.value * nanos_per_unit) as i64)
        }
    }
}

/// What a token is for, where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenUse {
    /// For an API.
    Access,
    /// Tells a client who signed in (OIDC Core §2).
    Id,
    /// For the token endpoint only.
    Refresh,
    /// Proof of possession for one request (RFC 9449 §4.2).
    DpopProof,
    /// Back-channel logout (OIDC Back-Channel Logout §2.4).
    Logout,
    /// Security event (RFC 8417).
    SecurityEvent,
    /// A project key in JWT form, such as Supabase's `anon` and `service_role`.
    ProjectKey,
}

impl TokenUse {
    /// Stable name, as written in machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Id => "id",
            Self::Refresh => "refresh",
            Self::DpopProof => "dpop-proof",
            Self::Logout => "logout",
            Self::SecurityEvent => "security-event",
            Self::ProjectKey => "project-key",
        }
    }
}

/// Claims of one token.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Claims {
    /// `iss`
    pub iss: Option<Box<str>>,
    /// `aud`: one string or several; empty where absent.
    pub aud: Vec<Box<str>>,
    /// `aud` was written as an array.
    pub aud_is_array: bool,
    /// `sub`
    pub sub: Option<Identifier>,
    /// `sub` is the client itself: nobody signed in (RFC 9068 §2.2).
    pub is_client: bool,
    /// `sid`, else `session_id`.
    pub sid: Option<Identifier>,
    /// `jti`
    pub jti: Option<Identifier>,
    /// `iat`
    pub iat: Option<NumericDate>,
    /// `nbf`
    pub nbf: Option<NumericDate>,
    /// `exp`
    pub exp: Option<NumericDate>,
    /// `azp`: authorised party.
    pub azp: Option<Box<str>>,
    /// `client_id`
    pub client_id: Option<Box<str>>,
    /// `ref`: the project that a key of Supabase is for.
    pub project: Option<Box<str>>,
    /// Scopes of `scope` (separated by spaces) or `scp`, or of the `access` of a registry of container images; empty where
    /// absent.
    pub scopes: Vec<Box<str>>,
    /// Whether any of `scope`, `scp`, `scopes` is there.
    pub has_scope: bool,
    /// Whether any claim carries roles or permissions.
    pub has_roles: bool,
    /// `token_use`, as Cognito writes.
    pub token_use: Option<Box<str>>,
    /// `token_type`, as simplejwt writes, or `type`, as Flask-JWT-Extended does.
    pub token_type: Option<Box<str>>,
    /// `typ` among the claims, as Keycloak writes.
    pub typ: Option<Box<str>>,
    /// `role`, as Supabase and PostgREST write.
    pub role: Option<Box<str>>,
    /// `nonce` is there.
    pub has_nonce: bool,
    /// `at_hash` is there.
    pub has_at_hash: bool,
    /// `c_hash` is there.
    pub has_c_hash: bool,
    /// `cnf.jkt`: the token is bound to a DPoP key (RFC 9449 §6.1).
    pub jkt: Option<Box<str>>,
    /// `cnf.x5t#S256` is there: the token is bound to a client certificate (RFC 8705 §3.1).
    pub has_certificate: bool,
    /// Every claim name in order, at most 64, duplicates included.
    pub names: Vec<Box<str>>,
    /// Names that occur more than once.
    pub duplicates: Vec<Box<str>>,
}

impl Claims {
    /// Reads a payload; anything that is not of the type it should be counts as absent.
    pub(super) fn read(payload: &Json) -> Self {
        let text = |name: &str| payload.get(name).and_then(Json::text).map(bounded);
        let identifier =
            |name: &str| payload.get(name).and_then(scalar).map(|text| Identifier::Held(Secret::new(text)));
        let date = |name: &str| payload.get(name).and_then(NumericDate::read);
        let has = |name: &str| payload.get(name).is_some();
        let client_id = text("client_id").or_else(|| text("cid"));
        Self {
            is_client: client_id.is_some() && payload.get("sub").and_then(Json::text) == client_id.as_deref(),
            iss: text("iss"),
            aud: list(payload.get("aud")),
            aud_is_array: matches!(payload.get("aud"), Some(Json::Array(_))),
            sub: identifier("sub"),
            sid: identifier("sid").or_else(|| identifier("session_id")),
            jti: identifier("jti"),
            iat: date("iat"),
            nbf: date("nbf"),
            exp: date("exp"),
            azp: text("azp"),
            project: text("ref"),
            client_id,
            scopes: scopes(payload),
            has_scope: ["scope", "scp", "scopes"].into_iter().any(has),
            has_roles: ["roles", "permissions", "realm_access", "resource_access", "groups"].into_iter().any(has),
            token_use: text("token_use"),
            token_type: text("token_type").or_else(|| text("type")),
            typ: text("typ"),
            role: text("role"),
            has_nonce: has("nonce"),
            has_at_hash: has("at_hash"),
            has_c_hash: has("c_hash"),
            jkt: payload.get("cnf").and_then(|cnf| cnf.get("jkt")).and_then(Json::text).map(bounded),
            has_certificate: payload.get("cnf").is_some_and(|cnf| cnf.get("x5t#S256").is_some()),
            names: payload.members().unwrap_or_default().iter().take(MAX_ITEMS).map(|(n, _)| bounded(n)).collect(),
            duplicates: payload.duplicates().into_iter().take(MAX_ITEMS).map(bounded).collect(),
        }
    }

    /// Whether a claim called `name` is there.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| &**n == name)
    }

    /// What the token is for, by the header's `typ` first (RFC 8725 §3.11), then by the claims.
    pub fn token_use(&self, header_typ: Option<&str>) -> Option<TokenUse> {
        self.use_by_header(header_typ).or_else(|| self.use_by_vendor_claim()).or_else(|| self.use_by_shape())
    }

    fn use_by_header(&self, typ: Option<&str>) -> Option<TokenUse> {
        let typ = typ?.to_ascii_lowercase();
        match typ.trim_start_matches("application/") {
            "at+jwt" => Some(TokenUse::Access),
            "dpop+jwt" => Some(TokenUse::DpopProof),
            "logout+jwt" => Some(TokenUse::Logout),
            "secevent+jwt" => Some(TokenUse::SecurityEvent),
            _ => None,
        }
    }

    fn use_by_vendor_claim(&self) -> Option<TokenUse> {
        let claim = self.token_use.as_deref().or(self.token_type.as_deref()).or(self.typ.as_deref())?;
        match claim.to_ascii_lowercase().as_str() {
            "access" | "bearer" => Some(TokenUse::Access),
            "id" => Some(TokenUse::Id),
            "refresh" | "offline" => Some(TokenUse::Refresh),
            "logout" => Some(TokenUse::Logout),
            _ => None,
        }
    }

    fn use_by_shape(&self) -> Option<TokenUse> {
        // Supabase's project keys name a role and no subject; a user's token names both.
        if self.sub.is_none() && matches!(self.role.as_deref(), Some("anon" | "service_role")) {
            Some(TokenUse::ProjectKey)
        } else if !self.has_scope && (self.has_nonce || self.has_at_hash || self.has_c_hash || self.aud_is_client()) {
            Some(TokenUse::Id)
        } else if self.has_scope {
            Some(TokenUse::Access)
        } else {
            None
        }
    }

    /// `aud` is the client itself: what an ID token says (OIDC Core §2).
    fn aud_is_client(&self) -> bool {
        let client = self.azp.as_ref().or(self.client_id.as_ref());
        client.is_some_and(|client| self.aud.len() == 1 && self.aud.contains(client))
    }
}

/// A string, or a number as its digits: some issuers write `sub` as a number.
fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::Text(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn list(json: Option<&Json>) -> Vec<Box<str>> {
    json.map(Json::texts).unwrap_or_default().into_iter().take(MAX_ITEMS).map(bounded).collect()
}

fn scopes(payload: &Json) -> Vec<Box<str>> {
    let stated = ["scope", "scp", "scopes"].into_iter().find_map(|name| payload.get(name));
    let words = stated.map(Json::texts).unwrap_or_default();
    let words = words.into_iter().flat_map(str::split_ascii_whitespace).take(MAX_ITEMS).map(bounded);
    words.chain(registry_scopes(payload)).collect()
}

/// `access` as the registries of container images write it, in the form of a scope: `type:name:action,action`
/// (Distribution, "Token authentication implementation").
fn registry_scopes(payload: &Json) -> Vec<Box<str>> {
    let Some(Json::Array(access)) = payload.get("access") else { return Vec::new() };
    let scope = |entry: &Json| {
        let (kind, name) = (entry.get("type")?.text()?, entry.get("name")?.text()?);
        let actions = entry.get("actions").map(Json::texts).unwrap_or_default();
        (!actions.is_empty()).then(|| bounded(&format!("{kind}:{name}:{}", actions.join(","))))
    };
    access.iter().take(MAX_ITEMS).filter_map(scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> Claims {
        Claims::read(&Json::parse(payload.as_bytes()).expect("test payload is JSON"))
    }

    #[track_caller]
    fn check(payload: &str, typ: Option<&str>, expected: Option<TokenUse>) {
        assert_eq!(claims(payload).token_use(typ), expected, "{payload}");
    }

    #[test]
    fn tells_what_a_token_is_for() {
        check(r#"{"sub":"u"}"#, Some("at+jwt"), Some(TokenUse::Access));
        check(r#"{"sub":"u"}"#, Some("application/AT+JWT"), Some(TokenUse::Access));
        check(r#"{"htm":"GET"}"#, Some("dpop+jwt"), Some(TokenUse::DpopProof));
        check(r#"{"token_use":"id"}"#, Some("JWT"), Some(TokenUse::Id));
        check(r#"{"token_type":"refresh"}"#, None, Some(TokenUse::Refresh));
        check(r#"{"typ":"Offline"}"#, None, Some(TokenUse::Refresh));
        check(r#"{"typ":"Bearer","scope":"openid"}"#, None, Some(TokenUse::Access));
        check(r#"{"nonce":"n","aud":"app"}"#, None, Some(TokenUse::Id));
        check(r#"{"azp":"app","aud":"app"}"#, None, Some(TokenUse::Id));
        check(r#"{"role":"anon","ref":"x"}"#, None, Some(TokenUse::ProjectKey));
        check(r#"{"sub":"u","azp":"https://app"}"#, None, None);
    }

    #[test]
    fn reads_dates_and_lists() {
        let c = claims(
            r#"{"aud":["a","b"],"iat":1700000000.5,"nbf":"1700000000","exp":1700000000000,"scp":"r w","iat":1}"#,
        );
        assert_eq!((c.aud.len(), c.aud_is_array, c.scopes.len()), (2, true, 2));
        assert_eq!(c.iat.map(|d| d.intended().nanos()), Some(1_700_000_000_500_000_000));
        assert_eq!(c.nbf.map(|d| (d.quoted, d.intended())), Some((true, Timestamp::from_seconds(1_700_000_000))));
        assert_eq!(c.exp.map(|d| (d.milliseconds, d.intended())), Some((true, Timestamp::from_seconds(1_700_000_000))));
        assert_eq!(c.duplicates.len(), 1);
        assert!(c.has("scp") && !c.has("scope"));
    }
}
