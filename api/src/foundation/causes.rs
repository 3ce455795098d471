//! Errors with their causes, for people.

use std::error::Error;

/// What an error says, and what its causes say, from the nearest to the last. Many errors repeat
/// their cause in their own text; it is said once.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
