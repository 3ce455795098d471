//! Webhooks: who is told, of what, and every attempt at telling them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The key of an event is its sequence number: whoever announces something about a post holds the
/// post, so the events of one post have growing keys in the order of their commits.
///
/// `event_types` is null for an endpoint that wants everything. An event and its deliveries are
/// written by the change that they tell of. What a delivery repeats of its event is what lists are
/// filtered by. `attempts` counts those since it was last asked for; `webhook_attempt` has all.
const UP: &str = r"
CREATE TABLE webhook_endpoint (
    id {key},
    url TEXT NOT NULL CHECK (url <> ''),
    description TEXT NOT NULL,
    event_types {json},
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_secret_until {time},
    enabled BOOLEAN NOT NULL,
    disabled_at {time},
    disabled_reason TEXT,
    failing_since {time},
    created_at {time} NOT NULL,
    CHECK (enabled = (disabled_at IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
)
;
CREATE TABLE webhook_event (
    id {key},
    message_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    data {json} NOT NULL,
    created_at {time} NOT NULL
)
;
CREATE TABLE webhook_delivery (
    id {key},
    event_id BIGINT NOT NULL REFERENCES webhook_event (id) ON DELETE CASCADE,
    endpoint_id BIGINT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    post_id BIGINT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt_at {time},
    finished_at {time},
    created_at {time} NOT NULL,
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'pending') = (finished_at IS NULL))
)
;
CREATE TABLE webhook_attempt (
    id {key},
    delivery_id BIGINT NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
    at {time} NOT NULL,
    duration_ms BIGINT NOT NULL,
    status_code INTEGER,
    answer TEXT,
    error TEXT
)
;
CREATE INDEX webhook_event_by_age ON webhook_event (created_at, id)
;
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (event_id, endpoint_id)
;
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at, id)
;
CREATE INDEX webhook_delivery_by_endpoint ON webhook_delivery (endpoint_id, created_at, id)
;
CREATE INDEX webhook_delivery_by_type ON webhook_delivery (event_type, created_at, id)
;
CREATE INDEX webhook_delivery_by_status ON webhook_delivery (status, created_at, id)
;
CREATE INDEX webhook_delivery_by_post ON webhook_delivery (post_id, created_at, id)
    WHERE post_id IS NOT NULL
;
CREATE INDEX webhook_attempt_by_delivery ON webhook_attempt (delivery_id, id)
;
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "webhook_attempt",
            "webhook_delivery",
            "webhook_event",
            "webhook_endpoint",
        ];
        crate::drop_tables(manager, &tables).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
