//! The Huffman code of HPACK (RFC 7541 §5.2, appendix B), decoded four bits at a time through a table.

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
const EOS: usize = 256;

/// Where four more bits lead from an inner node.
#[derive(Clone, Copy)]
struct Step {
    /// The next inner node.
    node: u8,
    /// A symbol that the bits complete: no code has fewer than five bits, so at most one.
    symbol: Option<u8>,
    /// Whether they complete EOS, which no string may hold.
    broken: bool,
}

/// For every inner node, where each four bits lead.
static STEPS: [[Step; 16]; NODES] = steps();

/// Whether a string may end at a node: less than eight bits, all ones, behind its last symbol.
static MAY_END: [bool; NODES] = may_end();

/// What one bit leads to: an inner node, or a leaf.
#[derive(Clone, Copy)]
enum Child {
    Node(u8),
    Leaf(u16),
}

/// The code as a tree; node 0 is its root.
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

const fn steps() -> [[Step; 16]; NODES] {
    let tree = tree();
    let mut steps = [[Step { node: 0, symbol: None, broken: false }; 16]; NODES];
    let mut from = 0;
    while from < NODES {
        let mut bits = 0;
        while bits < 16 {
            let mut step = Step { node: from as u8, symbol: None, broken: false };
            let mut left = 4;
            while left > 0 {
                left -= 1;
                match tree[step.node as usize][(bits >> left) & 1] {
                    Child::Node(next) => step.node = next,
                    Child::Leaf(symbol) => {
                        step.node = 0;
                        step.broken |= symbol as usize == EOS;
                        step.symbol = Some(symbol as u8);
                    }
                }
            }
            steps[from][bits] = step;
            bits += 1;
        }
        from += 1;
    }
    steps
}

const fn may_end() -> [bool; NODES] {
    let tree = tree();
    let mut may_end = [false; NODES];
    let mut node = 0;
    let mut bits = 0;
    while bits < 8 {
        may_end[node] = true;
        match tree[node][1] {
            Child::Node(next) => node = next as usize,
            Child::Leaf(_) => panic!("EOS is longer than eight bits"),
        }
        bits += 1;
    }
    may_end
}

/// The bytes are no Huffman-coded string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Appends what `coded` stands for to `out`: at most 8/5 of its length.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    out.reserve(coded.len() + coded.len() / 2);
    let mut node = 0;
    for byte in coded {
        for bits in [byte >> 4, byte & 0x0f] {
            let step = STEPS[usize::from(node)][usize::from(bits)];
            if step.broken {
                return Err(Broken);
            }
            out.extend(step.symbol);
            node = step.node;
        }
    }
    if MAY_END[usize::from(node)] { Ok(()) } else { Err(Broken) }
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
