//! What messages hold. `docs/webhooks.md` says it for receivers.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::announcement::{Announcement, PostChange};
use super::describe::Described;
use super::event::EventType;
use crate::domain::post::path;
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::id::public_id;

/// An event to be.
#[derive(Clone, Debug)]
pub(super) struct NewEvent {
    pub(super) event_type: EventType,
    pub(super) post_id: Option<i64>,
    /// Its `webhook-id`; a new one when absent.
    pub(super) message_id: Option<String>,
    /// The one endpoint that it is for.
    pub(super) only: Option<i64>,
    pub(super) touched: Touched,
    /// Whether it touches all that its change does.
    pub(super) touches_all: bool,
    data: Map<String, Value>,
}

impl NewEvent {
    fn new(event_type: EventType, subject: &str, data: Value) -> Self {
        Self {
            event_type,
            post_id: None,
            message_id: None,
            only: None,
            touched: Touched::default(),
            touches_all: false,
            data: Map::from_iter([(subject.to_owned(), data)]),
        }
    }

    /// What the message says.
    pub(super) fn into_data(self) -> Value {
        let Self {
            touched, mut data, ..
        } = self;
        let (tags, paths) = touched.into_json();
        data.insert("tags".into(), tags);
        data.insert("paths".into(), paths);
        Value::Object(data)
    }
}

/// Tags and paths that a message can hold.
const MOST: usize = 1_000;

/// What a receiver has to drop: the tags as answers of the API carry them, and paths of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) tags: BTreeSet<CacheTag>,
    pub(super) paths: BTreeSet<String>,
}

impl Touched {
    /// More than a message can hold is `*`: everything.
    fn into_json(self) -> (Value, Value) {
        if self.tags.len() > MOST || self.paths.len() > MOST {
            return (json!(["*"]), json!([]));
        }
        let tags: Vec<String> = self.tags.iter().map(CacheTag::to_string).collect();
        (json!(tags), json!(self.paths))
    }

    /// The posts among the tags, as far as a message can hold them.
    pub(super) fn posts(&self) -> Vec<i64> {
        let tags = self.tags.iter();
        let posts = tags.filter_map(|tag| match tag {
            CacheTag::Row("post", key) => Some(*key),
            _ => None,
        });
        posts.take(MOST).collect()
    }
}

/// The contents that an announcement is about.
pub(super) fn contents(announcement: &Announcement) -> [Option<i64>; 2] {
    let Announcement::Post { change, .. } = announcement else {
        return [None, None];
    };
    match *change {
        PostChange::Switched { from, to } => [from, to],
        PostChange::Scored { live } | PostChange::Amended { live } => [None, Some(live)],
        PostChange::Trashed { live, head } => [None, Some(live.unwrap_or(head))],
    }
}

