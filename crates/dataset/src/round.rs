//! Reads some clients of a dataset: what one round of judging looks at.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
    sync::Arc,
};

use arrow_array::{Array as _, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow_select::filter::filter_record_batch;
use authtrace_analyze::stored::{Gathering, Part};

use crate::{
    cells::typed,
    client::ClientName,
    error::{DatasetError, RowError},
    file,
    layout::{PartFile, bucket_of},
    link::Round,
    read::{Dataset, ReadPart, damaged, unreadable},
    rows::{self, NUMBER},
};

impl Dataset {
    /// What the clients of `round` sent, part by part in the order of the inputs; a part in which none of them has a row is
    /// there without any.
    pub fn round<'d>(&'d self, round: &Round) -> impl Iterator<Item = Result<ReadPart, DatasetError>> + use<'d> {
        let clients: Arc<HashSet<ClientName>> = Arc::new(round.clients().iter().copied().collect());
        let buckets = round.clients().iter().map(|client| client.bucket(self.marker().buckets)).collect();
        self.parts.iter().map(move |own| {
            let part = read(&self.root, own, &clients, &buckets)?;
            Ok(ReadPart { part, input: own.input.clone(), ids: own.ids })
        })
    }
}

fn read(
    root: &Path,
    own: &PartFile,
    clients: &Arc<HashSet<ClientName>>,
    buckets: &BTreeSet<u16>,
) -> Result<Part, DatasetError> {
    let mut gathering = Gathering::default();
    for data in own.files.iter().filter(|data| bucket_of(&data.path).is_some_and(|bucket| buckets.contains(&bucket))) {
        let path = root.join(&data.path);
        let read = file::read_facts_where(&path, theirs(clients), &mut |batch| {
            rows::facts(batch)?.into_iter().for_each(|stored| gathering.push(stored));
            Ok(())
        });
        read.map_err(|unread| unreadable(&path, unread, &own.input.path))?;
    }
    let named = gathering.named();
    for data in own.files.iter().filter(|data| data.path.starts_with("tokens/") && !named.is_empty()) {
        let path = root.join(&data.path);
        let read = file::read_rows(&path, &mut |batch| tokens(batch, &named, &mut gathering));
        read.map_err(|unread| unreadable(&path, unread, &own.input.path))?;
    }
    let part = gathering.finish(own.keys.clone());
    if part.is_whole() {
        return Ok(part);
    }
    Err(damaged(root, &"a request names a credential that is not there", &own.input.path))
}

/// Which rows are those of `clients`.
fn theirs(clients: &Arc<HashSet<ClientName>>) -> impl FnMut(&RecordBatch) -> Result<BooleanArray, RowError> + use<> {
    let clients = Arc::clone(clients);
    move |batch| {
        let names: &StringArray = typed(batch, "client")?;
        let theirs = |name: Option<&str>| name.and_then(ClientName::parse).is_some_and(|name| clients.contains(&name));
        Ok(names.iter().map(|name| Some(theirs(name))).collect())
    }
}

/// Gathers the credentials of the rows that have one of the numbers `named`.
fn tokens(batch: &RecordBatch, named: &HashSet<u32>, gathering: &mut Gathering) -> Result<(), RowError> {
    let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    let numbers: &Int64Array = typed(batch, NUMBER)?;
    let wanted: BooleanArray =
        numbers.iter().map(|cell| Some(number(cell).is_some_and(|number| named.contains(&number)))).collect();
    let batch = filter_record_batch(batch, &wanted)?;
    let numbers: &Int64Array = typed(&batch, NUMBER)?;
    debug_assert_eq!(numbers.null_count(), 0, "only rows with a number were kept");
    for (cell, token) in numbers.iter().zip(rows::tokens(&batch)?) {
        number(cell).into_iter().for_each(|number| gathering.push_token(number, token.clone()));
    }
    Ok(())
}
