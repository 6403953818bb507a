//! The one place that all blocks of a capture pass: written first, then handed to the reader.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};

use super::{
    blocks::{self, Counted},
    control::Control,
    device::{Batch, Device},
    follow::Follow,
    limits::Limits,
    store::Store,
};
use crate::chunk::Chunk;

/// Time between two looks at key logs and clocks while nothing arrives.
const TICK: Duration = Duration::from_millis(50);

/// Writes blocks and hands them on.
pub(super) struct Recorder<'c> {
    store: Option<Store>,
    keys: Follow,
    until: Limits,
    control: &'c Control,
    /// Section and interfaces: what each file begins with.
    header: Vec<u8>,
    /// By interface: what its device counted last.
    counted: Vec<Counted>,
    hash: Sha256,
    bytes: u64,
    frames: u64,
    began: Instant,
    /// A limit was reached within a batch: what came behind it is not wanted.
    full: bool,
}

/// What was recorded.
pub(super) struct Recorded {
    pub(super) sha256: [u8; 32],
    pub(super) bytes: u64,
}

impl<'c> Recorder<'c> {
    pub(super) fn new(store: Option<Store>, keys: Follow, until: Limits, control: &'c Control) -> Self {
        Self {
            store,
            keys,
            until,
            control,
            header: Vec::new(),
            counted: Vec::new(),
            hash: Sha256::new(),
            bytes: 0,
            frames: 0,
            began: Instant::now(),
            full: false,
        }
    }

    /// Describes the capture.
    pub(super) fn begin(&mut self, application: &str, devices: &[Device]) {
        blocks::section(&mut self.header, application);
        for device in devices {
            blocks::interface(&mut self.header, &device.described());
        }
        self.counted = vec![Counted::default(); devices.len()];
    }

