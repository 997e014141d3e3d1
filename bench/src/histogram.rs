//! Durations in buckets that grow with them: small, and exact to about one part in a hundred.

use std::time::Duration;

/// Buckets per power of two; the width of a bucket is at most 1/64 of its value.
const STEPS: u64 = 64;
const SHIFT: u32 = STEPS.trailing_zeros();

/// Counts durations.
#[derive(Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    largest: u64,
}

impl Histogram {
    /// Adds one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        self.record_nanos(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds one duration in nanoseconds.
    pub(crate) fn record_nanos(&mut self, nanos: u64) {
        let index = index_of(nanos);
        if index >= self.buckets.len() {
            self.buckets.resize(index + 1, 0);
        }
        self.buckets[index] += 1;
        self.count += 1;
        self.largest = self.largest.max(nanos);
    }

    /// How many durations there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The largest, in microseconds.
    pub(crate) fn largest_us(&self) -> f64 {
        micros(self.largest)
    }

    /// The duration that `share` (0 to 1) of all do not exceed, in microseconds; 0 when there is none.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return micros(upper_end(index as u64).min(self.largest));
            }
        }
        0.0
    }
}

/// Values below `STEPS` have a bucket each; above, every power of two has `STEPS` buckets.
fn index_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let power = value.ilog2() - SHIFT;
    let step = (value >> power) - STEPS;
    ((u64::from(power) + 1) * STEPS + step) as usize
}

/// The largest value that falls into a bucket.
fn upper_end(index: u64) -> u64 {
    if index < STEPS {
        return index;
    }
    let power = index / STEPS - 1;
    let first = (STEPS + index % STEPS) << power;
    first + ((1 << power) - 1)
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_within_the_promise() {
        for exponent in 0..63 {
            for value in [1_u64 << exponent, (1 << exponent) + 1, (2 << exponent) - 1] {
                let end = upper_end(index_of(value) as u64);
                assert!(end >= value, "{value}");
                assert!(end - value <= value / STEPS, "{value} {end}");
                assert_eq!(index_of(end), index_of(value));
            }
        }
    }

    #[test]
    fn quantiles_of_a_known_set() {
        let mut histogram = Histogram::default();
        assert!(histogram.quantile_us(0.5) < f64::EPSILON);
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.count(), 1000);
        let near = |share, expected: f64| {
            let found = histogram.quantile_us(share);
            assert!(
                (found - expected).abs() <= expected / 50.0,
                "{share} {found}"
            );
        };
        near(0.5, 500.0);
        near(0.99, 990.0);
        near(1.0, 1000.0);
        assert!((histogram.largest_us() - 1000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        let mut histogram = Histogram::default();
        for _ in 0..99 {
            histogram.record(Duration::from_micros(10));
        }
        histogram.record(Duration::from_secs(5));
        assert!(histogram.quantile_us(0.5) < 11.0);
        assert!(histogram.quantile_us(1.0) > 4_900_000.0);
    }
}
