//! `authtrace.toml`: flags under their long names, and what is known of the system beside them.
//!
//! `--config FILE` names it. Without, it is looked for in the working directory and above it, up to the directory that holds
//! `.git`; a file that was found so is announced, and may neither name secrets nor files to write. What the command line
//! says wins; lists are added to. Paths in the file are relative to it.

mod effective;
mod file;
mod judgement;
mod place;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::bail;

use self::place::{Fault, Text};
pub(crate) use self::{effective::settings, file::File, judgement::Judgement};
use crate::{
    args::{AnalyzeArgs, CaptureArgs, InspectArgs, ScreenArgs, TuiArgs},
    output::complain,
};

/// The name under which a file is looked for.
const NAME: &str = "authtrace.toml";
/// Most directories that are gone up.
const HIGHEST: usize = 32;
/// Most bytes of a file: a thousand times what anybody writes.
const LARGEST: u64 = 1024 * 1024;

/// A file that was read.
pub(crate) struct Loaded {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) judgement: Judgement,
    text: Text,
}

/// Fills what the command line left open.
pub(crate) fn apply(args: &mut AnalyzeArgs) -> anyhow::Result<()> {
    let Some(loaded) = read(&args.inspect)? else { return Ok(()) };
    let base = loaded.base();
    let file = &loaded.file;
    fill(&mut args.min_severity, file.min_severity.as_ref());
    fill(&mut args.min_confidence, file.min_confidence.as_ref());
    fill(&mut args.fail_on, file.fail_on.as_ref());
    fill(&mut args.accept, file.accept.as_ref().map(|path| base.join(path.get_ref())).as_ref());
    args.exit_zero |= file.exit_zero.as_ref().is_some_and(|flag| *flag.get_ref());
    merge(&mut args.inspect, loaded);
    Ok(())
}

/// The same for the verbs that do not judge: keys about judging are read and have no effect.
pub(crate) fn apply_to_inspect(args: &mut InspectArgs) -> anyhow::Result<()> {
    if let Some(loaded) = read(args)? {
        merge(args, loaded);
    }
    Ok(())
}

/// The same for `tui`, which has a theme and keys of its own: `tui-keys = { mark = ["m", "ctrl-m"] }`.
pub(crate) fn apply_to_tui(args: &mut TuiArgs) -> anyhow::Result<()> {
    if let Some(loaded) = read(&args.inspect)? {
        apply_to_screen(&mut args.screen, &loaded);
        merge(&mut args.inspect, loaded);
    }
    Ok(())
}

/// The same for `capture`, which may be watched in the terminal UI.
pub(crate) fn apply_to_capture(args: &mut CaptureArgs) -> anyhow::Result<()> {
    if args.tui
        && let Some(loaded) = read(&args.analyze.inspect)?
    {
        apply_to_screen(&mut args.screen, &loaded);
    }
    apply(&mut args.analyze)
}

fn apply_to_screen(args: &mut ScreenArgs, loaded: &Loaded) {
    args.keys.clone_from(&loaded.file.tui_keys);
    fill(&mut args.theme, loaded.file.theme.as_ref());
}

/// The file that the arguments name, else the one that is found.
pub(crate) fn read(args: &InspectArgs) -> anyhow::Result<Option<Loaded>> {
    if let Some(path) = &args.config {
        return load(path).map(Some);
    }
    let Some(path) = find().filter(|_| !args.no_config) else { return Ok(None) };
    let loaded = load(&path)?;
    if let Some((name, at)) = loaded.file.unsafe_to_find() {
        let (line, column) = loaded.text.place(at);
        bail!(
            "{}:{line}:{column}: `{name}` counts only in a file that --config names, since anybody may have left this one here; use --config, or --no-config to leave it out",
            path.display()
        );
    }
    if !args.output.quiet {
        complain(&format!("settings from {} (--no-config leaves them out)", path.display()));
    }
    Ok(Some(loaded))
}

/// The nearest file above the working directory, within one repository.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let above: Vec<&Path> = here.ancestors().take(HIGHEST).collect();
    // Outside of a repository nothing says where a project ends.
    let top = above.iter().position(|directory| directory.join(".git").exists()).unwrap_or(0);
    above[..=top].iter().map(|directory| directory.join(NAME)).find(|path| path.is_file())
}

fn load(path: &Path) -> anyhow::Result<Loaded> {
    let shown = path.display();
    let open = fs::File::open(path).and_then(|file| {
        let mut text = String::new();
        file.take(LARGEST + 1).read_to_string(&mut text)?;
        Ok(text)
    });
    let text = open.map_err(|error| anyhow::anyhow!("cannot read {shown}: {error}; check --config"))?;
    if text.len() as u64 > LARGEST {
        bail!("{shown} has more than {LARGEST} bytes, which no settings file needs; check --config");
    }
    let text = Text::new(text);
    let fail = |fault: Fault| {
        let (line, column) = text.place(fault.at);
        anyhow::anyhow!("{shown}:{line}:{column}: {}", fault.says)
    };
    let file = File::parse(text.as_str()).map_err(fail)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let judgement = Judgement::read(&file, &name, &text, today()).map_err(fail)?;
    Ok(Loaded { path: path.to_owned(), file, judgement, text })
}

/// The day that decides what has expired.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

impl Loaded {
    /// What paths in the file are relative to.
    fn base(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// Line of a place in the file.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text.place(at).0
    }
}

fn merge(args: &mut InspectArgs, loaded: Loaded) {
    let base = loaded.base();
    let Loaded { file, judgement, .. } = loaded;
    fill(&mut args.filter, file.filter.as_ref());
    fill(&mut args.since, file.since.as_ref());
    fill(&mut args.until, file.until.as_ref());
    fill(&mut args.host, file.host.as_ref());
    fill(&mut args.session, file.session.as_ref());
    fill(&mut args.time, file.time.as_ref());
    fill(&mut args.fingerprint_key, file.fingerprint_key.as_ref());
    fill(&mut args.threads, file.threads.as_ref());
    let paths = |list: &[toml::Spanned<PathBuf>]| list.iter().map(|path| base.join(path.get_ref())).collect::<Vec<_>>();
    args.keys.key.extend(file.key.iter().map(|key| key.get_ref().clone()));
    args.keys.env_file.extend(paths(&file.env_file));
    args.keylog.extend(paths(&file.keylog));
    args.openapi.extend(paths(&file.openapi));
    fill(&mut args.source_map, file.source_map.as_ref().map(|path| base.join(path.get_ref())).as_ref());
    fill(&mut args.output.format, file.format.as_ref());
    fill(&mut args.output.output, file.output.as_ref().map(|path| base.join(path.get_ref())).as_ref());
    fill(&mut args.output.color, file.color.as_ref());
    args.output.quiet |= file.quiet.as_ref().is_some_and(|flag| *flag.get_ref());
    args.output.verbose = args.output.verbose.max(file.verbose.as_ref().map_or(0, |level| *level.get_ref()));
    args.judgement = judgement;
}

fn fill<T: Clone>(open: &mut Option<T>, value: Option<&(impl AsValue<T> + ?Sized)>) {
    if open.is_none() {
        *open = value.map(AsValue::value);
    }
}

/// A value of the file, with or without the place where it stands.
trait AsValue<T> {
    fn value(&self) -> T;
}

impl<T: Clone> AsValue<T> for toml::Spanned<T> {
    fn value(&self) -> T {
        self.get_ref().clone()
    }
}

impl AsValue<Self> for PathBuf {
    fn value(&self) -> Self {
        self.clone()
    }
}
