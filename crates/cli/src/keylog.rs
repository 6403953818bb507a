//! TLS key logs: those that `--keylog` names, and the one of the environment.

use std::{fs, path::Path};

use anyhow::bail;
use authtrace_parse::{KeyLog, KeyLogNotes};
use zeroize::Zeroizing;

use crate::output::complain;

/// The variable in which browsers, curl and others are told where to log keys.
pub(crate) const VARIABLE: &str = "SSLKEYLOGFILE";

/// Every secret of the key logs. No message repeats a line: it may be a secret.
pub(crate) fn read<P: AsRef<Path>>(paths: &[P]) -> anyhow::Result<KeyLog> {
    let mut log = KeyLog::new();
    for path in paths {
        let path = path.as_ref();
        let shown = path.display();
        let notes = add(&mut log, path).map_err(|e| anyhow::anyhow!("--keylog: cannot read {shown}: {e}"))?;
        if notes.secrets == 0 {
            bail!(
                "--keylog: {shown} holds no TLS secret; give the file that SSLKEYLOGFILE named while the traffic was recorded"
            );
        }
    }
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        // It is set for whoever writes keys, and may name what nobody wrote yet, or a pipe.
        let path = Path::new(&path);
        if path.is_file()
            && let Err(error) = add(&mut log, path)
        {
            complain(&format!("{VARIABLE}: cannot read {}: {error}; its secrets are not used", path.display()));
        }
    }
    Ok(log)
}

fn add(log: &mut KeyLog, path: &Path) -> std::io::Result<KeyLogNotes> {
    let notes = log.read(&Zeroizing::new(fs::read(path)?));
    let shown = path.display();
    tracing::info!("{} TLS secrets from {shown}", notes.secrets);
    if let Some(first) = notes.first_bad {
        complain(&format!(
            "{shown}: {} of its lines are no key-log lines and were skipped, the first is line {first}",
            notes.bad
        ));
    }
    Ok(notes)
}
