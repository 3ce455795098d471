//! How mutations of posts answer: what was changed is read again, with what the query wants of it.

use std::collections::HashMap;

use async_graphql::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::domain::permission;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::{self, NumberField, PostFilter, PostSelection, SavedPost, Test, Updated};
use crate::graphql::context::request;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::payload::{
    PostChange, PostPayload, PostsPayload, RevisionPayload, UpdateConflict, UpdatePostPayload,
};
use crate::graphql::types::post::{Post, add_parts_of_post, selection_below};
use crate::graphql::types::revision::Revision;
use crate::graphql::types::user_error::UserError;

impl PostPayload {
    /// Nothing was changed.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            post: None,
            user_errors,
        }
    }
}

impl UpdatePostPayload {
    /// Nothing was changed.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            post: None,
            conflict: None,
            user_errors,
        }
    }
}

/// The post of an outcome as the perspective shows it, with what the query wants of it.
pub(super) async fn post_payload(
    context: &Context<'_>,
    outcome: Outcome<i64>,
    perspective: Perspective,
) -> Result<PostPayload> {
    match outcome {
        Err(user_errors) => Ok(PostPayload::refused(user_errors)),
        Ok(post_id) => Ok(PostPayload {
            post: find_post(context, post_id, perspective).await?,
            user_errors: Vec::new(),
        }),
    }
}

/// The post of an update, or both sides of its conflict.
pub(super) async fn update_payload(
    context: &Context<'_>,
    outcome: Outcome<Updated>,
) -> Result<UpdatePostPayload> {
    let mut payload = UpdatePostPayload::refused(Vec::new());
    match outcome {
        Err(user_errors) => payload.user_errors = user_errors,
        Ok(Updated::Saved(saved) | Updated::Unchanged(saved)) => {
            payload.post = find_post(context, saved.post_id, Perspective::Draft).await?;
        }
        Ok(Updated::Conflict {
            post_id,
            base,
            current,
        }) => {
            payload.post = find_post(context, post_id, Perspective::Draft).await?;
            let found =
                post::find_revisions(&reader(context, Perspective::Draft), &[base, current]).await;
            let found = found.or_graphql_error(context)?;
            let side = |id| found.iter().find(|revision| revision.id == id).cloned();
            let sides = side(base).zip(side(current));
            payload.conflict = sides.map(|(base, current)| UpdateConflict {
                base: Revision(base),
                current: Revision(current),
            });
        }
    }
    Ok(payload)
}

/// The revision of an outcome and its post.
pub(super) async fn revision_payload(
    context: &Context<'_>,
    outcome: Outcome<SavedPost>,
) -> Result<RevisionPayload> {
    let saved = match outcome {
        Ok(saved) => saved,
        Err(user_errors) => {
            return Ok(RevisionPayload {
                revision: None,
                post: None,
                user_errors,
            });
        }
    };
    let found =
        post::find_revisions(&reader(context, Perspective::Draft), &[saved.revision_id]).await;
    Ok(RevisionPayload {
        revision: found.or_graphql_error(context)?.pop().map(Revision),
        post: find_post(context, saved.post_id, Perspective::Draft).await?,
        user_errors: Vec::new(),
    })
}

/// A post that was, or would be, changed with others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ChangedPost {
    /// The post.
    pub(super) post_id: i64,
    /// The fields that differ.
    pub(super) fields: Vec<String>,
}

/// The posts of an outcome as the perspective shows them.
pub(super) async fn posts_payload(
    context: &Context<'_>,
    outcome: Outcome<Vec<ChangedPost>>,
    perspective: Perspective,
) -> Result<PostsPayload> {
    let changed = match outcome {
        Ok(changed) => changed,
        Err(user_errors) => {
            return Ok(PostsPayload {
                changes: Vec::new(),
                user_errors,
            });
        }
    };
    let ids = changed.iter().map(|changed| changed.post_id).collect();
    let mut selection = PostSelection::default();
    for payload in context.look_ahead().selection_fields() {
        for changes in payload.selection_set() {
            add_parts_of_post(changes, &mut selection);
        }
    }
    let filter = PostFilter::Number(NumberField::Id, Test::In(ids));
    let found = post::find(&reader(context, perspective), filter, selection).await;
    let mut posts: HashMap<i64, Post> = HashMap::new();
    for post in found.or_graphql_error(context)? {
        posts.insert(post.id, post.into());
    }
    let changes = changed.into_iter().map(|changed| PostChange {
        post: posts.get(&changed.post_id).cloned(),
        changed_fields: changed.fields,
    });
    Ok(PostsPayload {
        changes: changes.collect(),
        user_errors: Vec::new(),
    })
}

/// The field `post` of a payload, as the perspective shows the post; nothing is read for a query that
/// does not select it.
pub(super) async fn find_post(
    context: &Context<'_>,
    post_id: i64,
    perspective: Perspective,
) -> Result<Option<Post>> {
    if !context.look_ahead().field("post").exists() {
        return Ok(None);
    }
    let filter = PostFilter::Number(NumberField::Id, Test::Equal(post_id));
    let selection = selection_below(context.look_ahead(), "post");
    let found = post::find_one(&reader(context, perspective), filter, selection).await;
    Ok(found.or_graphql_error(context)?.map(Post::from))
}

/// Reads through the perspective that shows what was changed. Whoever may change drafts and not read
/// them, such as a token without that scope, sees what is published.
fn reader(context: &Context<'_>, perspective: Perspective) -> Reader {
    let request = request(context);
    let seen = match permission::may_see(request.caller.actor, perspective) {
        Ok(()) => perspective,
        Err(_) => Perspective::Published,
    };
    Reader::new(request.store.database.clone(), seen)
}
