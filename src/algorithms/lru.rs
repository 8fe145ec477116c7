//! A table that forgets what was least recently used.
//!
//! Entries are found by hash and an equality of the caller's, so that an entry can be sought by less than a whole key. Finding, adding
//! and removing each take constant time. What is kept, and how much, is the caller's to decide.

use hashbrown::HashTable;

/// The position of an entry, good until the entry is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(u32);

/// Entries by hash, in the order of their last use.
#[derive(Debug)]
pub struct Lru<T> {
    index: HashTable<Position>,
    entries: Vec<Option<Entry<T>>>,
    free: Vec<Position>,
    /// The ends of the list by last use.
    newest: Option<Position>,
    oldest: Option<Position>,
    weight: usize,
}

#[derive(Debug)]
struct Entry<T> {
    hash: u64,
    weight: usize,
    value: T,
    /// Neighbours in the list by last use.
    newer: Option<Position>,
    older: Option<Position>,
}

impl<T> Default for Lru<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), entries: Vec::new(), free: Vec::new(), newest: None, oldest: None, weight: 0 }
    }
}

impl<T> Lru<T> {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// What all entries weigh together.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.weight
    }

    fn entry(&self, place: Position) -> Option<&Entry<T>> {
        self.entries.get(place.0 as usize).and_then(Option::as_ref)
    }

    fn entry_mut(&mut self, place: Position) -> Option<&mut Entry<T>> {
        self.entries.get_mut(place.0 as usize).and_then(Option::as_mut)
    }

    /// The place of the entry with this hash that is the `same`. Does not count as a use.
    pub fn find(&self, hash: u64, mut same: impl FnMut(&T) -> bool) -> Option<Position> {
        self.index.find(hash, |&p| self.entry(p).is_some_and(|e| e.hash == hash && same(&e.value))).copied()
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, place: Position) -> Option<&T> {
        self.entry(place).map(|e| &e.value)
    }

    /// The value at a place, which is the most recently used from now on.
    pub fn touch(&mut self, place: Position) -> Option<&T> {
        if self.newest != Some(place) && self.entry(place).is_some() {
            self.unlink(place);
            self.link(place);
        }
        self.get(place)
    }

    /// Adds a value as the most recently used. Does not look for an equal entry: the caller asks [`find`](Self::find) first.
    pub fn insert(&mut self, hash: u64, weight: usize, value: T) -> Position {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            Position(self.entries.len() as u32 - 1)
        });
        self.entries[place.0 as usize] = Some(Entry { hash, weight, value, newer: None, older: None });
        let entries = &self.entries;
        self.index.insert_unique(hash, place, |p| entries[p.0 as usize].as_ref().map_or(0, |e| e.hash));
        self.weight += weight;
        self.link(place);
        place
    }

    /// Removes the least recently used value, but never the only one.
    pub fn remove_oldest(&mut self) -> Option<T> {
        self.oldest.filter(|&o| self.newest != Some(o)).and_then(|o| self.remove(o))
    }

    /// Removes a value.
    pub fn remove(&mut self, place: Position) -> Option<T> {
        self.unlink(place);
        let entry = self.entries.get_mut(place.0 as usize)?.take()?;
        if let Ok(found) = self.index.find_entry(entry.hash, |&p| p == place) {
            found.remove();
        }
        self.free.push(place);
        self.weight -= entry.weight;
        Some(entry.value)
    }

    /// Removes an entry from the list by last use.
    fn unlink(&mut self, place: Position) {
        let Some((newer, older)) = self.entry_mut(place).map(|e| (e.newer.take(), e.older.take())) else { return };
        match newer.and_then(|n| self.entry_mut(n)) {
            Some(n) => n.older = older,
            None => self.newest = older,
        }
        match older.and_then(|o| self.entry_mut(o)) {
            Some(o) => o.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Puts an entry at the new end of the list.
    fn link(&mut self, place: Position) {
        let before = self.newest.replace(place);
        if let Some(e) = self.entry_mut(place) {
            e.older = before;
        }
        match before.and_then(|b| self.entry_mut(b)) {
            Some(b) => b.newer = Some(place),
            None => self.oldest = Some(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Lcg, Random};
    use super::*;

    /// The table held against a list that is searched in full, with hashes cut down to few bits.
    #[test]
    fn it_keeps_what_a_plain_list_would_keep() {
        for mask in [u64::MAX, 7, 0] {
            let mut table = Lru::default();
            let mut list: Vec<usize> = Vec::new();
            let mut random = Lcg(1);
            for _ in 0..4000 {
                let key = random.below(16);
                let hash = key as u64 & mask;
                let at = list.iter().position(|k| *k == key);
                match (at, table.find(hash, |k| *k == key)) {
                    (Some(at), Some(place)) => {
                        list.remove(at);
                        list.push(key);
                        if random.one_in(5) {
                            assert_eq!(table.remove(place), list.pop());
                        } else {
                            assert_eq!(table.touch(place), Some(&key));
                        }
                    }
                    (None, None) => {
                        table.insert(hash, key + 1, key);
                        list.push(key);
                        if list.len() > 5 {
                            assert_eq!(table.remove_oldest(), Some(list.remove(0)));
                        }
                    }
                    (at, place) => panic!("{key}: expected at {at:?}, found {place:?}"),
                }
                assert_eq!((table.len(), table.weight()), (list.len(), list.iter().map(|k| k + 1).sum()));
            }
            while table.len() > 1 {
                assert_eq!(table.remove_oldest(), Some(list.remove(0)));
            }
            assert_eq!(table.remove_oldest(), None, "the only entry stays");
            assert_eq!(table.newest.and_then(|n| table.remove(n)), list.pop());
            assert_eq!((table.weight(), table.newest, table.oldest), (0, None, None));
        }
    }
}
