//! Everything that a capture needs before its first packet, in the order that privileges ask for: open, then give up.

use std::{fs::File, os::unix::fs::fchown, path::PathBuf};

use anyhow::{Context as _, bail};
use authtrace_capture::live::{Choice, Device, Follow, Keep, Limit, Rings, Session, StopLimits, Store, confine};

use super::spill::Spill;
use crate::{args::CaptureArgs, keylog, output::complain};

/// The directories that the time zone of `-t local` is read from.
const TIME_ZONES: [&str; 2] = ["/etc/localtime", "/usr/share/zoneinfo"];

/// Exchanges that stay in memory while a capture runs, at about 1 KiB each with credentials and texts.
const IN_MEMORY: usize = 100_000;

/// MiB that the temporary store may take.
const SPILL_LIMIT: u32 = 2048;

/// Opens devices and files, then confines this program; `report` is the file of `-o`.
pub(super) fn open(args: &CaptureArgs, report: Option<&File>) -> anyhow::Result<(Session, Spill)> {
    let until = until(args)?;
    let rings = rings(args)?;
    if args.interface.is_empty() {
        bail!("no device named; give one with -i, or any; `authtrace capture -D` lists them");
    }
    let choice = choice(args);
    let program = std::env::current_exe().map_or_else(|_| "authtrace".to_owned(), |path| path.display().to_string());
    let open = |name: &String| Device::open(name, &choice, &program);
    let devices: Vec<Device> = args.interface.iter().map(open).collect::<Result<_, _>>()?;
    let owner = if args.no_sandbox { None } else { owner() };
    if let (Some((user, group)), Some(report)) = (owner, report)
        && report.metadata()?.is_file()
    {
        fchown(report, Some(user), Some(group)).context("-o: cannot be handed to whoever called sudo")?;
    }
    let store = args.write.as_deref().map(|path| Store::create(path, rings, owner, Box::new(stamp))).transpose()?;
    let limit = u64::from(args.spill_limit.unwrap_or(SPILL_LIMIT)) << 20;
    let spill = Spill::open(args.in_memory.unwrap_or(IN_MEMORY), limit)?;
    let key_logs = key_logs(args);
    let keys = Follow::new(key_logs.clone());
    let names: Vec<&str> = args.interface.iter().map(String::as_str).collect();
    let opened: Vec<String> = devices.iter().map(|d| format!("{} ({})", d.name(), d.link_name())).collect();
    let confined = if args.no_sandbox {
        "nothing given up".to_owned()
    } else {
        confine(&keep(args, owner, key_logs, store.as_ref()))?.to_string()
    };
    if let Some(store) = store.as_ref().filter(|_| rings.is_some())
        && rustix::fs::access(store.folder(), rustix::fs::Access::WRITE_OK).is_err()
    {
        let folder = store.folder().display();
        bail!(
            "-b: further files cannot be written in {folder} by the user that the capture goes on as ({confined}); name another directory with -w, or keep privileges with --no-sandbox"
        );
    }
    if !args.analyze.inspect.output.quiet {
        complain(&format!("capturing on {}: {confined}; Ctrl-C ends it", opened.join(", ")));
    }
    let session = Session {
        name: args.write.as_ref().map_or_else(|| names.join("+"), |path| path.display().to_string()),
        devices,
        store,
        keys,
        until,
        application: concat!("authtrace ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    Ok((session, spill))
}

fn choice(args: &CaptureArgs) -> Choice {
    let usual = Choice::default();
    Choice {
        snaplen: args.snapshot_length.filter(|n| *n > 0).unwrap_or(usual.snaplen),
        promiscuous: !args.no_promiscuous_mode,
        immediate: args.immediate,
        buffer: args.buffer_size.map_or(usual.buffer, |mib| mib.saturating_mul(1 << 20)),
        filter: args.capture_filter.clone(),
    }
}

fn until(args: &CaptureArgs) -> anyhow::Result<StopLimits> {
    let mut until = StopLimits { packets: args.count.filter(|n| *n > 0), ..StopLimits::default() };
    for text in &args.autostop {
        if !Limit::parse(text).is_some_and(|limit| until.add(limit)) {
            bail!("-a {text}: no such condition; use duration:S, filesize:KB, packets:N or files:N");
        }
    }
    if until.files.is_some() && args.ring_buffer.is_empty() {
        bail!("-a files:N counts the files of -b; say there when a file is full");
    }
    Ok(until)
}

fn rings(args: &CaptureArgs) -> anyhow::Result<Option<Rings>> {
    let mut rings = Rings::default();
    for text in &args.ring_buffer {
        let Some(limit) = Limit::parse(text) else {
            bail!("-b {text}: no such condition; use duration:S, interval:S, filesize:KB, packets:N or files:N");
        };
        rings.add(limit);
    }
    if args.ring_buffer.is_empty() {
        return Ok(None);
    }
    if args.write.is_none() {
        bail!("-b begins further files of -w; name the first one with -w FILE");
    }
    if !rings.ever() {
        bail!("-b files:N says how many files are kept; say when one is full, too: -b filesize:100000");
    }
    Ok(Some(rings))
}

/// The time in the names of a ring's files, as tshark writes it.
fn stamp() -> String {
    jiff::Zoned::now().strftime("%Y%m%d%H%M%S").to_string()
}

/// Whoever called sudo, where this is root: files are theirs, and so is the rest of the program's life.
fn owner() -> Option<(u32, u32)> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let caller = number("SUDO_UID").zip(number("SUDO_GID")).filter(|(user, _)| *user > 0);
    is_root.then(|| caller.unwrap_or(Keep::NOBODY))
}

/// Every key log, named or in the environment.
fn key_logs(args: &CaptureArgs) -> Vec<PathBuf> {
    let variable = std::env::var_os(keylog::VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    args.analyze.inspect.keylog.iter().cloned().chain(variable).collect()
}

fn keep(args: &CaptureArgs, owner: Option<(u32, u32)>, key_logs: Vec<PathBuf>, store: Option<&Store>) -> Keep {
    // A key log may be replaced, and one that is not there yet appears in its directory.
    let folders = key_logs.iter().filter_map(|path| path.parent()).map(|folder| match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_owned(),
    });
    let zones = TIME_ZONES.iter().map(PathBuf::from);
    Keep {
        owner,
        read: folders.chain(zones).filter(|path| path.exists()).collect(),
        write: store.map(|store| store.folder().to_owned()).into_iter().collect(),
        run: args.on_incident.is_some(),
    }
}
