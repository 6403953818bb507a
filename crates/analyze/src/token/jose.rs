//! A tolerant reader of JOSE compact serialisations: it reads what a verifier would refuse, and says what is wrong.
//!
//! Verifier libraries stop at `alg: none`, at unknown algorithms and at five parts; an analyser has to see exactly those.
//! Nothing here is verified: every field is what the token says of itself (RFC 7519 §7.2, RFC 8725 §3.1).

use authtrace_parse::SecretStr;
use serde::{Deserialize, Serialize};

use super::{
    base64::{self, Decoded},
    claims::Claims,
    defect::Defect,
    json::Json,
    placeholder::is_redacted,
};

/// Longest token that is decoded, in bytes; header fields above 8 KiB are refused by most servers already.
pub const MAX_TOKEN: usize = 64 * 1024;

/// Characters kept of a string that a token states (`iss`, `aud`, `kid`…).
pub(super) const MAX_TEXT: usize = 300;

/// Which compact serialisation this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoseForm {
    /// Signed: `header.payload.signature` (RFC 7515 §7.1).
    Jws,
    /// Encrypted: `header.key.iv.ciphertext.tag` (RFC 7516 §7.1).
    Jwe,
}

/// What stands in the signature's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signature {
    /// Base64url of a length that fits the algorithm, or of an algorithm whose length is unknown.
    Plausible,
    /// Nothing, as `alg: none` writes it (RFC 7519 §6).
    Empty,
    /// A sanitiser's mark.
    Redacted,
    /// A length that the algorithm cannot make.
    Implausible,
    /// There is no such segment, or the form has no signature.
    Absent,
}

/// Protected header (RFC 7515 §4.1, RFC 7516 §4.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoseHeader {
    /// `alg`
    pub alg: Option<Box<str>>,
    /// `enc`: content encryption, only in JWE.
    pub enc: Option<Box<str>>,
    /// `typ`
    pub typ: Option<Box<str>>,
    /// `cty`
    pub cty: Option<Box<str>>,
    /// `kid`
    pub kid: Option<Box<str>>,
    /// Every parameter name in order, duplicates included.
    pub names: Vec<Box<str>>,
    /// Names that occur more than once.
    pub duplicates: Vec<Box<str>>,
}

/// What can be read of one JOSE object without a key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Jose {
    /// Signed or encrypted.
    pub form: JoseForm,
    /// The protected header; all empty where it could not be read.
    pub header: JoseHeader,
    /// Claims of a JWT; `None` for other payloads, for JWE, and where the payload is broken.
    pub claims: Option<Claims>,
    /// Length of each segment in characters.
    pub segments: Vec<u32>,
    /// What stands in the signature's place.
    pub signature: Signature,
    /// What is wrong with it, in segment order.
    #[serde(with = "crate::facts::columns::defects")]
    pub defects: Vec<Defect>,
}

impl Jose {
    /// Reads `token`; `None` where it neither is nor was meant to be JOSE.
    ///
    /// Meant to be: its first segment decodes to a JSON object that names `alg` or `enc`,
    /// or it starts like every JSON header (`eyJ`) and has the dots of a compact serialisation.
    pub fn read(token: SecretStr<'_>) -> Option<Self> {
        let token = token.expose();
        if token.len() > MAX_TOKEN || token.is_empty() {
            return None;
        }
        let segments: Vec<&str> = token.split('.').take(MAX_SEGMENTS).collect();
        let first = Segment::read(segments[0]);
        if !is_meant(&first, &segments) {
            return None;
        }
        let mut defects = Vec::new();
        let header = read_header(&first, &mut defects);
        let form = if segments.len() == 5 && header.enc.is_some() { JoseForm::Jwe } else { JoseForm::Jws };
        let mut jose = Self {
            form,
            header,
            claims: None,
            segments: segments.iter().map(|s| s.len() as u32).collect(),
            signature: Signature::Absent,
            defects,
        };
        match form {
            JoseForm::Jws => jose.read_jws(&segments),
            JoseForm::Jwe => jose.check_alphabet(&segments, 1),
        }
        Some(jose)
    }

    /// Whether the payload is a JSON object: a JWT rather than another JWS.
    pub fn is_jwt(&self) -> bool {
        self.claims.is_some() || self.defects.contains(&Defect::PayloadNotJson)
    }

    /// Whether the header asks for no signature at all (RFC 7519 §6), in any letter case.
    pub fn is_unsigned(&self) -> bool {
        self.header.alg.as_deref().is_some_and(|alg| alg.eq_ignore_ascii_case("none"))
    }

