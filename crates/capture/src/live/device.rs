//! A device of this machine, through libpcap: listed, opened, read until it ends.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    mem,
    path::Path,
    sync::{Mutex, mpsc::SyncSender},
    time::{Duration, Instant},
};

use authtrace_parse::LinkType;
use pcap::{Active, Capture, ConnectionStatus, Error, IfFlags, Precision};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    blocks::{self, Captured, Counted, Described},
    control::Control,
    error::LiveError,
};
use crate::buffers::Reusable;

/// Bytes of blocks that are handed over at a time; fewer when the device has no more.
const BATCH: usize = 256 << 10;
/// Frames that are fetched between two looks at the batch.
const FETCH: usize = 512;
/// Longest wait for a frame before a look at what the user wants.
const PATIENCE: Duration = Duration::from_millis(100);
/// Longest time, in milliseconds, that the kernel may keep frames to hand over several at once.
const GATHER: i32 = 50;
/// Time between two looks at the drop counters.
const COUNTING: Duration = Duration::from_millis(500);
/// Longest time that is spent on frames that are there when the capture ends.
const LAST: Duration = Duration::from_secs(2);

/// Buffers that were read and may be filled again.
pub(super) type Pool = Mutex<Reusable>;

/// How devices are opened.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// Whether frames for others are wanted, where the device allows it.
    pub promiscuous: bool,
    /// Hand over every frame at once, and not up to 50 ms later: at the cost of the rate that is possible.
    pub immediate: bool,
    /// Bytes that the kernel may keep while nobody fetches them, for each device.
    pub buffer: u32,
    /// What to capture, in the language of pcap-filter.
    pub filter: Option<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { snaplen: 262_144, promiscuous: true, immediate: false, buffer: 64 << 20, filter: None }
    }
}

/// A device that may be captured on.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Name for `-i`.
    pub name: String,
    /// What the system says of it.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// `up`, `running`, `loopback`, `wireless`, `disconnected`.
    pub states: Vec<&'static str>,
    /// What frames on it start with, and the name of that; `None` where this user may not open it.
    pub link: Option<(LinkType, String)>,
}

/// Every device of this machine.
///
/// # Errors
///
/// Where libpcap cannot list them.
pub fn devices() -> Result<Vec<DeviceInfo>, LiveError> {
    let list = pcap::Device::list().map_err(|error| LiveError::List(error.to_string()))?;
    Ok(list.into_iter().map(describe).collect())
}

fn describe(device: pcap::Device) -> DeviceInfo {
    let flags = &device.flags;
    let states = [
        (flags.if_flags.contains(IfFlags::UP), "up"),
        (flags.if_flags.contains(IfFlags::RUNNING), "running"),
        (flags.if_flags.contains(IfFlags::LOOPBACK), "loopback"),
        (flags.if_flags.contains(IfFlags::WIRELESS), "wireless"),
        (flags.connection_status == ConnectionStatus::Disconnected, "disconnected"),
    ];
    let link = Capture::from_device(device.name.as_str()).and_then(Capture::open).ok().map(|capture| {
        let link = capture.get_datalink();
        (link_type(link), link.get_name().unwrap_or_default())
    });
    DeviceInfo {
        description: device.desc,
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        states: states.into_iter().filter_map(|(is, name)| is.then_some(name)).collect(),
        link,
        name: device.name,
    }
}

/// The registered number of libpcap's own: they differ for raw IP alone on the systems that are supported.
fn link_type(link: pcap::Linktype) -> LinkType {
    const RAW: u16 = 101;
    match link.0 {
        12 | 14 => LinkType(RAW),
        other => LinkType(u16::try_from(other).unwrap_or(u16::MAX)),
    }
}

/// Blocks of one device, on the way to the recorder.
pub(super) enum Batch {
    /// Whole blocks.
    Blocks {
        /// The blocks.
        bytes: Vec<u8>,
        /// Frames among them.
        frames: u64,
    },
    /// What the device counted so far.
    Counted(u32, Counted),
    /// The device is gone.
    Ended(String),
}

/// An open device.
pub struct Device {
    name: String,
    capture: Capture<Active>,
    link: LinkType,
    snaplen: u32,
    filter: Option<String>,
    frames: u64,
    state: State,
}

/// Whether a device is up, as the kernel tells: libpcap waits in silence for one that went down to come back.
struct State {
    /// Opened while that is allowed; `None` where the system has no such file.
    flags: Option<File>,
    up: bool,
}

impl State {
    fn of(name: &str) -> Self {
        Self { flags: File::open(Path::new("/sys/class/net").join(name).join("flags")).ok(), up: true }
    }

    /// Whether the device went down since the last look.
    fn went_down(&mut self) -> bool {
        let before = self.up;
        self.up = self.is_up().unwrap_or(true);
        before && !self.up
    }

    fn is_up(&mut self) -> Option<bool> {
        const UP: u32 = 1;
        let file = self.flags.as_mut()?;
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).ok()?;
        file.take(32).read_to_string(&mut text).ok()?;
        let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
        Some(flags & UP != 0)
    }
}

