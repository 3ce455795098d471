//! An export: what was asked for, and how far it is.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "export_run")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub format: String,
    pub filter: Json,
    pub status: String,
    pub posts: i64,
    pub total_posts: Option<i64>,
    pub bytes: i64,
    pub chunks: i64,
    pub cursor: i64,
    pub failures: i32,
    pub failure: Option<String>,
    pub actor: String,
    pub user_id: Option<i64>,
    pub created_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub expires_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
