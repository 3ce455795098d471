//! One binary for every test, so that they link once.

mod isolation;
mod queue;
mod similar_posts;
mod support;
mod worker;