impl Device {
    /// Opens `name`. `program` is this program's file, for the advice in an error.
    ///
    /// # Errors
    ///
    /// Where the device is unknown, down or forbidden, or the filter does not compile for it.
    pub fn open(name: &str, choice: &Choice, program: &str) -> Result<Self, LiveError> {
        let refused = |error: Error| refusal(name, program, &error);
        let buffer = i32::try_from(choice.buffer).unwrap_or(i32::MAX);
        let capture = Capture::from_device(name)
            .map_err(refused)?
            .snaplen(i32::try_from(choice.snaplen).unwrap_or(i32::MAX))
            .promisc(choice.promiscuous)
            .immediate_mode(choice.immediate)
            .buffer_size(buffer)
            .timeout(GATHER)
            .precision(Precision::Nano)
            .open()
            .map_err(refused)?;
        let mut capture = capture.setnonblock().map_err(refused)?;
        if let Some(filter) = &choice.filter {
            capture
                .filter(filter, true)
                .map_err(|error| LiveError::Filter { filter: filter.clone(), reason: reason(&error) })?;
        }
        let link = link_type(capture.get_datalink());
        let (snaplen, filter) = (choice.snaplen, choice.filter.clone());
        Ok(Self { name: name.to_owned(), capture, link, snaplen, filter, frames: 0, state: State::of(name) })
    }

    /// Name for `-i`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of what its frames start with.
    pub fn link_name(&self) -> String {
        self.capture.get_datalink().get_name().unwrap_or_else(|_| self.link.0.to_string())
    }

    /// What its file says of it.
    pub(super) fn described(&self) -> Described<'_> {
        Described { name: &self.name, link: self.link, snaplen: self.snaplen, filter: self.filter.as_deref() }
    }

    /// Reads until the capture ends, or the device does.
    pub(super) fn run(mut self, id: u32, to: &SyncSender<Batch>, pool: &Pool, control: &Control) {
        let ended = self.read(id, to, pool, control);
        let name = &self.name;
        // Where nobody takes it any more, the recorder is gone, and with it whoever could be told.
        if let Some(counted) = count(&mut self.capture, self.frames) {
            let _ = to.send(Batch::Counted(id, counted));
        }
        if let Err(why) = ended {
            let _ = to.send(Batch::Ended(format!("{name}: {why}; what came before is kept")));
        }
    }

    fn read(&mut self, id: u32, to: &SyncSender<Batch>, pool: &Pool, control: &Control) -> Result<(), String> {
        let mut bytes = Vec::new();
        let (mut frames, mut counting) = (0, Instant::now());
        let mut last: Option<Instant> = None;
        loop {
            let fetched = self.fetch(id, &mut bytes);
            let got = fetched.as_ref().map_or(0, |got| *got);
            frames += got as u64;
            self.frames += got as u64;
            if !bytes.is_empty() && (got == 0 || bytes.len() >= BATCH) {
                let next = pool.lock().map(|pool| pool.take_empty()).unwrap_or_default();
                let bytes = mem::replace(&mut bytes, next);
                if to.send(Batch::Blocks { bytes, frames: mem::take(&mut frames) }).is_err() {
                    return Ok(());
                }
            }
            fetched?;
            if counting.elapsed() >= COUNTING {
                counting = Instant::now();
                if self.state.went_down() {
                    control.complain(format!("{} is down; the capture waits for it to come back", self.name));
                }
                if let Some(counted) = count(&mut self.capture, self.frames) {
                    let _ = to.send(Batch::Counted(id, counted));
                }
            }
            if control.stops() {
                // What was on the wire before belongs to the capture: the kernel still gathers it.
                let since = *last.get_or_insert_with(Instant::now);
                let gathered = since.elapsed() > 2 * Duration::from_millis(GATHER.unsigned_abs().into());
                if (got == 0 && gathered) || since.elapsed() > LAST {
                    return Ok(());
                }
            }
            if got == 0 {
                self.wait(if last.is_some() { Duration::from_millis(10) } else { PATIENCE });
            }
        }
    }

    /// Fetches frames that are there; how many there were.
    fn fetch(&mut self, id: u32, bytes: &mut Vec<u8>) -> Result<usize, String> {
        let fetched = self.capture.dispatch(Some(FETCH), |packet| {
            let (seconds, nanos) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
            let nanos = seconds.unsigned_abs().saturating_mul(1_000_000_000).saturating_add(nanos.unsigned_abs());
            blocks::packet(bytes, id, Captured { nanos, bytes: packet.data, original_len: packet.header.len });
        });
        match fetched {
            Ok(got) => Ok(got),
            Err(Error::TimeoutExpired | Error::NoMorePackets) => Ok(0),
            Err(error) => Err(reason(&error)),
        }
    }

    /// Waits for a frame.
    fn wait(&self, most: Duration) {
        let timeout = Timespec { tv_sec: 0, tv_nsec: most.subsec_nanos().into() };
        // A signal ends the wait early, which is welcome.
        let _ = poll(&mut [PollFd::new(&self.capture, PollFlags::IN)], Some(&timeout));
    }
}

/// The counters of a device, which libpcap keeps from its opening on.
fn count(capture: &mut Capture<Active>, frames: u64) -> Option<Counted> {
    let stats = capture.stats().ok()?;
    Some(Counted {
        received: frames.max(stats.received.into()),
        interface_drops: stats.if_dropped.into(),
        system_drops: stats.dropped.into(),
    })
}

fn reason(error: &Error) -> String {
    let text = error.to_string();
    text.strip_prefix("libpcap error: ").unwrap_or(&text).to_owned()
}

/// libpcap tells its reasons in words only.
fn refusal(device: &str, program: &str, error: &Error) -> LiveError {
    let (device, reason) = (device.to_owned(), reason(error));
    let lower = reason.to_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        LiveError::Permission { device, program: program.to_owned() }
    } else if lower.contains("no such device") {
        LiveError::NoDevice { device }
    } else if lower.contains("not up") || lower.contains("is down") {
        LiveError::Down { device }
    } else {
        LiveError::Device { device, reason }
    }
}
