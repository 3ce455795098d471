//! The keys that Next.js blogs, Hugo and Jekyll use, turned into ours.

use serde_json::{Value, json};

use super::title::FileName;
use super::{Page, text_of};
use crate::domain::slug::{is_slug, slug_of};

impl Page<'_> {
    /// Turns the common keys into ours; what is ours already stays.
    pub(super) fn take_conventions(&mut self, file_name: &FileName) {
        self.take_descriptions();
        self.take_slug(file_name);
        for (name, kind) in [
            ("tags", "tag"),
            ("tag", "tag"),
            ("categories", "category"),
            ("category", "category"),
            ("keywords", "keyword"),
        ] {
            self.take_terms(name, kind);
        }
        self.take_author();
        for name in ["canonical", "canonicalurl"] {
            if let Some((key, value)) = self.take(name) {
                self.inferred
                    .push(format!("`{key}` is taken as `seo.canonical`"));
                if let Err(value) = self.set_below("seo", "canonical", value) {
                    self.keep(key, value, "stands beside `seo.canonical`");
                }
            }
        }
        for name in ["aliases", "redirectfrom"] {
            self.take_redirects(name);
        }
    }

    /// The first of summary, description and excerpt is the summary; a description beside a
    /// summary is what search engines are told.
    fn take_descriptions(&mut self) {
        if let Some((key, value)) = self.take("description") {
            if !self.has("summary") {
                self.inferred.push(format!("`{key}` is taken as `summary`"));
                self.fields.insert(String::from("summary"), value);
            } else {
                match self.set_below("seo", "description", value) {
                    Ok(()) => self.inferred.push(format!(
                        "`{key}` beside a summary is taken as `seo.description`"
                    )),
                    Err(value) => self.keep(key, value, "stands beside `seo.description`"),
                }
            }
        }
        if let Some((key, value)) = self.take("excerpt") {
            if self.has("summary") {
                self.keep(key, value, "stands beside a summary");
            } else {
                self.inferred.push(format!("`{key}` is taken as `summary`"));
                self.fields.insert(String::from("summary"), value);
            }
        }
    }

    /// The slug: stated, the last part of the permalink or URL, or the name of the file, which is
    /// the address of the page in Next.js blogs, Hugo and Jekyll alike.
    fn take_slug(&mut self, file_name: &FileName) {
        if let Some(Value::String(stated)) = self.fields.get("slug") {
            let last = last_segment(stated);
            let slug = if is_slug(last) {
                last.to_owned()
            } else {
                slug_of(last)
            };
            if slug != *stated && !slug.is_empty() {
                self.inferred
                    .push(format!("the slug `{stated}` is taken as `{slug}`"));
                self.fields.insert(String::from("slug"), Value::from(slug));
            }
        }
        for name in ["permalink", "url"] {
            let Some((key, value)) = self.take(name) else {
                continue;
            };
            let path = text_of(&value).unwrap_or_default();
            let slug = slug_of(last_segment(&path));
            // Jekyll's `/:year/:title/` is a pattern, not a path.
            if !self.has("slug") && !slug.is_empty() && !path.contains("/:") {
                self.inferred
                    .push(format!("the slug `{slug}` is the last part of `{key}`"));
                self.fields.insert(String::from("slug"), Value::from(slug));
            }
            self.keep(key, value, "is the address of the page where it came from");
        }
        if let (false, Some(name)) = (self.has("slug"), &file_name.name) {
            let slug = slug_of(name);
            if !slug.is_empty() {
                self.inferred
                    .push(format!("the slug `{slug}` is the name of the file"));
                self.fields.insert(String::from("slug"), Value::from(slug));
            }
        }
    }

    /// Tags, categories and keywords become entities of their type.
    fn take_terms(&mut self, name: &str, kind: &str) {
        let Some((key, value)) = self.take(name) else {
            return;
        };
        let is_one = name == "tag" || name == "category";
        let Some(terms) = terms_of(&value, is_one) else {
            return self.keep(key, value, "is no list of names");
        };
        let entities = self
            .fields
            .entry("entities")
            .or_insert_with(|| Value::Array(Vec::new()));
        // Entities that are no list are refused with all other values of the wrong type.
        if let Some(entities) = entities.as_array_mut() {
            entities.extend(terms.iter().map(|term| json!({"name": term, "type": kind})));
        }
        self.inferred.push(format!(
            "`{key}`: {} name(s) are taken as entities of type `{kind}`",
            terms.len()
        ));
    }

    fn take_author(&mut self) {
        for name in ["author", "authors"] {
            let Some((key, value)) = self.take(name) else {
                continue;
            };
            let people = match &value {
                Value::Array(people) => people.iter().map(person).collect(),
                one => person(one).map(|person| vec![person]),
            };
            let Some(people) = people.filter(|people: &Vec<String>| !people.is_empty()) else {
                self.keep(key, value, "names nobody");
                continue;
            };
            let author = Value::from(people.join(", "));
            if self.set_below("revision", "author", author).is_err() {
                self.keep(key, value, "stands beside another author");
                continue;
            }
            self.inferred
                .push(format!("`{key}` is taken as `revision.author`"));
            let has_more = |value: &Value| value.is_object();
            if has_more(&value) || value.as_array().is_some_and(|all| all.iter().any(has_more)) {
                self.keep(key, value, "says more than a name");
            }
        }
    }

    fn take_redirects(&mut self, name: &str) {
        let Some((key, value)) = self.take(name) else {
            return;
        };
        let Some(paths) = texts_of(&value) else {
            return self.keep(key, value, "is no list of paths");
        };
        let paths: Vec<Value> = paths
            .iter()
            .map(|path| Value::from(site_path(path)))
            .collect();
        self.inferred.push(format!(
            "`{key}`: {} path(s) are taken as redirects: {}",
            paths.len(),
            paths
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        ));
        let redirects = self
            .fields
            .entry("redirects")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Some(redirects) = redirects.as_array_mut() {
            redirects.extend(paths);
        }
    }
}

/// The names in a list, or in one text: parted by commas where there are any, else by blanks as
/// Jekyll has it, unless the key stands for one name.
fn terms_of(value: &Value, is_one: bool) -> Option<Vec<String>> {
    let terms = match value {
        Value::String(text) if text.contains(',') => text.split(',').map(str::to_owned).collect(),
        Value::String(text) if !is_one => text.split_whitespace().map(str::to_owned).collect(),
        other => texts_of(other)?,
    };
    let named = terms.iter().map(|term| term.trim().to_owned());
    Some(named.filter(|term| !term.is_empty()).collect())
}

fn texts_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text_of).collect(),
        one => text_of(one).map(|text| vec![text]),
    }
}

fn person(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => members.get("name").and_then(text_of),
        other => text_of(other),
    }
}

/// The last part of a path or URL, without `.html`.
fn last_segment(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/index.html").unwrap_or(path);
    let last = path.rsplit('/').next().unwrap_or_default();
    last.strip_suffix(".html").unwrap_or(last)
}

/// A path of the site: that of a URL, and with `/` in front.
fn site_path(path: &str) -> String {
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        None => path,
    };
    format!("/{}", path.trim_start_matches('/'))
}
