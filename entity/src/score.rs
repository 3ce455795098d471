//! An assessment of a post.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "score")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub post_id: i64,
    pub quality: i16,
    pub freshness: i16,
    pub depth: i16,
    pub clarity: i16,
    pub assessor: Option<String>,
    pub assessed_at: DateTimeUtc,
    pub assessor_id: Option<i64>,
    pub automatic: bool,
    pub comment: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
