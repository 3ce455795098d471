//! Where a job stands.

use sea_orm::DbErr;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// For its time, its turn or its next attempt.
    Waiting,
    /// A worker holds it.
    Running,
    /// It did its work.
    Done,
    /// It was given up after it failed.
    Dead,
    /// Somebody called it off.
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Dead,
        Self::Cancelled,
    ];

    /// As the database keeps it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The one of this name.
    pub(super) fn from_name(name: &str) -> Result<Self, DbErr> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| DbErr::Type(format!("no job has the status {name}")))
    }

    /// Whether the job will not run again by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}
