//! What became of a document of an import.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_run_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub path: String,
    pub line: Option<i64>,
    pub outcome: String,
    pub published: bool,
    pub message: Option<String>,
    pub inferred: Option<Json>,
    pub post_id: Option<i64>,
    pub revision_id: Option<i64>,
    pub head_before: Option<i64>,
    pub head_after: Option<i64>,
    pub live_before: Option<i64>,
    pub live_after: Option<i64>,
    pub source_hash: Option<String>,
    pub source_revision: Option<i64>,
    pub revert: Option<String>,
    pub revert_message: Option<String>,
    pub diff: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
