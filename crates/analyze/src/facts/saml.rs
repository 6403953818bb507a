//! SAML 2.0 responses: whether the identity provider says that it failed (SAML Core §3.2.2.2).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

/// A response whose status is not `Success`.
pub(crate) struct Failure {
    /// The last part of the most specific status code: `AuthnFailed`, `RequestDenied`, `Responder`.
    pub(crate) code: String,
    /// `StatusMessage`
    pub(crate) message: Option<String>,
}

/// Most bytes of a response that are decoded.
const LONGEST: usize = 64 * 1024;

/// What a `SAMLResponse` in base64 says went wrong; `None` where it succeeded or is no such response.
pub(crate) fn failure(encoded: &str) -> Option<Failure> {
    let compact: Cow<'_, str> = match encoded.contains([' ', '\r', '\n']) {
        true => encoded.replace(' ', "+").replace(['\r', '\n'], "").into(),
        false => encoded.into(),
    };
    let bytes = STANDARD.decode(compact.get(..compact.len().min(LONGEST))?).ok()?;
    let xml = String::from_utf8(bytes).ok()?;
    let status = xml.split_once("Status>").map_or(&*xml, |(_, rest)| rest);
    let codes: Vec<&str> = status.split("StatusCode").filter_map(value).collect();
    // A code may hold a more specific one: it comes last.
    let code = codes.iter().rfind(|code| **code != "Success")?;
    let message = status.split_once("StatusMessage>").and_then(|(_, rest)| rest.split_once('<')).map(|(m, _)| m.trim());
    Some(Failure { code: (*code).to_owned(), message: message.filter(|m| !m.is_empty()).map(str::to_owned) })
}

/// The last part of the URN in `Value="…"`.
fn value(element: &str) -> Option<&str> {
    let attributes = element.split('>').next()?;
    let (_, rest) = attributes.split_once("Value=")?;
    let quoted = rest.get(1..)?.split(['"', '\'']).next()?;
    let (_, last) = quoted.rsplit_once(":status:")?;
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(xml: &str, expected: Option<(&str, Option<&str>)>) {
        let failure = failure(&STANDARD.encode(xml));
        let got = failure.as_ref().map(|f| (f.code.as_str(), f.message.as_deref()));
        assert_eq!(got, expected, "{xml}");
    }

    #[test]
    fn tells_failures_from_success() {
        const SUCCESS: &str = r#"<samlp:Response><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:Response>"#;
        check(SUCCESS, None);
        check("<html>", None);
        check(
            r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>No such user</samlp:StatusMessage></samlp:Status>"#,
            Some(("AuthnFailed", Some("No such user"))),
        );
        check(
            r#"<Status><StatusCode Value='urn:oasis:names:tc:SAML:2.0:status:Requester'/></Status>"#,
            Some(("Requester", None)),
        );
        assert!(failure("not base64!").is_none());
    }
}
