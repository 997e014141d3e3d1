//! Numbers that are random enough to spread requests over a room.

/// xorshift64*: small, fast, and the same sequence on every run.
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub(crate) fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift never leaves.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        low + bits % (high.saturating_sub(low) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn numbers_stay_in_range_and_reach_both_ends() {
        let mut random = Random::new(3);
        let seen: Vec<u64> = (0..200).map(|_| random.between(5, 8)).collect();
        assert!(seen.iter().all(|number| (5..=8).contains(number)));
        assert!((5..=8).all(|number| seen.contains(&number)));
        assert_eq!(random.between(9, 9), 9);
    }
}
