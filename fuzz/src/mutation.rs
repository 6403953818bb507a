//! Mutations that are the same in every run.

/// A generator of numbers (xorshift64*), not of secrets.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }
}

/// Bytes at which lengths, counts and types change their meaning.
const EDGES: [u8; 12] = [0, 1, 2, 4, 6, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xfe, 0xff];

/// Damages `bytes` in one to four places: bits, edges, cuts, doubled and moved stretches.
pub fn mutate(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            bytes.push(random.next() as u8);
        }
        let at = random.below(bytes.len());
        let len = random.below(64.min(bytes.len() - at) + 1);
        match random.below(8) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 | 3 => bytes[at] = EDGES[random.below(EDGES.len())],
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..at + len)),
            6 => {
                let doubled = bytes[at..at + len].to_vec();
                bytes.splice(at..at, doubled);
            }
            _ => {
                let moved = bytes[at..at + len].to_vec();
                let to = random.below(bytes.len() - len + 1);
                bytes[to..to + len].copy_from_slice(&moved);
            }
        }
    }
    bytes
}
