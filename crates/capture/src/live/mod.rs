//! Live capture: devices in, exchanges out, while the packets go to a file.
//!
//! ```text
//! device ─► blocks ─┐
//! device ─► blocks ─┼─► recorder ─► file
//! key log ──────────┘        └────► packets::read ─► exchanges
//! ```
//!
//! A device's frames become pcapng blocks at once, and the same bytes go to the file and to the reader of files. So what a
//! live capture says is what its file says, by construction.

mod blocks;
mod control;
mod device;
mod error;
mod follow;
mod limits;
mod privileges;
mod recorder;
mod store;

use std::{
    sync::{Arc, Mutex, mpsc},
    thread,
};

use authtrace_parse::{Exchange, KeyLog};

pub use self::{
    control::{Control, Totals},
    device::{Choice, Device, DeviceInfo, devices},
    error::LiveError,
    follow::Follow,
    limits::{Limit, Limits as StopLimits, Rings},
    privileges::{Confinement, Keep, Outcome as Confined, confine},
    store::Store,
};
use self::{
    device::{Batch, Pool},
    recorder::Recorder,
};
use crate::{
    buffers::way_back,
    input::{InputReport, Plan},
    packets::{self, KeySource},
    sniff::Compression,
};

/// Batches of one device that may wait to be recorded.
const WAITING: usize = 64;
/// Chunks that may wait to be read: with the batches before them, what a burst may run ahead of its analysis.
const AHEAD: usize = 256;

/// A live capture that is ready to begin: everything that needs privileges is open.
pub struct Session {
    /// What messages and the report call it: the file, or else the devices.
    pub name: String,
    /// The devices.
    pub devices: Vec<Device>,
    /// Where packets are kept, if they are.
    pub store: Option<Store>,
    /// TLS key logs that are followed.
    pub keys: Follow,
    /// When it ends by itself.
    pub until: StopLimits,
    /// Name and version of the program, as the file names it.
    pub application: String,
}

impl Session {
    /// Captures until `control` says stop, a limit is reached, or no device is left; `plan` says how packets are read. Its
    /// keys are not used: those that are followed stand in the capture.
    pub fn run(self, plan: &Plan<'_>, control: &Control, sink: &mut dyn FnMut(Exchange)) -> InputReport {
        let (batches_in, batches) = mpsc::sync_channel::<Batch>(WAITING);
        let (chunks_in, chunks) = mpsc::sync_channel(AHEAD);
        let (spent, reusable) = way_back(WAITING);
        let pool: Pool = Mutex::new(reusable);
        let source = if self.keys.is_empty() {
            KeySource::settled(KeyLog::none())
        } else {
            KeySource::passing_by(KeyLog::none())
        };
        let plan = Plan { keys: Arc::clone(KeyLog::none()), ..plan.clone() };
        let mut recorder = Recorder::new(self.store, self.keys, self.until, control);
        recorder.begin(&self.application, &self.devices);
        thread::scope(|scope| {
            for (id, device) in (0..).zip(self.devices) {
                let (batches_in, pool) = (batches_in.clone(), &pool);
                scope.spawn(move || device.run(id, &batches_in, pool, control));
            }
            drop(batches_in);
            let recorder = scope.spawn(move || recorder.run(&batches, &chunks_in));
            let packets = packets::read(&plan, &source, chunks.into_iter(), &spent, sink);
            let recorded = recorder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let report = InputReport::of_packets(self.name, packets, plan.first_id, Compression::None);
            InputReport { sha256: recorded.sha256, bytes: recorded.bytes, ..report }
        })
    }
}
