//! A numbered save of a post.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub post_id: i64,
    pub number: i32,
    pub version: String,
    pub status: String,
    pub author: Option<String>,
    pub message: Option<String>,
    pub last_reviewed: Option<Date>,
    pub content_hash: String,
    pub saved_at: DateTimeUtc,
    pub author_id: Option<i64>,
    pub reviewer_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
