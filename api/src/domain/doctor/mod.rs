//! What `alphanode doctor` looks at in the database. Each check is a function that reads, and says
//! what it found and what to do about it; `docs/security.md` lists all checks.

pub mod api_tokens;
pub mod cache_rules;
pub mod clock;
pub mod database;
pub mod jobs;
pub mod people;
pub mod queries;
pub mod webhooks;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub state: State,
    /// What was found, or why nothing was.
    pub found: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// How bad what a check found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Somebody should look at it before long.
    Warn,
    /// It is wrong, and should be put right now.
    Fail,
    /// The check could not be made, or does not apply here.
    Skip,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

impl Finding {
    /// All is well.
    pub fn ok(found: impl Into<String>) -> Self {
        Self {
            state: State::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    /// Something to look at before long.
    pub fn warn(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Warn,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Something that is wrong.
    pub fn fail(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Fail,
            ..Self::warn(found, remedy)
        }
    }

    /// The check could not be made.
    pub fn skip(why: impl Into<String>) -> Self {
        Self {
            state: State::Skip,
            found: why.into(),
            remedy: None,
        }
    }
}

/// The first few names, and how many others there are.
pub fn some_of(names: &[String]) -> String {
    const SAID: usize = 5;
    let said = names[..names.len().min(SAID)].join(", ");
    match names.len().saturating_sub(SAID) {
        0 => said,
        others => format!("{said} and {others} more"),
    }
}
