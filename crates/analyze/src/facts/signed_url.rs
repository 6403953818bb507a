//! How long a signed URL lasts: it says so itself, in the parameters that its signature covers.

use authtrace_parse::{Exchange, SecretStr, Timestamp};
use percent_encoding::percent_decode_str;

/// When the signature of the URL ends; `None` where the URL is not signed or says nothing of it.
///
/// AWS Signature Version 4 and Google Cloud Storage name a moment and a duration; Azure's shared access signatures (`se`),
/// CloudFront and the older signatures of S3, Google and Alibaba (`Expires`) the moment.
pub(crate) fn expiry(exchange: &Exchange) -> Option<Timestamp> {
    let pairs = || exchange.request.target.query_pairs();
    let value = |wanted: &str| pairs().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    for vendor in ["x-amz", "x-goog"] {
        if let (Some(date), Some(lasts)) = (value(&format!("{vendor}-date")), value(&format!("{vendor}-expires"))) {
            value(&format!("{vendor}-signature"))?;
            let lasts: i64 = lasts.expose().parse().ok()?;
            return Some(Timestamp::from_seconds(basic(date)?.checked_add(lasts)?));
        }
    }
    if let (Some(end), Some(_)) = (value("se"), value("sig")) {
        let end: jiff::Timestamp = percent_decode_str(end.expose()).decode_utf8().ok()?.parse().ok()?;
        return Some(Timestamp::from_seconds(end.as_second()));
    }
    let key = ["key-pair-id", "awsaccesskeyid", "googleaccessid", "ossaccesskeyid"].into_iter().find_map(value);
    let (end, ..) = (value("expires")?, value("signature")?, key?);
    Some(Timestamp::from_seconds(end.expose().parse().ok()?))
}

/// `20261120T100000Z` (ISO 8601 basic format) in seconds.
fn basic(date: SecretStr<'_>) -> Option<i64> {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date.expose()).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}