    /// The first segment (zero-based) that could not be read.
    pub fn broken_segment(&self) -> Option<u16> {
        self.defects.iter().find_map(|defect| match defect {
            Defect::HeaderNotJson => Some(0),
            Defect::PayloadNotJson => Some(1),
            Defect::SegmentNotBase64(segment) => Some(*segment),
            Defect::SignatureLength { .. } => Some(2),
            _ => None,
        })
    }

    fn read_jws(&mut self, segments: &[&str]) {
        if segments.len() != 3 {
            self.defects.push(Defect::SegmentCount(segments.len() as u16));
        }
        if let Some(payload) = segments.get(1) {
            self.read_payload(payload);
        }
        if let Some(signature) = segments.get(2) {
            self.read_signature(signature);
        }
        self.check_alphabet(segments, 3);
    }

    fn read_payload(&mut self, text: &str) {
        let payload = Segment::read(text);
        self.note_alphabet(&payload);
        match &payload.json {
            Some(json) if json.members().is_some() => self.claims = Some(Claims::read(json)),
            _ if payload.bytes.is_none() => self.defects.push(Defect::SegmentNotBase64(1)),
            _ if payload.starts_like_object() => self.defects.push(Defect::PayloadNotJson),
            _ => {}
        }
    }

    fn read_signature(&mut self, text: &str) {
        self.signature = if text.is_empty() {
            Signature::Empty
        } else if is_redacted(text) {
            Signature::Redacted
        } else {
            self.judge_signature_length(text)
        };
    }

    fn judge_signature_length(&mut self, text: &str) -> Signature {
        let found = text.trim_end_matches('=').len() as u32;
        let alg = self.header.alg.as_deref().unwrap_or_default();
        match expected_signature_lengths(alg) {
            Some(lengths) if !lengths.contains(&found) => {
                let expected = nearest(lengths, found);
                self.defects.push(Defect::SignatureLength { found, expected });
                Signature::Implausible
            }
            _ => Signature::Plausible,
        }
    }

    /// Flags the segments from `from` on that are not base64url; the earlier ones were decoded already.
    fn check_alphabet(&mut self, segments: &[&str], from: usize) {
        let from = if from == 3 { 2 } else { from };
        for (index, segment) in segments.iter().enumerate().skip(from) {
            if self.signature == Signature::Redacted && index == 2 {
                continue;
            }
            let bare = segment.trim_end_matches('=');
            if base64::is_url_alphabet(bare) {
                if bare.len() != segment.len() {
                    self.note_nonconformant();
                }
            } else if base64::decode(segment).is_some() {
                self.note_nonconformant();
            } else {
                self.defects.push(Defect::SegmentNotBase64(index as u16));
            }
        }
    }

    fn note_alphabet(&mut self, segment: &Segment) {
        if segment.nonconformant {
            self.note_nonconformant();
        }
    }

    fn note_nonconformant(&mut self) {
        super::defect::note(&mut self.defects, Defect::NonconformantBase64);
    }
}

/// Segments looked at: one more than JWE has, so that a sixth is seen.
const MAX_SEGMENTS: usize = 6;

/// One segment, decoded as far as it goes.
struct Segment {
    bytes: Option<Vec<u8>>,
    json: Option<Json>,
    nonconformant: bool,
}

impl Segment {
    fn read(text: &str) -> Self {
        match base64::decode(text) {
            Some(Decoded { bytes, nonconformant }) => {
                let json = Json::parse(&bytes);
                Self { bytes: Some(bytes), json, nonconformant }
            }
            None => Self { bytes: None, json: None, nonconformant: false },
        }
    }

    fn starts_like_object(&self) -> bool {
        self.bytes.as_deref().is_some_and(|bytes| bytes.trim_ascii_start().first() == Some(&b'{'))
    }
}

fn is_meant(first: &Segment, segments: &[&str]) -> bool {
    if let Some(json) = first.json.as_ref().filter(|json| json.members().is_some()) {
        let named = json.get("alg").is_some() || json.get("enc").is_some();
        return named || segments.len() == 3 && Segment::read(segments[1]).starts_like_object();
    }
    segments[0].starts_with("eyJ") && matches!(segments.len(), 2 | 3 | 5)
}

fn read_header(first: &Segment, defects: &mut Vec<Defect>) -> JoseHeader {
    if first.nonconformant {
        defects.push(Defect::NonconformantBase64);
    }
    let Some(json) = first.json.as_ref().filter(|json| json.members().is_some()) else {
        defects.push(if first.bytes.is_some() { Defect::HeaderNotJson } else { Defect::SegmentNotBase64(0) });
        return JoseHeader::default();
    };
    if json.get("alg").is_none() {
        defects.push(Defect::AlgMissing);
    }
    let text = |name: &str| json.get(name).and_then(Json::text).map(bounded);
    JoseHeader {
        alg: text("alg"),
        enc: text("enc"),
        typ: text("typ"),
        cty: text("cty"),
        kid: text("kid"),
        names: json.members().unwrap_or_default().iter().map(|(name, _)| bounded(name)).collect(),
        duplicates: json.duplicates().into_iter().map(bounded).collect(),
    }
}

