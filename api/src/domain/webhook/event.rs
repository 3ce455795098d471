//! What endpoints can be told of.

/// What happened, in a word that receivers decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A post that was not in the public's sight is.
    PostPublished,
    /// What the public sees of a post is something else.
    PostUpdated,
    /// A post is out of the public's sight.
    PostUnpublished,
    /// A post is at another path; the old one leads there.
    PostSlugChanged,
    /// A post was put into the trash.
    PostTrashed,
    /// All that a release holds went live.
    ReleaseShipped,
    /// What was live before a release is live again.
    ReleaseRolledBack,
    /// A tool, a stack or an entity was created, changed, merged or deleted.
    TaxonomyChanged,
    /// A background job was given up.
    JobDead,
    /// An operator should look at something.
    AlarmRaised,
    /// What an operator should have looked at is over.
    AlarmCleared,
    /// Somebody pressed the test button.
    WebhookTest,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::PostPublished,
        Self::PostUpdated,
        Self::PostUnpublished,
        Self::PostSlugChanged,
        Self::PostTrashed,
        Self::ReleaseShipped,
        Self::ReleaseRolledBack,
        Self::TaxonomyChanged,
        Self::JobDead,
        Self::AlarmRaised,
        Self::AlarmCleared,
        Self::WebhookTest,
    ];

    /// The word in messages and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostPublished => "post.published",
            Self::PostUpdated => "post.updated",
            Self::PostUnpublished => "post.unpublished",
            Self::PostSlugChanged => "post.slug_changed",
            Self::PostTrashed => "post.trashed",
            Self::ReleaseShipped => "release.shipped",
            Self::ReleaseRolledBack => "release.rolled_back",
            Self::TaxonomyChanged => "taxonomy.changed",
            Self::JobDead => "job.dead",
            Self::AlarmRaised => "alarm.raised",
            Self::AlarmCleared => "alarm.cleared",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// Reads the word of [`EventType::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
