//! pcapng: sections of blocks, with interfaces, names and secrets beside the packets (draft-ietf-opsawg-pcapng).

mod interface;
mod names;
mod options;
mod secrets;

use authtrace_parse::AnomalyKind;

use self::interface::Interface;
pub(super) use self::secrets::find_secrets;
pub use self::{interface::Drops, names::Names, secrets::DecryptionSecrets};
use super::{
    order::Order,
    record::{Container, Held, Step},
};

/// Section header block, the same in both byte orders.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// Packet block, obsolete.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const SECRETS: u32 = 10;

/// Bytes by which a pcapng is told: no more than its shortest block.
pub(super) const FIRST_BYTES: usize = HEADER + TRAILER;
/// Type and length in front of a block's body.
const HEADER: usize = 8;
/// The length once more behind it.
const TRAILER: usize = 4;
/// What stands before the bytes of a packet, from the start of its block.
const PACKET_HEADER: usize = 28;
const SIMPLE_PACKET_HEADER: usize = 12;

/// Most interfaces of a section: every one that a legacy packet block can name.
const MOST_INTERFACES: usize = 1 << 16;
/// Most bytes of decryption secrets kept from one file.
const MOST_SECRETS: usize = 64 << 20;
/// Longest block that is read as a whole.
const MOST_BLOCK: u32 = 16 << 20;

/// Whether a file that starts with these bytes is a pcapng; fewer than twelve are given the benefit of the doubt.
pub(super) fn recognises(head: &[u8]) -> bool {
    head.first_chunk() == Some(&SECTION.to_be_bytes())
        && head.get(8..12).is_none_or(|magic| byte_order(magic).is_some())
}

/// The byte order that a section header's magic number shows.
fn byte_order(magic: &[u8]) -> Option<Order> {
    match magic {
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(Order::Little),
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(Order::Big),
        _ => None,
    }
}

/// A pcapng from its first section header on.
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// What the interfaces of earlier sections lost.
    earlier_drops: Drops,
    /// What was lost up to the end of the file before: whoever writes several counts on from one to the next.
    lost_before: Drops,
    /// A block's lengths disagreed: the next block must be of a known kind, or all behind is garbage.
    suspect: bool,
    /// Oddities that did not stop anything, each kind once.
    pub(super) notes: Vec<AnomalyKind>,
    pub(super) names: Names,
    pub(super) secrets: Vec<DecryptionSecrets>,
    secret_bytes: usize,
    /// Program that wrote the first section which names one.
    pub(super) application: Option<String>,
}

impl Default for Pcapng {
    /// Before its first section header.
    fn default() -> Self {
        Self {
            order: Order::Little,
            interfaces: Vec::new(),
            earlier_drops: Drops::default(),
            lost_before: Drops::default(),
            suspect: false,
            notes: Vec::new(),
            names: Names::default(),
            secrets: Vec::new(),
            secret_bytes: 0,
            application: None,
        }
    }
}

impl Pcapng {
    /// What the capturing side lost, over all sections and interfaces.
    pub(super) fn drops(&self) -> Drops {
        let here = self.interfaces.iter().fold(self.earlier_drops, |sum, interface| sum.plus(interface.drops));
        here.at_least(self.lost_before)
    }

    /// The next file of the same capture begins, with a section of its own.
    pub(super) fn next_file(&mut self) {
        self.lost_before = self.drops();
        self.earlier_drops = Drops::default();
        self.interfaces.clear();
        self.suspect = false;
    }

    fn note(&mut self, kind: AnomalyKind) {
        if !self.notes.contains(&kind) {
            self.notes.push(kind);
        }
    }

    /// Reads a block that is there as a whole and holds no packet.
    fn learn(&mut self, kind: u32, body: &[u8]) {
        let kept = match kind {
            SECTION => self.start_section(body),
            INTERFACE => self.add_interface(body),
            NAMES => self.names.read(self.order, body),
            STATISTICS => self.count_drops(body),
            SECRETS => self.keep_secrets(body),
            _ => true,
        };
        if !kept {
            self.note(AnomalyKind::CaptureNotesLimit);
        }
    }

    fn start_section(&mut self, body: &[u8]) -> bool {
        self.earlier_drops = self.drops();
        self.interfaces.clear();
        if self.application.is_none() {
            self.application = options::text(self.order, body.get(16..).unwrap_or_default(), options::USER_APPLICATION);
        }
        true
    }

    fn add_interface(&mut self, body: &[u8]) -> bool {
        let room = self.interfaces.len() < MOST_INTERFACES;
        if room {
            self.interfaces.push(Interface::read(self.order, body));
        }
        room
    }

