//! Who may sign in, and what they sign in with.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Secrets are kept as hashes only: a password as argon2id, everything random as SHA-256. A user
/// without a password was invited and has not come yet; one who left is disabled, never deleted,
/// for revisions and the log name them.
///
/// A session is a family of refresh tokens, each used once: one that is used again was stolen,
/// from the thief or from the owner, and ends the session.
const UP: &str = r#"
CREATE TABLE "user" (
    id {key},
    email TEXT NOT NULL CHECK (email <> ''),
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL CHECK (name <> ''),
    role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'author', 'viewer')),
    password_hash TEXT,
    disabled_at {time},
    created_at {time} NOT NULL
)
;
CREATE TABLE session (
    id {key},
    user_id BIGINT NOT NULL REFERENCES "user" (id),
    address TEXT,
    user_agent TEXT,
    created_at {time} NOT NULL,
    last_used_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    revoked_at {time}
)
;
CREATE TABLE refresh_token (
    token_hash TEXT PRIMARY KEY,
    session_id BIGINT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at {time} NOT NULL,
    used_at {time}
) {joined}
;
CREATE TABLE one_time_link (
    token_hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('setup', 'invitation', 'password_reset')),
    user_id BIGINT REFERENCES "user" (id),
    created_at {time} NOT NULL,
    expires_at {time} NOT NULL,
    CHECK ((purpose = 'setup') = (user_id IS NULL))
) {joined}
;
CREATE TABLE sign_in_throttle (
    id {key},
    subject TEXT NOT NULL UNIQUE,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    last_failed_at {time} NOT NULL,
    locked_until {time}
)
;
CREATE TABLE api_token (
    id {key},
    user_id BIGINT NOT NULL REFERENCES "user" (id),
    name TEXT NOT NULL CHECK (name <> ''),
    token_hash TEXT NOT NULL UNIQUE,
    token_start TEXT NOT NULL,
    scopes {json} NOT NULL,
    created_at {time} NOT NULL,
    expires_at {time},
    last_used_at {time},
    revoked_at {time}
)
;
CREATE INDEX session_by_user ON session (user_id, id)
;
CREATE INDEX session_by_expiry ON session (expires_at)
;
CREATE INDEX refresh_token_by_session ON refresh_token (session_id)
;
CREATE INDEX sign_in_throttle_by_age ON sign_in_throttle (last_failed_at)
;
CREATE INDEX one_time_link_by_user ON one_time_link (user_id)
;
CREATE INDEX api_token_by_user ON api_token (user_id, id)
;
"#;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(
            manager,
            &[
                "api_token",
                "sign_in_throttle",
                "one_time_link",
                "refresh_token",
                "session",
                "\"user\"",
            ],
        )
        .await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
