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
        match name {
            "waiting" => Ok(Self::Waiting),
            "running" => Ok(Self::Running),
            "done" => Ok(Self::Done),
            "dead" => Ok(Self::Dead),
            "cancelled" => Ok(Self::Cancelled),
            other => Err(DbErr::Type(format!("no job has the status {other}"))),
        }
    }

    /// Whether the job will not run again by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}
