//! Who may do what: the one place that decides it. Whatever is not allowed here is refused.
//!
//! A change names its [`Action`] when its transaction begins, a protected read before it reads.
//! `docs/permissions.md` holds the same as a table for people; a test holds the two together.

use super::actor::Actor;
use super::error::{Error, Result};
use super::perspective::Perspective;

/// What a user is trusted with. Each role may do everything that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads drafts.
    Viewer,
    /// Writes and publishes posts of their own.
    Author,
    /// Writes and publishes every post, reviews, scores, ships releases, tidies the taxonomy.
    Editor,
    /// Manages users, webhooks, caches and background jobs, reads the audit log.
    Admin,
}

impl Role {
    /// Every role, from the least trusted one.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Author, Self::Editor, Self::Admin];

    /// The word in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Author => "author",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }

    /// Reads the word of [`Role::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// A part of what a user may do, for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read drafts, revisions, releases.
    ReadDrafts,
    /// Create, change and trash posts, review and score them.
    WritePosts,
    /// Publish, schedule and unpublish posts.
    PublishPosts,
    /// Create, change, merge and delete tools, stacks and entities.
    WriteTaxonomy,
    /// Put releases together, ship them, roll them back.
    Releases,
    /// Import posts, watch and revert imports, export.
    Import,
    /// Watch background jobs and schedules, and step in.
    Jobs,
    /// Manage users, webhooks and caches, read the audit log.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::ReadDrafts,
        Self::WritePosts,
        Self::PublishPosts,
        Self::WriteTaxonomy,
        Self::Releases,
        Self::Import,
        Self::Jobs,
        Self::Admin,
    ];

    /// The word in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadDrafts => "posts:read-drafts",
            Self::WritePosts => "posts:write",
            Self::PublishPosts => "posts:publish",
            Self::WriteTaxonomy => "taxonomy:write",
            Self::Releases => "releases",
            Self::Import => "import",
            Self::Jobs => "jobs",
            Self::Admin => "admin",
        }
    }

    /// Reads the word of [`Scope::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// The scopes of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether `scope` is one of them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Everything that takes a permission. Mutations of the API have an action each, named alike;
/// those that are one rule in several words share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the verb it names")]
pub enum Action {
    // Credentials: the input itself proves who asks.
    SetUp,
    SignIn,
    RefreshSession,
    FollowLink,
    ExchangePreviewLink,
    // A person about themselves.
    ReadSelf,
    SignOut,
    ChangePassword,
    ManageOwnTokens,
    // Users.
    ReadUsers,
    ManageUsers,
    ReadAuditLog,
    // Posts.
    ReadDrafts,
    CreatePost,
    UpdatePost,
    TrashPost,
    DeletePost,
    UpdatePosts,
    ChangePostOwner,
    RequestReview,
    ReviewRevision,
    PublishPost,
    SchedulePost,
    UnpublishPost,
    ScorePost,
    TickChecklistItem,
    CreatePreviewLink,
    // Taxonomy.
    WriteTerm,
    MergeTerm,
    DeleteTerm,
    // Releases.
    WriteRelease,
    ShipRelease,
    RollBackRelease,
    // Imports and exports.
    ReadImports,
    ManageImports,
    Export,
    // Background work.
    ReadJobs,
    ManageJobs,
    ReadWebhooks,
    ManageWebhooks,
    RecordView,
    // Caches.
    ReadCacheRules,
    ManageCache,
    // The machine itself.
    Import,
    Maintain,
}

/// Who may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Anybody.
    Anybody,
    /// Whoever signed in themselves; never a token.
    InPerson,
    /// Users from a role on, and their tokens that have the scope.
    From(Role, Scope),
    /// The same, but authors only with posts of their own.
    OwnFrom(Role, Scope),
    /// Neither users nor tokens: the command line and background jobs.
    Machine,
}

