//! A hash table of buckets that forgets full ones while it is used, and never does more than a little work at once.
//!
//! A slot is 16 bytes: the hash of the key, and the time at which the bucket is full. Keys are not kept. An empty slot is a
//! full bucket, because the bucket of an unknown key is full.

use locum_engine::TokenBucket;

/// The smallest table that has any slots.
const SLOTS_MIN: usize = 16;

/// Slots that are looked through for full buckets when a key is added.
const SWEPT_PER_KEY: usize = 8;

/// The same when there is no room for the key.
const SWEPT_AT_LIMIT: usize = 64;

/// Buckets by the hash of their key, with linear probing.
#[derive(Debug)]
pub(super) struct BucketTable {
    slots: Vec<Slot>,
    keys: usize,
    keys_max: usize,
    /// The slot at which the next sweep begins.
    swept_to: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u64,
    bucket: TokenBucket,
}

/// There are as many buckets that are not full as the table may keep, or nearly so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableFull;

impl Slot {
    const EMPTY: Self = Self { hash: 0, bucket: TokenBucket::FULL };

    fn is_empty(self) -> bool {
        self.bucket == TokenBucket::FULL
    }
}

impl BucketTable {
    /// A table that keeps at most so many keys.
    pub(super) const fn new(keys_max: usize) -> Self {
        Self { slots: Vec::new(), keys: 0, keys_max, swept_to: 0 }
    }

    /// The number of keys that are kept.
    pub(super) const fn len(&self) -> usize {
        self.keys
    }

    /// The bucket of a key.
    pub(super) fn get(&self, hash: u64) -> TokenBucket {
        self.slot(self.place(hash)).bucket
    }

    /// Replaces the bucket of a key by what `change` makes of it: one that is not full.
    ///
    /// # Errors
    /// The key is new, and there is no room for it. Nothing is changed.
    pub(super) fn update<R>(
        &mut self,
        hash: u64,
        now_unix_ms: u64,
        change: impl FnOnce(TokenBucket) -> (TokenBucket, R),
    ) -> Result<R, TableFull> {
        let mut place = self.place(hash);
        if self.slot(place).is_empty() {
            self.make_room(now_unix_ms)?;
            place = self.place(hash);
        }
        let (bucket, result) = change(self.slot(place).bucket);
        self.keys += usize::from(self.slot(place).is_empty());
        self.put(place, Slot { hash, bucket });
        Ok(result)
    }

    fn slot(&self, place: usize) -> Slot {
        self.slots.get(place).copied().unwrap_or(Slot::EMPTY)
    }

    fn put(&mut self, place: usize, slot: Slot) {
        if let Some(kept) = self.slots.get_mut(place) {
            *kept = slot;
        }
    }

    /// Where the probing for a hash begins: its upper bits decide, so that tables of any size are filled evenly.
    fn home(&self, hash: u64) -> usize {
        let scaled = u128::from(hash) * self.slots.len() as u128;
        (scaled >> u64::BITS) as usize
    }

    fn after(&self, place: usize) -> usize {
        if place + 1 < self.slots.len() { place + 1 } else { 0 }
    }

    /// The slot of a key, or the empty one that it would get. There is always an empty one.
    fn place(&self, hash: u64) -> usize {
        let mut place = self.home(hash);
        loop {
            let slot = self.slot(place);
            if slot.hash == hash || slot.is_empty() {
                return place;
            }
            place = self.after(place);
        }
    }

    /// Sweeps a little, and then gives the table a size that fits one key more.
    fn make_room(&mut self, now_unix_ms: u64) -> Result<(), TableFull> {
        self.sweep(SWEPT_PER_KEY, now_unix_ms);
        if self.keys >= self.keys_max {
            self.sweep(SWEPT_AT_LIMIT, now_unix_ms);
        }
        if self.keys >= self.keys_max {
            return Err(TableFull);
        }
        let (keys, slots) = (self.keys + 1, self.slots.len());
        // Between an eighth and three quarters are used. Beyond that, probing takes long.
        if keys > slots / 4 * 3 {
            self.resize((slots + slots / 2).max(SLOTS_MIN));
        } else if keys < slots / 8 && slots > SLOTS_MIN {
            self.resize((slots / 2).max(SLOTS_MIN));
        }
        Ok(())
    }

    /// Looks through the next slots, and forgets the full buckets among them.
    fn sweep(&mut self, slots: usize, now_unix_ms: u64) {
        for _ in 0..slots {
            let slot = self.slot(self.swept_to);
            if !slot.is_empty() && slot.bucket.is_full_at(now_unix_ms) {
                // Another bucket may have moved here, so that this slot is the next one too.
                self.remove(self.swept_to);
            } else {
                self.swept_to = self.after(self.swept_to);
            }
        }
    }

    /// Empties a slot. Those after it that were probed past it move up, so that they are still found.
    fn remove(&mut self, place: usize) {
        let (mut hole, mut next) = (place, self.after(place));
        loop {
            let slot = self.slot(next);
            if slot.is_empty() {
                break;
            }
            if self.distance(self.home(slot.hash), next) >= self.distance(hole, next) {
                self.put(hole, slot);
                hole = next;
            }
            next = self.after(next);
        }
        self.put(hole, Slot::EMPTY);
        self.keys -= 1;
    }

