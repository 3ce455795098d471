//! Links that let somebody in once, to choose a password: the first admin, who was invited, who
//! forgot theirs. A link is handed to an admin, who passes it on; its token is kept as a hash.

use chrono::{DateTime, TimeDelta, Utc};
use entity::one_time_link::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::{Actor, Caller};
use super::audit::AuditEvent;
use super::error::{Error, Problem, ProblemCode, Result};
use super::permission::{Action, Role};
use super::session::{self, SignedIn};
use super::signing_key::SigningKeys;
use super::transaction::{Store, Transaction};
use super::user::password::{self, Passwords};
use super::user::{self, NewUser, User};
use crate::foundation::hash::sha256;
use crate::foundation::secret::random_secret;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Makes the first admin.
    Setup,
    /// Lets somebody who was invited choose a password.
    Invitation,
    /// Lets somebody who forgot theirs choose another.
    PasswordReset,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
        }
    }

    fn stored(word: &str) -> Result<Self> {
        [Self::Setup, Self::Invitation, Self::PasswordReset]
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
            .ok_or_else(|| Error::Internal(format!("`{word}` is no purpose of a link")))
    }

    fn lifetime(self) -> TimeDelta {
        match self {
            Self::Setup | Self::PasswordReset => TimeDelta::hours(24),
            Self::Invitation => TimeDelta::days(7),
        }
    }
}

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLink {
    /// Who may follow it; nobody yet for the first admin.
    pub user_id: Option<i64>,
    /// What whoever follows it shows.
    pub token: String,
    /// Until when it can be followed.
    pub expires_at: DateTime<Utc>,
}

/// What whoever holds a link may know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDescription {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom; nobody yet for the first admin.
    pub user: Option<User>,
}

impl LinkDescription {
    fn user_id(&self) -> Option<i64> {
        self.user.as_ref().map(|user| user.id)
    }
}

/// What somebody who follows a link says.
#[derive(Clone)]
pub struct Follow {
    /// The token of the link.
    pub token: String,
    /// The password they choose.
    pub password: String,
    /// Their address, for the first admin.
    pub email: Option<String>,
    /// Their name, for the first admin.
    pub name: Option<String>,
    /// What the program calls itself.
    pub user_agent: Option<String>,
}

/// Makes the link for the first admin, and voids earlier ones. `None` when there are users.
///
/// # Errors
///
/// Those of the database.
pub async fn set_up(store: &Store) -> Result<Option<NewLink>> {
    let transaction = Transaction::begin(store, Actor::CommandLine, Action::SetUp).await?;
    if any_user(transaction.connection()).await? {
        return Ok(None);
    }
    let link = make(&transaction, Purpose::Setup, None).await?;
    transaction.commit().await?;
    Ok(Some(link))
}

/// Adds a user and makes the link that invites them.
///
/// # Errors
///
/// [`Error::Refused`] when the address or the name can't be used.
pub async fn invite(transaction: &mut Transaction<'_>, new: NewUser) -> Result<NewLink> {
    let user = user::create(transaction, new).await?;
    make(transaction, Purpose::Invitation, Some(user.id)).await
}

/// Makes a link by which a user chooses another password, or the first one. Earlier ones are void;
/// the password they have stays until the link is followed.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such user, or they are shut out.
pub async fn reset(transaction: &mut Transaction<'_>, user_id: i64) -> Result<NewLink> {
    let user = user::lock(transaction, user_id).await?;
    if user.disabled_at.is_some() {
        let message = "the user is disabled, and a link would not let them in; enable them first";
        return Err(Problem::conflict("id", message).into());
    }
    let purpose = match user.password_hash {
        Some(_) => Purpose::PasswordReset,
        None => Purpose::Invitation,
    };
    transaction.record(AuditEvent {
        action: "create_link",
        subject: "user",
        subject_id: user_id,
        before: None,
        after: Some(json!({ "purpose": purpose.as_str() })),
    });
    make(transaction, purpose, Some(user_id)).await
}

/// What a link is for, as long as it can be followed.
///
/// # Errors
///
/// [`Error::Refused`] when it can't, or no longer.
pub async fn describe(store: &Store, token: &str) -> Result<LinkDescription> {
    let connection = store.database.reader();
    let link = Entity::find_by_id(sha256(token)).one(connection).await?;
    open(connection, link, store.clock.now()).await
}

