//! Ties: what may join the timelines of two clients, as rows that can be compared over many captures.
//!
//! Clients that no chain of ties connects know nothing of each other, so whoever keeps connected ones together may judge the
//! others elsewhere (DESIGN §8). A tie that joins nothing in truth costs a larger group, a missing one a wrong judgement:
//! in doubt there is one.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    num::{NonZeroU16, NonZeroU64},
};

use sha2::{Digest, Sha256};

use crate::{
    coverage::{Input, InputFormat},
    facts::client,
    stored::{Part, StoredFact},
    text::Text,
    token::{Fingerprinter, Identifier},
    tokens::TokenId,
};

/// How clients that have something in common are tied by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// They are tied.
    Both,
    /// They are tied where anybody comes from there, as a proxy does.
    Goes,
    /// They are tied where anybody goes there.
    Comes,
}

impl Way {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Goes => "goes",
            Self::Comes => "comes",
        }
    }
}

/// Something that a client has, and others may have, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tie {
    /// Who: [`ClientNames::of`].
    pub client: Text,
    /// What: a credential's fingerprint, a session id's, a connection.
    pub what: String,
    /// How it ties.
    pub way: Way,
}

/// Names of clients: the same in every capture for whoever is told apart by address and `User-Agent`, else one for each
/// recording.
pub struct ClientNames<'a> {
    input: &'a Input,
    known: HashMap<(Option<IpAddr>, Option<Text>), Text>,
}

impl<'a> ClientNames<'a> {
    /// Of the clients in `input`.
    pub fn new(input: &'a Input) -> Self {
        Self { input, known: HashMap::new() }
    }

    /// The name of whoever sent `stored`: 32 hex digits.
    pub fn of(&mut self, stored: &StoredFact) -> Text {
        let address = stored.client_address.map(|address| address.to_canonical());
        let agent = stored.fact.user_agent.clone().filter(|_| address.is_some());
        let input = self.input;
        let name = self.known.entry((address, agent)).or_insert_with_key(|(address, agent)| {
            let mut client = Sha256::new();
            match address {
                Some(address) => {
                    client.update(address.to_string());
                    client.update(agent.as_deref().unwrap_or_default());
                }
                None => client.update(input.sha256),
            }
            client.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
        });
        name.clone()
    }
}

/// The ties of everybody in `part`, which was read of `input` and is called `name`; its facts were sent by `clients`. Values
/// that the part still holds are compared with those of other parts by `names`, where that is given.
pub fn ties(part: &Part, clients: &[Text], input: &Input, name: &str, names: Option<&Fingerprinter>) -> BTreeSet<Tie> {
    let mut found = Found { ties: BTreeSet::new(), carried: HashSet::default(), met: HashSet::default(), names };
    for (stored, client) in part.facts.iter().zip(clients) {
        for id in stored.fact.token_ids() {
            // Most requests carry what an earlier one of the same client carried.
            if found.carried.insert((client.clone(), id)) {
                found.token(client, id, part, name);
            }
        }
        let StoredFact { fact, .. } = stored;
        // And most go over a connection that it has used before.
        if found.met.insert((client.clone(), fact.client_port, fact.server, fact.opening, fact.forwarded)) {
            found.places(client, stored, input);
        }
    }
    found.ties
}

struct Found<'n> {
    ties: BTreeSet<Tie>,
    carried: HashSet<(Text, TokenId), foldhash::fast::RandomState>,
    met: HashSet<Connection, foldhash::fast::RandomState>,
    names: Option<&'n Fingerprinter>,
}

/// All of an exchange that says where it was seen: client, its port, server, initial sequence numbers, whether a proxy passed
/// it on.
type Connection = (Text, Option<NonZeroU16>, Option<SocketAddr>, Option<NonZeroU64>, bool);

impl Found<'_> {
    fn add(&mut self, client: &Text, what: String, way: Way) {
        self.ties.insert(Tie { client: client.clone(), what, way });
    }

    /// One credential is one session's, and what is counted of it counts all who sent it; a session id joins, too.
    fn token(&mut self, client: &Text, id: TokenId, part: &Part, name: &str) {
        let Some(token) = part.tokens.get(id.0 as usize) else { return };
        let held = || Some(self.names?.long_identifier(token.held()?).to_string());
        let what = match token.told_as().map(str::to_owned).or_else(held) {
            Some(told) => format!("token {told}"),
            // Nothing is told of it that another part could be compared with.
            None => format!("token {} of {name}", id.0),
        };
        self.add(client, what, Way::Both);
        let told = |sid: &Identifier| match (sid, self.names) {
            (Identifier::Told(sid), _) => Some(sid.clone()),
            (Identifier::Held(sid), Some(names)) => Some(names.long_identifier(sid.as_secret_str())),
            (Identifier::Held(_), None) => None,
        };
        if let Some(sid) = token.claims().and_then(|claims| told(claims.sid.as_ref()?)) {
            self.add(client, format!("sid {sid}"), Way::Both);
        }
    }

    /// Calls that are seen more than once: on two sides of a proxy, in two captures, in a recording and on the wire.
    fn places(&mut self, client: &Text, stored: &StoredFact, input: &Input) {
        let StoredFact { client_address, fact } = stored;
        if input.format == InputFormat::Har {
            self.add(client, "recording".to_owned(), Way::Comes);
        }
        let (Some(address), Some(port)) = (client_address, fact.client_port) else { return };
        self.add(client, "recording".to_owned(), Way::Goes);
        let from = client::machine(*address);
        if from.is_loopback() {
            self.add(client, format!("loopback {}", fact.user_agent.as_deref().unwrap_or_default()), Way::Both);
        }
        if fact.forwarded || !from.is_loopback() {
            self.add(client, format!("host {from}"), Way::Comes);
        }
        if let Some(opening) = fact.opening {
            self.add(client, format!("opening {opening}"), Way::Both);
        }
        if let Some(server) = fact.server {
            self.add(client, format!("host {}", client::machine(server.ip())), Way::Goes);
            self.add(client, format!("ends {address} {port} {server}"), Way::Both);
        }
    }
}