    /// How many slots after `from` the slot `to` is, beginning again behind the last one.
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }

    fn resize(&mut self, slots: usize) {
        let before = std::mem::replace(&mut self.slots, vec![Slot::EMPTY; slots]);
        self.swept_to = 0;
        for slot in before.into_iter().filter(|slot| !slot.is_empty()) {
            let place = self.place(slot.hash);
            self.put(place, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use locum_engine::BucketRule;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const T0: u64 = 1_900_000_000_000;

    fn acquire(table: &mut BucketTable, hash: u64, now_unix_ms: u64) -> Result<bool, TableFull> {
        let rule = BucketRule::AUTH0_DEFAULT;
        let change = |bucket: TokenBucket| bucket.try_acquire(rule, now_unix_ms);
        table.update(hash, now_unix_ms, change).map(|decision| decision.conforms)
    }

    /// Hashes that are spread evenly.
    fn hash(key: u64) -> u64 {
        key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn filled(keys: u64) -> BucketTable {
        let mut table = BucketTable::new(keys as usize);
        assert!((0..keys).all(|key| acquire(&mut table, hash(key), T0) == Ok(true)));
        table
    }

    #[test]
    fn a_key_takes_at_most_34_bytes_and_the_slots_of_full_buckets_are_given_back() {
        assert_eq!(size_of::<Slot>(), 16);
        let mut table = BucketTable::new(usize::MAX);
        for key in 0..100_000 {
            acquire(&mut table, hash(key), T0).unwrap();
            let bytes = table.slots.capacity() * size_of::<Slot>();
            assert!(table.len() < SLOTS_MIN || bytes <= 34 * table.len(), "{bytes} for {}", table.len());
        }
        // A minute later the buckets are full again. Their slots are given back while others are added.
        for key in 0..150_000 {
            acquire(&mut table, hash(1 << 40 | key), T0 + 60_000 + key * 60).unwrap();
        }
        assert!(table.len() < 2000 && table.slots.len() <= 8 * 2000, "{} {}", table.len(), table.slots.len());
    }

    #[test]
    fn at_its_limit_a_table_refuses_new_keys_and_knows_the_others() {
        let mut table = filled(1000);
        assert_eq!(acquire(&mut table, hash(1000), T0), Err(TableFull));
        assert_eq!(table.len(), 1000);
        assert!((0..1000).all(|key| (1..10).all(|_| acquire(&mut table, hash(key), T0) == Ok(true))));
        assert!((0..1000).all(|key| acquire(&mut table, hash(key), T0) == Ok(false)));
    }

    #[test]
    fn at_its_limit_a_refusal_looks_through_a_few_slots_and_the_next_through_the_following() {
        let mut table = filled(1000);
        let swept = (SWEPT_PER_KEY + SWEPT_AT_LIMIT) % table.slots.len();
        for key in 0..100 {
            let before = table.swept_to;
            assert_eq!(acquire(&mut table, hash(1000 + key), T0), Err(TableFull));
            assert_eq!(table.distance(before, table.swept_to), swept);
        }
        // One bucket is full again: its slot is found before all have been looked through twice.
        let refusals = (0..2 * table.slots.len() / swept)
            .take_while(|_| acquire(&mut table, hash(2000), T0 + 60_000).is_err())
            .count();
        assert!(refusals < 2 * table.slots.len() / swept, "{refusals}");
    }

    /// A key of a few, the milliseconds since the last use, and whether the key is only looked up.
    fn uses() -> impl Strategy<Value = Vec<(u64, u64, bool)>> {
        let step = prop_oneof![4 => 0u64..100, 1 => 0u64..90_000];
        vec((0u64..60, step, any::<bool>()), 1..600)
    }

    proptest! {
        /// Few homes for many keys: long probes, across the end of the table, and every kind of removal.
        #[test]
        fn it_decides_as_buckets_that_are_never_forgotten(uses in uses(), homes in 1u64..40) {
            let (mut table, mut reference, mut now) = (BucketTable::new(usize::MAX), HashMap::new(), T0);
            let rule = BucketRule::AUTH0_DEFAULT;
            for (key, step, only_looked_up) in uses {
                now += step;
                let hash = u64::MAX / homes * (key % homes) + key;
                let known: TokenBucket = reference.get(&key).copied().unwrap_or(TokenBucket::FULL);
                if only_looked_up {
                    prop_assert_eq!(table.get(hash).peek(rule, now), known.peek(rule, now));
                } else {
                    let (next, decision) = known.try_acquire(rule, now);
                    reference.insert(key, next);
                    prop_assert_eq!(table.update(hash, now, |bucket| bucket.try_acquire(rule, now)), Ok(decision));
                }
                let kept = table.slots.iter().filter(|slot| !slot.is_empty()).count();
                prop_assert_eq!(kept, table.len());
                prop_assert!(kept < table.slots.len() || table.slots.is_empty());
            }
        }
    }
}
