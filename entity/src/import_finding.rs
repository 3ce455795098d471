//! What an import run has to say about a document.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_finding")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub import_run_id: i64,
    pub kind: String,
    pub path: String,
    pub line: Option<i64>,
    pub message: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
