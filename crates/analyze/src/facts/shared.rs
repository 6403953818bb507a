//! Short lists that thousands of facts have in common: equal lists are kept once, and a fact holds a thin pointer.

use std::{collections::HashSet, fmt, hash::Hash, ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that may be shared; an empty one takes no memory.
pub struct Shared<T>(Option<Arc<Box<[T]>>>);

impl<T> Shared<T> {
    /// The list with what `change` makes of each item, for this owner alone.
    pub(crate) fn changed(&self, change: impl FnMut(T) -> T) -> Self
    where
        T: Clone,
    {
        Self(self.0.as_ref().map(|items| Arc::new(items.iter().cloned().map(change).collect())))
    }

    /// Where the list lies: equal for owners of one list.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |items| Arc::as_ptr(items).addr())
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], |items| items)
    }
}

impl<'a, T> IntoIterator for &'a Shared<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(Self::from)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(items: Vec<T>) -> Self {
        Self((!items.is_empty()).then(|| Arc::new(items.into())))
    }
}

/// Hands out one list for all that are equal.
pub(crate) struct Lists<T>(HashSet<Arc<Box<[T]>>, foldhash::fast::RandomState>);

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self(HashSet::default())
    }
}

impl<T: Hash + Eq> Lists<T> {
    /// The list for all that are equal to `list`, which is it where there is none yet.
    pub(crate) fn unite(&mut self, list: &Shared<T>) -> Shared<T> {
        let Some(items) = &list.0 else { return Shared::default() };
        if let Some(known) = self.0.get(items) {
            return Shared(Some(Arc::clone(known)));
        }
        self.0.insert(Arc::clone(items));
        list.clone()
    }

    /// The shared copy of `items`.
    pub(crate) fn share(&mut self, items: Vec<T>) -> Shared<T> {
        if items.is_empty() {
            return Shared::default();
        }
        let items: Box<[T]> = items.into();
        if let Some(known) = self.0.get(&items) {
            return Shared(Some(Arc::clone(known)));
        }
        let shared = Arc::new(items);
        self.0.insert(Arc::clone(&shared));
        Shared(Some(shared))
    }
}
