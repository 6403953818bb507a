//! The Huffman code of HPACK (RFC 7541 §5.2, appendix B), decoded twelve bits at a time through a table: mostly two symbols.

/// Bits of each symbol's code; the last symbol is EOS. The code is canonical: among codes of one length the order is that
/// of the symbols, so the lengths tell it all.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The longest code.
const LONGEST: u8 = 30;
/// Inner nodes of the code's tree: a full binary tree has one less than leaves.
const NODES: usize = LENGTHS.len() - 1;

/// What one bit leads to: an inner node, or a leaf.
#[derive(Clone, Copy)]
enum Child {
    Node(u8),
    Leaf(u16),
}

/// The code as a tree; node 0 is its root.
static TREE: [[Child; 2]; NODES] = tree();

const fn tree() -> [[Child; 2]; NODES] {
    let mut tree = [[Child::Node(0); 2]; NODES];
    let mut nodes = 1;
    let mut code: u32 = 0;
    let mut length = 1;
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] == length {
                let mut node = 0;
                let mut left = length;
                while left > 1 {
                    left -= 1;
                    let bit = ((code >> left) & 1) as usize;
                    node = match tree[node][bit] {
                        // No child is the root: it stands for one that is not there yet.
                        Child::Node(0) => {
                            tree[node][bit] = Child::Node(nodes as u8);
                            nodes += 1;
                            nodes - 1
                        }
                        Child::Node(next) => next as usize,
                        Child::Leaf(_) => panic!("a code is the prefix of another"),
                    };
                }
                tree[node][(code & 1) as usize] = Child::Leaf(symbol as u16);
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    assert!(nodes == NODES);
    tree
}

/// Bits that are looked at together. Two symbols of usual length fit in, and the table fits the first-level cache.
const WINDOW: u32 = 12;

/// What a window begins with.
#[derive(Clone, Copy)]
struct Start {
    /// The symbols that lie in it as a whole.
    symbols: [u8; 2],
    /// How many they are; none where the first code is longer than the window.
    count: u8,
    /// Bits of all of them.
    bits: u8,
    /// Bits of the first.
    first: u8,
}

static STARTS: [Start; 1 << WINDOW] = starts();

const fn starts() -> [Start; 1 << WINDOW] {
    let tree = tree();
    let mut starts = [Start { symbols: [0; 2], count: 0, bits: 0, first: 0 }; 1 << WINDOW];
    let mut window = 0;
    while window < starts.len() {
        let mut start = starts[window];
        let (mut node, mut left) = (0, WINDOW);
        while left > 0 && start.count < 2 {
            left -= 1;
            match tree[node][(window >> left) & 1] {
                Child::Node(next) => node = next as usize,
                // EOS is longer than the window.
                Child::Leaf(symbol) => {
                    start.symbols[start.count as usize] = symbol as u8;
                    start.count += 1;
                    start.bits = (WINDOW - left) as u8;
                    if start.count == 1 {
                        start.first = start.bits;
                    }
                    node = 0;
                }
            }
        }
        starts[window] = start;
        window += 1;
    }
    starts
}

/// The bytes are no Huffman-coded string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Appends what `coded` stands for to `out`: at most 8/5 of its length.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    out.reserve(coded.len() + coded.len() / 2 + coded.len() / 8 + 1);
    let mut bits = Bits { rest: coded, buffer: 0, held: 0 };
    loop {
        bits.fill();
        if bits.held < WINDOW {
            return end(bits, out);
        }
        let start = STARTS[bits.window()];
        match start.count {
            2 => out.extend_from_slice(&start.symbols),
            1 => out.push(start.symbols[0]),
            _ => {
                out.push(long(&mut bits)?);
                continue;
            }
        }
        bits.held -= u32::from(start.bits);
    }
}

/// Reads a symbol bit by bit: its code is longer than a window, and rare.
fn long(bits: &mut Bits<'_>) -> Result<u8, Broken> {
    let mut node = 0;
    loop {
        match TREE[node][bits.next().ok_or(Broken)?] {
            Child::Node(next) => node = usize::from(next),
            Child::Leaf(symbol) => return u8::try_from(symbol).map_err(|_| Broken),
        }
    }
}

/// Reads what is shorter than a window: symbols, then less than eight bits, all of them ones.
fn end(mut bits: Bits<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
    loop {
        let start = STARTS[bits.window()];
        if start.count == 0 || u32::from(start.first) > bits.held {
            break;
        }
        out.push(start.symbols[0]);
        bits.held -= u32::from(start.first);
    }
    let padding = bits.window() == (1 << WINDOW) - 1;
    if bits.held < 8 && padding { Ok(()) } else { Err(Broken) }
}

/// Bits that are read from the front.
struct Bits<'c> {
    rest: &'c [u8],
    /// The last `held` bits are those that come next; what stands in front of them was read.
    buffer: u64,
    held: u32,
}

impl Bits<'_> {
    /// Takes bytes in until a long code fits, if there are so many.
    #[inline]
    fn fill(&mut self) {
        if self.held >= WINDOW {
            return;
        }
        if let Some((word, rest)) = self.rest.split_first_chunk::<4>() {
            (self.buffer, self.held) = (self.buffer << 32 | u64::from(u32::from_be_bytes(*word)), self.held + 32);
            self.rest = rest;
            return;
        }
        for byte in std::mem::take(&mut self.rest) {
            (self.buffer, self.held) = (self.buffer << 8 | u64::from(*byte), self.held + 8);
        }
    }

    /// The next bits, with ones behind the last.
    #[inline]
    fn window(&self) -> usize {
        let bits = match self.held.checked_sub(WINDOW) {
            Some(behind) => self.buffer >> behind,
            None => {
                let missing = WINDOW - self.held;
                self.buffer << missing | ((1 << missing) - 1)
            }
        };
        (bits & ((1 << WINDOW) - 1)) as usize
    }

    fn next(&mut self) -> Option<usize> {
        if self.held == 0 {
            self.fill();
        }
        self.held = self.held.checked_sub(1)?;
        Some((self.buffer >> self.held & 1) as usize)
    }
}

/// The code of `text`, padded with ones.
#[cfg(test)]
pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let mut order: Vec<usize> = (0..LENGTHS.len()).collect();
    order.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
    let mut codes = [0_u32; LENGTHS.len()];
    let (mut code, mut length) = (0, 0);
    for symbol in order {
        code <<= LENGTHS[symbol] - length;
        length = LENGTHS[symbol];
        codes[symbol] = code;
        code += 1;
    }
    let bits = |byte: &u8| {
        let symbol = usize::from(*byte);
        (0..LENGTHS[symbol]).rev().map(move |bit| codes[symbol] >> bit & 1)
    };
    let bits: Vec<u32> = text.iter().flat_map(bits).collect();
    let byte = |bits: &[u32]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).map_or(1, |bit| *bit as u8));
    bits.chunks(8).map(byte).collect()
}
