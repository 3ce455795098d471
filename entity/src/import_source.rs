//! A source as it was last imported.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_source")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub source_key: String,
    pub post_id: i64,
    pub revision_id: i64,
    pub document_hash: String,
    pub import_run_id: i64,
    pub imported_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
