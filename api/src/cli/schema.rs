//! `alphanode schema`: the schema in its definition language, as `schema.graphql` holds it.

use std::io::Write;
use std::process::ExitCode;

use super::Failure;
use crate::graphql::definition;

pub(super) fn run() -> Result<ExitCode, Failure> {
    std::io::stdout().write_all(definition().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
