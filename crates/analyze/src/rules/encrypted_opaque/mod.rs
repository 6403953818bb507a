//! CAP201: TLS without keys, and QUIC. Only names, versions, alerts and sizes can be told of it, never anything of HTTP.

use std::collections::BTreeMap;

use authtrace_parse::{QuicConnection, TlsConnection, Unread};

use crate::{
    capture::Capture,
    catalogue::{Layer, RuleMeta, Tier},
    coverage::{Coverage, Input},
    finding::Severity,
    rule::{Check, Rule},
    text::count,
};

pub(super) static RULE: Rule = Rule {
    meta: RuleMeta {
        code: "CAP201",
        id: "encrypted-opaque",
        title: "Encrypted traffic could not be read",
        severity: Severity::Info,
        layer: Layer::Capture,
        tier: Tier::T1,
        thresholds: &[],
        spec: include_str!("spec.md"),
        fixes: &[],
    },
    check: Check::Coverage(check),
};

/// Hosts named in the sentence; the others are counted.
const NAMED: usize = 5;
/// Protocols named of one connection; the others are counted.
const NAMED_PROTOCOLS: usize = 3;

/// Alerts that say why a handshake failed, with their names (RFC 8446 §6.2).
const ALERTS: &[(u8, &str)] = &[
    (40, "handshake_failure"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (70, "protocol_version"),
    (112, "unrecognized_name"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
];

fn check(capture: &Capture) -> Vec<Coverage> {
    capture.inputs.iter().flat_map(|input| [opaque(input), quic(input)]).flatten().collect()
}

/// Rules that claim an absence, which may lie in what could not be read.
const AFFECTED: &[&str] = &["AUTH001", "AUTH002", "AUTH003", "AUTH005", "AUTH020", "AUTH040"];

fn opaque(input: &Input) -> Option<Coverage> {
    if input.opaque_count == 0 {
        return None;
    }
    let (failed, rest): (Vec<_>, Vec<_>) =
        input.opaque.iter().partition(|connection| connection.unread == Unread::NoContent);
    let (partly, hidden): (Vec<_>, Vec<_>) = rest.into_iter().partition(|connection| connection.partly);
    let alerts = alerts(&input.opaque);
    let says = [
        hidden_ones(input, &hidden, failed.len() + partly.len()),
        partly_read(input, &partly),
        (!failed.is_empty() && alerts.is_none()).then(|| came_to_nothing(input, &failed)),
        (input.decrypted_count > 0).then(|| decrypted(input.decrypted_count)),
        alerts,
    ];
    let says: Vec<String> = says.into_iter().flatten().collect();
    Some(Coverage { rule: &RULE.meta, says: says.join(" "), affects: AFFECTED, remedy: remedy(&hidden, &partly) })
}

/// The connections of which nothing was read; `others` of those listed are not among them.
fn hidden_ones(input: &Input, hidden: &[&TlsConnection], others: usize) -> Option<String> {
    let all = usize::try_from(input.opaque_count).unwrap_or(usize::MAX).saturating_sub(others);
    if all == 0 {
        return None;
    }
    let is = if all == 1 { "is" } else { "are" };
    let why = if hidden.iter().all(|connection| connection.unread == Unread::NoSecret) {
        format!("{is} encrypted and no key is at hand")
    } else {
        format!("{is} encrypted and could not be read ({})", reasons(hidden))
    };
    Some(format!(
        "{} of {} {why}: {}. What was asked and answered there is unknown.",
        count(all, "TLS connection"),
        input.path,
        hosts(hidden.iter().copied().map(describe))
    ))
}

/// `no key for 2, begun before the capture 1`
fn reasons(connections: &[&TlsConnection]) -> String {
    let mut counted: BTreeMap<Unread, usize> = BTreeMap::new();
    for connection in connections {
        *counted.entry(connection.unread).or_default() += 1;
    }
    let named = counted.into_iter().map(|(unread, times)| {
        let reason = match unread {
            Unread::NoSecret => "no key for",
            Unread::MissingSecret(_) => "part of the keys missing for",
            Unread::NoBeginning => "begun before the capture:",
            Unread::NotSupported => "a cipher suite that is not read:",
            Unread::NotOpened => "not opened by the keys at hand:",
            Unread::NoContent => "closed before anything was said:",
        };
        format!("{reason} {times}")
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The connections of which one direction, or the end, was not read.
fn partly_read(input: &Input, partly: &[&TlsConnection]) -> Option<String> {
    if partly.is_empty() {
        return None;
    }
    let mut missing: Vec<&str> = partly.iter().filter_map(|connection| missing(connection)).collect();
    missing.sort_unstable();
    missing.dedup();
    let lacks = if missing.is_empty() { String::new() } else { format!(" (the key log lacks {})", missing.join(", ")) };
    Some(format!(
        "{} of {} could be read in part only{lacks}: {}.",
        count(partly.len(), "TLS connection"),
        input.path,
        hosts(partly.iter().copied().map(describe))
    ))
}

fn missing(connection: &TlsConnection) -> Option<&'static str> {
    match connection.unread {
        Unread::MissingSecret(label) => Some(label.name()),
        _ => None,
    }
}

fn came_to_nothing(input: &Input, failed: &[&TlsConnection]) -> String {
    let times = count(failed.len(), "TLS connection");
    format!(
        "{times} of {} ended before anything was said: {}.",
        input.path,
        hosts(failed.iter().copied().map(describe))
    )
}

fn decrypted(times: u64) -> String {
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let were = if times == 1 { "was" } else { "were" };
    format!("{} {were} decrypted.", count(times, "other"))
}

/// What records a better capture.
fn remedy(hidden: &[&TlsConnection], partly: &[&TlsConnection]) -> Option<&'static str> {
    let begun_before = |connection: &&TlsConnection| connection.unread == Unread::NoBeginning;
    if hidden.is_empty() && partly.is_empty() {
        return None;
    }
    Some(if partly.is_empty() && hidden.iter().all(begun_before) {
        "Start the capture first and the client, with SSLKEYLOGFILE=keys.txt, after it: a connection that is already open \
         cannot be decrypted, whatever the keys."
    } else {
        "Record with keys: set SSLKEYLOGFILE=keys.txt for the client (Chrome, Firefox, curl, Node with --tls-keylog), \
         capture again, and give the file with --keylog keys.txt; or record a HAR in the browser; or capture behind the \
         TLS terminator."
    })
}

fn quic(input: &Input) -> Option<Coverage> {
    if input.quic.count == 0 {
        return None;
    }
    let connections = usize::try_from(input.quic.count).unwrap_or(usize::MAX);
    let http3 = input.quic.connections.iter().all(QuicConnection::is_http3);
    Some(Coverage {
        rule: &RULE.meta,
        says: format!(
            "{} of {} {} not decoded: {}. What was asked and answered there is unknown.",
            count(connections, if http3 { "HTTP/3 connection" } else { "QUIC connection" }),
            input.path,
            if connections == 1 { "is" } else { "are" },
            hosts(input.quic.connections.iter().map(|connection| describe_quic(connection, http3)))
        ),
        affects: AFFECTED,
        remedy: Some(
            "Record without QUIC, so that the client falls back to HTTP/2: start Chrome with --disable-quic, set \
             network.http.http3.enable to false in Firefox, or block UDP port 443; or record a HAR in the browser, which \
             shows HTTP/3, too.",
        ),
    })
}

/// `login.example (TLS 1.3, h2) ×3, api.example (TLS 1.2)`: who was called, most often first.
fn hosts(connections: impl Iterator<Item = String>) -> String {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for connection in connections {
        *counted.entry(connection).or_default() += 1;
    }
    let mut counted: Vec<(String, usize)> = counted.into_iter().collect();
    counted.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let named = counted.iter().take(NAMED).map(|(host, times)| match times {
        1 => host.clone(),
        _ => format!("{host} ×{times}"),
    });
    let more = counted.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| format!("{more} more"));
    named.chain(rest).collect::<Vec<_>>().join(", ")
}

fn describe(connection: &TlsConnection) -> String {
    let host = connection.server_name.as_deref().map_or_else(|| connection.server.to_string(), str::to_owned);
    let version = connection.version.map(|version| version.to_string());
    let offered = if connection.alpn_chosen { "" } else { "offers " };
    let alpn = (!connection.alpn.is_empty()).then(|| format!("{offered}{}", protocols(&connection.alpn)));
    let facts: Vec<String> = version.into_iter().chain(alpn).collect();
    if facts.is_empty() { host } else { format!("{host} ({})", facts.join(", ")) }
}

/// `h2 and http/1.1`: the first ones, of which some clients offer a dozen.
fn protocols(alpn: &[Box<str>]) -> String {
    let more = alpn.len().saturating_sub(NAMED_PROTOCOLS);
    let rest = (more > 0).then(|| format!("{more} more"));
    let named = alpn.iter().take(NAMED_PROTOCOLS).map(|name| name.to_string());
    named.chain(rest).collect::<Vec<_>>().join(" and ")
}

/// Host and version; the protocols that were offered, unless the sentence said already that they are HTTP/3.
fn describe_quic(connection: &QuicConnection, http3: bool) -> String {
    let host = connection.server_name.as_deref().map_or_else(|| connection.server.to_string(), str::to_owned);
    let offers = !http3 && !connection.alpn.is_empty();
    let alpn = if offers { format!(", offers {}", protocols(&connection.alpn)) } else { String::new() };
    format!("{host} ({}{alpn})", connection.version)
}

/// What failed handshakes say in the clear.
fn alerts(connections: &[TlsConnection]) -> Option<String> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for alert in connections.iter().flat_map(|connection| &connection.alerts) {
        if let Some((_, name)) = ALERTS.iter().find(|(code, _)| code == alert) {
            *counted.entry(name).or_default() += 1;
        }
    }
    let named: Vec<String> = counted.iter().map(|(name, times)| format!("{name} ×{times}")).collect();
    (!named.is_empty()).then(|| format!("Handshakes failed: {}.", named.join(", ")))
}
