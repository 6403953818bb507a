//! Frames that stay as they are but for the secrets in them: those of connections that speak nothing but readable HTTP/1.
//!
//! What is put in place of a value has its length, so the frames keep their lengths, numbers and times; checksums that
//! were right stay right. A connection of which anything is missing, or that says anything else, is not kept: it is said
//! again ([`super::PacketWriter`]).

mod bytes;
mod http1;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use authtrace_parse::{Decoder, Frame, Packet as Carried, Segment};

use self::bytes::{Place, overwrite, put_together};
use super::flow::Packet;
use crate::redactor::Redactor;

/// Holds the frames of a capture until they can be rewritten.
#[derive(Default)]
pub struct FrameKeeper {
    decoder: Decoder,
    frames: Vec<Held>,
    talks: BTreeMap<[SocketAddr; 2], Talk>,
}

/// One frame.
struct Held {
    at: i64,
    link: u16,
    bytes: Vec<u8>,
    cut: usize,
}

/// Everything between two ends.
struct Talk {
    /// Number of its first frame.
    first_frame: u32,
    frames: Vec<usize>,
    /// What the smaller end says, and what the larger one does.
    halves: [Half; 2],
    /// Whether it cannot be kept.
    unfit: bool,
}

#[derive(Default)]
struct Half {
    /// Sequence number of the first byte, where the opening was captured.
    opened: Option<u32>,
    places: Vec<Place>,
}

/// Frames that were rewritten.
#[derive(Default)]
pub struct KeptFrames {
    /// In the order of the capture.
    pub(super) packets: Vec<Packet>,
    /// First frames of the connections that they are of.
    pub(super) connections: BTreeSet<u32>,
}

impl FrameKeeper {
    /// Takes the next frame of the capture. What carries no TCP is not held.
    pub fn push(&mut self, frame: &Frame<'_>) {
        let Some(Carried::Tcp(segment)) = self.decoder.decode(frame) else { return };
        let index = self.frames.len();
        let place = place(frame, &segment, index);
        let mut ends = [segment.source, segment.destination];
        ends.sort_unstable();
        let talk = self.talks.entry(ends).or_insert_with(|| Talk::new(frame.number));
        talk.frames.push(index);
        talk.add(usize::from(segment.source != ends[0]), &segment, place);
        let before = self.frames.last().map_or(0, |held| held.at);
        self.frames.push(Held {
            at: frame.time.map_or(before, |time| time.nanos()),
            link: frame.link.0,
            bytes: frame.bytes.to_vec(),
            cut: (frame.original_len as usize).saturating_sub(frame.bytes.len()),
        });
    }

    /// Rewrites what can be kept. `plain` says of the connections that hold nothing but readable HTTP/1, by their first
    /// frame, how many exchanges each has: one of which fewer or more are found here is not kept.
    pub fn finish(mut self, redactor: &mut Redactor, plain: &BTreeMap<u32, u64>) -> KeptFrames {
        let mut kept = BTreeSet::new();
        let mut connections = BTreeSet::new();
        for talk in self.talks.values().filter(|talk| !talk.unfit) {
            let Some(count) = plain.get(&talk.first_frame) else { continue };
            let before = redactor.receipt.clone();
            if talk.rewrite(&mut self.frames, redactor, *count).is_none() {
                // It will be counted when it is said again.
                redactor.receipt = before;
                continue;
            }
            connections.insert(talk.first_frame);
            kept.extend(talk.frames.iter().copied());
        }
        let held = self.frames.into_iter().enumerate().filter(|(index, _)| kept.contains(index));
        let packets = held.map(|(_, held)| Packet {
            at: held.at,
            link: held.link,
            bytes: held.bytes,
            cut: held.cut,
            remark: None,
        });
        KeptFrames { packets: packets.collect(), connections }
    }
}

impl Talk {
    fn new(first_frame: u32) -> Self {
        Self { first_frame, frames: Vec::new(), halves: Default::default(), unfit: false }
    }

    fn add(&mut self, side: usize, segment: &Segment<'_>, place: Option<Place>) {
        let half = &mut self.halves[side];
        if segment.flags.syn {
            let first = segment.sequence.wrapping_add(1);
            // The same ends begin anew: two connections are not told apart here.
            self.unfit |= half.opened.is_some_and(|opened| opened != first) || !segment.payload.is_empty();
            half.opened = Some(first);
        }
        self.unfit |= segment.cut > 0;
        match place {
            Some(place) => half.places.push(place),
            None => self.unfit |= !segment.payload.is_empty(),
        }
    }

    /// Rewrites its frames; `None`, and no frame touched, where that is not possible.
    fn rewrite(&self, frames: &mut [Held], redactor: &mut Redactor, count: u64) -> Option<()> {
        let said: Vec<Vec<u8>> = self
            .halves
            .iter()
            .map(|half| put_together(half, |place| &frames[place.frame].bytes[place.range()]))
            .collect::<Option<_>>()?;
        let client = said.iter().position(|said| http1::begins_request(said))?;
        let (asked, methods) = http1::requests(redactor, &said[client])?;
        let answered = http1::responses(redactor, &said[1 - client], &methods)?;
        if methods.len() as u64 != count {
            return None;
        }
        for (half, new) in [(client, asked), (1 - client, answered)] {
            overwrite(&self.halves[half], &new, |place, new| {
                bytes::replace(&mut frames[place.frame].bytes, place, new);
            });
        }
        Some(())
    }
}

/// Where the payload of a segment lies; `None` where it is empty or not in its frame (fragments that were put together).
fn place(frame: &Frame<'_>, segment: &Segment<'_>, index: usize) -> Option<Place> {
    let payload = segment.payload;
    let offset = (payload.as_ptr() as usize).checked_sub(frame.bytes.as_ptr() as usize)?;
    let inside = offset.checked_add(payload.len())? <= frame.bytes.len() && !payload.is_empty();
    inside.then(|| Place {
        sequence: segment.sequence,
        frame: index,
        offset,
        length: payload.len(),
        source: segment.source.port(),
    })
}
