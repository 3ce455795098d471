//! Whether a page is published, and since when.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::title::FileName;
use super::{Page, text_of};
use crate::domain::post::RevisionStatus;
use crate::transfer::import::page_text::status;
use crate::transfer::import::{ImportContext, dates};

impl Page<'_> {
    /// Reads the dates and the words on publication: `draft`, `published`, `status`, `date`,
    /// `publishDate`, `lastmod`.
    pub(super) fn take_publication(
        &mut self,
        path: &Path,
        file_name: &FileName,
        context: &ImportContext,
    ) {
        for key in ["publishedAt", "createdAt", "updatedAt"] {
            self.normalize_date(key);
        }
        self.take_update();
        let mut day = self.take_schedule(context);
        for name in [
            "publishdate",
            "pubdate",
            "publishedtime",
            "publisheddate",
            "publishedon",
        ] {
            day = day.or_else(|| self.take_date(name));
        }
        // `published` is a truth value for Jekyll, a date for some Next.js blogs.
        let mut draft = None;
        if let Some((key, value)) = self.take("published") {
            match (truth(&value), text_of(&value)) {
                (Some(published), _) => draft = Some((key, !published)),
                (None, Some(text)) => match dates::parse(&text) {
                    Ok(time) => day = day.or(Some((key, value, time))),
                    Err(reason) => self.refuse(&key, reason),
                },
                (None, None) => self.refuse(&key, "must be true, false or a date"),
            }
        }
        if let Some((key, value)) = self.take("draft") {
            match truth(&value) {
                Some(is_draft) if draft.is_none() || is_draft => draft = Some((key, is_draft)),
                Some(_) => {}
                None => self.refuse(&key, "must be true or false"),
            }
        }
        let date = self.take_date("date").or_else(|| {
            let time = file_name.day?.and_time(chrono::NaiveTime::MIN).and_utc();
            Some((String::from("date"), Value::from(time.to_rfc3339()), time))
        });
        let is_document = self.own_status().is_some();
        let status = self.status(draft, path);
        let is_dated = day.is_some() || date.is_some() || self.has("publishedAt");
        if status == RevisionStatus::Published && !is_dated && !is_document {
            self.inferred.push(String::from(
                "nothing says when it was published: it counts from this import",
            ));
        }
        self.place_dates(status, day, date, context);
    }

    fn status(&mut self, draft: Option<(String, bool)>, path: &Path) -> RevisionStatus {
        if let Some(stated) = self.stated_status() {
            if let Some((key, true)) = draft
                && stated == RevisionStatus::Published
            {
                self.refuse(&key, "says draft, but the status says published; keep one");
            }
            return stated;
        }
        let in_drafts = path.parent().is_some_and(|parent| {
            parent
                .components()
                .any(|part| part.as_os_str() == "_drafts")
        });
        let (status, why) = match draft {
            Some((key, true)) => (RevisionStatus::Drafted, format!("`{key}` says so")),
            Some((key, false)) => (RevisionStatus::Published, format!("`{key}` says so")),
            None if in_drafts => (
                RevisionStatus::Drafted,
                String::from("the file is in `_drafts`"),
            ),
            None => (
                RevisionStatus::Published,
                String::from("nothing says that it is a draft"),
            ),
        };
        self.set_status(status, &why);
        status
    }

    /// The status in our own `revision`, or in a `status` of its own.
    fn stated_status(&mut self) -> Option<RevisionStatus> {
        if let Some(own) = self.own_status().cloned() {
            // A wrong word is refused with all other values, and must not publish meanwhile.
            return Some(serde_json::from_value(own).unwrap_or_default());
        }
        let (key, value) = self.take("status")?;
        match status(&text_of(&value).unwrap_or_default()) {
            Ok(status) => {
                self.set_status(status, &format!("`{key}` says so"));
                Some(status)
            }
            Err(fix) => {
                self.refuse(&key, format!("`{value}` is no status; {fix}"));
                Some(RevisionStatus::Drafted)
            }
        }
    }

    fn set_status(&mut self, status: RevisionStatus, why: &str) {
        let Ok(value) = serde_json::to_value(status) else {
            return;
        };
        self.inferred.push(format!(
            "the status is `{}`: {why}",
            value.as_str().unwrap_or_default()
        ));
        // A revision that is no mapping is refused with all other values.
        if let Some(revision) = self
            .fields
            .entry("revision")
            .or_insert_with(|| Value::Object(serde_json::Map::new()))
            .as_object_mut()
        {
            revision.insert(String::from("status"), value);
        }
    }

    /// `date` is when the page was published, or written when something else says when it was
    /// published or when it is a draft. A date to come is a schedule, which an import does not
    /// set: the page stays a draft, its date in the payload.
    fn place_dates(
        &mut self,
        status: RevisionStatus,
        day: Option<(String, Value, DateTime<Utc>)>,
        date: Option<(String, Value, DateTime<Utc>)>,
        context: &ImportContext,
    ) {
        let published = status == RevisionStatus::Published;
        let (publication, creation) = match (day, date) {
            (None, date) if published => (date, None),
            (day, date) => (day, date),
        };
        if let Some((key, value, time)) = publication {
            if time > context.now {
                self.keep(key, value, "lies in the future");
                if published {
                    self.set_status(RevisionStatus::Drafted, "its date lies in the future");
                }
            } else if !published {
                self.keep(key, value, "says when a draft was published");
            } else if self.has("publishedAt") {
                self.keep(key, value, "stands beside `publishedAt`");
            } else {
                self.set_time("publishedAt", &key, time);
            }
        }
        if let Some((key, value, time)) = creation {
            if time > context.now {
                self.keep(key, value, "lies in the future");
            } else if self.has("createdAt") {
                self.keep(key, value, "stands beside `createdAt`");
            } else {
                self.set_time("createdAt", &key, time);
            }
        }
    }

    /// Our own `publishedAt` is believed together with a status; alone it is a date like others.
    fn take_schedule(&mut self, context: &ImportContext) -> Option<(String, Value, DateTime<Utc>)> {
        let text = self.fields.get("publishedAt").and_then(Value::as_str)?;
        let time = dates::parse(text).ok()?;
        if time <= context.now || self.own_status().is_some() {
            return None;
        }
        let (key, value) = self.fields.remove_entry("publishedAt")?;
        Some((key, value, time))
    }

    /// The status in our own `revision`.
    pub(super) fn own_status(&self) -> Option<&Value> {
        let status = self.fields.get("revision")?.get("status")?;
        (!status.is_null()).then_some(status)
    }

    fn take_update(&mut self) {
        for name in [
            "lastmod",
            "updated",
            "lastmodified",
            "lastmodifiedat",
            "lastupdated",
            "modified",
            "modifiedtime",
        ] {
            let Some((key, value, time)) = self.take_date(name) else {
                continue;
            };
            if self.has("updatedAt") {
                self.keep(key, value, "stands beside another time of the last change");
            } else {
                self.set_time("updatedAt", &key, time);
            }
        }
    }

    fn set_time(&mut self, field: &str, key: &str, time: DateTime<Utc>) {
        self.inferred.push(format!(
            "`{key}` is taken as `{field}`: {}",
            time.to_rfc3339()
        ));
        let value = Value::from(time.to_rfc3339());
        self.fields.insert(field.to_owned(), value);
    }

    fn take_date(&mut self, name: &str) -> Option<(String, Value, DateTime<Utc>)> {
        let (key, value) = self.take(name)?;
        match dates::parse(&text_of(&value).unwrap_or_default()) {
            Ok(time) => Some((key, value, time)),
            Err(reason) => {
                self.refuse(&key, reason);
                None
            }
        }
    }

    /// Our own times, in any spelling of a date.
    fn normalize_date(&mut self, key: &str) {
        let Some(text) = self.fields.get(key).and_then(Value::as_str) else {
            return;
        };
        match dates::parse(text) {
            Ok(time) => {
                let value = serde_json::to_value(time).unwrap_or_default();
                self.fields.insert(key.to_owned(), value);
            }
            Err(reason) => {
                self.refuse(key, reason);
                self.fields.remove(key);
            }
        }
    }
}

/// A truth value, also in the words of older YAML.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
