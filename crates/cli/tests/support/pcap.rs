//! A packet capture in the making, as classic pcap over raw IP: packet by packet, or a whole connection.
#![allow(dead_code, reason = "each test binary uses its part")]

/// From a client to a server, or back.
#[derive(Clone, Copy, Default)]
pub(crate) struct Packet<'a> {
    /// Which client.
    pub(crate) client: u32,
    /// Which server; most captures have one.
    pub(crate) server: u8,
    /// Which of the client's connections.
    pub(crate) connection: u16,
    /// Whether the server sends it.
    pub(crate) from_server: bool,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
    pub(crate) payload: &'a [u8],
}

/// TCP flags (RFC 9293 §3.1).
pub(crate) const FIN: u8 = 0b1;
pub(crate) const SYN: u8 = 0b10;
pub(crate) const ACK: u8 = 0b1_0000;

/// The parts of a file, to be written one after another; a second passes from packet to packet.
pub(crate) struct FileOfPackets {
    seconds: u32,
}

impl FileOfPackets {
    /// Begins a file.
    pub(crate) fn new() -> Self {
        Self { seconds: 1_795_000_000 }
    }

    /// Magic, version 2.4, no zone, no accuracy, snap length, LINKTYPE_RAW.
    pub(crate) fn head(&self) -> Vec<u8> {
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 101].into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// The next record.
    pub(crate) fn packet(&mut self, packet: &Packet<'_>) -> Vec<u8> {
        self.seconds += 1;
        record([self.seconds, 0], packet)
    }
}

/// A record of a packet that was seen at a time of its own, in seconds and microseconds.
pub(crate) fn record(at: [u32; 2], packet: &Packet<'_>) -> Vec<u8> {
    let bytes = packet.bytes();
    let length = u32::try_from(bytes.len()).unwrap();
    let mut record: Vec<u8> = [at[0], at[1], length, length].into_iter().flat_map(u32::to_le_bytes).collect();
    record.extend(bytes);
    record
}

impl Packet<'_> {
    /// IPv4 (RFC 791) with TCP (RFC 9293); checksums stay empty, as offloading leaves them.
    fn bytes(&self) -> Vec<u8> {
        let [_, a, b, c] = (self.client + 1).to_be_bytes();
        let (client, server) = ([10, a, b, c], [10, 255, self.server, 2]);
        let own = 40_000 + self.connection;
        let ports = if self.from_server { [8000, own] } else { [own, 8000] };
        let length = u16::try_from(40 + self.payload.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(if self.from_server { [server, client].concat() } else { [client, server].concat() });
        packet.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.acknowledgment.to_be_bytes());
        packet.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(self.payload);
        packet
    }
}

/// The capture of a connection in which each end, the client where the first part is true, says its text in turn.
pub(crate) fn pcap(said: &[(bool, &str)]) -> Vec<u8> {
    let mut file = FileOfPackets::new();
    let mut bytes = file.head();
    let mut next = [1000_u32, 5000];
    let mut add = |from_server: bool, flags: u8, text: &str| {
        let own = usize::from(from_server);
        let (sequence, acknowledgment) = (next[own], next[1 - own]);
        next[own] += u32::try_from(text.len()).unwrap() + u32::from(flags & (SYN | FIN) != 0);
        let packet =
            Packet { from_server, sequence, acknowledgment, flags, payload: text.as_bytes(), ..Packet::default() };
        bytes.extend(file.packet(&packet));
    };
    add(false, SYN, "");
    add(true, SYN | ACK, "");
    for (from_client, text) in said {
        add(!from_client, ACK, text);
    }
    add(false, FIN | ACK, "");
    add(true, FIN | ACK, "");
    bytes
}
