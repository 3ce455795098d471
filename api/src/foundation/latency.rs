//! How long answers take, counted in classes, so that counts of any minutes and nodes can be added.

use std::time::Duration;

/// The classes: an answer belongs to the first whose bound it does not exceed, in microseconds. What
/// took longer than the last has a class of its own.
pub const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// How many classes there are.
pub const CLASSES: usize = BOUNDS.len() + 1;

/// The class of an answer that took so many microseconds.
pub fn class_of(microseconds: u64) -> usize {
    BOUNDS.partition_point(|bound| *bound < microseconds)
}

/// How many answers there were of each class.
pub type Latencies = [u64; CLASSES];

/// The time within which `share` (from 0 to 1) of the answers came, as near as the classes tell it:
/// within a class, times are taken to be spread evenly. None without answers. What took longer than
/// every bound is taken to have taken the last.
pub fn quantile(latencies: &Latencies, share: f64) -> Option<Duration> {
    let all: u64 = latencies.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = all as f64 * share;
    let (mut below, mut lower) = (0_u64, 0_u64);
    for (count, bound) in latencies.iter().zip(BOUNDS) {
        let within = below + count;
        if *count > 0 && within as f64 >= wanted {
            let part = (wanted - below as f64).max(0.0) / *count as f64;
            let micros = lower as f64 + (bound - lower) as f64 * part;
            return Some(Duration::from_secs_f64(micros / 1e6));
        }
        (below, lower) = (within, bound);
    }
    Some(Duration::from_micros(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_the_first_class_that_holds_it() {
        assert_eq!(class_of(0), 0);
        assert_eq!(class_of(100), 0);
        assert_eq!(class_of(101), 1);
        assert_eq!(class_of(10_000_000), 15);
        assert_eq!(class_of(10_000_001), 16);
    }

    #[test]
    fn quantiles_are_as_near_as_the_classes_tell() {
        let mut latencies = [0; CLASSES];
        assert_eq!(quantile(&latencies, 0.95), None);
        // A hundred between 1 and 2.5 ms, spread evenly.
        latencies[class_of(2_000)] = 100;
        assert_eq!(
            quantile(&latencies, 0.5),
            Some(Duration::from_micros(1_750))
        );
        // Ten of them at 50 to 100 ms more: the 95th hundredth lies in the middle of those.
        latencies[class_of(2_000)] = 90;
        latencies[class_of(80_000)] = 10;
        assert_eq!(quantile(&latencies, 0.95), Some(Duration::from_millis(75)));
        assert_eq!(quantile(&latencies, 1.0), Some(Duration::from_millis(100)));
        let mut endless = [0; CLASSES];
        endless[CLASSES - 1] = 1;
        assert_eq!(quantile(&endless, 0.5), Some(Duration::from_secs(10)));
    }
}
