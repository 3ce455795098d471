//! How long a job that failed waits for its next attempt.

use std::time::Duration;

/// How long a job that failed waits for its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackOff {
    /// `first` after the first attempt, doubled with each further one, at most `longest`; of that at
    /// least half, and a random part of the other half.
    Doubling {
        /// The wait after the first attempt.
        first: Duration,
        /// No wait is longer.
        longest: Duration,
    },
    /// These waits one after the other, then the last one again and again; each a little longer, by
    /// a random part of a tenth.
    Steps(&'static [Duration]),
}

impl Default for BackOff {
    /// Ten seconds, doubled, at most an hour.
    fn default() -> Self {
        Self::Doubling {
            first: Duration::from_secs(10),
            longest: Duration::from_secs(3_600),
        }
    }
}

impl BackOff {
    /// The wait after the `attempt`-th attempt failed. `jitter` (0 to 1) spreads jobs that failed
    /// together, so that they do not come back together.
    pub(super) fn wait(self, attempt: i32, jitter: f64) -> Duration {
        let earlier = u32::try_from(attempt - 1).unwrap_or(0);
        let jitter = jitter.clamp(0.0, 1.0);
        match self {
            Self::Doubling { first, longest } => {
                let doubled = first.saturating_mul(1 << earlier.min(30));
                doubled.min(longest).mul_f64(0.5 + jitter / 2.0)
            }
            Self::Steps(steps) => {
                let step = steps.get(earlier as usize).or(steps.last());
                step.copied()
                    .unwrap_or_default()
                    .mul_f64(1.0 + jitter / 10.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let back_off = BackOff::default();
        let longest_waits = [1, 2, 3, 9, 10, 1_000].map(|attempt| back_off.wait(attempt, 1.0));
        assert_eq!(
            longest_waits,
            [10, 20, 40, 2_560, 3_600, 3_600].map(seconds)
        );
        assert_eq!(back_off.wait(2, 0.0), seconds(10));
    }

    #[test]
    fn steps_are_taken_in_turn_and_the_last_one_again() {
        const STEPS: [Duration; 2] = [seconds(5), seconds(300)];
        let back_off = BackOff::Steps(&STEPS);
        let waits = [1, 2, 3, 90].map(|attempt| back_off.wait(attempt, 0.0));
        assert_eq!(waits, [5, 300, 300, 300].map(seconds));
        assert_eq!(back_off.wait(2, 1.0), seconds(330));
    }
}
