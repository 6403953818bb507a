//! What was replaced, how often and where, and what was not understood: the paper that goes with a redacted capture.

use std::collections::BTreeMap;

use serde::Serialize;

/// The receipt of one capture.
#[derive(Clone, Default)]
pub struct Receipt {
    replaced: BTreeMap<(String, String), u64>,
    left_out: BTreeMap<String, (u64, u64)>,
    not_understood: BTreeMap<String, u64>,
    remarks: Vec<String>,
}

/// What a receipt says beside its counts.
pub struct About<'a> {
    /// Version of the program.
    pub version: &'a str,
    /// The capture's format.
    pub format: &'a str,
    /// Exchanges in it.
    pub exchanges: u64,
    /// Whether the user gave the key of the surrogates, so that other captures can be compared.
    pub key_given: bool,
    /// Distinct values that were replaced.
    pub distinct: usize,
    /// Values whose surrogate is classified otherwise.
    pub misshapen: u64,
}

/// Distinct places that are told apart: names come from the capture.
const MOST_PLACES: usize = 2000;

impl Receipt {
    /// A value of the sort `what` was replaced in `place`.
    pub(crate) fn replaced(&mut self, what: &str, place: &str) {
        let mut key = (what.to_owned(), place.to_owned());
        if self.replaced.len() >= MOST_PLACES && !self.replaced.contains_key(&key) {
            key.1 = "elsewhere".to_owned();
        }
        *self.replaced.entry(key).or_default() += 1;
    }

    /// `bytes` of the sort `what` were not copied.
    pub(crate) fn left_out(&mut self, what: &str, bytes: usize) {
        let entry = self.left_out.entry(what.to_owned()).or_default();
        *entry = (entry.0 + 1, entry.1 + bytes as u64);
    }

    /// `count` things could not be read, and were blanked or left out for that reason.
    pub fn not_understood(&mut self, what: &str, count: u64) {
        if count > 0 {
            *self.not_understood.entry(what.to_owned()).or_default() += count;
        }
    }

    /// A sentence that whoever gets the capture must know.
    pub fn remark(&mut self, sentence: &str) {
        self.remarks.push(sentence.to_owned());
    }

    /// As a JSON document, schema `authtrace.redaction/1`.
    pub fn json(&self, about: &About<'_>) -> String {
        let document = Document {
            schema: "authtrace.redaction/1",
            tool: Tool { name: "authtrace", version: about.version },
            format: about.format,
            exchanges: about.exchanges,
            key: if about.key_given { "given" } else { "random, not kept" },
            distinct_values: about.distinct,
            changed_kind: about.misshapen,
            replaced: self
                .replaced
                .iter()
                .map(|((what, place), count)| Replaced { what, place, count: *count })
                .collect(),
            left_out: self
                .left_out
                .iter()
                .map(|(what, (count, bytes))| LeftOut { what, count: *count, bytes: *bytes })
                .collect(),
            not_understood: self
                .not_understood
                .iter()
                .map(|(what, count)| NotUnderstood { what, count: *count })
                .collect(),
            remarks: &self.remarks,
        };
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As text for a person.
    pub fn text(&self, about: &About<'_>) -> String {
        let mut out = format!(
            "{} exchanges of a {} capture; {} distinct values replaced, under a {} key\n",
            about.exchanges,
            about.format,
            about.distinct,
            if about.key_given { "given" } else { "random" }
        );
        let mut sums: BTreeMap<&str, (u64, Vec<&str>)> = BTreeMap::new();
        for ((what, place), count) in &self.replaced {
            let sum = sums.entry(what).or_default();
            sum.0 += count;
            sum.1.push(place);
        }
        for (what, (count, places)) in sums {
            let shown = places.iter().take(PLACES_SHOWN).copied().collect::<Vec<_>>().join(", ");
            let more = places.len().saturating_sub(PLACES_SHOWN);
            let more = if more > 0 { format!(" and {more} more places") } else { String::new() };
            out.push_str(&format!("  replaced   {count:>6} × {what}: {shown}{more}\n"));
        }
        for (what, (count, bytes)) in &self.left_out {
            out.push_str(&format!("  left out   {count:>6} × {what} ({bytes} bytes)\n"));
        }
        for (what, count) in &self.not_understood {
            out.push_str(&format!("  unread     {count:>6} × {what}\n"));
        }
        for remark in &self.remarks {
            out.push_str(&format!("  note       {remark}\n"));
        }
        out
    }
}

/// Places of one sort that the text names.
const PLACES_SHOWN: usize = 6;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    tool: Tool<'a>,
    format: &'a str,
    exchanges: u64,
    key: &'a str,
    distinct_values: usize,
    changed_kind: u64,
    replaced: Vec<Replaced<'a>>,
    left_out: Vec<LeftOut<'a>>,
    not_understood: Vec<NotUnderstood<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Replaced<'a> {
    what: &'a str,
    place: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    what: &'a str,
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct NotUnderstood<'a> {
    what: &'a str,
    count: u64,
}