/// Follows a link: gives the user the password, ends what sessions they have, and signs them in.
///
/// # Errors
///
/// [`Error::Refused`] when the link can't be followed any more, or something can't be used.
pub async fn follow(
    store: &Store,
    keys: &SigningKeys,
    passwords: &Passwords,
    caller: Caller,
    input: Follow,
) -> Result<SignedIn> {
    let LinkDescription { user, .. } = describe(store, &input.token).await?;
    let new = match &user {
        Some(_) => None,
        None => Some(NewUser {
            email: input.email.unwrap_or_default(),
            name: input.name.unwrap_or_default(),
            role: Role::Admin,
        }),
    };
    let (email, name) = match (&user, &new) {
        (Some(user), _) => (&user.email, &user.name),
        (None, Some(new)) => (&new.email, &new.name),
        (None, None) => return Err(no_longer_good()),
    };
    let mut problems = new.as_ref().map(user::check).unwrap_or_default();
    problems.extend(password::check(&input.password, email, name, "password"));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let hash = passwords.hash(input.password).await?;

    let mut transaction = Transaction::begin(store, caller, Action::FollowLink).await?;
    let connection = transaction.connection();
    let link = Entity::find_by_id(sha256(&input.token))
        .lock_exclusive()
        .one(connection)
        .await?;
    // Again, now that nobody else can follow it meanwhile.
    let description = open(connection, link, transaction.now()).await?;
    void(&transaction, description.user_id()).await?;
    let user = match (description.user, new) {
        (Some(user), _) => user,
        (None, Some(new)) => user::create(&mut transaction, new).await?,
        (None, None) => return Err(no_longer_good()),
    };
    user::set_password(&transaction, user.id, hash).await?;
    session::end_all(&transaction, user.id).await?;
    let agent = input.user_agent.as_deref();
    let user = User {
        has_password: true,
        ..user
    };
    let action = match description.purpose {
        Purpose::Setup => "set_up",
        Purpose::Invitation => "accept_invitation",
        Purpose::PasswordReset => "reset_password",
    };
    let signed_in = session::begin(&mut transaction, keys, user, agent, action).await?;
    transaction.commit().await?;
    Ok(signed_in)
}

/// Makes a link; earlier ones for the same user are void.
async fn make(
    transaction: &Transaction<'_>,
    purpose: Purpose,
    user_id: Option<i64>,
) -> Result<NewLink> {
    void(transaction, user_id).await?;
    let token = random_secret()?;
    let expires_at = transaction.now() + purpose.lifetime();
    let row = ActiveModel {
        token_hash: Set(sha256(&token)),
        purpose: Set(purpose.as_str().to_owned()),
        user_id: Set(user_id),
        created_at: Set(transaction.now()),
        expires_at: Set(expires_at),
    };
    Entity::insert(row)
        .exec_without_returning(transaction.connection())
        .await?;
    Ok(NewLink {
        user_id,
        token,
        expires_at,
    })
}

/// Removes the links of a user, or those for the first admin, and all that nobody can follow.
async fn void(transaction: &Transaction<'_>, user_id: Option<i64>) -> Result<()> {
    let theirs = match user_id {
        Some(id) => Column::UserId.eq(id),
        None => Column::UserId.is_null(),
    };
    let gone = Condition::any()
        .add(theirs)
        .add(Column::ExpiresAt.lte(transaction.now()));
    Entity::delete_many()
        .filter(gone)
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// What a link is for, if it can be followed now.
async fn open(
    connection: &impl ConnectionTrait,
    link: Option<Model>,
    now: DateTime<Utc>,
) -> Result<LinkDescription> {
    let link = link
        .filter(|link| link.expires_at > now)
        .ok_or_else(no_longer_good)?;
    let user = match link.user_id {
        None if any_user(connection).await? => return Err(no_longer_good()),
        None => None,
        Some(id) => {
            let user = entity::user::Entity::find_by_id(id).one(connection).await?;
            let user = user.filter(|user| user.disabled_at.is_none());
            Some(user.ok_or_else(no_longer_good)?.try_into()?)
        }
    };
    Ok(LinkDescription {
        purpose: Purpose::stored(&link.purpose)?,
        user,
    })
}

async fn any_user(connection: &impl ConnectionTrait) -> Result<bool> {
    let user = entity::user::Entity::find().one(connection).await?;
    Ok(user.is_some())
}

fn no_longer_good() -> Error {
    Problem::new(
        ProblemCode::WrongCredentials,
        "token",
        "the link was followed before, has expired or was replaced by another; ask for a new one",
    )
    .into()
}
