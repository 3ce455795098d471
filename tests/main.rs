//! One binary for every test, so that they link once.

mod isolation;
mod support;
mod synth;
