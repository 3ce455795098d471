//! What a person can put right about the input of a mutation.

use async_graphql::{Enum, SimpleObject};

use crate::domain::error::Problem;

/// What kind of problem an input has. Programs decide by it; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::error::ProblemCode")]
pub enum UserErrorCode {
    /// A value is not of the form it must have.
    Invalid,
    /// Another row has this value already.
    Taken,
    /// What the input names does not exist, or is not in sight.
    NotFound,
    /// What is asked for does not go with the present state.
    Conflict,
    /// A person has to approve the revision before it can go live.
    ReviewRequired,
    /// The idempotency key was used with another input.
    KeyReused,
    /// Address and password, or a token, do not fit together, or are no longer good.
    WrongCredentials,
    /// Too many attempts; the message says when to come back.
    TooManyAttempts,
}

/// Something about the input that a person can put right. While there is one, nothing was changed.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// What kind of problem it is.
    pub code: UserErrorCode,
    /// The field of the input, from the outside in, e.g. `["content", "tools", "2"]`.
    pub path: Vec<String>,
    /// What is wrong and how to put it right.
    pub message: String,
}

impl From<Problem> for UserError {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.into(),
            path: path(&problem.field),
            message: problem.message,
        }
    }
}

/// The parts of a path such as `content.tools[2]`.
pub(super) fn path(field: &str) -> Vec<String> {
    let parts = field.split(['.', '[', ']']);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