    fn count_drops(&mut self, body: &[u8]) -> bool {
        let id = self.order.u32(body, 0);
        if let Some(interface) = self.interfaces.get_mut(id as usize) {
            interface.read_statistics(self.order, body);
        }
        true
    }

    fn keep_secrets(&mut self, body: &[u8]) -> bool {
        let secrets = DecryptionSecrets::read(self.order, body);
        let room = self.secret_bytes + secrets.expose().len() <= MOST_SECRETS;
        if room {
            self.secret_bytes += secrets.expose().len();
            self.secrets.push(secrets);
        }
        room
    }

    /// The frame that a packet block says to hold, whether or not all of it is there.
    #[inline]
    fn held(&self, kind: u32, block: &[u8]) -> Result<Held, AnomalyKind> {
        let order = self.order;
        let (id, start, time, captured, original_len) = match kind {
            SIMPLE_PACKET => {
                let original_len = order.u32(block, 8);
                let room = order.u32(block, 4).saturating_sub((SIMPLE_PACKET_HEADER + TRAILER) as u32);
                let snaplen = self.interfaces.first().map_or(0, |interface| interface.snaplen);
                let captured = original_len.min(if snaplen == 0 { room } else { snaplen });
                (0, SIMPLE_PACKET_HEADER, None, captured, original_len)
            }
            _ => {
                let id = if kind == PACKET { u32::from(order.u16(block, 8)) } else { order.u32(block, 8) };
                let time = (order.u32(block, 12), order.u32(block, 16));
                (id, PACKET_HEADER, Some(time), order.u32(block, 20), order.u32(block, 24))
            }
        };
        let interface = self.interfaces.get(id as usize).ok_or(AnomalyKind::UndescribedInterface)?;
        if captured > interface.most_captured {
            return Err(AnomalyKind::BrokenPacketBlock);
        }
        Ok(Held {
            bytes: start..start + captured as usize,
            time: time.and_then(|(high, low)| interface.time(high, low)),
            link: interface.link,
            original_len,
        })
    }

    /// What to do with a packet block that is there as a whole.
    #[inline]
    fn packet(&self, kind: u32, block: &[u8]) -> Step {
        match self.held(kind, block) {
            Ok(held) if held.bytes.end + TRAILER <= block.len() => Step::Frame(block.len(), held),
            Ok(_) => Step::Lost(block.len(), AnomalyKind::BrokenPacketBlock),
            Err(kind) => Step::Lost(block.len(), kind),
        }
    }
}

impl Container for Pcapng {
    #[inline]
    fn step(&mut self, bytes: &[u8]) -> Step {
        let Some(head) = bytes.first_chunk::<{ HEADER + TRAILER }>() else { return Step::Need(HEADER + TRAILER) };
        let kind = self.order.u32(head, 0);
        if kind == SECTION {
            // Only the magic number behind it says in which order its length is stored.
            let Some(order) = byte_order(&head[HEADER..]) else { return Step::Stop(AnomalyKind::CorruptRecord) };
            self.order = order;
        }
        let size = self.order.u32(head, 4);
        let known = matches!(kind, SECTION | INTERFACE..=ENHANCED_PACKET | SECRETS);
        let packet = matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
        let plausible = size >= (HEADER + TRAILER) as u32 && size.is_multiple_of(4) && (size <= MOST_BLOCK || !packet);
        if !plausible || (self.suspect && !known) {
            return Step::Stop(AnomalyKind::CorruptRecord);
        }
        if !known || size > MOST_BLOCK {
            if known {
                self.note(AnomalyKind::CaptureNotesLimit);
            }
            return Step::Skip(u64::from(size));
        }
        let size = size as usize;
        let Some(block) = bytes.get(..size) else { return Step::Need(size) };
        self.suspect = self.order.u32(block, size - TRAILER) as usize != size;
        if self.suspect {
            self.note(AnomalyKind::BlockLengthsDiffer);
        }
        if packet {
            return self.packet(kind, block);
        }
        self.learn(kind, &block[HEADER..size - TRAILER]);
        Step::Pass(size)
    }

    fn cut(&self, bytes: &[u8]) -> Option<Held> {
        let kind = self.order.u32(bytes, 0);
        if !matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
            return None;
        }
        let held = self.held(kind, bytes).ok()?;
        let there = held.bytes.start..bytes.len().min(held.bytes.end);
        (!there.is_empty()).then_some(Held { bytes: there, ..held })
    }

    fn secrets(&self) -> &[DecryptionSecrets] {
        &self.secrets
    }
}
