//! From the credential of a request to who asks.

use super::actor::Actor;
use super::error::{Error, Result};
use super::signing_key::{Claims, SigningKeys, kind_of};
use super::transaction::Store;
use super::{api_token, preview, session};
use crate::foundation::database::StatementCount;

/// Who asks with a bearer token: an API token, an access token of a session, or one that a
/// preview link was exchanged for.
///
/// # Errors
///
/// [`Error::BadCredential`] when it is not good, or no longer;
/// the text says what to do. Nobody is taken for the public because their credential is bad.
pub async fn authenticate(
    store: &Store,
    keys: &SigningKeys,
    bearer: &str,
    cost: &StatementCount,
) -> Result<Actor> {
    if bearer.starts_with(api_token::PREFIX) {
        return api_token::authenticate(store, bearer, cost).await;
    }
    if kind_of(bearer).as_deref() == Some(preview::PreviewClaims::TYPE) {
        return preview::authenticate(store, keys, bearer, cost).await;
    }
    session::authenticate(store, keys, bearer, cost).await
}

/// The answer to a credential of somebody who was shut out.
pub(super) fn disabled() -> Error {
    Error::BadCredential("the account is disabled; ask an admin".into())
}
