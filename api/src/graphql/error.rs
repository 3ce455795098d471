//! Errors as clients see them: what they can put right is said, what is ours is masked and logged
//! once with the request's id.

use std::sync::Arc;

use async_graphql::{Context, ErrorExtensions};

use super::context::request;
use crate::domain::error::Error;

/// The code of a change that another one was in the way of.
pub const TRY_AGAIN: &str = "TRY_AGAIN";

/// Turns an error of the domain into one of GraphQL, with `extensions.code`.
fn to_graphql(context: &Context<'_>, error: &Error) -> async_graphql::Error {
    let (code, message) = match error {
        Error::BadArgument(message) => ("BAD_USER_INPUT", message.clone()),
        Error::SignInRequired | Error::BadCredential(_) => ("UNAUTHENTICATED", error.to_string()),
        Error::Forbidden(message) => ("FORBIDDEN", message.clone()),
        Error::TooSlow => ("QUERY_TOO_SLOW", error.to_string()),
        Error::Refused(_) => ("BAD_USER_INPUT", error.to_string()),
        Error::Database(_) if error.failure().is_in_the_way() => {
            // Now and then is how it goes; always is a fault of ours.
            let request_id = request(context).caller.request_id.as_deref();
            tracing::warn!(request_id, %error, "a change was in the way of another one");
            let message = "another change was in the way, and nothing was changed; send it again";
            (TRY_AGAIN, message.to_owned())
        }
        Error::Database(_) | Error::Stored(_) | Error::Internal(_) => {
            let request_id = request(context).caller.request_id.as_deref();
            let request_id = request_id.unwrap_or("without an id");
            tracing::error!(request_id, %error, "a resolver failed");
            (
                "INTERNAL_SERVER_ERROR",
                format!("something went wrong on our side; quote request {request_id}"),
            )
        }
    };
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// Gives results of the domain the form of GraphQL.
pub trait OrGraphqlError<T> {
    /// The value, or the error as clients see it.
    ///
    /// # Errors
    ///
    /// The error of the domain, in the form of GraphQL.
    fn or_graphql_error(self, context: &Context<'_>) -> async_graphql::Result<T>;
}

impl<T> OrGraphqlError<T> for Result<T, Error> {
    fn or_graphql_error(self, context: &Context<'_>) -> async_graphql::Result<T> {
        self.map_err(|error| to_graphql(context, &error))
    }
}

impl<T> OrGraphqlError<T> for Result<T, Arc<Error>> {
    fn or_graphql_error(self, context: &Context<'_>) -> async_graphql::Result<T> {
        self.map_err(|error| to_graphql(context, &error))
    }
}
