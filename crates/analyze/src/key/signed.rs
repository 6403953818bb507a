//! One token taken apart and tried against one candidate: HMAC here, asymmetric algorithms through `jsonwebtoken`.

use std::sync::LazyLock;

use ::base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use authtrace_parse::SecretStr;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, crypto::CryptoProvider};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::{
    KeyForm, KeyResult,
    material::{self, Material},
};

/// A token taken apart for verification.
pub(super) struct Signed<'a> {
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    /// What was signed: header and payload with the dot between them (RFC 7515 §5.1).
    message: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    /// Takes a compact JWS apart; `None` where it is none, or its algorithm is none that can be verified.
    pub(super) fn read(token: &'a str) -> Option<Self> {
        // What follows `~` are SD-JWT disclosures, which the issuer's signature does not cover.
        let token = token.split('~').next()?.trim();
        let header = crate::token::Jose::read(SecretStr::new(token))?.header;
        let (message, signature) = token.rsplit_once('.').filter(|(message, _)| message.matches('.').count() == 1)?;
        Some(Self {
            algorithm: header.alg.as_deref()?.parse().ok()?,
            kid: header.kid,
            message: message.as_bytes(),
            signature: decode(signature, KeyForm::Base64Url).or_else(|| decode(signature, KeyForm::Base64))?,
        })
    }

    /// What a candidate says; `None` where it holds no key of the algorithm's family.
    pub(super) fn try_key(&self, name: &str, material: &Material) -> Option<KeyResult> {
        let hmac = self.algorithm.family() == AlgorithmFamily::Hmac;
        match material {
            Material::Secret(bytes) => hmac.then(|| self.try_secret(name, bytes)),
            Material::Pem(keys) => self.try_keys(name, KeyForm::Pem, keys.iter().map(|key| (None, key))),
            Material::Jwks(keys) => {
                self.try_keys(name, KeyForm::Jwk, keys.iter().map(|(kid, key)| (kid.as_ref(), key)))
            }
        }
    }

    /// Tries a secret in every form that it can be meant in; the first that verifies wins.
    fn try_secret(&self, name: &str, bytes: &[u8]) -> KeyResult {
        let result = |form, length, verified| KeyResult {
            name: name.into(),
            form,
            verified,
            key_len_bytes: length,
            short: length < self.hash_len(),
            kid: None,
            kid_known: None,
        };
        let forms = forms(bytes);
        let found = forms.iter().find(|(_, key)| self.hmac_verifies(key));
        found.map_or_else(|| result(KeyForm::Raw, bytes.len(), false), |(form, key)| result(*form, key.len(), true))
    }

    fn try_keys<'k>(
        &self,
        name: &str,
        form: KeyForm,
        keys: impl Iterator<Item = (Option<&'k Box<str>>, &'k DecodingKey)>,
    ) -> Option<KeyResult> {
        let keys: Vec<_> = keys.filter(|(_, key)| key.family() == self.algorithm.family()).collect();
        let found = keys.iter().find(|(_, key)| self.key_verifies(key));
        let (kid, key) = found.or(keys.first())?;
        let kids: Vec<_> = keys.iter().filter_map(|(kid, _)| *kid).collect();
        let length = material::key_len(key);
        Some(KeyResult {
            name: name.into(),
            form,
            verified: found.is_some(),
            key_len_bytes: length,
            short: self.algorithm.family() == AlgorithmFamily::Hmac && length < self.hash_len(),
            kid: found.and(kid.cloned()),
            kid_known: self.kid.as_ref().filter(|_| !kids.is_empty()).map(|kid| kids.contains(&kid)),
        })
    }

    fn key_verifies(&self, key: &DecodingKey) -> bool {
        if self.algorithm.family() == AlgorithmFamily::Hmac {
            return key.try_get_as_bytes().is_ok_and(|bytes| self.hmac_verifies(bytes));
        }
        install_provider();
        let signature = URL_SAFE_NO_PAD.encode(&self.signature);
        jsonwebtoken::crypto::verify(&signature, self.message, key, self.algorithm).unwrap_or(false)
    }

    fn hmac_verifies(&self, key: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::HS256 => verifies::<Hmac<Sha256>>(key, self.message, &self.signature),
            Algorithm::HS384 => verifies::<Hmac<Sha384>>(key, self.message, &self.signature),
            Algorithm::HS512 => verifies::<Hmac<Sha512>>(key, self.message, &self.signature),
            _ => false,
        }
    }

    /// Bytes of the algorithm's hash, the least that an HMAC key should have.
    fn hash_len(&self) -> usize {
        match self.algorithm {
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            _ => 32,
        }
    }
}

fn verifies<M: Mac + KeyInit>(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
}

/// The readings of a secret that differ from each other, in the order of likelihood.
fn forms(bytes: &[u8]) -> Vec<(KeyForm, Zeroizing<Vec<u8>>)> {
    let trimmed = bytes.trim_ascii();
    let mut forms = vec![(KeyForm::Raw, Zeroizing::new(bytes.to_vec()))];
    let mut add = |form, key: Option<Vec<u8>>| {
        let key = key.map(Zeroizing::new).filter(|key| !key.is_empty() && forms.iter().all(|(_, known)| known != key));
        forms.extend(key.map(|key| (form, key)));
    };
    add(KeyForm::Trimmed, Some(trimmed.to_vec()));
    if let Ok(text) = std::str::from_utf8(trimmed) {
        add(KeyForm::Base64, decode(text, KeyForm::Base64));
        add(KeyForm::Base64Url, decode(text, KeyForm::Base64Url));
    }
    forms
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes in one alphabet; `None` where `text` does not keep to it.
fn decode(text: &str, form: KeyForm) -> Option<Vec<u8>> {
    let engine = if form == KeyForm::Base64 { STANDARD } else { URL_SAFE };
    engine.decode(text.trim_end_matches('=')).ok()
}

/// Tells the verifier library which back end to use. Whoever was first in this process wins, which is as good.
pub(super) fn install_provider() {
    static ONCE: LazyLock<Result<(), &'static CryptoProvider>> =
        LazyLock::new(|| jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default());
    LazyLock::force(&ONCE).ok();
}
