//! Why a device could not be opened: each message says what, where and what to do.

use thiserror::Error;

/// A live capture that cannot begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LiveError {
    /// This user may not capture.
    #[error(
        "no permission to capture on {device}; run it with sudo (it drops its privileges once the device is open), or allow \
         it once and for all: sudo setcap cap_net_raw,cap_net_admin=ep {program}"
    )]
    Permission {
        /// As given.
        device: String,
        /// This program's file.
        program: String,
    },
    /// There is no such device.
    #[error("no device is called {device}; `authtrace capture -D` lists them")]
    NoDevice {
        /// As given.
        device: String,
    },
    /// The device exists and cannot be captured on now.
    #[error("{device} is down; bring it up: sudo ip link set {device} up")]
    Down {
        /// As given.
        device: String,
    },
    /// The filter does not compile.
    #[error("-f {filter}: {reason}; see `man pcap-filter`")]
    Filter {
        /// As given.
        filter: String,
        /// What the compiler says.
        reason: String,
    },
    /// Anything else that libpcap says.
    #[error("cannot capture on {device}: {reason}; `authtrace capture -D` lists the devices")]
    Device {
        /// As given.
        device: String,
        /// What libpcap says.
        reason: String,
    },
    /// The devices could not be listed.
    #[error("cannot list the devices: {0}")]
    List(String),
    /// The file for the packets could not be created.
    #[error("-w {path}: cannot be written ({reason}); name a file in a directory that you may write to")]
    Store {
        /// As given.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// Privileges could not be dropped.
    #[error("cannot drop privileges: {0}; with --no-sandbox they are kept")]
    Privileges(String),
}
