//! What a release does to one post.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "release_item")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub release_id: i64,
    pub post_id: i64,
    pub post_reference: String,
    pub post_title: String,
    pub revision_id: Option<i64>,
    pub unpublish: bool,
    pub replaced_content: Option<i64>,
    pub restored: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
