//! Errors as clients see them: what they can put right is said, what is ours is masked and logged
//! once with the request's id.

use async_graphql::{Context, ErrorExtensions};

use super::context::RequestContext;
use crate::domain::error::Error;

/// Turns an error of the domain into one of GraphQL, with `extensions.code`.
pub fn to_graphql(context: &Context<'_>, error: Error) -> async_graphql::Error {
    let (code, message) = match &error {
        Error::BadArgument(message) => ("BAD_USER_INPUT", message.clone()),
        Error::Forbidden(message) => ("FORBIDDEN", message.clone()),
        Error::TooSlow => ("QUERY_TOO_SLOW", error.to_string()),
        Error::Refused(_) => ("BAD_USER_INPUT", error.to_string()),
        Error::Database(_) | Error::Stored(_) => {
            let request_id = &context.data_unchecked::<RequestContext>().request_id;
            tracing::error!(request_id, %error, "a resolver failed");
            (
                "INTERNAL_SERVER_ERROR",
                format!("something went wrong on our side; quote request {request_id}"),
            )
        }
    };
    async_graphql::Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// Shortens `.map_err(|error| to_graphql(context, error))`.
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
        self.map_err(|error| to_graphql(context, error))
    }
}
