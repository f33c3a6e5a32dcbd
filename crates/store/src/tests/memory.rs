//! Rows that stay in memory between batches are bounded by their table's `keep`.

use base::Time;

use super::kit::tables::{Item, Progress};
use crate::engine::{Engine, EngineError, Found, Write};
use crate::map::{AnyMap, RowMap};
use crate::row::{Spec, TenantNo};

/// An engine without rows, which takes everything and counts loads.
#[derive(Default)]
struct Nothing {
    loads: u64,
}

impl Engine for Nothing {
    fn shared(&self) -> bool {
        false
    }

    fn begin(&mut self, _: &[TenantNo]) -> Result<Option<Time>, EngineError> {
        Ok(None)
    }

    fn load(&mut self, _: &'static Spec, _: usize, _: Write<'_>, _: Found<'_>) -> Result<(), EngineError> {
        self.loads += 1;
        Ok(())
    }

    fn ranges(&mut self, _: &'static Spec, _: &[usize], _: Write<'_>, _: Found<'_>) -> Result<(), EngineError> {
        Ok(())
    }

    fn insert(&mut self, _: &'static Spec, _: usize, _: Write<'_>) -> Result<(), EngineError> {
        Ok(())
    }

    fn update(&mut self, _: &'static Spec, _: usize, _: Write<'_>) -> Result<(), EngineError> {
        Ok(())
    }

    fn delete(&mut self, _: &'static Spec, _: usize, _: Write<'_>) -> Result<(), EngineError> {
        Ok(())
    }

    fn commit(&mut self, _: Option<Time>) -> Result<(), EngineError> {
        Ok(())
    }

    fn rollback(&mut self) {}

    fn rest(&mut self) {}

    fn calls(&self) -> u64 {
        self.loads
    }

    fn log_bytes(&self) -> u64 {
        0
    }
}

fn item(rank: i64) -> Item {
    Item { rank, name: String::new(), note: None }
}

fn write(map: &mut RowMap<Item>, ranks: std::ops::Range<i64>) {
    ranks.for_each(|rank| map.put((rank, String::new()), Some(item(rank))));
    map.merge();
    map.flush(&mut Nothing::default()).unwrap();
    map.settle();
}

#[test]
fn written_rows_are_kept_up_to_the_bound_and_dropped_beyond_it() {
    let mut map = RowMap::<Item>::default();
    write(&mut map, 0..8);
    assert_eq!(map.rows_in_memory(), 8);
    assert_eq!(map.get(&(3, String::new())), Ok(Some(&item(3))));
    write(&mut map, 8..9);
    assert_eq!(map.rows_in_memory(), 0);
}

#[test]
fn rows_that_were_only_looked_at_are_bounded_too() {
    let (mut map, mut engine) = (RowMap::<Item>::default(), Nothing::default());
    for batch in 0..100 {
        for rank in 0..5 {
            let _ = map.get(&(batch * 5 + rank, String::new()));
        }
        map.discard();
        map.load(&mut engine).unwrap();
        map.settle();
        assert!(map.rows_in_memory() <= 8, "{} rows after {batch} batches", map.rows_in_memory());
    }
}

#[test]
fn what_was_wanted_and_never_loaded_is_forgotten_with_its_batch() {
    let (mut map, mut engine) = (RowMap::<Item>::default(), Nothing::default());
    map.want(&(1, String::new()));
    map.settle();
    map.load(&mut engine).unwrap();
    assert_eq!(engine.loads, 0);
}

#[test]
fn a_row_that_is_done_leaves_memory_with_its_batch() {
    let mut map = RowMap::<Item>::default();
    write(&mut map, 0..4);
    map.put((2, String::new()), Some(Item { note: Some(b"done".to_vec()), ..item(2) }));
    map.merge();
    map.flush(&mut Nothing::default()).unwrap();
    map.settle();
    assert_eq!(map.rows_in_memory(), 3);
    // Not known any more, rather than known to be absent.
    assert!(map.get(&(2, String::new())).is_err());
}

#[test]
fn rows_that_are_written_once_do_not_stay() {
    let mut map = RowMap::<Progress>::default();
    map.put((1, 1), Some(Progress { tenant: 1, seq: 1, state: 0, next: 0 }));
    map.merge();
    map.flush(&mut Nothing::default()).unwrap();
    map.settle();
    assert_eq!(map.rows_in_memory(), 0);
}
