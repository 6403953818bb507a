//! Walks the records of a container across chunks: the same for every container.

use authtrace_parse::{AnomalyKind, Frame};

use super::{
    Placed,
    record::{Container, Held, Step},
};

/// Where reading stands, and what it counted.
#[derive(Default)]
pub(super) struct Cursor {
    /// The beginning of the record that the last chunk did not end.
    carry: Vec<u8>,
    /// Bytes of an unwanted record that are still to come.
    skip: u64,
    /// Nothing more is read.
    pub(super) stopped: bool,
    /// Packet records met.
    pub(super) frames: u32,
    /// Of these, the ones without a usable frame.
    pub(super) lost: u32,
    /// Whether the input ended within a record.
    pub(super) truncated: bool,
    /// Oddities, each kind once.
    pub(super) notes: Vec<AnomalyKind>,
}

impl Cursor {
    /// Takes over the first bytes of a container whose first record began in an earlier chunk.
    pub(super) fn start_with(&mut self, carry: Vec<u8>) {
        self.carry = carry;
    }

    /// Stands before the first byte of another file; what was counted stays.
    pub(super) fn next_file(&mut self) {
        self.carry.clear();
        (self.skip, self.stopped) = (0, false);
    }

    /// Reads `chunk` from `at` on.
    pub(super) fn read(
        &mut self,
        container: &mut impl Container,
        chunk: &[u8],
        at: usize,
        out: &mut dyn FnMut(Placed<'_>),
    ) {
        let mut at = self.finish_carried(container, chunk, at, out);
        while at < chunk.len() && !self.stopped {
            if self.skip > 0 {
                at += self.skipped(chunk.len() - at);
                continue;
            }
            let record = &chunk[at..];
            match container.step(record) {
                Step::Need(_) => {
                    self.carry.extend_from_slice(record);
                    return;
                }
                Step::Frame(size, held) => {
                    let range = at + held.bytes.start..at + held.bytes.end;
                    self.frames = self.frames.saturating_add(1);
                    let frame = frame(self.frames, &chunk[range.clone()], &held);
                    out(Placed { frame, range: Some(range), secrets: container.secrets() });
                    at += size;
                }
                other => at += self.pass(other),
            }
        }
    }

    /// Completes the record that earlier chunks began; returns where in `chunk` the next one starts.
    fn finish_carried(
        &mut self,
        container: &mut impl Container,
        chunk: &[u8],
        mut at: usize,
        out: &mut dyn FnMut(Placed<'_>),
    ) -> usize {
        while !self.carry.is_empty() && !self.stopped {
            match container.step(&self.carry) {
                Step::Need(all) => {
                    let missing = &chunk[at..chunk.len().min(at + all.saturating_sub(self.carry.len()))];
                    if missing.is_empty() {
                        return at;
                    }
                    self.carry.extend_from_slice(missing);
                    at += missing.len();
                    continue;
                }
                Step::Frame(_, held) => {
                    self.frames = self.frames.saturating_add(1);
                    let frame = frame(self.frames, &self.carry[held.bytes.clone()], &held);
                    out(Placed { frame, range: None, secrets: container.secrets() });
                }
                other => {
                    // A record is carried no further than its own end; only one that is skipped reaches beyond.
                    self.pass(other);
                    self.skipped(self.carry.len());
                }
            }
            self.carry.clear();
        }
        at
    }

    /// Goes over a record without a frame; returns how many bytes lie behind.
    fn pass(&mut self, step: Step) -> usize {
        match step {
            Step::Lost(size, kind) => {
                self.frames = self.frames.saturating_add(1);
                self.lost = self.lost.saturating_add(1);
                self.note(kind);
                size
            }
            Step::Pass(size) => size,
            Step::Skip(size) => {
                self.skip = size;
                0
            }
            Step::Stop(kind) => {
                self.note(kind);
                self.stopped = true;
                0
            }
            Step::Need(_) | Step::Frame(..) => 0,
        }
    }

    /// Takes up to `there` bytes off what is to be skipped; returns how many.
    fn skipped(&mut self, there: usize) -> usize {
        let taken = usize::try_from(self.skip).map_or(there, |skip| skip.min(there));
        self.skip -= taken as u64;
        taken
    }

    /// Ends reading; of a record that the end of the input cuts, hands out what is there.
    pub(super) fn finish(&mut self, container: &impl Container, out: &mut dyn FnMut(Placed<'_>)) {
        if self.stopped || (self.skip == 0 && self.carry.is_empty()) {
            return;
        }
        self.note_cut();
        if let Some(held) = container.cut(&self.carry) {
            self.frames = self.frames.saturating_add(1);
            let frame = frame(self.frames, &self.carry[held.bytes.clone()], &held);
            out(Placed { frame, range: None, secrets: container.secrets() });
        }
    }

    /// Notes that the input ends in the middle.
    pub(super) fn note_cut(&mut self) {
        self.truncated = true;
        self.note(AnomalyKind::Truncated);
    }

    fn note(&mut self, kind: AnomalyKind) {
        if !self.notes.contains(&kind) {
            self.notes.push(kind);
        }
    }
}

/// Frame `number`; its recorded length on the wire is not believed where it is less than what was captured.
#[inline]
fn frame<'a>(number: u32, bytes: &'a [u8], held: &Held) -> Frame<'a> {
    let captured = u32::try_from(held.bytes.len()).unwrap_or(u32::MAX);
    Frame { number, time: held.time, link: held.link, bytes, original_len: held.original_len.max(captured) }
}
