//! The timeline's rows: which exchanges, in which order, in which groups. Done beside the screen: a million rows take time.

use std::collections::{BTreeSet, HashMap};

use authtrace_analyze::{Analysis, facts::Fact, table::FilterError};
use authtrace_parse::ExchangeId;

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Sort {
    #[default]
    Time,
    Id,
    Duration,
    Status,
    Host,
    Path,
    Session,
}

impl Sort {
    /// Every order, in the order of the key that changes it.
    pub const ALL: [Self; 7] =
        [Self::Time, Self::Id, Self::Duration, Self::Status, Self::Host, Self::Path, Self::Session];

    /// Name in the heading and in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Id => "id",
            Self::Duration => "duration",
            Self::Status => "status",
            Self::Host => "host",
            Self::Path => "path",
            Self::Session => "session",
        }
    }
}

/// What the rows are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Fold {
    #[default]
    None,
    Session,
    Route,
    Connection,
}

impl Fold {
    /// Every grouping, in the order of the key that changes it.
    pub const ALL: [Self; 4] = [Self::None, Self::Session, Self::Route, Self::Connection];

    /// Name in the heading and in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Session => "session",
            Self::Route => "route",
            Self::Connection => "connection",
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// The SQL expression of `--filter`.
    pub filter: Option<String>,
    /// Order within groups.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// Groups.
    pub fold: Fold,
    /// Which look at a running capture the rows are of.
    pub look: u64,
}

/// Exchanges that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; empty for the one group of an ungrouped list.
    pub name: String,
    /// Places in the capture's facts, in order.
    pub members: Vec<u32>,
    /// How many of them were refused for authentication.
    pub refused: u32,
    /// Whether the members are shown.
    pub open: bool,
}

/// One line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The head of a group.
    Group(u32),
    /// An exchange, by its place in the capture's facts.
    Exchange(u32),
}

/// The arranged list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Groups in order of their first member.
    pub groups: Vec<Group>,
    /// What is shown of them.
    pub shown: Vec<Row>,
}

impl Rows {
    /// Exchanges in all groups, shown or not.
    pub fn exchanges(&self) -> usize {
        self.groups.iter().map(|group| group.members.len()).sum()
    }

    /// Writes down what is shown, after a group was opened or closed.
    pub fn refresh(&mut self) {
        self.shown.clear();
        for (number, group) in (0u32..).zip(&self.groups) {
            if !group.name.is_empty() {
                self.shown.push(Row::Group(number));
            }
            if group.open {
                self.shown.extend(group.members.iter().map(|&place| Row::Exchange(place)));
            }
        }
    }

    /// The row of the exchange at `place`, where its group is open.
    pub fn row(&self, place: u32) -> Option<usize> {
        self.shown.iter().position(|row| *row == Row::Exchange(place))
    }

    /// Opens the group that holds the exchange at `place`, so that it has a row.
    pub fn reveal(&mut self, place: u32) -> Option<usize> {
        self.groups.iter_mut().find(|group| group.members.contains(&place))?.open = true;
        self.refresh();
        self.row(place)
    }
}

/// Arranges the exchanges of `analysis` that `focus` admits.
///
/// # Errors
/// Where the filter does not fit the table.
pub fn arrange(
    analysis: &Analysis,
    focus: Option<&BTreeSet<ExchangeId>>,
    how: &Arrangement,
) -> Result<Rows, FilterError> {
    let facts = &analysis.capture.facts;
    let matching = how.filter.as_deref().map(|filter| analysis.capture.matching(filter));
    let mut matching = matching.transpose()?;
    if let Some(ids) = &mut matching {
        ids.sort_unstable();
    }
    let admits = |fact: &Fact| {
        focus.is_none_or(|focus| focus.contains(&fact.id))
            && matching.as_ref().is_none_or(|ids| ids.binary_search(&fact.id).is_ok())
    };
    let mut places: Vec<u32> = (0u32..).zip(facts).filter(|(_, fact)| admits(fact)).map(|(place, _)| place).collect();
    let fact = |place: &u32| &facts[*place as usize];
    match how.sort {
        Sort::Time => places.sort_by_key(|p| (fact(p).started_nanos(), *p)),
        Sort::Id => {}
        Sort::Duration => places.sort_by_key(|p| (std::cmp::Reverse(fact(p).timing.duration()), *p)),
        Sort::Status => places.sort_by_key(|p| (std::cmp::Reverse(fact(p).status), *p)),
        Sort::Host => places.sort_by(|a, b| fact(a).origin.cmp(&fact(b).origin).then(a.cmp(b))),
        Sort::Path => places.sort_by(|a, b| fact(a).path.cmp(&fact(b).path).then(a.cmp(b))),
        Sort::Session => places.sort_by_key(|p| (fact(p).session.is_none(), fact(p).session, *p)),
    }
    if how.reverse {
        places.reverse();
    }
    let mut rows = Rows { groups: grouped(facts, places, how.fold), shown: Vec::new() };
    rows.refresh();
    Ok(rows)
}

/// Groups in order of their first member.
fn grouped(facts: &[Fact], places: Vec<u32>, fold: Fold) -> Vec<Group> {
    let refused = |members: &[u32]| {
        let refused = members.iter().filter(|place| facts[**place as usize].refused()).count();
        u32::try_from(refused).unwrap_or(u32::MAX)
    };
    if fold == Fold::None {
        let refused = refused(&places);
        return vec![Group { name: String::new(), members: places, refused, open: true }];
    }
    let name = |fact: &Fact| match fold {
        Fold::Session => fact.session.map_or_else(|| "no session".to_owned(), |session| session.to_string()),
        Fold::Connection => {
            fact.connection.as_ref().map_or_else(|| "connection unknown".to_owned(), ToString::to_string)
        }
        Fold::Route | Fold::None => format!("{} on {}", fact.route, fact.origin),
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for place in places {
        let name = name(&facts[place as usize]);
        let at = *known.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.members.push(place),
            None => groups.push(Group { name, members: vec![place], refused: 0, open: false }),
        }
    }
    groups.iter_mut().for_each(|group| group.refused = refused(&group.members));
    groups
}
