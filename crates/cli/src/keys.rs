//! Keys from files and the environment. A secret in the arguments is refused: `ps` shows them to everyone.

use std::fs;

use anyhow::{Context as _, bail};
use authtrace_analyze::key::{KeyRing, dotenv};
use authtrace_parse::Secret;
use base64::{
    Engine as _,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::NO_PAD},
};

use crate::args::KeyArgs;

/// Refused without a word of what was given: any part of it may be the secret.
const BARE: &str = "--key: a bare secret on the command line is visible to every user of this machine; \
                    put it in a file (NAME=@FILE) or a variable (NAME=env:VAR)";

/// Every key that the flags name.
pub(crate) fn ring(args: &KeyArgs) -> anyhow::Result<KeyRing> {
    let mut ring = KeyRing::new();
    for spec in &args.key {
        add(&mut ring, spec)?;
    }
    for path in &args.env_file {
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|e| anyhow::anyhow!("cannot read {shown}: {e}; check --env-file"))?;
        let mut usable = 0;
        for (name, value) in dotenv::parse(&text) {
            usable += usize::from(ring.add_value(&name, &value));
        }
        if usable == 0 {
            bail!("{shown}: no value in it can be a key; give the file that the service reads its secret from");
        }
        tracing::info!("{usable} candidate keys from {shown}");
    }
    Ok(ring)
}

fn add(ring: &mut KeyRing, spec: &str) -> anyhow::Result<()> {
    let Some((name, source)) = spec.split_once('=') else { bail!(BARE) };
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if name.is_empty() || !name.chars().all(valid) {
        bail!(BARE);
    }
    if let Some(path) = source.strip_prefix('@') {
        return from_file(ring, name, path);
    }
    let Some((sort, rest)) = source.split_once(':') else { bail!(BARE) };
    match (sort, rest.strip_prefix('@')) {
        ("env", _) => {
            let value = std::env::var(rest)
                .ok()
                .with_context(|| format!("--key {name}: no variable of this name; export it"))?;
            ring.add_secret(name, value.into_bytes());
        }
        ("b64", _) => {
            let bytes = decode(rest).with_context(|| format!("--key {name}: what follows b64: is no base64"))?;
            ring.add_secret(name, bytes);
        }
        ("jwks", Some(path)) => known(ring.add_jwks(name, &text(name, path)?), name, path, "JWK or JWK Set")?,
        ("pem", Some(path)) => known(ring.add_pem(name, &text(name, path)?), name, path, "PEM key")?,
        _ => bail!(BARE),
    }
    Ok(())
}

/// What the file looks like decides: PEM, JWK, else a secret byte for byte.
fn from_file(ring: &mut KeyRing, name: &str, path: &str) -> anyhow::Result<()> {
    let bytes = fs::read(path).map_err(|error| anyhow::anyhow!("--key {name}: cannot read {path}: {error}"))?;
    if bytes.trim_ascii().is_empty() {
        bail!("--key {name}: {path} is empty");
    }
    let head = bytes.trim_ascii_start();
    let text = || Secret::new(String::from_utf8_lossy(&bytes).into_owned());
    let added = match head {
        _ if head.starts_with(b"-----BEGIN") => ring.add_pem(name, &text()),
        _ if head.starts_with(b"{") => ring.add_jwks(name, &text()),
        _ => false,
    };
    if !added {
        ring.add_secret(name, bytes);
    }
    Ok(())
}

fn text(name: &str, path: &str) -> anyhow::Result<Secret> {
    let text = fs::read_to_string(path).map_err(|e| anyhow::anyhow!("--key {name}: cannot read {path}: {e}"))?;
    Ok(Secret::new(text))
}

fn known(added: bool, name: &str, path: &str, what: &str) -> anyhow::Result<()> {
    if !added {
        bail!("--key {name}: {path} holds no {what} that can be read");
    }
    Ok(())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let config: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
    let text = text.trim_end_matches('=');
    [base64::alphabet::STANDARD, base64::alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
}
