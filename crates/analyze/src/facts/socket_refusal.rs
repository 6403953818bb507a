//! Messages by which the protocols above WebSocket refuse a client.

use serde_json::Value;

use crate::dictionary::{Answer, ErrorClass, signatures};

/// What a message of the server that refuses the client says: a class where the words are known, and the words.
pub(crate) fn refusal(text: &str) -> Option<(Option<ErrorClass>, String)> {
    let text = text.trim_end_matches('\u{1e}').trim();
    if text.len() > LONGEST || text.is_empty() {
        return None;
    }
    let words = error_words(text)?;
    let class = classify(&words);
    (class.is_some() || is_about_authentication(&words)).then_some((class, words))
}

/// What the reason of a close frame is about, where it is about authentication: a class, if its words are known.
pub(crate) fn reason(text: &str) -> Option<Option<ErrorClass>> {
    let class = classify(text);
    (class.is_some() || is_about_authentication(text)).then_some(class)
}

/// Messages that refuse are short.
const LONGEST: usize = 4096;

fn classify(words: &str) -> Option<ErrorClass> {
    let hit = signatures().classify(&Answer { status: 401, text: words, challenges: &[], headers: None })?;
    hit.class.is_authentication().then_some(hit.class)
}

/// What the message says, if it is one about an error.
fn error_words(text: &str) -> Option<String> {
    // STOMP: the command, then headers.
    if let Some(rest) = text.strip_prefix("ERROR\n").or_else(|| text.strip_prefix("ERROR\r\n")) {
        let message = rest.lines().find_map(|line| line.strip_prefix("message:"));
        return Some(message.unwrap_or(rest).to_owned());
    }
    // Socket.IO: 44 is CONNECT_ERROR, 42["unauthorized",…] an event.
    let (connect_error, json) = match (text.strip_prefix("44"), text.strip_prefix("42")) {
        (Some(rest), _) => (true, rest.find(['{', '"']).map_or("", |at| &rest[at..])),
        (None, Some(rest)) => (false, rest.find('[').map_or("", |at| &rest[at..])),
        (None, None) => (false, text),
    };
    let document: Value = serde_json::from_str(json).ok()?;
    let mut words = Words { list: Vec::new(), error: connect_error };
    words.read(&document, 0, connect_error);
    words.error.then(|| words.list.join(": ")).filter(|words| !words.is_empty())
}

/// Strings of a message that say what is wrong, and whether it is about an error at all.
struct Words {
    list: Vec<String>,
    error: bool,
}

impl Words {
    /// Depth to which a message is read: Phoenix and AppSync put the reason four levels down.
    const DEPTH: usize = 5;
    const KEYS: &'static [&'static str] = &[
        "type",
        "event",
        "message",
        "reason",
        "error",
        "code",
        "detail",
        "details",
        "errortype",
        "description",
        "error_description",
        "id",
        "status",
        "msg",
        "payload",
        "text",
        "title",
        "statuscode",
        "errorcode",
    ];

    fn read(&mut self, value: &Value, depth: usize, within_error: bool) {
        if depth > Self::DEPTH || self.list.len() > 12 {
            return;
        }
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    let key = key.to_ascii_lowercase();
                    let about_error =
                        matches!(&*key, "error" | "errors") && !value.is_null() && *value != Value::Bool(false);
                    self.error |= about_error;
                    match value {
                        Value::String(text) if Self::KEYS.contains(&&*key) || about_error => self.take(&key, text),
                        Value::Number(number) if matches!(&*key, "code" | "statuscode" | "errorcode" | "status") => {
                            self.error |= matches!(number.as_u64(), Some(401 | 403 | 4401 | 4403 | 4001 | 4003));
                            self.list.push(number.to_string());
                        }
                        _ => self.read(value, depth + 1, within_error || about_error),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(text) => self.take("event", text),
                        other => self.read(other, depth + 1, within_error),
                    }
                }
            }
            Value::String(text) if within_error => self.list.push(text.clone()),
            _ => {}
        }
    }

    fn take(&mut self, key: &str, text: &str) {
        let lower = text.to_ascii_lowercase();
        let names_kind = matches!(key, "type" | "event" | "status" | "kind");
        const KINDS: &[&str] = &[
            "error",
            "fail",
            "unauthor",
            "unauthenticated",
            "forbidden",
            "disconnect",
            "denied",
            "auth_invalid",
            "phx_close",
        ];
        self.error |= names_kind && KINDS.iter().any(|kind| lower.contains(kind));
        // "error" as a kind says nothing of the reason.
        if !(names_kind
            && matches!(&*lower, "error" | "message" | "system" | "disconnect" | "connection_error" | "phx_reply"))
        {
            self.list.push(text.to_owned());
        }
    }
}

