//! The identity of a post: what stays while its content changes.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "post")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub reference: String,
    pub source_id: Option<String>,
    pub generator: Option<String>,
    pub source_hash: Option<String>,
    pub view_count: i64,
    pub quality: Option<i16>,
    pub freshness: Option<i16>,
    pub depth: Option<i16>,
    pub clarity: Option<i16>,
    pub head_content: i64,
    pub live_content: Option<i64>,
    pub published_at: Option<DateTimeUtc>,
    pub trashed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub owner_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
