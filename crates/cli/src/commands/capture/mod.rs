//! `capture`: live devices, judged while packets arrive.

#[cfg(feature = "live")]
mod announce;
#[cfg(feature = "live")]
mod devices;
#[cfg(feature = "live")]
mod ending;
#[cfg(feature = "live")]
mod hook;
#[cfg(feature = "live")]
mod live;
#[cfg(feature = "live")]
mod screen;
#[cfg(feature = "live")]
mod setup;
#[cfg(feature = "live")]
mod spill;
#[cfg(feature = "live")]
mod watch;

use anyhow::bail;

use crate::args::CaptureArgs;

/// Runs the verb.
pub(super) fn run(args: &CaptureArgs) -> anyhow::Result<u8> {
    let inspect = &args.analyze.inspect;
    if let Some(file) = inspect.files.iter().chain(&inspect.read).next() {
        let file = file.display();
        bail!("capture reads devices; for files there is `authtrace analyze {file}`, and a filter stands behind -f");
    }
    if inspect.profile.is_some() {
        bail!("capture judges by what it sees; give --profile to the verb that reads a dataset");
    }
    start(args)
}

#[cfg(feature = "live")]
fn start(args: &CaptureArgs) -> anyhow::Result<u8> {
    if args.list_interfaces { devices::list(args) } else { live::run(args) }
}

#[cfg(not(feature = "live"))]
fn start(_: &CaptureArgs) -> anyhow::Result<u8> {
    bail!(
        "this build reads files only; for live capture get libpcap (Debian, Ubuntu: sudo apt install libpcap-dev; Fedora: \
         sudo dnf install libpcap-devel; macOS: xcode-select --install) and build it in: \
         cargo build --release -p authtrace --features live"
    )
}
