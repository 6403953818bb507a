//! Header fields in wire order, duplicates kept, names compared without case (RFC 9110 §5.1).

use crate::secret::SecretStr;

/// A block of header fields. One buffer holds all names and values, so a block costs two allocations.
#[derive(Clone, Default)]
pub struct Headers {
    text: String,
    fields: Vec<Field>,
}

#[derive(Clone, Copy)]
struct Field {
    start: u32,
    /// `start + name_len` is where the value starts.
    name_len: u32,
    value_len: u32,
}

impl Field {
    fn value_start(&self) -> usize {
        self.start as usize + self.name_len as usize
    }
}

impl Headers {
    /// An empty block.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty block with room for `fields` fields of `bytes` bytes together.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), fields: Vec::with_capacity(fields) }
    }

    /// Appends a field as it stood on the wire. Ignored beyond 4 GiB of text, which no real header block reaches.
    pub fn push(&mut self, name: &str, value: &str) {
        let (Ok(start), Ok(name_len), Ok(value_len)) =
            (u32::try_from(self.text.len()), u32::try_from(name.len()), u32::try_from(value.len()))
        else {
            return;
        };
        self.text.push_str(name);
        self.text.push_str(value);
        self.fields.push(Field { start, name_len, value_len });
    }

    /// Number of fields, duplicates counted.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Every field in wire order: the name as written, the value still secret.
    pub fn iter(&self) -> impl Iterator<Item = (&str, SecretStr<'_>)> {
        self.fields.iter().map(|field| {
            let (start, end) = (field.start as usize, field.value_start());
            (&self.text[start..end], self.value(field))
        })
    }

    fn value(&self, field: &Field) -> SecretStr<'_> {
        let start = field.value_start();
        SecretStr::new(&self.text[start..start + field.value_len as usize])
    }

    /// Every value of `name`, in wire order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = SecretStr<'a>> {
        // Facts look up dozens of names in every block: most fields are told apart by length, and none is cut out before.
        let (text, name) = (self.text.as_bytes(), name.as_bytes());
        let same = move |field: &&Field| {
            field.name_len as usize == name.len()
                && text[field.start as usize..field.value_start()].eq_ignore_ascii_case(name)
        };
        self.fields.iter().filter(same).map(|field| self.value(field))
    }

    /// The first value of `name`.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<SecretStr<'a>> {
        self.get_all(name).next()
    }

    /// Whether a field called `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in fields {
            headers.push(name.as_ref(), value.as_ref());
        }
        headers
    }
}
