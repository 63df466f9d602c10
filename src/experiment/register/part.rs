//! The names behind one lock, and what they met and has not been written yet.
//!
//! A request finds its unit by one table of numbers, small enough to stay near the processor, and one
//! entry that holds all that is known of the unit: what is far away in memory is touched once.

use hashbrown::HashTable;

use super::unit::Member;
use super::{PARTS, UnitAt};
use crate::audit::{Population, UnitName, UnitSums};

/// The most units whose sums wait to be written. Past it each one more has another written at once:
/// nothing is lost, and memory does not grow.
const MOST_WAITING: usize = (1 << 17) / PARTS;

/// Whose sums they are: of a slot of time, those of one population.
pub(in crate::experiment) type Key = (UnitAt, Option<Population>);

/// Accounts, clusters and slots of time, in the order in which they were seen.
#[derive(Default)]
pub(super) struct Part {
    /// Where in `members` a name is.
    table: HashTable<u32>,
    members: Vec<Member>,
    /// Those that have sums.
    waiting: Vec<UnitAt>,
}

/// Sums that wait, and those of the unit's other populations.
pub(super) struct Waiting {
    population: Option<Population>,
    next: Option<Box<Waiting>>,
    met: UnitSums,
}

impl Part {
    /// What is remembered of a name, and its index.
    #[inline]
    pub(super) fn find(&self, name: UnitName) -> Option<(usize, &Member)> {
        let is_named = |index: &u32| self.get(*index as usize).is_some_and(|it| it.name == name);
        let index = *self.table.find(hash(name), is_named)? as usize;
        Some((index, self.get(index)?))
    }

    pub(super) fn get(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Member> {
        self.members.get_mut(index)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Remembers a name that is not [there](Self::find), at the index that is the next.
    pub(super) fn push(&mut self, member: Member) {
        let Self { table, members, .. } = self;
        let (hash_of, index) = (hash(member.name), members.len() as u32);
        members.push(member);
        let rehash = |index: &u32| members.get(*index as usize).map_or(0, |it| hash(it.name));
        table.insert_unique(hash_of, index, rehash);
    }

    /// Adds to the sums of a unit. What is given back has to be written now.
    pub(super) fn add(
        &mut self,
        (at, population): Key,
        met: impl FnOnce(&mut UnitSums),
    ) -> Vec<(Key, UnitSums)> {
        let Some(member) = self.members.get_mut(at.index()) else { return Vec::new() };
        let mut waits = false;
        let mut next = &mut member.waiting;
        while let Some(waiting) = next {
            waits = true;
            if waiting.population == population {
                met(&mut waiting.met);
                return Vec::new();
            }
            next = &mut waiting.next;
        }
        let new = Waiting { population, next: None, met: UnitSums::default() };
        met(&mut next.insert(Box::new(new)).met);
        if waits {
            return Vec::new();
        }
        let other = (self.waiting.len() >= MOST_WAITING)
            .then(|| self.waiting.swap_remove(at.index() % MOST_WAITING));
        self.waiting.push(at);
        other.map(|other| self.taken(other).collect()).unwrap_or_default()
    }

    /// Takes all that waits.
    pub(super) fn take(&mut self) -> Vec<(Key, UnitSums)> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().flat_map(|at| self.taken(at)).collect()
    }

    fn taken(&mut self, at: UnitAt) -> impl Iterator<Item = (Key, UnitSums)> + use<> {
        let mut next = self.get_mut(at.index()).and_then(|member| member.waiting.take());
        std::iter::from_fn(move || {
            let Waiting { population, met, next: behind } = *next.take()?;
            next = behind;
            Some(((at, population), met))
        })
    }
}

/// The name's own number, whose upper bits have said in which part it is.
fn hash(name: UnitName) -> u64 {
    name.number().rotate_left(32)
}
