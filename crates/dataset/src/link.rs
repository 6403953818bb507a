//! Link: which clients of a dataset must be judged together, by what they have in common (DESIGN §8).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
};

use arrow_array::{RecordBatch, StringArray};

use crate::{
    cells::typed,
    client::ClientName,
    error::{DatasetError, RowError},
    file,
    layout::{DataFile, PartFile},
    read::{Dataset, damaged, unreadable},
};

/// The clients of a dataset in groups that know nothing of each other: what ties connect.
pub struct Groups {
    numbers: HashMap<ClientName, u32>,
    names: Vec<ClientName>,
    /// Exchanges of each client.
    exchanges: Vec<u64>,
    /// For each client another one of its group, itself at the end of the way.
    parents: Vec<u32>,
    /// Buckets that a day has.
    buckets: u16,
}

/// One client with its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The client.
    pub client: ClientName,
    /// The least name in its group.
    pub group: ClientName,
    /// Exchanges of the client.
    pub exchanges: u64,
}

impl Dataset {
    /// Links its clients over all parts.
    ///
    /// # Errors
    /// Where a file is damaged: a tie that is missing would be a wrong judgement.
    pub fn link(&self) -> Result<Groups, DatasetError> {
        let mut linker = Linker::new(self.marker().buckets);
        self.each_row("exchanges/", &["client"], |batch| {
            let clients: &StringArray = typed(batch, "client")?;
            clients.iter().try_for_each(|client| linker.count(client.unwrap_or_default()))
        })?;
        self.each_tie(|client, what, way| linker.note(client, what, way))?;
        self.each_tie(|client, what, _| linker.join(client, what))?;
        Ok(linker.groups())
    }

    fn each_tie(&self, mut take: impl FnMut(&str, &str, &str) -> Result<(), RowError>) -> Result<(), DatasetError> {
        self.each_row("ties/", &["client", "what", "way"], |batch| {
            let [clients, whats, ways] = ["client", "what", "way"].map(|name| typed::<StringArray>(batch, name));
            let rows = clients?.iter().zip(whats?).zip(ways?);
            rows.map(|((client, what), way)| (client.unwrap_or_default(), what.unwrap_or_default(), way))
                .try_for_each(|(client, what, way)| take(client, what, way.unwrap_or_default()))
        })
    }

    /// The columns `names` of all files in `folder`, batch by batch.
    fn each_row(
        &self,
        folder: &str,
        names: &[&str],
        mut take: impl FnMut(&RecordBatch) -> Result<(), RowError>,
    ) -> Result<(), DatasetError> {
        for part in &self.parts {
            for data in part.files.iter().filter(|data| data.path.starts_with(folder)) {
                rows_of(&self.root, part, data, names, &mut take)?;
            }
        }
        Ok(())
    }
}

fn rows_of(
    root: &Path,
    part: &PartFile,
    data: &DataFile,
    names: &[&str],
    take: &mut impl FnMut(&RecordBatch) -> Result<(), RowError>,
) -> Result<(), DatasetError> {
    let path = root.join(&data.path);
    let mut rows = 0;
    let read = file::read_columns(&path, names, &mut |batch| {
        rows += batch.num_rows();
        take(batch)
    });
    read.map_err(|unread| unreadable(&path, unread, &part.input.path))?;
    if rows == data.rows {
        return Ok(());
    }
    Err(damaged(&path, &format!("{rows} rows, {} were written", data.rows), &part.input.path))
}

/// Links clients, wherever they are read from: all exchanges are counted and all ties noted, then all ties are told again
/// and join. What joins whom is known when all have been seen, and to read them twice is cheaper than to keep them.
pub struct Linker {
    groups: Groups,
    ways: Ways,
}

impl Linker {
    /// Of clients whose rows lie in so many `buckets` a day.
    pub fn new(buckets: u16) -> Self {
        Self { groups: Groups::new(buckets), ways: Ways::default() }
    }

    /// Counts one more exchange of `client`.
    ///
    /// # Errors
    /// Where that is no name of a client.
    pub fn count(&mut self, client: &str) -> Result<(), RowError> {
        self.groups.count(client)
    }

    /// Notes that `client` has `what`, which ties in the `way` of that name.
    ///
    /// # Errors
    /// Where that is no name of a client.
    pub fn note(&mut self, client: &str, what: &str, way: &str) -> Result<(), RowError> {
        self.ways.note(what, way, self.groups.number(client)?);
        Ok(())
    }

    /// Joins `client`, which has `what`, with the others who do, now that all ties were noted.
    ///
    /// # Errors
    /// Where that is no name of a client.
    pub fn join(&mut self, client: &str, what: &str) -> Result<(), RowError> {
        if let Some(other) = self.ways.joins(what) {
            let client = self.groups.number(client)?;
            self.groups.join(client, other);
        }
        Ok(())
    }

