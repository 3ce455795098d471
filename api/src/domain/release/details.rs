//! What people write about a release.

use entity::release;
use sea_orm::ActiveValue::Set;
use serde::Serialize;

use crate::domain::error::{Problem, Result};
use crate::domain::patch::Patch;

/// What people write about a release, and who answers for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// What it is called.
    pub name: String,
    /// The user who answers for it.
    pub owner_id: Option<i64>,
    /// Why it is made.
    pub reason: Option<String>,
    /// What is expected to come of it.
    pub expected_result: Option<String>,
    /// When and how to take it back.
    pub rollback_note: Option<String>,
    /// Files that were changed for it.
    pub files_touched: Vec<String>,
    /// The command that was run for it.
    pub command_used: Option<String>,
    /// What is measured.
    pub metric_name: Option<String>,
    /// What was measured before.
    pub metric_before: Option<f64>,
    /// What was measured after.
    pub metric_after: Option<f64>,
}

/// A change of [`Details`].
#[derive(Clone, Debug, Default)]
#[allow(
    missing_docs,
    reason = "each is the field of `Details` of the same name"
)]
pub struct DetailsPatch {
    pub name: Patch<String>,
    pub owner_id: Patch<i64>,
    pub reason: Patch<String>,
    pub expected_result: Patch<String>,
    pub rollback_note: Patch<String>,
    pub files_touched: Patch<Vec<String>>,
    pub command_used: Patch<String>,
    pub metric_name: Patch<String>,
    pub metric_before: Patch<f64>,
    pub metric_after: Patch<f64>,
}

/// Characters of the name of a release, of its metric, and of a path.
const MAXIMUM_NAME_LENGTH: usize = 500;
/// Characters of everything else.
const MAXIMUM_TEXT_LENGTH: usize = 20_000;
/// Files of a release.
const MAXIMUM_FILES: usize = 1_000;

/// What a release needs before it ships: the field, whether it is there, and what it is for.
pub(super) fn requirements(details: &Details) -> [(&'static str, bool, &'static str); 4] {
    [
        (
            "owner",
            details.owner_id.is_some(),
            "a release needs an owner before it ships: somebody who answers for it",
        ),
        (
            "reason",
            details.reason.is_some(),
            "a release needs a reason before it ships: why it is made",
        ),
        (
            "expectedResult",
            details.expected_result.is_some(),
            "a release needs an expected result before it ships: how you will know that it worked",
        ),
        (
            "rollbackNote",
            details.rollback_note.is_some(),
            "a release needs a rollback note before it ships: when and how to take it back",
        ),
    ]
}

impl Details {
    /// With a change made; texts lose the white space around them, and are absent without any other.
    pub(super) fn patched(mut self, patch: DetailsPatch) -> Self {
        text(patch.name).apply_to(&mut self.name);
        patch.owner_id.apply_to_option(&mut self.owner_id);
        text(patch.reason).apply_to_option(&mut self.reason);
        text(patch.expected_result).apply_to_option(&mut self.expected_result);
        text(patch.rollback_note).apply_to_option(&mut self.rollback_note);
        patch.files_touched.apply_to(&mut self.files_touched);
        text(patch.command_used).apply_to_option(&mut self.command_used);
        text(patch.metric_name).apply_to_option(&mut self.metric_name);
        patch.metric_before.apply_to_option(&mut self.metric_before);
        patch.metric_after.apply_to_option(&mut self.metric_after);
        self
    }

    /// Everything that is wrong with the texts, all at once.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.name.is_empty() {
            problems.push(Problem::invalid("name", "is missing; a release needs one"));
        }
        if self.files_touched.len() > MAXIMUM_FILES {
            let message = format!(
                "has {} items; {MAXIMUM_FILES} are the most",
                self.files_touched.len()
            );
            problems.push(Problem::invalid("filesTouched", message));
        }
        let texts = [
            ("name", Some(&self.name), MAXIMUM_NAME_LENGTH),
            ("reason", self.reason.as_ref(), MAXIMUM_TEXT_LENGTH),
            (
                "expectedResult",
                self.expected_result.as_ref(),
                MAXIMUM_TEXT_LENGTH,
            ),
            (
                "rollbackNote",
                self.rollback_note.as_ref(),
                MAXIMUM_TEXT_LENGTH,
            ),
            (
                "commandUsed",
                self.command_used.as_ref(),
                MAXIMUM_TEXT_LENGTH,
            ),
            ("metricName", self.metric_name.as_ref(), MAXIMUM_NAME_LENGTH),
        ];
        let texts = texts.map(|(field, text, most)| (field.to_owned(), text, most));
        let files = self.files_touched.iter().enumerate();
        let files = files.map(|(index, file)| {
            let field = format!("filesTouched[{index}]");
            (field, Some(file), MAXIMUM_NAME_LENGTH)
        });
        for (field, text, most) in texts.into_iter().chain(files) {
            let Some(text) = text else { continue };
            if text.chars().count() > most {
                let message = format!("is longer than {most} characters; shorten it");
                problems.push(Problem::invalid(field, message));
            } else if text.contains('\0') {
                // PostgreSQL can't store the character, and no text needs it.
                problems.push(Problem::invalid(field, "holds a NUL character; remove it"));
            }
        }
        problems
    }

    /// The columns that hold them.
    pub(super) fn to_row(&self) -> Result<release::ActiveModel> {
        Ok(release::ActiveModel {
            name: Set(self.name.clone()),
            owner_id: Set(self.owner_id),
            reason: Set(self.reason.clone()),
            expected_result: Set(self.expected_result.clone()),
            rollback_note: Set(self.rollback_note.clone()),
            files_touched: Set(serde_json::to_value(&self.files_touched)?),
            command_used: Set(self.command_used.clone()),
            metric_name: Set(self.metric_name.clone()),
            metric_before: Set(self.metric_before),
            metric_after: Set(self.metric_after),
            ..Default::default()
        })
    }
}

/// The change with texts that have no white space around them; one of nothing else empties.
fn text(patch: Patch<String>) -> Patch<String> {
    match patch {
        Patch::Set(text) => match text.trim() {
            "" => Patch::Clear,
            trimmed => Patch::Set(trimmed.to_owned()),
        },
        other => other,
    }
}
