//! Which program this is.

/// Which program this is: what a deployment changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its version.
    pub version: String,
    /// The commit that it was built from; `unknown` where the build was not told.
    pub commit: String,
    /// A hash of the schema of its API.
    pub schema_hash: String,
}

impl Build {
    /// This program, with the schema of its API in the definition language. Whoever builds it names
    /// the commit in `ALPHANODE_COMMIT`.
    pub fn of_this_program(schema: &str) -> Self {
        let mut schema_hash = super::hash::sha256(schema);
        schema_hash.truncate(16);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("ALPHANODE_COMMIT")
                .filter(|commit| !commit.is_empty())
                .unwrap_or("unknown")
                .to_owned(),
            schema_hash,
        }
    }
}