/// Words that speak of authentication where no table knows the sentence.
fn is_about_authentication(words: &str) -> bool {
    const PHRASES: &[&str] = &[
        "unauthor",
        "unauthenticated",
        "not authenticated",
        "not_authenticated",
        "authentication",
        "auth_invalid",
        "invalid access token",
        "invalid token",
        "invalid_token",
        "token invalid",
        "expired token",
        "token expired",
        "token has expired",
        "jwt",
        "invalid credentials",
        "invalid api key",
        "invalid_api_key",
        "access denied",
        "no token",
        "missing token",
        "not logged in",
        "login required",
        "session expired",
        "bad token",
        "token is",
    ];
    let lower = words.to_ascii_lowercase();
    PHRASES.iter().any(|phrase| lower.contains(phrase))
        || lower.split(": ").any(|word| matches!(word, "401" | "4401" | "forbidden"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, refuses: bool) {
        let found = refusal(text);
        assert_eq!(found.is_some(), refuses, "{text}: {:?}", found);
    }

    #[test]
    fn refusals_of_many_protocols() {
        check(r#"{"type":"connection_error","payload":{"message":"Unauthorized"}}"#, true);
        check(r#"{"type":"connection_error","payload":"Could not verify JWT: JWTExpired"}"#, true);
        check(
            r#"{"type":"connection_error","payload":{"errors":[{"errorType":"UnauthorizedException","errorCode":401}]}}"#,
            true,
        );
        check(r#"44{"message":"Authentication error"}"#, true);
        check(r#"44/chat,{"message":"jwt expired"}"#, true);
        check(r#"42["unauthorized",{"message":"invalid token"}]"#, true);
        check(r#"{"type":"disconnect","reason":"unauthorized","reconnect":false}"#, true);
        check(r#"{"type":"auth_invalid","message":"Invalid access token or password"}"#, true);
        check("{\"type\":7,\"error\":\"Connection closed: token expired\"}\u{1e}", true);
        check("ERROR\nmessage:Access denied\n\n\0", true);
        check(r#"["1","1","room:a","phx_reply",{"status":"error","response":{"reason":"unauthorized"}}]"#, true);
        check(r#"{"event":"system","payload":{"status":"error","message":"Token has expired 120 seconds ago"}}"#, true);
        check(r#"{"id":1,"error":{"code":109,"message":"token expired"}}"#, true);
        check(r#"{"status":"FAIL","error":{"id":"api.web_socket_router.not_authenticated"}}"#, true);
        check(r#"{"action":9,"error":{"code":40142,"statusCode":401,"message":"Token expired"}}"#, true);
        check(r#"{"event":"pusher:error","data":{"code":4009,"message":"Connection is unauthorized"}}"#, true);
    }

    #[test]
    fn data_and_other_errors_are_none() {
        check(r#"{"type":"connection_ack"}"#, false);
        check(r#"{"type":"error","payload":{"message":"Cannot query field \"x\" on type \"Query\"."}}"#, false);
        check(r#"{"type":"message","text":"my token expired yesterday"}"#, false);
        check(r#"{"type":"price","symbol":"JWT","error":null}"#, false);
        check(r#"42["chat",{"message":"unauthorized people stay out"}]"#, false);
        check(r#"{"type":"disconnect","reason":"server_restart","reconnect":true}"#, false);
        check(r#"{"type":"error","message":"rate limit exceeded"}"#, false);
        check("pong", false);
    }
}
