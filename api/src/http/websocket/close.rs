//! Why a connection ends.

use axum::extract::ws::CloseFrame;
use axum::extract::ws::close_code::AWAY;

/// The most bytes that the protocol has for a reason.
const REASON_BYTES: usize = 123;

/// Why the server closes a connection, as the client is told. The codes are those of
/// `graphql-transport-ws`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The server stops.
    Stopping,
    /// What the client sent is no message of the protocol.
    BadMessage(String),
    /// The client subscribed before it was let in.
    NotAcknowledged,
    /// The credential is not good, or no longer.
    Forbidden(String),
    /// The client did not introduce itself in time.
    TooLate,
    /// The client uses an id for two subscriptions at once.
    Taken(String),
    /// The client introduced itself twice.
    Again,
    /// Our fault, which the log knows by the id of this request.
    Fault(String),
}

impl Close {
    fn code(&self) -> u16 {
        match self {
            Self::Stopping => AWAY,
            Self::BadMessage(_) => 4400,
            Self::NotAcknowledged => 4401,
            Self::Forbidden(_) => 4403,
            Self::TooLate => 4408,
            Self::Taken(_) => 4409,
            Self::Again => 4429,
            Self::Fault(_) => 4500,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Stopping => "the server stops; connect again".into(),
            Self::BadMessage(why) => format!("Invalid message: {why}"),
            Self::NotAcknowledged => "Unauthorized: wait for connection_ack".into(),
            Self::Forbidden(why) => format!("Forbidden: {why}"),
            Self::TooLate => "Connection initialisation timeout".into(),
            Self::Taken(id) => format!("Subscriber for {id} already exists"),
            Self::Again => "Too many initialisation requests".into(),
            Self::Fault(request_id) => {
                format!("something went wrong on our side; quote request {request_id}")
            }
        }
    }
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        let mut reason = close.reason();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES));
        Self {
            code: close.code(),
            reason: reason.into(),
        }
    }
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The server closes it, and says why.
    Closed(Close),
    /// The client closes it, or is about to.
    Left,
    /// Nobody is there, or nobody who reads.
    Cut,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Closed(close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_no_longer_than_may_be() {
        let frame = CloseFrame::from(Close::Taken("ä".repeat(100)));
        assert_eq!(frame.code, 4409);
        assert!(frame.reason.len() <= REASON_BYTES, "{}", frame.reason);
        assert!(frame.reason.ends_with('ä'), "{}", frame.reason);
    }
}
