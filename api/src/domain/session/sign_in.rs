//! Signing in with a password. It takes the same work, and tells the same, whether there is such an
//! account or not, and every attempt is in the log.

use entity::user::Model;
use serde_json::json;

use super::{SignedIn, begin};
use crate::domain::actor::Caller;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, ProblemCode, Result};
use crate::domain::permission::Action;
use crate::domain::sign_in_throttle::Attempt;
use crate::domain::signing_key::SigningKeys;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::user::password::{Passwords, Verdict};
use crate::domain::user::{self, User};

/// Address and password, as typed.
#[derive(Clone)]
pub struct SignIn {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// What the program calls itself.
    pub user_agent: Option<String>,
}

/// Signs in. What the throttle and the log keep of it stays whatever comes of it.
///
/// # Errors
///
/// [`Error::Refused`] when address and password don't fit together, or it was tried too often.
pub async fn sign_in(
    store: &Store,
    keys: &SigningKeys,
    passwords: &Passwords,
    caller: Caller,
    input: SignIn,
) -> Result<SignedIn> {
    let mut transaction = Transaction::begin(store, caller.clone(), Action::SignIn).await?;
    let found = user::by_email(transaction.connection(), &input.email).await?;
    let attempt = Attempt::count(&transaction, &input.email, caller.address).await?;
    if attempt.is_err() {
        record_failure(&mut transaction, found.as_ref(), "too many attempts");
    }
    transaction.commit().await?;
    let attempt = attempt?;

    let enabled = found.as_ref().filter(|user| user.disabled_at.is_none());
    let hash = enabled.and_then(|user| user.password_hash.clone());
    let verdict = passwords
        .verify(input.password.clone(), hash.clone())
        .await?;
    // Worked out before the write lock is taken; rarely at all.
    let rehashed = match verdict {
        Verdict::RightByOldHash => Some(passwords.hash(input.password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };

    let mut transaction = Transaction::begin(store, caller, Action::SignIn).await?;
    let row = match found {
        Some(found) if verdict != Verdict::Wrong => {
            let row = user::lock(&transaction, found.id).await?;
            let unchanged = row.disabled_at.is_none() && row.password_hash == hash;
            unchanged.then_some(row).ok_or(Some(found))
        }
        found => Err(found),
    };
    let row = match row {
        Ok(row) => row,
        Err(found) => {
            let reason = match &found {
                None => "no such account",
                Some(user) if user.disabled_at.is_some() => "the account is disabled",
                Some(user) if user.password_hash.is_none() => "the account has no password yet",
                Some(_) => "wrong password",
            };
            record_failure(&mut transaction, found.as_ref(), reason);
            transaction.commit().await?;
            return Err(wrong());
        }
    };
    attempt.forgive(&transaction).await?;
    if let Some(hash) = rehashed {
        user::set_password(&transaction, row.id, hash).await?;
    }
    let agent = input.user_agent.as_deref();
    let user = User::try_from(row)?;
    let signed_in = begin(&mut transaction, keys, user, agent, "sign_in").await?;
    transaction.commit().await?;
    Ok(signed_in)
}

fn record_failure(transaction: &mut Transaction<'_>, found: Option<&Model>, reason: &str) {
    transaction.record(AuditEvent {
        action: "fail_to_sign_in",
        subject: "user",
        // Nobody: what was typed may be a password in the wrong field, so the log does not keep it.
        subject_id: found.map_or(0, |user| user.id),
        before: None,
        after: Some(json!({ "reason": reason })),
    });
}

fn wrong() -> Error {
    Problem::new(
        ProblemCode::WrongCredentials,
        "password",
        "address and password do not fit together; try again, or ask an admin for a reset link",
    )
    .into()
}
