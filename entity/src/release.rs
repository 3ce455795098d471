//! Posts that go live, or out of sight, together.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "release")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub status: String,
    pub owner_id: Option<i64>,
    pub reason: Option<String>,
    pub expected_result: Option<String>,
    pub rollback_note: Option<String>,
    pub files_touched: Json,
    pub command_used: Option<String>,
    pub metric_name: Option<String>,
    pub metric_before: Option<f64>,
    pub metric_after: Option<f64>,
    pub ship_at: Option<DateTimeUtc>,
    pub ship_failed_at: Option<DateTimeUtc>,
    pub ship_problems: Option<Json>,
    pub shipped_at: Option<DateTimeUtc>,
    pub rolled_back_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
