//! Values that many entries share, each stored once, and gone with the last that uses it.

use std::hash::{BuildHasher as _, Hash, RandomState};

use hashbrown::HashTable;

/// Values by number, found by their key. A number is given again once its value is gone.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// Of one word each: after many have gone, the vector stays as long as it was.
    slots: Vec<Option<Box<Slot<T>>>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    /// Of random keys: whoever chooses the texts cannot make them collide.
    hasher: RandomState,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    users: u32,
    hash: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<T> Table<T> {
    /// The number of the value that `is_it` recognises, whose key is `key`; a new one is made where
    /// there is none. One more uses it.
    pub(super) fn take(
        &mut self,
        key: impl Hash,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> u32 {
        let hash = self.hasher.hash_one(key);
        let slots = &self.slots;
        let slot = |at: u32| slots.get(at as usize).and_then(Option::as_ref);
        let found = self.index.find(hash, |at| slot(*at).is_some_and(|slot| is_it(&slot.value)));
        if let Some(at) = found.copied() {
            if let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::as_mut) {
                slot.users += 1;
            }
            return at;
        }
        let slot = Some(Box::new(Slot { value: make(), users: 1, hash }));
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            // Whoever uses a value is one of fewer than 2^32 entries.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(free) = self.slots.get_mut(at as usize) {
            *free = slot;
        }
        let slots = &self.slots;
        let rehash =
            |at: &u32| slots.get(*at as usize).and_then(Option::as_ref).map_or(0, |s| s.hash);
        self.index.insert_unique(hash, at, rehash);
        at
    }

    /// One more uses a value.
    pub(super) fn use_again(&mut self, at: u32) {
        if let Some(slot) = self.slots.get_mut(at as usize).and_then(Option::as_mut) {
            slot.users += 1;
        }
    }

    /// One less uses a value; returns it where that was the last one.
    pub(super) fn release(&mut self, at: u32) -> Option<T> {
        let slot = self.slots.get_mut(at as usize)?;
        let used = slot.as_mut()?;
        used.users -= 1;
        if used.users > 0 {
            return None;
        }
        let Slot { value, hash, .. } = *slot.take()?;
        if let Ok(entry) = self.index.find_entry(hash, |each| *each == at) {
            entry.remove();
        }
        self.free.push(at);
        Some(value)
    }

    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.slots.get(at as usize)?.as_ref().map(|slot| &slot.value)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.slots.get_mut(at as usize)?.as_mut().map(|slot| &mut slot.value)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_value_lives_as_long_as_somebody_uses_it() {
        let mut table = Table::<String>::default();
        let take = |table: &mut Table<String>, key: &str| {
            table.take(key, |value| value == key, || key.to_owned())
        };
        let (one, other) = (take(&mut table, "one"), take(&mut table, "other"));
        assert_ne!(one, other);
        assert_eq!(take(&mut table, "one"), one);
        assert_eq!(table.release(one), None);
        assert_eq!(table.get(one).map(String::as_str), Some("one"));
        assert_eq!(table.release(one).as_deref(), Some("one"));
        assert_eq!((table.release(one), table.len()), (None, 1));
        assert_eq!(table.get(one), None);
        assert_eq!(take(&mut table, "third"), one, "its number is given again");
        assert_eq!(table.get(other).map(String::as_str), Some("other"));
    }
}
