//! `--on-incident`: runs a program for each new incident, one at a time and not too often.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, SyncSender, TrySendError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::output::complain;

/// Shortest time between two starts.
const PACE: Duration = Duration::from_secs(1);
/// Incidents that may wait; more are announced without the program.
const WAITING: usize = 16;
/// Longest time that the program may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that waits for incidents.
pub(super) struct Hook {
    incidents: SyncSender<String>,
    runner: JoinHandle<()>,
    left_out: bool,
}

impl Hook {
    /// Takes the program apart into words; no shell reads it.
    pub(super) fn start(command: &str) -> anyhow::Result<Self> {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            bail!("--on-incident: names no program");
        }
        let (incidents, waiting) = mpsc::sync_channel(WAITING);
        let runner = thread::Builder::new().name("on-incident".to_owned());
        let runner = runner.spawn(move || run_all(&words, &waiting)).context("--on-incident: no thread for it")?;
        Ok(Self { incidents, runner, left_out: false })
    }

    /// Runs the program for this incident, soon.
    pub(super) fn run(&mut self, incident: String) {
        if let Err(TrySendError::Full(_)) = self.incidents.try_send(incident)
            && !std::mem::replace(&mut self.left_out, true)
        {
            complain("--on-incident: incidents come faster than the program runs; some are left out");
        }
    }

    /// Waits for what is under way.
    pub(super) fn finish(self) {
        drop(self.incidents);
        // A panic there was told by its thread.
        let _ = self.runner.join();
    }
}

fn run_all(words: &[String], incidents: &Receiver<String>) {
    let mut next = Instant::now();
    for incident in incidents {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        next = Instant::now() + PACE;
        if let Err(error) = run(words, &incident) {
            complain(&format!("--on-incident {}: {error:#}", words[0]));
        }
    }
}

fn run(words: &[String], incident: &str) -> anyhow::Result<()> {
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot be run")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read it is in its right.
        let _ = stdin.write_all(incident.as_bytes());
    }
    let status = wait(&mut child)?;
    if !status.success() {
        bail!("ended with {status}");
    }
    Ok(())
}

fn wait(child: &mut Child) -> anyhow::Result<std::process::ExitStatus> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            bail!("took longer than {} s and was ended", PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
}
