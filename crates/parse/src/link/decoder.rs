//! The decoder: one frame in, at most one packet out, and an account of what gave none.

use super::{
    defrag::{Defrag, Fragment, Whole},
    layer::{Found, Layer, Skip, walk},
    usual,
};
use crate::{
    anomaly::{Anomaly, AnomalyKind},
    frame::{Frame, LinkType},
    packet::Packet,
    time::Timestamp,
};

/// Most times that a datagram which was put together may itself be a fragment of another, in a tunnel.
const MOST_NESTED: u32 = 4;

/// What became of the frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecoderCounts {
    /// Frames seen.
    pub frames: u64,
    /// Frames that gave a TCP segment.
    pub segments: u64,
    /// Frames that gave a UDP datagram.
    pub datagrams: u64,
    /// Frames that were a fragment of a datagram which is not whole yet, or never was.
    pub fragments: u64,
    /// Frames that carry something else than TCP and UDP, or encrypt it.
    pub other: u64,
    /// Frames of a link type that is not read.
    pub unknown_link: u64,
    /// The first such link type.
    pub first_unknown_link: Option<LinkType>,
    /// Frames in which the snap length cut a header, or an IP fragment.
    pub cut: u64,
    /// Frames in which a header contradicts itself.
    pub malformed: u64,
    /// Datagrams given up before all their fragments came, because of their age or to keep a bound.
    pub dropped_datagrams: u64,
    /// Fragments that their datagram cannot have.
    pub refused_fragments: u64,
}

/// Turns frames into packets.
#[derive(Default)]
pub struct Decoder {
    defrag: Defrag,
    /// The datagram that the last fragment completed.
    whole: Option<Whole>,
    counts: DecoderCounts,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The innermost TCP segment or UDP datagram of `frame`. Its payload lies in the frame's bytes, or in the decoder's
    /// own where the frame completed a fragmented datagram.
    #[inline]
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Option<Packet<'a>> {
        self.counts.frames += 1;
        if let Some(segment) = usual::segment(frame) {
            self.counts.segments += 1;
            return Some(Packet::Tcp(segment));
        }
        self.walk(frame)
    }

    /// Decodes any frame.
    fn walk<'a>(&'a mut self, frame: &Frame<'a>) -> Option<Packet<'a>> {
        let beyond = frame.original_len.saturating_sub(u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX));
        match walk(Layer::Link(frame.link, frame.bytes), beyond) {
            Ok(Found::Packet(packet)) => Some(self.counts.found(packet)),
            Ok(Found::Fragment(fragment)) => self.join(fragment, frame.time),
            Err(skip) => {
                self.counts.skipped(skip);
                None
            }
        }
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> DecoderCounts {
        DecoderCounts {
            dropped_datagrams: self.defrag.dropped,
            refused_fragments: self.defrag.refused,
            ..self.counts.clone()
        }
    }

    /// The oddities of all frames, each kind once, at the end of the capture.
    pub fn anomalies(&self) -> Vec<Anomaly> {
        let counts = self.counts();
        [
            (AnomalyKind::UnknownLinkType, counts.unknown_link > 0),
            (AnomalyKind::CutHeader, counts.cut > 0),
            (AnomalyKind::MalformedHeader, counts.malformed + counts.refused_fragments > 0),
            (AnomalyKind::DroppedFragments, counts.dropped_datagrams > 0 || self.defrag.waiting() > 0),
        ]
        .into_iter()
        .filter(|(_, happened)| *happened)
        .map(|(kind, _)| Anomaly { kind, at: None })
        .collect()
    }

    /// Adds a fragment to its datagram and looks into the datagram if that makes it whole.
    #[cold]
    fn join(&mut self, fragment: Fragment<'_>, time: Option<Timestamp>) -> Option<Packet<'_>> {
        self.counts.fragments += 1;
        let whole = self.complete(fragment, time)?;
        self.counts.fragments -= 1;
        match walk(Layer::Transport(self.whole.insert(whole).transport()), 0) {
            Ok(Found::Packet(packet)) => Some(self.counts.found(packet)),
            Ok(Found::Fragment(_)) => None,
            Err(skip) => {
                self.counts.skipped(skip);
                None
            }
        }
    }

    /// The datagram that `fragment` completes; where that holds a fragment in turn, the datagram that this completes.
    fn complete(&mut self, fragment: Fragment<'_>, time: Option<Timestamp>) -> Option<Whole> {
        let mut whole = self.defrag.push(fragment, time)?;
        for _ in 0..MOST_NESTED {
            let inner = match walk(Layer::Transport(whole.transport()), 0) {
                Ok(Found::Fragment(fragment)) => self.defrag.push(fragment, time),
                Ok(Found::Packet(_)) | Err(_) => return Some(whole),
            };
            whole = inner?;
        }
        None
    }
}

impl DecoderCounts {
    #[inline]
    fn found<'a>(&mut self, packet: Packet<'a>) -> Packet<'a> {
        match packet {
            Packet::Tcp(_) => self.segments += 1,
            Packet::Udp(_) => self.datagrams += 1,
        }
        packet
    }

    fn skipped(&mut self, skip: Skip) {
        match skip {
            Skip::Other => self.other += 1,
            Skip::UnknownLink(link) => {
                self.unknown_link += 1;
                self.first_unknown_link.get_or_insert(link);
            }
            Skip::Cut => self.cut += 1,
            Skip::Malformed => self.malformed += 1,
        }
    }
}