/// The events that come of a change of a post. `touched` is what the whole change touches.
pub(super) fn post(
    post_id: i64,
    change: PostChange,
    described: &HashMap<i64, Described>,
    touched: &BTreeSet<CacheTag>,
) -> Vec<NewEvent> {
    let content = |key: Option<i64>| key.and_then(|key| described.get(&key));
    let announcement = Announcement::Post { post_id, change };
    let [before, after] = contents(&announcement).map(content);
    let Some(shown) = after.or(before) else {
        return Vec::new();
    };
    let moved = before.filter(|before| before.slug != shown.slug);
    let is_live = !matches!(
        change,
        PostChange::Switched { to: None, .. } | PostChange::Trashed { .. }
    );
    let data = json!({
        "id": public_id("Post", post_id),
        "slug": shown.slug,
        "oldSlug": moved.map(|before| &before.slug),
        "title": shown.title,
        "revision": is_live.then(|| shown.revision()),
    });

    let mut tags = BTreeSet::from([CacheTag::Row("post", post_id)]);
    let was_seen = !matches!(change, PostChange::Trashed { live: None, .. });
    if was_seen {
        tags.insert(CacheTag::List("post"));
    }
    match change {
        PostChange::Switched { .. } | PostChange::Trashed { live: Some(_), .. } => {
            let contents = [before, after].into_iter().flatten();
            tags.extend(contents.flat_map(|content| content.words.iter().copied()));
            // A word that came with the post is new to its list.
            let lists = TAXONOMIES.map(|taxonomy| CacheTag::List(taxonomy.noun()));
            tags.extend(lists.into_iter().filter(|list| touched.contains(list)));
        }
        PostChange::Scored { .. } | PostChange::Amended { .. } | PostChange::Trashed { .. } => {}
    }
    let redirects = CacheTag::List("redirect");
    if touched.contains(&redirects) && !matches!(change, PostChange::Scored { .. }) {
        tags.insert(redirects);
    }
    let seen = [before, Some(shown)].into_iter().flatten();
    let paths = seen.filter(|_| was_seen).map(|content| path(&content.slug));
    let touched = Touched {
        tags,
        paths: paths.collect(),
    };

    let event = |event_type| NewEvent {
        post_id: Some(post_id),
        touched: touched.clone(),
        ..NewEvent::new(event_type, "post", data.clone())
    };
    let updated = |change: &str| {
        let mut event = event(EventType::PostUpdated);
        event.data.insert("change".into(), json!(change));
        event
    };
    match change {
        PostChange::Switched { from: None, .. } => vec![event(EventType::PostPublished)],
        PostChange::Switched { to: None, .. } => vec![event(EventType::PostUnpublished)],
        PostChange::Switched { .. } => {
            let mut events = vec![updated("content")];
            events.extend(moved.map(|_| event(EventType::PostSlugChanged)));
            events
        }
        PostChange::Scored { .. } => vec![updated("score")],
        PostChange::Amended { .. } => vec![updated("details")],
        PostChange::Trashed { .. } => vec![event(EventType::PostTrashed)],
    }
}

/// The event of an announcement that is not about a post.
pub(super) fn other(announcement: &Announcement) -> Option<NewEvent> {
    match announcement {
        Announcement::Post { .. } => None,
        Announcement::Release {
            release_id,
            name,
            rolled_back,
        } => {
            let event_type = match rolled_back {
                false => EventType::ReleaseShipped,
                true => EventType::ReleaseRolledBack,
            };
            let data = json!({ "id": public_id("Release", *release_id), "name": name });
            Some(NewEvent {
                touches_all: true,
                ..NewEvent::new(event_type, "release", data)
            })
        }
        Announcement::Term(change) => {
            let type_name = type_name(change.taxonomy);
            let data = json!({
                "id": public_id(type_name, change.term_id),
                "taxonomy": change.taxonomy.noun(),
                "action": change.action,
                "name": change.name,
                "slug": change.slug,
                "oldSlug": change.old_slug,
                "replacedBy": change.successor.map(|key| public_id(type_name, key)),
            });
            Some(NewEvent {
                touches_all: true,
                ..NewEvent::new(EventType::TaxonomyChanged, "term", data)
            })
        }
        Announcement::DeadJob(job) => {
            let data = json!({
                "id": public_id("Job", job.job_id),
                "kind": job.kind,
                "attempts": job.attempts,
                "error": job.error,
            });
            Some(NewEvent {
                message_id: Some(job.message_id.clone()),
                ..NewEvent::new(EventType::JobDead, "job", data)
            })
        }
        Announcement::Alarm(alarm) => {
            let event_type = match alarm.is_over {
                false => EventType::AlarmRaised,
                true => EventType::AlarmCleared,
            };
            let data = json!({
                "code": alarm.code,
                "message": alarm.message,
                "since": alarm.since,
            });
            Some(NewEvent::new(event_type, "alarm", data))
        }
        Announcement::Test { endpoint_id } => {
            let data = json!({ "id": public_id("WebhookEndpoint", *endpoint_id) });
            Some(NewEvent {
                only: Some(*endpoint_id),
                ..NewEvent::new(EventType::WebhookTest, "endpoint", data)
            })
        }
    }
}

/// Every taxonomy.
pub(super) const TAXONOMIES: [Taxonomy; 3] = [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity];

/// What the API calls a word of a taxonomy.
fn type_name(taxonomy: Taxonomy) -> &'static str {
    match taxonomy {
        Taxonomy::Tool => "Tool",
        Taxonomy::Stack => "Stack",
        Taxonomy::Entity => "Entity",
    }
}
