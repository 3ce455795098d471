//! Preview links: a signed link that shows one post, to whoever has it, as it is not published yet.
//! The site exchanges it for a token that reads, through that perspective, and does nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::EntityTrait;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::actor::Actor;
use super::audit::AuditEvent;
use super::authentication::disabled;
use super::error::{Error, Problem, ProblemCode, Result};
use super::permission;
use super::perspective::Perspective;
use super::signing_key::{Claims, LONGEST_LIFE, SigningKeys};
use super::transaction::{Store, Transaction};
use crate::foundation::database::StatementCount;

/// How long the token is good that a link is exchanged for, as long as the link is.
const ACCESS: TimeDelta = TimeDelta::hours(1);

/// What a link shows, and whose word stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Grant {
    /// Who made the link.
    #[serde(rename = "uid")]
    user_id: i64,
    /// The token that a script made it with.
    #[serde(rename = "tid")]
    api_token_id: Option<i64>,
    /// The post it leads to.
    #[serde(rename = "pid")]
    post_id: i64,
    /// All that it shows.
    #[serde(rename = "see")]
    perspective: Perspective,
}

/// What a link says.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct LinkClaims(Grant);

impl Claims for LinkClaims {
    const TYPE: &'static str = "preview-link+jwt";
    const REMEDY: &'static str = "ask for a new preview link";
}

/// What the token says that a link is exchanged for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PreviewClaims(Grant);

impl Claims for PreviewClaims {
    const TYPE: &'static str = "preview+jwt";
    const REMEDY: &'static str = "exchange the preview link again";
}

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewLink {
    /// The token, for the site to exchange.
    pub token: String,
    /// Until when it can be exchanged, and what it was exchanged for is good.
    pub expires_at: DateTime<Utc>,
}

/// What a link was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Lets requests in.
    pub access_token: String,
    /// Until when it does.
    pub expires_at: DateTime<Utc>,
    /// The post that the link leads to.
    pub post_id: i64,
}

/// Makes a link to a post, seen through a perspective, that is good for `lifetime`.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post, or it can't be shown so or for so long;
/// [`Error::Forbidden`] when the actor may not see it so themselves.
pub async fn create_link(
    transaction: &mut Transaction<'_>,
    keys: &SigningKeys,
    post_id: i64,
    perspective: Perspective,
    lifetime: TimeDelta,
) -> Result<PreviewLink> {
    let actor = transaction.actor();
    permission::may_see(actor, perspective)?;
    let user_id = actor.user_id().ok_or(Error::SignInRequired)?;
    let post = entity::post::Entity::find_by_id(post_id)
        .one(transaction.connection())
        .await?;
    let mut shown = narrowed(perspective, post_id);
    if let Perspective::Revision(revision_id) = perspective {
        let revision = entity::revision::Entity::find_by_id(revision_id)
            .one(transaction.connection())
            .await?;
        shown = shown.filter(|_| revision.is_some_and(|revision| revision.post_id == post_id));
    }
    let mut problems = Vec::new();
    if post.is_none() {
        problems.push(Problem::not_found("post", "post"));
    }
    if shown.is_none() {
        let message = "would show other posts that are not published; `draft` shows the newest \
                       revision of this one";
        problems.push(Problem::invalid("perspective", message));
    }
    if lifetime <= TimeDelta::zero() || lifetime > LONGEST_LIFE {
        let message = format!("give 1 to {} seconds", LONGEST_LIFE.num_seconds());
        problems.push(Problem::invalid("expiresInSeconds", message));
    }
    let Some(perspective) = shown.filter(|_| problems.is_empty()) else {
        return Err(problems.into());
    };
    let expires_at = transaction.now() + lifetime;
    let grant = Grant {
        user_id,
        api_token_id: actor.api_token_id(),
        post_id,
        perspective,
    };
    transaction.record(AuditEvent {
        action: "create_preview_link",
        subject: "post",
        subject_id: post_id,
        before: None,
        after: Some(json!({ "perspective": perspective, "expiresAt": expires_at })),
    });
    Ok(PreviewLink {
        token: keys.sign(LinkClaims(grant), expires_at)?,
        expires_at,
    })
}

/// What a link to a post may show of what is asked for: nothing that is not published beside what
/// the link is about.
fn narrowed(perspective: Perspective, post_id: i64) -> Option<Perspective> {
    match perspective {
        Perspective::Draft => Some(Perspective::DraftOf(post_id)),
        Perspective::DraftOf(other) if other != post_id => None,
        Perspective::Trash => None,
        Perspective::Published
        | Perspective::DraftOf(_)
        | Perspective::Revision(_)
        | Perspective::Release(_)
        | Perspective::At(_) => Some(perspective),
    }
}

/// Exchanges a link for a token that reads through its perspective.
///
/// # Errors
///
/// [`Error::Refused`] when the link is not good, or no longer.
pub async fn exchange(store: &Store, keys: &SigningKeys, token: &str) -> Result<Preview> {
    let exchanged = async {
        let link = keys.verify::<LinkClaims>(token)?;
        let LinkClaims(grant) = link.claims;
        stand_for(store, grant, &StatementCount::default()).await?;
        let expires_at = Ord::min(link.expires_at, store.clock.now() + ACCESS);
        Ok(Preview {
            access_token: keys.sign(PreviewClaims(grant), expires_at)?,
            expires_at,
            post_id: grant.post_id,
        })
    };
    exchanged.await.map_err(|error| match error {
        Error::BadCredential(message) => {
            Problem::new(ProblemCode::WrongCredentials, "token", message).into()
        }
        error => error,
    })
}

/// Who asks with a token that a link was exchanged for: one statement.
pub(super) async fn authenticate(
    store: &Store,
    keys: &SigningKeys,
    token: &str,
    cost: &StatementCount,
) -> Result<Actor> {
    let PreviewClaims(grant) = keys.verify(token)?.claims;
    stand_for(store, grant, cost).await?;
    Ok(Actor::Preview {
        user_id: grant.user_id,
        perspective: grant.perspective,
    })
}

/// Checks that whoever made a link is still trusted: it is dead when they are shut out, or when the
/// token is revoked that it was made with.
async fn stand_for(store: &Store, grant: Grant, cost: &StatementCount) -> Result<()> {
    let select = Query::select()
        .expr(Expr::col(("u", "disabled_at")).is_not_null())
        .expr(
            Expr::col(("t", "revoked_at"))
                .is_not_null()
                .or(Expr::col(("t", "expires_at"))
                    .lte(store.clock.now())
                    .and(Expr::col(("t", "expires_at")).is_not_null())),
        )
        .from_as("user", "u")
        .join_as(
            JoinType::LeftJoin,
            "api_token",
            "t",
            Expr::col(("t", "id")).eq(grant.api_token_id),
        )
        .and_where(Expr::col(("u", "id")).eq(grant.user_id))
        .to_owned();
    let statement = store.database.dialect().build(&select);
    let rows = cost.query(&store.database, statement).await?;
    match rows.first() {
        Some(row) if row.try_get_by_index(0)? => Err(disabled()),
        Some(row) if !row.try_get_by_index::<bool>(1)? => Ok(()),
        _ => Err(Error::BadCredential(format!(
            "the preview link was withdrawn; {}",
            LinkClaims::REMEDY
        ))),
    }
}