impl Action {
    fn rule(self) -> Rule {
        use Rule::{Anybody, From, InPerson, Machine, OwnFrom};
        match self {
            Self::SetUp
            | Self::SignIn
            | Self::RefreshSession
            | Self::FollowLink
            | Self::ExchangePreviewLink
            | Self::RecordView => Anybody,
            Self::SignOut | Self::ChangePassword | Self::ManageOwnTokens => InPerson,
            Self::ReadSelf | Self::ReadDrafts | Self::ReadUsers => {
                From(Role::Viewer, Scope::ReadDrafts)
            }
            Self::ManageUsers
            | Self::ReadAuditLog
            | Self::ReadWebhooks
            | Self::ManageWebhooks
            | Self::ManageCache => From(Role::Admin, Scope::Admin),
            Self::ReadCacheRules => From(Role::Editor, Scope::Admin),
            Self::CreatePost | Self::CreatePreviewLink | Self::TickChecklistItem => {
                From(Role::Author, Scope::WritePosts)
            }
            Self::UpdatePost | Self::TrashPost | Self::RequestReview => {
                OwnFrom(Role::Author, Scope::WritePosts)
            }
            Self::DeletePost
            | Self::UpdatePosts
            | Self::ChangePostOwner
            | Self::ReviewRevision
            | Self::ScorePost => From(Role::Editor, Scope::WritePosts),
            Self::PublishPost | Self::SchedulePost | Self::UnpublishPost => {
                OwnFrom(Role::Author, Scope::PublishPosts)
            }
            Self::WriteTerm | Self::MergeTerm | Self::DeleteTerm => {
                From(Role::Editor, Scope::WriteTaxonomy)
            }
            Self::WriteRelease | Self::ShipRelease | Self::RollBackRelease => {
                From(Role::Editor, Scope::Releases)
            }
            Self::ReadImports | Self::ManageImports | Self::Export => {
                From(Role::Editor, Scope::Import)
            }
            Self::ReadJobs => From(Role::Editor, Scope::Jobs),
            Self::ManageJobs => From(Role::Admin, Scope::Jobs),
            Self::Import | Self::Maintain => Machine,
        }
    }
}

/// How far a permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every post.
    All,
    /// The posts of this user.
    OwnedBy(i64),
}

impl Reach {
    /// Checks that it reaches a post with this owner.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] when it does not.
    pub fn check(self, owner_id: Option<i64>) -> Result<()> {
        match self {
            Self::All => Ok(()),
            Self::OwnedBy(user_id) if owner_id == Some(user_id) => Ok(()),
            Self::OwnedBy(_) => Err(Error::Forbidden(
                "authors change posts of their own only; this one belongs to somebody else".into(),
            )),
        }
    }
}

/// Whether `actor` may do `action`, and how far that reaches.
///
/// # Errors
///
/// [`Error::SignInRequired`] for the public, [`Error::Forbidden`] for everybody else.
pub fn check(actor: Actor, action: Action) -> Result<Reach> {
    let rule = action.rule();
    match actor {
        Actor::CommandLine | Actor::Worker => Ok(Reach::All),
        _ if rule == Rule::Anybody => Ok(Reach::All),
        Actor::Anonymous => Err(Error::SignInRequired),
        Actor::Preview { .. } => Err(Error::Forbidden(
            "a preview link shows posts and does nothing else".into(),
        )),
        Actor::User { user_id, role, .. } => match rule {
            Rule::InPerson => Ok(Reach::All),
            Rule::From(least, _) | Rule::OwnFrom(least, _) => reach(user_id, role, least, rule),
            Rule::Anybody | Rule::Machine => Err(only_the_machine()),
        },
        Actor::ApiToken {
            user_id,
            role,
            scopes,
            ..
        } => match rule {
            Rule::From(least, scope) | Rule::OwnFrom(least, scope) => {
                if scopes.contains(scope) {
                    reach(user_id, role, least, rule)
                } else {
                    Err(Error::Forbidden(format!(
                        "the token lacks the scope `{}`",
                        scope.as_str()
                    )))
                }
            }
            Rule::InPerson => Err(Error::Forbidden(
                "a token can't do this; sign in with a password".into(),
            )),
            Rule::Anybody | Rule::Machine => Err(only_the_machine()),
        },
    }
}

fn reach(user_id: i64, role: Role, least: Role, rule: Rule) -> Result<Reach> {
    if role < least {
        let least = match least {
            Role::Admin => "admin".to_owned(),
            least => format!("{} or a higher one", least.as_str()),
        };
        return Err(Error::Forbidden(format!(
            "this takes the role {least}; yours is {}",
            role.as_str()
        )));
    }
    match rule {
        Rule::OwnFrom(..) if role == Role::Author => Ok(Reach::OwnedBy(user_id)),
        _ => Ok(Reach::All),
    }
}

fn only_the_machine() -> Error {
    Error::Forbidden("only the command line and background jobs do this".into())
}

/// Whether `actor` may see what `perspective` shows.
///
/// # Errors
///
/// [`Error::SignInRequired`] for the public, [`Error::Forbidden`] for everybody else.
pub fn may_see(actor: Actor, perspective: Perspective) -> Result<()> {
    match actor {
        _ if perspective == Perspective::Published => Ok(()),
        Actor::Preview {
            perspective: granted,
            ..
        } if granted == perspective => Ok(()),
        Actor::Preview { .. } => Err(Error::Forbidden(
            "the preview link is for another perspective".into(),
        )),
        _ => check(actor, Action::ReadDrafts).map(|_| ()),
    }
}
