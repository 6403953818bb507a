//! Where text leaves the program: standard output, a file of mode 0600, and one-line errors on standard error.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use authtrace_report::{
    Style,
    terminal::{Detail, Layout},
    visible,
};

use crate::{args::OutputArgs, exit};

/// Why the program ends without doing its work.
pub(crate) enum Stop {
    /// The command line: help and version are among these.
    Clap(clap::Error),
    /// Anything else, in one line.
    Failed(anyhow::Error),
}

/// Says why and gives the exit code.
pub(crate) fn stop(stop: &Stop) -> u8 {
    match stop {
        Stop::Clap(error) if !error.use_stderr() => {
            // A closed pipe is success.
            let _ = error.print();
            exit::OK
        }
        Stop::Clap(error) => {
            if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                let _ = error.print();
            } else {
                complain(&format!("{}; see `authtrace --help`", one_line(&error.render().to_string())));
            }
            exit::USAGE
        }
        Stop::Failed(error) => {
            complain(&format!("{error:#}"));
            exit::USAGE
        }
    }
}

/// The most characters of a message: it may repeat what the command line or a file said.
const LONGEST: usize = 1000;

/// Complaints that wait, while somebody draws on the whole terminal.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// The most of them.
const MOST_HELD: usize = 100;

/// One line on standard error; later, where somebody draws on the whole terminal.
pub(crate) fn complain(message: &str) {
    let line = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let line = format!("authtrace: {}", visible(line.trim(), LONGEST));
    match &mut *HELD.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(held) if held.len() < MOST_HELD => held.push(line),
        Some(_) => {}
        None => drop(writeln!(io::stderr().lock(), "{line}")),
    }
}

/// Holds complaints back until it is dropped: the screen belongs to somebody else.
#[cfg(feature = "live")]
pub(crate) struct Quiet(());

#[cfg(feature = "live")]
impl Quiet {
    /// From now on.
    pub(crate) fn begin() -> Self {
        *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
        Self(())
    }
}

#[cfg(feature = "live")]
impl Drop for Quiet {
    fn drop(&mut self) {
        let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
        for line in held.into_iter().flatten() {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }
}

/// The first sentence of a message of the command line parser.
fn one_line(message: &str) -> String {
    let first = message.split("\n\n").next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where a verb's text goes.
pub(crate) struct Output<'a> {
    args: &'a OutputArgs,
    /// The file of `-o`, where it was opened beforehand.
    opened: Option<File>,
}

impl<'a> Output<'a> {
    /// As the flags say.
    pub(crate) fn new(args: &'a OutputArgs) -> Self {
        Self { args, opened: None }
    }

    /// Colour where it is asked for, or where a terminal reads it and nothing forbids it.
    pub(crate) fn style(&self) -> anyhow::Result<Style> {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let colour = match self.args.color.as_deref().unwrap_or("auto") {
            "always" => true,
            "never" => false,
            "auto" => self.is_terminal() && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb"),
            other => anyhow::bail!("--color {other}: no such choice; use auto, always or never"),
        };
        Ok(Style::new(colour))
    }

    /// Layout of prose.
    pub(crate) fn layout(&self) -> anyhow::Result<Layout> {
        let detail = match (self.args.quiet, self.args.verbose) {
            (true, _) => Detail::Headlines,
            (_, 0) => Detail::Normal,
            _ => Detail::Everything,
        };
        Ok(Layout {
            width: self.columns().unwrap_or(80).min(100),
            style: self.style()?,
            clock: None,
            detail,
            ..Layout::default()
        })
    }

    /// Columns of the terminal; a table that goes anywhere else is not cut.
    pub(crate) fn columns(&self) -> Option<usize> {
        let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        stated.filter(|columns| *columns >= 20).or_else(|| self.is_terminal().then(measured).flatten())
    }

    fn is_terminal(&self) -> bool {
        self.args.output.is_none() && io::stdout().is_terminal()
    }

    /// Opens the file of `-o` now, for someone who may not do so later; gives it to be handed to another owner.
    #[cfg(feature = "live")]
    pub(crate) fn open(&mut self) -> anyhow::Result<Option<&File>> {
        if let Some(path) = self.file() {
            let file = create(path).map_err(|e| anyhow::anyhow!("cannot write {}: {e}; check -o", path.display()))?;
            self.opened = Some(file);
        }
        Ok(self.opened.as_ref())
    }

    /// The file of `-o`.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.args.output.as_deref().filter(|path| path.as_os_str() != "-")
    }

    /// Writes `text`. A closed pipe is success.
    pub(crate) fn write(&self, text: &str) -> anyhow::Result<()> {
        self.send(text.as_bytes())
    }

    /// Writes what is no text. A closed pipe is success, a terminal is no place for it.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.is_terminal() {
            anyhow::bail!("this format is not for a terminal; name a file with -o");
        }
        self.send(bytes)
    }

    fn send(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(path) = self.file() else { return to_stdout(bytes) };
        let sent = match &self.opened {
            Some(file) => (&*file).write_all(bytes),
            None => to_file(path, bytes),
        };
        sent.map_err(|e| anyhow::anyhow!("cannot write {}: {e}; check -o", path.display()))
    }
}

/// Writes to standard output as it comes; a closed pipe is success.
pub(crate) fn to_stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            anyhow::bail!("cannot write to standard output: {error}; check the disk or the pipe")
        }
        _ => Ok(()),
    }
}

/// Only the user may read what was found; an older file loses the rights of others, too.
pub(crate) fn to_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path)?.write_all(bytes)
}

/// An empty file that only the user may read.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    if file.metadata()?.is_file() {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    Ok(file)
}
