//! What a request sees.

use async_graphql::parser::types::OperationType;
use axum::http::HeaderMap;

use crate::domain::actor::Actor;
use crate::domain::error::{Error, Result};
use crate::domain::permission;
use crate::domain::perspective::Perspective;
use crate::graphql::perspective::{HEADER, parse};

/// The perspective that the request names, if the actor may see through it.
///
/// Without a name it is what is published. But a preview link shows what it is for, and whoever
/// changes something sees what they have just written.
pub(super) fn choose(
    headers: &HeaderMap,
    actor: Actor,
    operation: OperationType,
) -> Result<Perspective> {
    let perspective = match (named(headers)?, actor) {
        (Some(named), _) => named,
        (None, Actor::Preview { perspective, .. }) => perspective,
        (None, Actor::User { .. } | Actor::ApiToken { .. })
            if operation == OperationType::Mutation
                && permission::may_see(actor, Perspective::Draft).is_ok() =>
        {
            Perspective::Draft
        }
        (None, _) => Perspective::Published,
    };
    permission::may_see(actor, perspective)?;
    Ok(perspective)
}

/// The perspective of the header, which may be there twice when both say the same.
fn named(headers: &HeaderMap) -> Result<Option<Perspective>> {
    let mut named = None;
    for value in headers.get_all(HEADER) {
        let perspective = parse(&String::from_utf8_lossy(value.as_bytes()))?;
        if named.is_some_and(|named| named != perspective) {
            let message = format!("a request has one perspective; send one {HEADER}");
            return Err(Error::BadArgument(message));
        }
        named = Some(perspective);
    }
    Ok(named)
}
