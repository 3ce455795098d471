//! The one error type of the domain: what a person can put right is data, what is ours is masked.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Why a read or a change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input of a change can't be accepted; each problem names its field and its remedy. The
    /// change wrote nothing.
    #[error("{}", list(.0))]
    Refused(Vec<Problem>),
    /// An argument of a read makes no sense. The text is meant for the caller.
    #[error("{0}")]
    BadArgument(String),
    /// Nobody is signed in, and this takes somebody who is.
    #[error("sign in first, and send the token as `Authorization: Bearer …`")]
    SignInRequired,
    /// The credential of the request is of no use. The text is meant for the caller.
    #[error("{0}")]
    BadCredential(String),
    /// The caller may not see or do this. The text is meant for the caller.
    #[error("{0}")]
    Forbidden(String),
    /// The database stopped a read that took too long.
    #[error("the query took too long and was stopped; ask for less, or filter by an indexed field")]
    TooSlow,
    /// The database, or our use of it, failed. Not meant for the caller.
    #[error("database: {0}")]
    Database(DbErr),
    /// Something else of ours failed: a file, a key, the machine's randomness. Not meant for the
    /// caller.
    #[error("{0}")]
    Internal(String),
    /// A stored value can't be read back. Not meant for the caller.
    #[error("stored value: {0}")]
    Stored(#[from] serde_json::Error),
}

/// The result of everything in the domain.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One thing about an input that a person can put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is, for programs.
    pub code: ProblemCode,
    /// The path of the input field, e.g. `score.quality` or `tools[2]`.
    pub field: String,
    /// What is wrong and how to put it right, for people.
    pub message: String,
}

impl Problem {
    /// A problem with a field.
    pub fn new(code: ProblemCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: field.into(),
            message: message.into(),
        }
    }

    /// Something that the input names and that is not there.
    pub fn not_found(field: impl Into<String>, what: &str) -> Self {
        Self::new(
            ProblemCode::NotFound,
            field,
            format!("there is no such {what}"),
        )
    }

    /// Something that does not go with the present state.
    pub fn conflict(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Conflict, field, message)
    }

    /// The same problem of a field that is within `parent`.
    #[must_use]
    pub fn within(mut self, parent: &str) -> Self {
        self.field = format!("{parent}.{}", self.field);
        self
    }

    /// A field whose value is not of the form it must have.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ProblemCode::Invalid, field, message)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

/// What kind of problem an input has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCode {
    /// A value is not of the form it must have.
    Invalid,
    /// Another row has this value already.
    Taken,
    /// What the input names does not exist.
    NotFound,
    /// What is asked for does not go with the present state.
    Conflict,
    /// A person has to review the revision before it can go live.
    ReviewRequired,
    /// The idempotency key was used with another input.
    KeyReused,
    /// Address and password, or a token, do not fit together, or are no longer good.
    WrongCredentials,
    /// Too many attempts; the message says when to come back.
    TooManyAttempts,
}

fn list(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
    texts.join("; ")
}

/// What a failed change says about trying it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Another writer was in the way; the same change may succeed now.
    Busy,
    /// A value has to be unique and is not, maybe because another writer was faster.
    Taken,
    /// The database refused a value; the same change will fail again.
    Value,
    /// Neither: the database can't be reached, is full, or the fault is ours.
    Other,
}

impl Failure {
    /// Whether the same change may succeed now, because it was another one that was in its way.
    pub fn is_in_the_way(self) -> bool {
        matches!(self, Self::Busy | Self::Taken)
    }
}

impl Error {
    /// The same error, the problems of which are with fields within `parent`.
    #[must_use]
    pub fn within(self, parent: &str) -> Self {
        match self {
            Self::Refused(problems) => {
                let problems = problems.into_iter();
                Self::Refused(problems.map(|problem| problem.within(parent)).collect())
            }
            other => other,
        }
    }

    /// What the database's error code says about trying the change again.
    pub fn failure(&self) -> Failure {
        let Self::Database(DbErr::Exec(error) | DbErr::Query(error)) = self else {
            return Failure::Other;
        };
        let RuntimeErr::SqlxError(error) = error else {
            return Failure::Other;
        };
        let Some(database) = error.as_database_error() else {
            // A value that can't even be sent, e.g. one that is too long.
            return match **error {
                sqlx::Error::Encode(_) | sqlx::Error::Protocol(_) => Failure::Value,
                _ => Failure::Other,
            };
        };
        if database.is_unique_violation() {
            return Failure::Taken;
        }
        let code = database.code().unwrap_or_default();
        // Five characters are PostgreSQL's, a class and a number; SQLite's are numbers, the low
        // byte of which is the class.
        match code.parse::<i32>() {
            _ if code.len() == 5 => match &code[..2] {
                "40" => Failure::Busy,
                "22" | "23" | "54" => Failure::Value,
                _ => Failure::Other,
            },
            Ok(code) => match code & 0xff {
                5 | 6 => Failure::Busy,
                18..=20 => Failure::Value,
                _ => Failure::Other,
            },
            Err(_) => Failure::Other,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }
}

impl From<Vec<Problem>> for Error {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Refused(problems)
    }
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Internal("the machine gave no randomness".into())
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        // SQLite's progress handler answers "interrupted", PostgreSQL's statement_timeout 57014.
        if text.contains("interrupted") || text.contains("statement timeout") {
            Self::TooSlow
        } else {
            Self::Database(error)
        }
    }
}
