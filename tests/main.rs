//! One test binary: every feature, through the same doors that users have.

mod synth;
