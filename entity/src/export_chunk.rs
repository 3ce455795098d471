//! A piece of the file of an export.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "export_chunk")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub export_run_id: i64,
    pub number: i64,
    pub content: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
