//! What may be kept by caches, for how long, and why.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cache_rule")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub purpose: String,
    pub root_fields: Json,
    pub paths: Json,
    pub store: bool,
    pub max_age: i64,
    pub shared_max_age: i64,
    pub stale_while_revalidate: i64,
    pub bypass: Json,
    pub examples: Json,
    pub owner_id: Option<i64>,
    pub expected_result: Option<String>,
    pub rollback_note: Option<String>,
    pub enabled: bool,
    pub disabled_reason: Option<String>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
