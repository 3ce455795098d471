//! Recording assessments.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{post, score, user};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QueryResult,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::RUBRIC;
use super::facts::{BodyFacts, Subject};
use super::rubric::{Figure, Reason, Verdict, judge};
use crate::domain::actor::Actor;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::post::{ChecklistItem, CurrentScore, lock};
use crate::domain::taxonomy::Taxonomy;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, PostChange};
use crate::foundation::cache_tag::CacheTag;

/// How long the rubric leaves the freshness alone that a person gave.
pub(super) const A_PERSON_KNOWS_BETTER_FOR: TimeDelta = TimeDelta::days(30);

/// Characters of a comment.
const MAXIMUM_COMMENT_LENGTH: usize = 2_000;

/// What the rubric made of a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessed {
    /// The post.
    pub post_id: i64,
    /// Why its figures are what they are; the points of each figure add up to it.
    pub reasons: Vec<Reason>,
}

/// Records the assessment of a person: the actor's, under the name of their user.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post, a figure is
/// not between 0 and 100, or the comment is too long.
pub async fn score(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    figures: CurrentScore,
    comment: Option<String>,
) -> Result<()> {
    let mut problems = Vec::new();
    for (field, figure) in figures.named() {
        if !(0..=100).contains(&figure) {
            let message = format!("is {figure}; give a whole number from 0 to 100");
            problems.push(Problem::invalid(field, message));
        }
    }
    let comment = comment.filter(|text| !text.trim().is_empty());
    if let Some(text) = &comment {
        if text.chars().count() > MAXIMUM_COMMENT_LENGTH {
            let message = format!("is longer than {MAXIMUM_COMMENT_LENGTH} characters; shorten it");
            problems.push(Problem::invalid("comment", message));
        }
        if text.contains('\0') {
            problems.push(Problem::invalid(
                "comment",
                "holds a NUL character; remove it",
            ));
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let post = lock(transaction, post_id).await?;
    let assessor_id = transaction.actor().user_id();
    let user = match assessor_id {
        Some(id) => {
            user::Entity::find_by_id(id)
                .one(transaction.connection())
                .await?
        }
        None => None,
    };
    let row = score::ActiveModel {
        assessor: Set(user.map(|user| user.name)),
        assessor_id: Set(assessor_id),
        automatic: Set(false),
        comment: Set(comment),
        ..Default::default()
    };
    record(transaction, &post, figures, row).await
}

/// Has the rubric assess a post: what is live, or of a post that is not, the newest revision. The
/// freshness that a person gave within the last 30 days stays.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post.
pub async fn assess(transaction: &mut Transaction<'_>, post_id: i64) -> Result<Assessed> {
    let post = lock(transaction, post_id).await?;
    let content_id = post.live_content.unwrap_or(post.head_content);
    let (connection, now) = (transaction.connection(), transaction.now());
    let mut subjects = read_subjects(connection, &[content_id], now).await?;
    let subject = subjects.remove(&content_id);
    let subject = subject.ok_or_else(|| Problem::not_found("id", "post"))?;
    let mut verdict = judge(&subject);
    keep_freshness(transaction, post_id, &mut verdict).await?;
    let figures = verdict.score();
    let row = score::ActiveModel {
        assessor: Set(Some(RUBRIC.to_owned())),
        automatic: Set(true),
        ..Default::default()
    };
    record(transaction, &post, figures, row).await?;
    Ok(Assessed {
        post_id,
        reasons: verdict.reasons,
    })
}

/// Puts the freshness that a person gave lately in the place of the rubric's.
async fn keep_freshness(
    transaction: &Transaction<'_>,
    post_id: i64,
    verdict: &mut Verdict,
) -> Result<()> {
    let since = transaction.now() - A_PERSON_KNOWS_BETTER_FOR;
    let by_person = score::Entity::find()
        .filter(score::Column::PostId.eq(post_id))
        .filter(score::Column::Automatic.eq(false))
        .filter(score::Column::AssessedAt.gt(since))
        .order_by_desc(score::Column::AssessedAt)
        .order_by_desc(score::Column::Id)
        .one(transaction.connection())
        .await?;
    if let Some(by_person) = by_person {
        let assessor = by_person.assessor.as_deref().unwrap_or("a person");
        let reasons = verdict.reasons.iter_mut();
        for reason in reasons.filter(|reason| reason.figure == Figure::Freshness) {
            reason.points = by_person.freshness;
            reason.why = format!(
                "as {assessor} assessed it on {}; the rubric leaves that alone for 30 days",
                by_person.assessed_at.date_naive()
            );
        }
    }
    Ok(())
}

/// Writes an assessment, and mirrors the newest one on its post.
async fn record(
    transaction: &mut Transaction<'_>,
    post: &post::Model,
    figures: CurrentScore,
    row: score::ActiveModel,
) -> Result<()> {
    let row = score::ActiveModel {
        post_id: Set(post.id),
        quality: Set(figures.quality),
        freshness: Set(figures.freshness),
        depth: Set(figures.depth),
        clarity: Set(figures.clarity),
        assessed_at: Set(transaction.now()),
        ..row
    };
    let row = row.insert(transaction.connection()).await?;
    let newest = score::Entity::find()
        .filter(score::Column::PostId.eq(post.id))
        .order_by_desc(score::Column::AssessedAt)
        .order_by_desc(score::Column::Id)
        .one(transaction.connection())
        .await?;
    let newest = newest.as_ref().unwrap_or(&row);
    let mirror = post::ActiveModel {
        id: Set(post.id),
        quality: Set(Some(newest.quality)),
        freshness: Set(Some(newest.freshness)),
        depth: Set(Some(newest.depth)),
        clarity: Set(Some(newest.clarity)),
        ..Default::default()
    };
    mirror.update(transaction.connection()).await?;
    transaction.touch(CacheTag::Row("post", post.id));
    transaction.touch(CacheTag::List("post"));
    // Freshness that decays by itself is no news: it would be that of every post.
    if let Some(live) = post.live_content
        && transaction.actor() != Actor::Worker
    {
        transaction.announce(Announcement::Post {
            post_id: post.id,
            change: PostChange::Scored { live },
        });
    }
    let after = [row.quality, row.freshness, row.depth, row.clarity];
    let mut event = assessed(post, after.map(Some), row.automatic);
    if let Some(after) = &mut event.after {
        after["comment"] = json!(row.comment);
    }
    transaction.record(event);
    Ok(())
}

/// The line of the log about an assessment.
pub(super) fn assessed(post: &post::Model, after: [Option<i16>; 4], automatic: bool) -> AuditEvent {
    let before = [post.quality, post.freshness, post.depth, post.clarity];
    AuditEvent {
        action: if automatic { "assess" } else { "score" },
        subject: "post",
        subject_id: post.id,
        before: Some(to_json(before)),
        after: Some(to_json(after)),
    }
}

fn to_json([quality, freshness, depth, clarity]: [Option<i16>; 4]) -> Value {
    json!({ "quality": quality, "freshness": freshness, "depth": depth, "clarity": clarity })
}

/// What the rubric looks at of each of these contents, in one statement.
pub(super) async fn read_subjects(
    connection: &impl ConnectionTrait,
    contents: &[i64],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, Subject>> {
    let count = |taxonomy: Taxonomy| {
        Expr::cust(format!(
            "(SELECT COUNT(*) FROM {} j WHERE j.content_id = c.id)",
            taxonomy.join_table()
        ))
    };
    let mut select = Query::select();
    select
        .columns(
            [
                "summary",
                "outline_context",
                "outline_problem",
                "outline_stack",
                "outline_recommended_action",
                "checklist",
                "difficulty",
            ]
            .map(|column| ("c", column)),
        )
        .column(("b", "markdown"))
        .columns([("r", "last_reviewed"), ("r", "saved_at")])
        .expr_as(count(Taxonomy::Stack), "stack_count")
        .expr_as(count(Taxonomy::Tool), "tool_count")
        .expr_as(count(Taxonomy::Entity), "entity_count")
        .column(("c", "id"))
        .from_as("post_content", "c")
        .and_where(Expr::col(("c", "id")).is_in(contents.iter().copied()));
    for (table, alias, key) in [
        ("post_content_body", "b", "content_id"),
        ("revision", "r", "id"),
    ] {
        let joined = Expr::col((alias, key)).equals(("c", "id"));
        select.join_as(JoinType::InnerJoin, table, alias, joined);
    }
    let rows = connection.query_all(&select).await?;
    let subjects = rows
        .iter()
        .map(|row| Ok((row.try_get("", "id")?, subject(row, now)?)));
    subjects.collect()
}

fn subject(row: &QueryResult, now: DateTime<Utc>) -> Result<Subject> {
    let text = |column: &str| -> Result<Option<String>> { Ok(row.try_get("", column)?) };
    let count = |column: &str| -> Result<usize> {
        let count: i64 = row.try_get("", column)?;
        Ok(usize::try_from(count).unwrap_or(0))
    };
    let mut outline_answers = 0;
    for column in [
        "outline_context",
        "outline_problem",
        "outline_stack",
        "outline_recommended_action",
    ] {
        outline_answers += usize::from(text(column)?.is_some_and(|text| !text.trim().is_empty()));
    }
    let checklist: Vec<ChecklistItem> = serde_json::from_value(row.try_get("", "checklist")?)?;
    let summary: String = row.try_get("", "summary")?;
    let markdown: String = row.try_get("", "markdown")?;
    Ok(Subject {
        body: BodyFacts::of(&markdown),
        summary_length: summary.trim().chars().count(),
        outline_answers,
        checklist_items: checklist.len(),
        has_difficulty: text("difficulty")?.is_some(),
        stack: count("stack_count")?,
        tools: count("tool_count")?,
        entities: count("entity_count")?,
        age_in_days: age_in_days(
            row.try_get("", "saved_at")?,
            row.try_get("", "last_reviewed")?,
            now,
        ),
    })
}

/// Days since a person last checked a revision, or it was saved, whichever is later.
pub(super) fn age_in_days(
    saved_at: DateTime<Utc>,
    last_reviewed: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> i64 {
    let saved_on = saved_at.date_naive();
    let seen_on = last_reviewed.filter(|day| *day > saved_on);
    (now.date_naive() - seen_on.unwrap_or(saved_on)).num_days()
}