    /// Records `batches` until no device is left, and hands everything on as chunks.
    pub(super) fn run(mut self, batches: &Receiver<Batch>, chunks: &SyncSender<Chunk>) -> Recorded {
        let header = self.header.clone();
        let begun = self.store.as_mut().map_or(Ok(()), |store| store.begin(&header));
        self.note(begun);
        self.hand_on(header, chunks);
        self.follow(chunks);
        loop {
            match batches.recv_timeout(TICK) {
                Ok(batch) => self.all(batch, batches, chunks),
                Err(RecvTimeoutError::Timeout) => {
                    if self.follow(chunks) {
                        self.flush(chunks);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.control.take_rotation() {
                self.rotate();
            }
            if self.is_over() {
                self.control.end();
            }
        }
        // Secrets that were written for the last packets.
        self.follow(chunks);
        for id in 0..self.counted.len() {
            self.statistics(id, chunks);
        }
        self.flush(chunks);
        Recorded { sha256: self.hash.finalize().into(), bytes: self.bytes }
    }

    /// Takes `batch` and those that wait behind it.
    fn all(&mut self, batch: Batch, batches: &Receiver<Batch>, chunks: &SyncSender<Chunk>) {
        self.take(batch, chunks);
        while let Ok(batch) = batches.try_recv() {
            self.take(batch, chunks);
            if self.is_over() {
                self.control.end();
            }
        }
        self.flush(chunks);
    }

    fn take(&mut self, batch: Batch, chunks: &SyncSender<Chunk>) {
        match batch {
            Batch::Blocks { bytes, frames } => {
                // First the secrets: mostly, they were logged before what they encrypt was sent.
                self.follow(chunks);
                self.frames(bytes, frames, chunks);
            }
            Batch::Counted(id, counted) => self.count(id as usize, counted, chunks),
            Batch::Ended(why) => self.control.complain(why),
        }
    }

    fn frames(&mut self, mut bytes: Vec<u8>, mut frames: u64, chunks: &SyncSender<Chunk>) {
        if self.full {
            return;
        }
        let room = self.until.packets.map_or(u64::MAX, |most| most.saturating_sub(self.frames));
        let size = self.until.bytes.map_or(u64::MAX, |most| most.saturating_sub(self.bytes));
        if frames >= room || bytes.len() as u64 > size {
            let (len, taken) = blocks::leading(&bytes, room, size);
            bytes.truncate(len);
            frames = taken;
            self.full = true;
            self.control.end();
        }
        self.frames += frames;
        self.control.captured(frames, bytes.len() as u64);
        self.put(bytes, frames, chunks);
    }

    /// Keeps what a device counted; losses go into the capture when they happen, since nobody knows how it ends.
    fn count(&mut self, id: usize, counted: Counted, chunks: &SyncSender<Chunk>) {
        let Some(before) = self.counted.get_mut(id) else { return };
        let lost = |c: &Counted| (c.interface_drops, c.system_drops);
        let news = lost(before) != lost(&counted);
        *before = counted;
        if news {
            let sum = |of: fn(&Counted) -> u64| self.counted.iter().map(of).sum();
            self.control.lost(sum(|c| c.interface_drops), sum(|c| c.system_drops));
            self.statistics(id, chunks);
        }
    }

    fn statistics(&mut self, id: usize, chunks: &SyncSender<Chunk>) {
        let mut block = Vec::new();
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let number = u32::try_from(id).unwrap_or(u32::MAX);
        blocks::statistics(&mut block, number, u64::try_from(nanos).unwrap_or(u64::MAX), &self.counted[id]);
        self.put(block, 0, chunks);
    }

    /// Adds the secrets that were logged since the last look; whether there were any.
    fn follow(&mut self, chunks: &SyncSender<Chunk>) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        let (lines, count) = self.keys.look();
        if count > 0 {
            let mut block = Vec::new();
            blocks::secrets(&mut block, &lines);
            self.put(block, 0, chunks);
            self.control.learned(count);
        }
        count > 0
    }

    /// To the file first: what is on the disk is safe.
    fn put(&mut self, bytes: Vec<u8>, frames: u64, chunks: &SyncSender<Chunk>) {
        if let Some(store) = &mut self.store {
            let rotates = frames > 0 && !store.is_one_file();
            let header = if rotates { self.header_of_next() } else { Vec::new() };
            let Some(store) = &mut self.store else { return };
            let written = store.write(&bytes, frames, &header);
            if written.is_ok() {
                self.control.wrote(bytes.len() as u64);
            }
            self.note(written);
        }
        self.hand_on(bytes, chunks);
    }

    fn hand_on(&mut self, bytes: Vec<u8>, chunks: &SyncSender<Chunk>) {
        // Without one file that these bytes are, the beginning names the capture well enough.
        if self.bytes == 0 || self.store.as_ref().is_some_and(Store::is_one_file) {
            self.hash.update(&bytes);
        }
        self.bytes += bytes.len() as u64;
        // The reader ends early only by a panic, which joining it passes on.
        let _ = chunks.send(Chunk::Bytes(bytes));
    }

    fn flush(&self, chunks: &SyncSender<Chunk>) {
        let _ = chunks.send(Chunk::Pause);
    }

    fn rotate(&mut self) {
        let header = self.header_of_next();
        let begun = self.store.as_mut().map_or(Ok(()), |store| store.next(&header));
        self.note(begun);
    }

    /// What the next file begins with: every file can be read alone.
    fn header_of_next(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        if !self.keys.known().is_empty() {
            blocks::secrets(&mut header, self.keys.known());
        }
        header
    }

    fn is_over(&self) -> bool {
        self.full
            || self.until.duration.is_some_and(|most| self.began.elapsed() >= most)
            || self.until.files.zip(self.store.as_ref()).is_some_and(|(most, store)| store.full(most))
    }

    fn note(&self, result: Result<(), String>) {
        if let Err(complaint) = result {
            self.control.complain(complaint);
        }
    }
}
