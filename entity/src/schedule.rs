//! A job that comes again by the calendar.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "schedule")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub payload: Json,
    pub purpose: String,
    pub cron: String,
    pub built_in_cron: String,
    pub time_zone: String,
    pub built_in_time_zone: String,
    pub next_run_at: i64,
    pub paused_at: Option<i64>,
    pub paused_by: Option<String>,
    pub last_run_at: Option<i64>,
    pub last_job_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
