//! Where a run stands.

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Its files are on their way.
    Uploading,
    /// Its files are in, and it waits for a worker.
    Waiting,
    /// Documents are being taken in.
    Running,
    /// Everything was read.
    Finished,
    /// It was stopped before the end, and can be run again.
    Interrupted,
    /// It gave up before the end, and can be resumed.
    Failed,
    /// Somebody stopped it before the end. What is in stays, and it can be resumed.
    Cancelled,
    /// What it did is being taken back.
    Reverting,
    /// What it did was taken back, but for what was changed since.
    Reverted,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Uploading,
        Self::Waiting,
        Self::Running,
        Self::Finished,
        Self::Interrupted,
        Self::Failed,
        Self::Cancelled,
        Self::Reverting,
        Self::Reverted,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    /// Reads the word of [`RunStatus::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether nothing more happens to the run by itself.
    pub fn is_at_rest(self) -> bool {
        !matches!(
            self,
            Self::Uploading | Self::Waiting | Self::Running | Self::Reverting
        )
    }
}