    /// The groups, now that all ties have joined.
    pub fn groups(self) -> Groups {
        self.groups
    }
}

impl Groups {
    fn new(buckets: u16) -> Self {
        Self { numbers: HashMap::new(), names: Vec::new(), exchanges: Vec::new(), parents: Vec::new(), buckets }
    }

    /// Counts one more exchange of `client`.
    fn count(&mut self, client: &str) -> Result<(), RowError> {
        let number = self.number(client)?;
        self.exchanges[number as usize] += 1;
        Ok(())
    }

    fn number(&mut self, client: &str) -> Result<u32, RowError> {
        let name = ClientName::parse(client).ok_or(RowError::Damaged)?;
        let next = u32::try_from(self.names.len()).map_err(|_| RowError::Damaged)?;
        Ok(*self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.exchanges.push(0);
            self.parents.push(next);
            next
        }))
    }

    /// The client that stands for the group of `client`.
    fn root(&self, mut client: u32) -> u32 {
        while self.parents[client as usize] != client {
            client = self.parents[client as usize];
        }
        client
    }

    fn join(&mut self, one: u32, other: u32) {
        let (first, second) = (self.root(one), self.root(other));
        let least = if self.names[first as usize] < self.names[second as usize] { first } else { second };
        for mut client in [one, other] {
            // Every way is made short when it is walked.
            while self.parents[client as usize] != least {
                client = std::mem::replace(&mut self.parents[client as usize], least);
            }
        }
    }

    /// Every client, group by group in the order of their names.
    pub fn linked(&self) -> Vec<Linked> {
        let numbered = (0u32..).zip(self.names.iter().zip(&self.exchanges));
        let mut linked: Vec<Linked> = numbered
            .map(|(number, (&client, &exchanges))| Linked {
                client,
                group: self.names[self.root(number) as usize],
                exchanges,
            })
            .collect();
        linked.sort_by_key(|linked| (linked.group, linked.client));
        linked
    }

    /// Number of the group of the client of this name.
    pub fn of(&self, client: &str) -> Option<u32> {
        let name = ClientName::parse(client)?;
        self.numbers.get(&name).map(|&number| self.root(number))
    }

    /// The clients of the groups of these numbers, in one round.
    pub fn round_of(&self, groups: &BTreeSet<u32>) -> Round {
        let numbered = (0u32..).zip(self.names.iter().zip(&self.exchanges));
        let mut round = Round::default();
        for (number, (&client, &exchanges)) in numbered {
            if groups.contains(&self.root(number)) {
                round.take(exchanges, [client]);
            }
        }
        round
    }

    /// Splits the clients into rounds of at most `most` exchanges, or of one group where that has more. Groups whose rows lie
    /// in the same files come into the same round where they can.
    pub fn rounds(&self, most: u64) -> Vec<Round> {
        let mut groups: BTreeMap<(u16, ClientName), (u64, Vec<ClientName>)> = BTreeMap::new();
        for Linked { client, group, exchanges } in self.linked() {
            let (total, clients) = groups.entry((group.bucket(self.buckets), group)).or_default();
            *total += exchanges;
            clients.push(client);
        }
        let mut rounds: Vec<Round> = Vec::new();
        for (exchanges, clients) in groups.into_values() {
            match rounds.last_mut().filter(|round| round.exchanges + exchanges <= most) {
                Some(round) => round.take(exchanges, clients),
                None => rounds.push(Round { exchanges, clients }),
            }
        }
        rounds
    }
}

/// Clients that are judged at a time: whole groups.
#[derive(Clone, Debug, Default)]
pub struct Round {
    exchanges: u64,
    clients: Vec<ClientName>,
}

impl Round {
    fn take(&mut self, exchanges: u64, clients: impl IntoIterator<Item = ClientName>) {
        self.exchanges += exchanges;
        self.clients.extend(clients);
    }

    /// The clients.
    pub fn clients(&self) -> &[ClientName] {
        &self.clients
    }
}

/// How each thing that clients may have in common ties them. It is known by its hash: two that hash alike join groups that
/// need not be, which costs memory and nothing else.
#[derive(Default)]
struct Ways(HashMap<u64, Seen>);

struct Seen {
    both: bool,
    goes: bool,
    comes: bool,
    first: u32,
}

impl Ways {
    fn note(&mut self, what: &str, way: &str, client: u32) {
        let seen = self.0.entry(hash(what)).or_insert(Seen { both: false, goes: false, comes: false, first: client });
        match way {
            "goes" => seen.goes = true,
            "comes" => seen.comes = true,
            _ => seen.both = true,
        }
    }

    /// The first client that has `what`, where it ties all who have it.
    fn joins(&self, what: &str) -> Option<u32> {
        self.0.get(&hash(what)).filter(|seen| seen.both || seen.goes && seen.comes).map(|seen| seen.first)
    }
}

fn hash(what: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
