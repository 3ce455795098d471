//! What one process answered in one minute.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "request_minute")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub minute: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub node: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub started_at: DateTimeUtc,
    pub stopped: bool,
    pub failed: i64,
    pub refused: i64,
    pub microseconds: i64,
    pub cache_hits: i64,
    pub cache_stale: i64,
    pub cache_misses: i64,
    pub cache_bypasses: i64,
    pub statements: i64,
    pub database_microseconds: i64,
    pub up_to_100us: i64,
    pub up_to_250us: i64,
    pub up_to_500us: i64,
    pub up_to_1ms: i64,
    pub up_to_2500us: i64,
    pub up_to_5ms: i64,
    pub up_to_10ms: i64,
    pub up_to_25ms: i64,
    pub up_to_50ms: i64,
    pub up_to_100ms: i64,
    pub up_to_250ms: i64,
    pub up_to_500ms: i64,
    pub up_to_1s: i64,
    pub up_to_2500ms: i64,
    pub up_to_5s: i64,
    pub up_to_10s: i64,
    pub over_10s: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
