//! What one revision froze. Its id is the id of the revision.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "post_content")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub post_id: i64,
    pub published_at: Option<DateTimeUtc>,
    pub updated_at: DateTimeUtc,
    pub slug: String,
    pub title: String,
    pub summary: String,
    pub topic: Option<String>,
    pub code_language: Option<String>,
    pub difficulty: Option<String>,
    pub reading_minutes: i32,
    pub stated_reading_minutes: Option<i32>,
    pub word_count: i32,
    pub outline_context: Option<String>,
    pub outline_problem: Option<String>,
    pub outline_stack: Option<String>,
    pub outline_recommended_action: Option<String>,
    pub brief: Option<String>,
    pub checklist: Json,
    pub notes: Json,
    pub ai_generated_style: bool,
    pub has_images: bool,
    pub image_heavy: bool,
    pub needs_human_review: bool,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub seo_canonical: Option<String>,
    pub payload: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
