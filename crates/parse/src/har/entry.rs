//! The parts of a HAR 1.2 entry that are read, with the fields that browsers and tools add to it.
//!
//! Reference: <http://www.softwareishard.com/blog/har-12-spec/>. Names with an underscore are the recorders' own.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::lenient::{Listed, Named, Scalar, Values};

record! {
    /// An element of `log.entries`.
    Entry {
        started: Scalar<'de> = "startedDateTime",
        time: Scalar<'de> = "time",
        request: Request<'de> = "request",
        response: Response<'de> = "response",
        timings: Timings<'de> = "timings",
        page: Scalar<'de> = "pageref",
        server_address: Scalar<'de> = "serverIPAddress",
        server_port: Scalar<'de> = "_serverPort",
        connection_id: Scalar<'de> = "_connectionId",
        connection: Scalar<'de> = "connection",
        /// Left as text: only some entries have one, and its depth is the page's, not ours.
        initiator: Option<&'de RawValue> = "_initiator",
        resource_type: Scalar<'de> = "_resourceType",
        from_cache: Scalar<'de> = "_fromCache",
        via_service_worker: Scalar<'de> = "_fetchedViaServiceWorker",
        /// Text, or an object with a `message`.
        error: Option<&'de RawValue> = "_error" | "_failureText",
        messages: Option<&'de RawValue> = "_webSocketMessages",
        /// What `authtrace convert` knew beyond HAR.
        own: Option<&'de RawValue> = "_authtrace",
    }
}

record! {
    /// `_authtrace`: what HAR has no place for.
    Own {
        /// `address:port` of the client.
        client: Scalar<'de> = "client",
        /// How complete the header lists are, where they are not.
        request_view: Scalar<'de> = "requestHeaders",
        response_view: Scalar<'de> = "responseHeaders",
        trailers: Listed<Field<'de>> = "trailers",
    }
}

record! {
    /// `entry.request`.
    Request {
        method: Scalar<'de> = "method",
        url: Scalar<'de> = "url",
        version: Scalar<'de> = "httpVersion",
        headers: Listed<Field<'de>> = "headers",
        cookies: Listed<Cookie<'de>> = "cookies",
        headers_size: Scalar<'de> = "headersSize",
        body_size: Scalar<'de> = "bodySize",
        post_data: PostData<'de> = "postData",
    }
}

record! {
    /// `entry.response`.
    Response {
        status: Scalar<'de> = "status",
        version: Scalar<'de> = "httpVersion",
        headers: Listed<Field<'de>> = "headers",
        cookies: Listed<Cookie<'de>> = "cookies",
        content: Content<'de> = "content",
        transfer_size: Scalar<'de> = "_transferSize",
        error: Option<&'de RawValue> = "_error",
        failure_text: Option<&'de RawValue> = "_failureText",
        via_service_worker: Scalar<'de> = "_fetchedViaServiceWorker",
    }
}

record! {
    /// `_error`, where it is an object.
    Trouble {
        message: Scalar<'de> = "message",
    }
}

record! {
    /// `request.postData`.
    PostData {
        mime: Scalar<'de> = "mimeType",
        text: Option<&'de RawValue> = "text",
        encoding: Scalar<'de> = "encoding" | "_encoding",
        params: Listed<Field<'de>> = "params",
        file: Scalar<'de> = "_file",
    }
}

record! {
    /// `response.content`.
    Content {
        size: Scalar<'de> = "size",
        mime: Scalar<'de> = "mimeType",
        text: Option<&'de RawValue> = "text",
        encoding: Scalar<'de> = "encoding",
        file: Scalar<'de> = "_file",
    }
}

record! {
    /// `entry.timings`, milliseconds; −1 where a phase does not apply. `ssl` is part of `connect` and not read.
    Timings {
        blocked: Scalar<'de> = "blocked",
        dns: Scalar<'de> = "dns",
        connect: Scalar<'de> = "connect",
        send: Scalar<'de> = "send",
        wait: Scalar<'de> = "wait",
        receive: Scalar<'de> = "receive",
    }
}

record! {
    /// An element of `log.pages`.
    Page {
        id: Scalar<'de> = "id",
        started: Scalar<'de> = "startedDateTime",
        title: Scalar<'de> = "title",
    }
}

record! {
    /// `log.creator` or `log.browser`.
    Product {
        name: Scalar<'de> = "name",
        version: Scalar<'de> = "version",
    }
}

/// A header or a form parameter.
#[derive(Clone, Default)]
pub(super) struct Field<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Values<'a>,
}

impl Field<'_> {
    /// Bytes of its name and, where it is one string, of its value.
    pub(super) fn size_hint(&self) -> usize {
        let value = match &self.value {
            Values::One(Scalar::Text(text)) => text.len(),
            _ => 0,
        };
        self.name.len() + value
    }
}

impl<'a> Named<'a> for Field<'a> {
    const USUAL: usize = 16;

    fn set(&mut self, key: &str, value: Values<'a>) {
        match key {
            "name" => self.name = owned_text(value),
            "value" => self.value = value,
            _ => {}
        }
    }
    fn pair(name: Cow<'a, str>, value: Values<'a>) -> Self {
        Self { name, value }
    }
    fn is_named(&self) -> bool {
        !self.name.is_empty()
    }
}

/// A cookie with the attributes that a `Set-Cookie` field would carry.
#[derive(Clone, Default)]
pub(super) struct Cookie<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Scalar<'a>,
    pub(super) path: Scalar<'a>,
    pub(super) domain: Scalar<'a>,
    pub(super) expires: Scalar<'a>,
    pub(super) http_only: Scalar<'a>,
    pub(super) secure: Scalar<'a>,
    pub(super) same_site: Scalar<'a>,
}

impl<'a> Named<'a> for Cookie<'a> {
    const USUAL: usize = 4;

    fn set(&mut self, key: &str, value: Values<'a>) {
        match key {
            "name" => self.name = owned_text(value),
            "value" => self.value = value.first(),
            "path" => self.path = value.first(),
            "domain" => self.domain = value.first(),
            "expires" => self.expires = value.first(),
            "httpOnly" => self.http_only = value.first(),
            "secure" => self.secure = value.first(),
            "sameSite" => self.same_site = value.first(),
            _ => {}
        }
    }
    fn pair(name: Cow<'a, str>, value: Values<'a>) -> Self {
        Self { name, value: value.first(), ..Self::default() }
    }
    fn is_named(&self) -> bool {
        !self.name.is_empty()
    }
}

fn owned_text<'a>(value: Values<'a>) -> Cow<'a, str> {
    match value.first() {
        Scalar::Text(text) => text,
        other => other.text().map(|text| Cow::Owned(text.into_owned())).unwrap_or_default(),
    }
}
