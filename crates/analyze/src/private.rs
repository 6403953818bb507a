//! Names of fields whose values are nobody's business, told by their words.

/// Parts of names whose values are nobody's business.
const PRIVATE: &[&str] = &[
    "token",
    "secret",
    "passw",
    "passcode",
    "passphrase",
    "assertion",
    "credential",
    "session",
    "csrf",
    "xsrf",
    "cookie",
    "authoriz",
    "authentic",
    "apikey",
    "signature",
    "verifier",
    "ticket",
    "saml",
    "email",
    "phone",
    "username",
    "address",
    "birth",
];
/// The same, where they are a word of their own: `pin`, not `shipping`.
const PRIVATE_WORDS: &[&str] = &["pwd", "otp", "totp", "pin", "sid", "auth", "oauth", "key", "jwt", "nonce", "login"];

/// Names that hold such a part and tell nothing: registered parameters, times, what servers ask for.
const TELLING: &[&str] = &["token_type", "token_use", "www-authenticate", "proxy-authenticate"];
/// Ends of names that do the same.
const TELLING_ENDS: &[&str] = &["_type", "_at", "_in", "_url", "_uri", "_endpoint", "_supported", "_count"];

/// Whether the value of a field called `name` is hidden whatever it is.
pub fn is_private(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let told = TELLING.contains(&lower.as_str()) || TELLING_ENDS.iter().any(|end| lower.ends_with(end));
    if told || lower.starts_with("access-control-") {
        return false;
    }
    PRIVATE.iter().any(|part| lower.contains(part)) || words(name).any(|word| PRIVATE_WORDS.contains(&word.as_str()))
}

/// The words of `user_pin`, `x-api-key` and `userPin`, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        match words.last_mut() {
            Some(word) if !begins => word.extend(c.to_lowercase()),
            _ => words.push(c.to_lowercase().filter(|c| c.is_alphanumeric()).collect()),
        }
        before = c;
    }
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_private() {
        for name in
            ["Authorization", "access_token", "X-CSRF", "password", "apiKey", "Set-Cookie", "user_email", "userPin"]
        {
            assert!(is_private(name), "{name}");
        }
        for name in ["token_type", "expires_in", "content-type", "title", "WWW-Authenticate", "created_at", "shipping"]
        {
            assert!(!is_private(name), "{name}");
        }
        assert!(!is_private("access-control-allow-credentials") && !is_private("president"));
    }
}
