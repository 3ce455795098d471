//! Ending sessions, and the password that begins them.

use serde_json::json;

use super::{Which, end, in_person};
use crate::domain::actor::Caller;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::permission::{self, Action};
use crate::domain::sign_in_throttle::Attempt;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::user::password::{self, Passwords, Verdict};
use crate::domain::user::{self, User};

/// Ends the session of the actor. Answers the user.
///
/// # Errors
///
/// Those of the database.
pub async fn sign_out(transaction: &mut Transaction<'_>) -> Result<i64> {
    let (user_id, session_id) = in_person(transaction.actor())?;
    let ended = end(transaction, user_id, Which::One(session_id)).await?;
    record(transaction, "sign_out", user_id, &ended);
    Ok(user_id)
}

/// Ends every session of the actor, the present one too. Answers the user.
///
/// # Errors
///
/// Those of the database.
pub async fn sign_out_everywhere(transaction: &mut Transaction<'_>) -> Result<i64> {
    let (user_id, _) = in_person(transaction.actor())?;
    let ended = end(transaction, user_id, Which::All).await?;
    record(transaction, "sign_out_everywhere", user_id, &ended);
    Ok(user_id)
}

/// Gives the actor another password and ends their other sessions. Wrong guesses at the present one
/// count like those of signing in. Answers the user.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when the present password is wrong, or
/// the new one can't be used.
pub async fn change_password(
    store: &Store,
    passwords: &Passwords,
    caller: Caller,
    current: String,
    new: String,
) -> Result<i64> {
    permission::check(caller.actor, Action::ChangePassword)?;
    let (user_id, session_id) = in_person(caller.actor)?;
    let begin = || Transaction::begin(store, caller.clone(), Action::ChangePassword);

    let transaction = begin().await?;
    let found = user::lock(&transaction, user_id).await?;
    if let Some(problem) = password::check(&new, &found.email, &found.name, "newPassword") {
        return Err(problem.into());
    }
    let attempt = Attempt::count(&transaction, &found.email, None).await?;
    transaction.commit().await?;
    let attempt = attempt.map_err(|problem| Problem {
        field: "currentPassword".into(),
        ..problem
    })?;

    let verdict = passwords
        .verify(current, found.password_hash.clone())
        .await?;
    let hash = match verdict {
        Verdict::Wrong => None,
        Verdict::Right | Verdict::RightByOldHash => Some(passwords.hash(new).await?),
    };

    let mut transaction = begin().await?;
    let row = user::lock(&transaction, user_id).await?;
    let Some(hash) = hash.filter(|_| row.password_hash == found.password_hash) else {
        record(&mut transaction, "fail_to_change_password", user_id, &[]);
        transaction.commit().await?;
        let message = "is not your present password; sign out and ask an admin for a reset link \
                       if you no longer know it";
        let code = ProblemCode::WrongCredentials;
        return Err(Problem::new(code, "currentPassword", message).into());
    };
    attempt.forgive(&transaction).await?;
    user::set_password(&transaction, user_id, hash).await?;
    let user = User::try_from(row)?;
    let ended = end(&transaction, user.id, Which::AllBut(session_id)).await?;
    record(&mut transaction, "change_password", user.id, &ended);
    transaction.commit().await?;
    Ok(user.id)
}

fn record(transaction: &mut Transaction<'_>, action: &'static str, user_id: i64, ended: &[i64]) {
    transaction.record(AuditEvent {
        action,
        subject: "user",
        subject_id: user_id,
        before: None,
        after: (!ended.is_empty()).then(|| json!({ "sessionsEnded": ended })),
    });
}
