//! What client and server say to each other, as JSON.

use async_graphql::{Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::close::Close;
use crate::http::graphql::Call;

/// The longest id of a subscription, in bytes.
const ID_BYTES: usize = 128;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// Who connects.
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Asks whether somebody is there.
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    /// Somebody is there.
    Pong {},
    /// Begins a subscription.
    Subscribe { id: String, payload: Call },
    /// Ends a subscription.
    Complete { id: String },
}

impl ClientMessage {
    /// Reads a message.
    pub(super) fn read(text: &str) -> Result<Self, Close> {
        let message =
            serde_json::from_str(text).map_err(|error| Close::BadMessage(error.to_string()))?;
        match &message {
            Self::Subscribe { id, .. } if !(1..=ID_BYTES).contains(&id.len()) => {
                let why = format!("an id has 1 to {ID_BYTES} bytes");
                Err(Close::BadMessage(why))
            }
            _ => Ok(message),
        }
    }
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'message> {
    /// The client is let in.
    ConnectionAck,
    /// Somebody is there.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    /// What a subscription tells.
    Next {
        id: &'message str,
        payload: &'message Response,
    },
    /// A subscription can't go on, or not begin.
    Error {
        id: &'message str,
        payload: &'message [ServerError],
    },
    /// A subscription has told everything.
    Complete { id: &'message str },
}

impl ServerMessage<'_> {
    /// The message as it is sent.
    pub(super) fn write(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_whatever_else_is_in_them() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null,"more":1}"#,
            r#"{"payload":{"authorization":"Bearer x"},"type":"connection_init"}"#,
            r#"{"type":"ping","payload":{}}"#,
            r#"{"type":"pong","payload":{"at":1}}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":"{a}","variables":null,"extensions":{}}}"#,
        ] {
            assert!(ClientMessage::read(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let long = format!(
            r#"{{"type":"subscribe","id":"{}","payload":{{}}}}"#,
            "x".repeat(129)
        );
        for text in [
            "",
            "{",
            "[]",
            "\"ping\"",
            r#"{"type":"start","id":"1","payload":{}}"#,
            r#"{"type":"connection_init","payload":"Bearer x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":["a"]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"complete"}"#,
            &long,
        ] {
            let refused = ClientMessage::read(text).unwrap_err();
            assert!(
                matches!(refused, Close::BadMessage(_)),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn messages_are_written_as_the_protocol_has_them() {
        let error = [ServerError::new("no", None)];
        for (message, text) in [
            (ServerMessage::ConnectionAck, r#"{"type":"connection_ack"}"#),
            (ServerMessage::Pong { payload: None }, r#"{"type":"pong"}"#),
            (
                ServerMessage::Error {
                    id: "1",
                    payload: &error,
                },
                r#"{"type":"error","id":"1","payload":[{"message":"no"}]}"#,
            ),
            (
                ServerMessage::Next {
                    id: "1",
                    payload: &Response::new(Value::Null.to_string()),
                },
                r#"{"type":"next","id":"1","payload":{"data":"null"}}"#,
            ),
            (
                ServerMessage::Complete { id: "1" },
                r#"{"type":"complete","id":"1"}"#,
            ),
        ] {
            assert_eq!(message.write().unwrap(), text);
        }
    }
}
