//! One run of an import.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_run")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub source: String,
    pub format: String,
    pub publish: bool,
    pub overwrite: bool,
    pub dry_run: bool,
    pub stored: bool,
    pub status: String,
    pub created: i32,
    pub updated: i32,
    pub skipped: i32,
    pub conflicted: i32,
    pub failed: i32,
    pub published: i32,
    pub total_bytes: Option<i64>,
    pub done_bytes: i64,
    pub cursor_file: i64,
    pub cursor_document: i64,
    pub reverted: i64,
    pub resumed_at: Option<DateTimeUtc>,
    pub resumed_bytes: i64,
    pub failures: i32,
    pub failure: Option<String>,
    pub actor: String,
    pub user_id: Option<i64>,
    pub request_id: Option<String>,
    pub started_at: DateTimeUtc,
    pub touched_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
