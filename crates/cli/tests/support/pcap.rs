//! A packet capture in the making: one connection over raw IP, as classic pcap.

/// The capture of a connection in which each end, the client where the first part is true, says its text in turn.
pub(crate) fn pcap(said: &[(bool, &str)]) -> Vec<u8> {
    // Magic, version 2.4, no zone, no accuracy, snap length, LINKTYPE_RAW.
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 101] {
        file.extend(word.to_le_bytes());
    }
    let (mut next, mut seconds) = ([1000_u32, 5000], 1_795_000_000_u32);
    let mut add = |from_client: bool, flags: u8, text: &[u8]| {
        let own = usize::from(!from_client);
        let packet = packet(from_client, next[own], next[1 - own], flags, text);
        next[own] += u32::try_from(text.len()).unwrap() + u32::from(flags & 0b11 != 0);
        seconds += 1;
        let length = u32::try_from(packet.len()).unwrap();
        for word in [seconds, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    };
    const SYN: u8 = 0b10;
    const ACK: u8 = 0b1_0000;
    const FIN: u8 = 0b1;
    add(true, SYN, b"");
    add(false, SYN | ACK, b"");
    for (from_client, text) in said {
        add(*from_client, ACK, text.as_bytes());
    }
    add(true, FIN | ACK, b"");
    add(false, FIN | ACK, b"");
    file
}

/// IPv4 (RFC 791) with TCP (RFC 9293); checksums stay empty, as offloading leaves them.
fn packet(from_client: bool, sequence: u32, acknowledgment: u32, flags: u8, text: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let ports = if from_client { [40_000_u16, 8000] } else { [8000, 40_000] };
    let length = u16::try_from(40 + text.len()).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    packet.extend(if from_client { [client, server].concat() } else { [server, client].concat() });
    packet.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    packet.extend(sequence.to_be_bytes());
    packet.extend(acknowledgment.to_be_bytes());
    packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(text);
    packet
}
