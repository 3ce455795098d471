//! Tokens that scripts sign in with.

use alphanode::domain::actor::Actor;
use alphanode::domain::api_token::{self, NewApiToken};
use alphanode::domain::permission::{Action, Scope};
use alphanode::domain::transaction::{Store, Transaction};

/// A token of a user, with these scopes.
pub async fn api_token(store: &Store, user_id: i64, scopes: &[Scope]) -> String {
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::ManageOwnTokens)
        .await
        .unwrap();
    let new = NewApiToken {
        user_id,
        name: "a script".into(),
        scopes: scopes.to_vec(),
        expires_at: None,
    };
    let (_, token) = api_token::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    token
}
