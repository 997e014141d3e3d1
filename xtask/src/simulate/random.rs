//! Numbers that are the same for the same seed, on every machine.

/// SplitMix64: small, and good enough to throw people into rooms.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// A whole number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        // The high half of a product spreads evenly, but for a part in 2^64 that nobody can see.
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// A number in 0..1.
    pub(super) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time to the next of events that come `per_second` on average, in seconds.
    pub(super) fn pause(&mut self, per_second: f64) -> f64 {
        -(1.0 - self.share()).ln() / per_second
    }
}

/// Spreads a number over 64 bits; the same for the same number.
pub(super) fn mixed(number: u64) -> u64 {
    let mut bits = number;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence_and_shares_are_even() {
        let all = |seed| {
            let mut random = Random::new(seed);
            (0..10_000).map(|_| random.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        for number in 0..10 {
            let count = all(7).iter().filter(|other| **other == number).count();
            assert!((800..1_200).contains(&count), "{number}: {count}");
        }
    }

    #[test]
    fn pauses_have_the_mean_that_was_asked_for() {
        let mut random = Random::new(1);
        let sum: f64 = (0..20_000).map(|_| random.pause(50.0)).sum();
        assert!((sum / 20_000.0 - 0.02).abs() < 0.001, "{sum}");
    }
}
