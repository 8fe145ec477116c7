//! Which groups wait for which while groups form, and which groups have become one.
//!
//! Groups are numbers here. Every group knows how many steps follow it at most (its *distance* from the end of the program), so
//! that the search for a path between two groups looks at nothing that lies behind its goal or before its start: a program of
//! thousands of steps is nearly as quick to ask as a short one.

use hashbrown::HashSet;
use smallvec::SmallVec;

/// How many groups a search for a path visits before the path counts as found: a guess that keeps groups apart, never one that
/// makes a circle.
const MAX_SEARCH: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    groups: Vec<Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
    /// The group this one has become.
    parent: usize,
    /// Groups that read what this one writes.
    next: SmallVec<[usize; 4]>,
    /// Groups that write what this one reads.
    before: SmallVec<[usize; 4]>,
    /// The length of the longest path from here to a group on which no other waits.
    distance: usize,
}

impl Waits {
    /// Adds a group that waits for no other.
    pub(super) fn add(&mut self) -> usize {
        let id = self.groups.len();
        self.groups.push(Waiting { parent: id, next: SmallVec::new(), before: SmallVec::new(), distance: 0 });
        id
    }

    /// The group that `g` has become.
    pub(super) fn find(&self, mut g: usize) -> usize {
        while self.groups[g].parent != g {
            g = self.groups[g].parent;
        }
        g
    }

    /// The groups that were not merged into another.
    pub(super) fn alive(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.groups.len()).filter(|&g| self.groups[g].parent == g)
    }

    /// The groups that read what `g` writes, each once, in order.
    pub(super) fn next(&self, g: usize) -> Vec<usize> {
        let mut next: Vec<usize> = self.groups[g].next.iter().map(|&n| self.find(n)).collect();
        next.sort_unstable();
        next.dedup();
        next
    }

    /// `reader` reads what `writer` writes.
    pub(super) fn link(&mut self, writer: usize, reader: usize) {
        self.groups[writer].next.push(reader);
        self.groups[reader].before.push(writer);
        self.raise(writer, self.groups[reader].distance + 1);
    }

    /// `from` becomes a part of `into`.
    pub(super) fn merge(&mut self, into: usize, from: usize) {
        let Waiting { next, before, distance, .. } = self.groups[from].clone();
        self.groups[from].parent = into;
        self.groups[into].next.extend(next);
        self.groups[into].before.extend(before.iter().copied());
        self.raise(into, distance);
        let own = self.groups[into].distance;
        for b in before {
            self.raise(self.find(b), own + 1);
        }
    }

    /// Raises the distance of a group, and with it the distances of all groups it waits for.
    fn raise(&mut self, g: usize, distance: usize) {
        let mut open = vec![(g, distance)];
        while let Some((g, distance)) = open.pop() {
            // No path is longer than the number of groups unless it is a cycle, which `topological` reports.
            if self.groups[g].distance < distance && distance <= self.groups.len() {
                self.groups[g].distance = distance;
                open.extend(self.groups[g].before.iter().map(|&b| (self.find(b), distance + 1)));
            }
        }
    }

    /// Whether a value written by `from` is needed, over any number of steps, by `to`.
    pub(super) fn reaches(&self, from: usize, to: usize) -> bool {
        self.path(from, to).unwrap_or(true)
    }

    /// Whether there is a path; `None` when the search was given up. It goes forward from one end and backward from the other, a
    /// group each in turn: where one side has nothing left there is no path.
    fn path(&self, from: usize, to: usize) -> Option<bool> {
        let (start, goal) = (self.groups[from].distance, self.groups[to].distance);
        let mut seen: [HashSet<usize>; 2] = [[from].into_iter().collect(), [to].into_iter().collect()];
        let (mut ahead, mut behind) = (vec![from], vec![to]);
        while seen[0].len() + seen[1].len() <= MAX_SEARCH {
            let (Some(a), Some(b)) = (ahead.pop(), behind.pop()) else { return Some(false) };
            if a == to || b == from {
                return Some(true);
            }
            for next in self.groups[a].next.iter().map(|&n| self.find(n)) {
                if (next == to || self.groups[next].distance > goal) && seen[0].insert(next) {
                    ahead.push(next);
                }
            }
            for before in self.groups[b].before.iter().map(|&n| self.find(n)) {
                if (before == from || self.groups[before].distance < start) && seen[1].insert(before) {
                    behind.push(before);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_along_any_length_and_not_where_there_are_none() {
        let mut waits = Waits::default();
        let chain: Vec<usize> = (0..10_000).map(|_| waits.add()).collect();
        for pair in chain.windows(2) {
            waits.link(pair[1], pair[0]);
        }
        let aside = waits.add();
        waits.link(chain[9_000], aside);
        assert_eq!(waits.path(chain[9_999], chain[9_000]), Some(true));
        assert_eq!(waits.path(chain[9_001], aside), Some(true));
        assert_eq!(waits.path(chain[10], chain[9_000]), Some(false));
        assert_eq!(waits.path(chain[8_999], aside), Some(false));
        assert_eq!(waits.path(aside, chain[0]), Some(false));
        // Too long a search keeps the groups apart.
        assert!(waits.reaches(chain[9_999], aside));
    }

    #[test]
    fn merged_groups_wait_for_what_either_waited_for() {
        let mut waits = Waits::default();
        let [a, b, c, d, e] = [(); 5].map(|()| waits.add());
        waits.link(a, b);
        waits.link(c, d);
        waits.merge(b, c);
        assert_eq!(waits.find(c), b);
        assert!(waits.reaches(a, d));
        assert_eq!(waits.next(b), [d]);
        assert!(!waits.reaches(d, a));
        // A later link moves all groups before it.
        waits.link(d, e);
        assert!(waits.reaches(a, e) && !waits.reaches(e, a));
        assert_eq!(waits.alive().collect::<Vec<_>>(), [a, b, d, e]);
    }
}
