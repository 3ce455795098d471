//! Scores: assessments of posts, by people and by a rubric. Each is a row that stays; the newest is
//! mirrored on its post, where lists order by it. `docs/scores.md` explains the figures.

mod assess;
mod facts;
mod renew;
mod rubric;
mod standing;

pub use assess::{Assessed, assess, score};
pub use facts::{BodyFacts, Subject};
pub use renew::{JOB_KIND, JobPayload, Renewed, renew, renew_from, renewal, renewal_of_all};
pub use rubric::{Figure, HALF_LIFE, Reason, Verdict, freshness_after, judge};

/// The assessor of automatic assessments, by which files know them too.
pub const RUBRIC: &str = "rubric";
