//! Who asks or acts.

use std::fmt;

/// Who asks or acts. Users, sessions and tokens join this list with sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The public.
    Anonymous,
    /// A person at the command line of the machine.
    CommandLine,
    /// A background job.
    Worker,
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::CommandLine => "command line",
            Self::Worker => "worker",
        })
    }
}
