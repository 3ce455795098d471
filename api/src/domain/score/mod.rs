//! Scores: assessments of posts, by people and by a rubric. Each is a row that stays; the newest is
//! mirrored on its post, where lists order by it. `docs/scores.md` explains the figures.

mod assess;
mod facts;
mod rubric;

pub use assess::{Assessed, assess, score};
pub use facts::{BodyFacts, Subject};
pub use rubric::{Figure, HALF_LIFE, Reason, Verdict, judge};

/// The assessor of automatic assessments, by which files know them too.
pub const RUBRIC: &str = "rubric";
