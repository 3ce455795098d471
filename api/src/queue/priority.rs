//! Which jobs go first.

use sea_orm::Value;

/// How urgent a job is. Among jobs that are due, a more urgent one is always begun first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// It can wait: nobody looks at the clock.
    Low,
    /// As most jobs are.
    #[default]
    Normal,
    /// People look at the clock.
    High,
}

impl Priority {
    /// All of them, the most urgent first.
    pub(super) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// As the database keeps it: a larger number is more urgent.
    pub(super) fn number(self) -> i16 {
        match self {
            Self::Low => -1,
            Self::Normal => 0,
            Self::High => 1,
        }
    }

    /// The one that the database keeps as this number.
    pub(super) fn from_number(number: i16) -> Self {
        match number {
            ..0 => Self::Low,
            0 => Self::Normal,
            1.. => Self::High,
        }
    }
}

impl From<Priority> for Value {
    fn from(priority: Priority) -> Self {
        priority.number().into()
    }
}
