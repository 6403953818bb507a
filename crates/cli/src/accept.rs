//! `--accept`: a TOML file of findings that are known and lived with for a while; what has expired counts again.

use std::{fs, path::Path};

use anyhow::bail;
use authtrace_report::Acceptance;
use jiff::civil::Date;
use serde::Deserialize;

use crate::output::complain;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    accept: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The finding's fingerprint, as `-T json` prints it.
    fingerprint: String,
    /// Why it is accepted.
    reason: String,
    /// The last day on which it is.
    until: Option<String>,
}

/// The acceptances of `path` that hold on `today`.
pub(crate) fn read(path: &Path, today: Date) -> anyhow::Result<Vec<Acceptance>> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|e| anyhow::anyhow!("cannot read {shown}: {e}; check --accept"))?;
    let file: File = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => bail!("{shown}: {}; an entry is [[accept]] with fingerprint, reason and until", error.message()),
    };
    let mut holding = Vec::new();
    for entry in file.accept {
        if entry.reason.trim().is_empty() {
            bail!("{shown}: {} is accepted without a reason; write one", entry.fingerprint);
        }
        if let Some(until) = &entry.until {
            let Ok(last) = until.parse::<Date>() else {
                bail!("{shown}: until = \"{until}\" is no date; write 2026-12-31")
            };
            if last < today {
                complain(&format!(
                    "{shown}: the acceptance of {} ended on {until}; it counts again",
                    entry.fingerprint
                ));
                continue;
            }
        }
        holding.push(Acceptance {
            fingerprint: Some(entry.fingerprint),
            reason: entry.reason,
            until: entry.until,
            ..Acceptance::default()
        });
    }
    Ok(holding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_expired_counts_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accept.toml");
        fs::write(
            &path,
            "[[accept]]\nfingerprint = \"a\"\nreason = \"r\"\nuntil = \"2026-01-02\"\n\
             [[accept]]\nfingerprint = \"b\"\nreason = \"r\"\n",
        )
        .unwrap();
        let holding = |day: i8| -> Vec<String> {
            read(&path, Date::constant(2026, 1, day)).unwrap().into_iter().filter_map(|a| a.fingerprint).collect()
        };
        assert_eq!((holding(2), holding(3)), (vec!["a".into(), "b".into()], vec!["b".into()]));
        fs::write(&path, "[[accept]]\nfingerprint = \"a\"\nreason = \" \"\n").unwrap();
        assert!(read(&path, Date::constant(2026, 1, 1)).is_err());
    }
}
