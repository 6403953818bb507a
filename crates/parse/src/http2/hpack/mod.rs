//! HPACK (RFC 7541), as a bystander decodes it: what refers to a part of the connection that was not captured is
//! *unknown*, which is neither absent nor an error.

mod huffman;
mod integer;
mod table;
#[cfg(test)]
mod tests;

use table::{Found, Name, Table};

/// One header field, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Known {
        name: &'a [u8],
        value: &'a [u8],
    },
    /// Its name, or all of it, refers to an entry that is unknown.
    Unknown,
}

impl<'a> Field<'a> {
    fn of(name: Option<&'a [u8]>, value: &'a [u8]) -> Self {
        name.map_or(Self::Unknown, |name| Self::Known { name, value })
    }
}

/// The block breaks the rules of the coding; what stood before was decoded, what the table holds now is unknown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Decodes the field blocks of one direction.
pub(super) struct Decoder {
    table: Table,
    /// Largest table that the peer ever allowed; `None` where that is not known.
    allowed: Option<usize>,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    /// A decoder at the start of a connection.
    pub(super) fn new() -> Self {
        Self { table: Table::new(), allowed: Some(Table::INITIAL), name: Vec::new(), value: Vec::new() }
    }

    /// A block was lost, or the connection was not captured from its start.
    pub(super) fn forget(&mut self) {
        self.table.forget();
        self.allowed = None;
    }

    /// The peer allows a table of `size` bytes (SETTINGS_HEADER_TABLE_SIZE, RFC 9113 §6.5.2). The encoder says itself
    /// what it uses of that, so this only tells what it must not say.
    pub(super) fn allow(&mut self, size: u32) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.allowed = self.allowed.map(|allowed| allowed.max(size));
    }

    /// What the peer allows is not known any more.
    pub(super) fn allow_any(&mut self) {
        self.allowed = None;
    }

    /// Decodes a block. `cut` where only its beginning was captured, which is decoded as far as it goes; what the rest
    /// would have inserted is lost then.
    pub(super) fn decode(&mut self, block: &[u8], cut: bool, sink: &mut dyn FnMut(Field<'_>)) -> Result<(), Broken> {
        let mut rest = block;
        let mut result = Ok(());
        while let Some(first) = rest.first() {
            match self.instruction(*first, rest, sink) {
                Ok(after) => rest = after,
                Err(Trouble::Ended) if cut => break,
                Err(_) => {
                    result = Err(Broken);
                    break;
                }
            }
        }
        if cut || result.is_err() {
            self.forget();
        }
        result
    }

    /// Carries out the instruction that `bytes` begin with; gives what follows it.
    fn instruction<'b>(
        &mut self,
        first: u8,
        bytes: &'b [u8],
        sink: &mut dyn FnMut(Field<'_>),
    ) -> Result<&'b [u8], Trouble> {
        match first {
            // Indexed field (§6.1).
            0x80.. => {
                let (index, rest) = integer::read(bytes, 7)?;
                match self.table.get(index).ok_or(Trouble::Wrong)? {
                    Found::Known(name, value) => sink(Field::of(name.bytes(), value)),
                    Found::Unknown => sink(Field::Unknown),
                }
                Ok(rest)
            }
            // Literal with incremental indexing (§6.2.1).
            0x40..0x80 => self.literal(bytes, 6, true, sink),
            // Table size update (§6.3).
            0x20..0x40 => {
                let (size, rest) = integer::read(bytes, 5)?;
                if self.allowed.is_some_and(|allowed| size > allowed) {
                    return Err(Trouble::Wrong);
                }
                self.table.resize(size);
                Ok(rest)
            }
            // Literals without indexing, and never indexed (§6.2.2, §6.2.3).
            0x00..0x20 => self.literal(bytes, 4, false, sink),
        }
    }

    fn literal<'b>(
        &mut self,
        bytes: &'b [u8],
        prefix: u8,
        insert: bool,
        sink: &mut dyn FnMut(Field<'_>),
    ) -> Result<&'b [u8], Trouble> {
        let (index, mut rest) = integer::read(bytes, prefix)?;
        let name = if index == 0 {
            rest = string(rest, &mut self.name)?;
            None
        } else {
            Some(match self.table.get(index).ok_or(Trouble::Wrong)? {
                Found::Known(name, _) => name,
                Found::Unknown => Name::Unknown,
            })
        };
        rest = string(rest, &mut self.value)?;
        let known = name.as_ref().map_or(Some(&*self.name), Name::bytes);
        sink(Field::of(known, &self.value));
        if insert {
            match name.unwrap_or_else(|| Name::Literal(self.name.as_slice().into())) {
                Name::Unknown => self.table.insert_unknown(),
                name => self.table.insert(name, &self.value),
            }
        }
        Ok(rest)
    }
}

/// Why a block cannot be decoded any further.
enum Trouble {
    /// It ends in the middle of an instruction.
    Ended,
    /// It breaks a rule.
    Wrong,
}

/// Reads a string literal (§5.2) into `out`; gives what follows it.
fn string<'b>(bytes: &'b [u8], out: &mut Vec<u8>) -> Result<&'b [u8], Trouble> {
    out.clear();
    let coded = bytes.first().ok_or(Trouble::Ended)? & 0x80 != 0;
    let (length, rest) = integer::read(bytes, 7)?;
    let (text, rest) = rest.split_at_checked(length).ok_or(Trouble::Ended)?;
    if coded {
        huffman::decode(text, out).map_err(|_| Trouble::Wrong)?;
    } else {
        out.extend_from_slice(text);
    }
    Ok(rest)
}
