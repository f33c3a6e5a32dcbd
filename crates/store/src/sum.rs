//! A row's checksum: CRC-32 over its values in column order, each with a tag for its type and its length, so that a
//! value cannot move into its neighbour unseen (`docs/decisions/0005-row-checksums.md`).

use crc32fast::Hasher;

/// Small values gather here first: the hasher is fast on long runs only.
const GATHER: usize = 256;

pub(crate) struct RowSum {
    hasher: Hasher,
    gathered: [u8; GATHER],
    length: usize,
}

impl RowSum {
    pub(crate) fn new() -> RowSum {
        RowSum { hasher: Hasher::new(), gathered: [0; GATHER], length: 0 }
    }

    pub(crate) fn null(&mut self) {
        self.add(b"n");
    }

    pub(crate) fn int(&mut self, value: i64) {
        let mut tagged = [b'i'; 9];
        tagged[1..].copy_from_slice(&value.to_le_bytes());
        self.add(&tagged);
    }

    pub(crate) fn text(&mut self, bytes: &[u8]) {
        self.tagged(b't', bytes);
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.tagged(b'b', bytes);
    }

    /// The checksum as it is stored: 0 to 2^32 - 1.
    pub(crate) fn finish(mut self) -> i64 {
        self.spill();
        i64::from(self.hasher.finalize())
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        let mut head = [tag; 9];
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.add(&head);
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.length + bytes.len() > GATHER {
            self.spill();
        }
        if bytes.len() > GATHER {
            return self.hasher.update(bytes);
        }
        self.gathered[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn spill(&mut self) {
        self.hasher.update(&self.gathered[..self.length]);
        self.length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[&str]) -> i64 {
        let mut sum = RowSum::new();
        values.iter().for_each(|value| sum.text(value.as_bytes()));
        sum.finish()
    }

    #[test]
    fn gathering_does_not_change_the_sum() {
        for length in [0, 1, 8, 200, 247, 248, 255, 256, 257, 300, 5_000] {
            let long = "x".repeat(length);
            let mut plain = Vec::new();
            for value in ["a", &long, "b", &long] {
                plain.push(b't');
                plain.extend((value.len() as u64).to_le_bytes());
                plain.extend(value.as_bytes());
            }
            assert_eq!(sum(&["a", &long, "b", &long]), i64::from(crc32fast::hash(&plain)), "length {length}");
        }
    }

    #[test]
    fn a_character_that_moves_to_the_next_column_changes_the_sum() {
        assert_ne!(sum(&["ab", "c"]), sum(&["a", "bc"]));
        assert_ne!(sum(&["", "abc"]), sum(&["abc", ""]));
    }

    #[test]
    fn types_are_part_of_the_sum() {
        let (mut int, mut text, mut null) = (RowSum::new(), RowSum::new(), RowSum::new());
        int.int(0);
        text.text(&[]);
        null.null();
        let sums = [int.finish(), text.finish(), null.finish()];
        assert!(sums[0] != sums[1] && sums[1] != sums[2] && sums[0] != sums[2]);
    }
}