/// The first [`MAX_TEXT`] characters of `text`.
pub(super) fn bounded(text: &str) -> Box<str> {
    let end = text.char_indices().nth(MAX_TEXT).map_or(text.len(), |(index, _)| index);
    text[..end].into()
}

/// Base64url characters of a signature by `alg` (RFC 7518 §3, RFC 8037 §3.1); RSA by modulus: 2048, 3072, 4096 and 1024 bits.
fn expected_signature_lengths(alg: &str) -> Option<&'static [u32]> {
    match alg {
        "HS256" => Some(&[43]),
        "HS384" => Some(&[64]),
        "HS512" => Some(&[86]),
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => Some(&[342, 512, 683, 171]),
        "ES256" | "ES256K" => Some(&[86]),
        "ES384" => Some(&[128]),
        "ES512" => Some(&[176]),
        // Ed448 signatures have 114 bytes.
        "EdDSA" => Some(&[86, 152]),
        "Ed25519" => Some(&[86]),
        _ => None,
    }
}

/// The smallest of `lengths` that `found` could be a cut of; the usual one where it is longer than all.
fn nearest(lengths: &[u32], found: u32) -> u32 {
    let usual = lengths[0];
    if found <= usual { usual } else { lengths.iter().copied().filter(|&l| l > found).min().unwrap_or(usual) }
}

#[cfg(test)]
mod tests {
    use ::base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn token(header: &str, payload: &str, signature: &str) -> String {
        format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
    }

    /// Form, algorithm, signature and defects of `token`, as one line.
    #[track_caller]
    fn check(token: &str, expected: Option<&str>) {
        let got = Jose::read(SecretStr::new(token)).map(|jose| {
            let defects: Vec<_> = jose.defects.iter().map(|d| d.name()).collect();
            let alg = jose.header.alg.as_deref().unwrap_or("-");
            format!("{:?} {alg} {:?} jwt={} {}", jose.form, jose.signature, jose.is_jwt(), defects.join(","))
        });
        assert_eq!(got.as_deref().map(str::trim_end), expected);
    }

    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn reads_what_verifiers_refuse() {
        let sig = "a".repeat(43);
        check(&token(HS256, r#"{"sub":"u"}"#, &sig), Some("Jws HS256 Plausible jwt=true"));
        check(&token(r#"{"alg":"none"}"#, r#"{"sub":"u"}"#, ""), Some("Jws none Empty jwt=true"));
        check(&token(r#"{"alg":"RS1"}"#, "hello", "abc"), Some("Jws RS1 Plausible jwt=false"));
        check(&token(r#"{"typ":"JWT"}"#, r#"{"sub":"u"}"#, &sig), Some("Jws - Plausible jwt=true alg-missing"));
        let dir = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
        check(&format!("{dir}..aaaa.bbbb.cccc"), Some("Jwe dir Absent jwt=false"));
        check(&format!("{dir}..aa!a.bbbb.cccc"), Some("Jwe dir Absent jwt=false segment-not-base64url"));
    }

    #[test]
    fn says_what_is_broken() {
        let (whole, sig) = (token(HS256, r#"{"sub":"u"}"#, ""), "a".repeat(40));
        check(&format!("{whole}{sig}"), Some("Jws HS256 Implausible jwt=true signature-length"));
        check(&format!("{whole}redacted"), Some("Jws HS256 Redacted jwt=true"));
        check(whole.trim_end_matches('.'), Some("Jws HS256 Absent jwt=true segment-count"));
        check(&token(HS256, r#"{"sub":"#, &"a".repeat(43)), Some("Jws HS256 Plausible jwt=true payload-not-json"));
        let broken = format!("eyJhbGci!.eyJzdWIiOiJ1In0.{}", "a".repeat(43));
        check(&broken, Some("Jws - Plausible jwt=true segment-not-base64url"));
        check(&format!("{}..", URL_SAFE_NO_PAD.encode(HS256)), Some("Jws HS256 Empty jwt=false"));
    }

    #[test]
    fn leaves_other_formats_alone() {
        check("eyJ1c2VyIjoiYSJ9.ZmFrZQ.c2lnbmF0dXJlc2lnbmF0dXJlMTI", None);
        check("abc.def.ghi", None);
        check("", None);
        check(&format!("eyJ{}", "a".repeat(MAX_TOKEN)), None);
    }
}
