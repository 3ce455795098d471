//! Cache rules: what may be kept by caches, for how long, and why; and those a site begins with.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::prelude::{ChronoUtc, Json};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Ages are seconds. `version` grows with every change. There are some dozen rows, always read
/// together.
const UP: &str = r#"
CREATE TABLE cache_rule (
    id {key},
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    purpose TEXT NOT NULL,
    root_fields {json} NOT NULL,
    paths {json} NOT NULL,
    store BOOLEAN NOT NULL,
    max_age BIGINT NOT NULL CHECK (max_age >= 0),
    shared_max_age BIGINT NOT NULL CHECK (shared_max_age >= 0),
    stale_while_revalidate BIGINT NOT NULL CHECK (stale_while_revalidate >= 0),
    bypass {json} NOT NULL,
    examples {json} NOT NULL,
    owner_id BIGINT REFERENCES "user" (id),
    expected_result TEXT,
    rollback_note TEXT,
    enabled BOOLEAN NOT NULL,
    disabled_reason TEXT,
    version BIGINT NOT NULL,
    created_at {time} NOT NULL,
    updated_at {time} NOT NULL,
    CHECK (store = (shared_max_age > 0)),
    CHECK (NOT enabled OR disabled_reason IS NULL)
)
;
"#;

/// A rule that a site begins with.
struct Seed {
    name: &'static str,
    purpose: &'static str,
    root_fields: &'static str,
    paths: &'static str,
    /// For browsers, for shared caches, and how long a stale one will do meanwhile; none when
    /// nothing is ever kept.
    ages: Option<[i64; 3]>,
    bypass: &'static str,
    examples: &'static str,
    expected_result: &'static str,
    rollback_note: &'static str,
}

/// They are written here, and not when the program starts, because a migration runs once: they are
/// the site's own from then on, and one that an admin deletes does not come back.
const SEEDS: [Seed; 6] = [
    Seed {
        name: "published-content",
        purpose: "Published posts and words change a few times a day and are read thousands of \
            times. A shared cache (ours, a CDN) may keep an answer for five minutes: it is purged by \
            its tags when something changes, so the age only bounds what a lost purge could cost, \
            and how old view counts and similar posts may be. A browser can't be purged, so it keeps \
            nothing without asking: it asks each time, gets 304 while nothing changed, and may show \
            what it has for a minute while it asks.",
        root_fields: r#"["post", "posts", "tool", "tools", "stack", "stacks", "entity", "entities",
            "redirect", "node", "nodes"]"#,
        paths: "[]",
        ages: Some([0, 300, 60]),
        bypass: "[]",
        examples: r#"[
            {"name": "a reader opens a post", "rootFields": ["post"], "cached": true},
            {"name": "the list of posts beside all tools", "rootFields": ["posts", "tools"], "cached": true},
            {"name": "an editor looks at the same post", "rootFields": ["post"], "signedIn": true, "cached": false},
            {"name": "somebody asks who they are beside it", "rootFields": ["post", "me"], "cached": false},
            {"name": "somebody publishes a post", "operation": "MUTATION", "rootFields": ["publishPost"], "cached": false}
        ]"#,
        expected_result: "Nine of ten anonymous reads are answered without the database, and a \
            published change is seen at once.",
        rollback_note: "Switch it off when anybody sees what is not so; every read then goes to the \
            database, which takes it at some ten times the cost.",
    },
    Seed {
        name: "search",
        purpose: "Searches repeat less than pages do, and each is its own entry: a minute takes away \
            the bursts (somebody types, a link is shared) without filling caches with what nobody \
            asks again. Browsers ask each time, as with published content.",
        root_fields: r#"["search"]"#,
        paths: "[]",
        ages: Some([0, 60, 30]),
        bypass: "[]",
        examples: r#"[
            {"name": "a reader searches", "rootFields": ["search"], "cached": true},
            {"name": "a search beside a post", "rootFields": ["search", "post"], "cached": true},
            {"name": "an editor searches", "rootFields": ["search"], "signedIn": true, "cached": false}
        ]"#,
        expected_result: "Bursts of the same search cost one.",
        rollback_note: "Switch it off when results seem old; searches then run each time.",
    },
    Seed {
        name: "feeds",
        purpose: "Feeds and sitemaps are files that are rendered seconds after a change. Those who \
            fetch them come by a timetable of their own and don't mind ten minutes, neither do \
            browsers; a CDN may hand out a file ten minutes more while it fetches the newer one.",
        root_fields: "[]",
        paths: r#"["/feed.xml", "/atom.xml", "/feed.json", "/sitemap.xml", "/sitemap-*.xml"]"#,
        ages: Some([600, 600, 600]),
        bypass: "[]",
        examples: r#"[
            {"name": "a feed reader comes by", "path": "/feed.xml", "cached": true},
            {"name": "a search engine reads a part of the sitemap", "path": "/sitemap-3.xml", "cached": true},
            {"name": "somebody reloads past every cache", "path": "/feed.xml",
                "headers": [{"name": "cache-control", "value": "no-cache"}], "cached": false}
        ]"#,
        expected_result: "Feed readers and search engines cost next to nothing.",
        rollback_note: "Switch it off while a feed shows what it must not; readers then fetch it anew.",
    },
    Seed {
        name: "site-pages",
        purpose: "Pages of the Next.js site, for whoever sends the headers of the site: as old as \
            what they are made from. A CDN is purged by the same tags; browsers ask each time. Draft \
            mode shows what is not published, and is told by its cookie.",
        root_fields: "[]",
        paths: r#"["/", "/posts", "/posts/*", "/tools", "/tools/*", "/stacks", "/stacks/*", "/entities",
            "/entities/*"]"#,
        ages: Some([0, 300, 60]),
        bypass: r#"[{"kind": "COOKIE", "name": "__prerender_bypass", "value": null,
            "reason": "draft mode of Next.js: the page shows what is not published"}]"#,
        examples: r#"[
            {"name": "a reader opens a post", "path": "/posts/retries-and-backoff", "cached": true},
            {"name": "the front page", "path": "/", "cached": true},
            {"name": "an editor looks at a draft", "path": "/posts/retries-and-backoff",
                "headers": [{"name": "cookie", "value": "theme=dark; __prerender_bypass=1"}], "cached": false},
            {"name": "a page that nobody wrote a rule for", "path": "/account", "cached": false}
        ]"#,
        expected_result: "A reader gets a page from the nearest cache.",
        rollback_note: "Switch it off when a page shows what is not so, then purge the CDN.",
    },
    Seed {
        name: "admin",
        purpose: "The admin UI is for one person at a time, and what they see is theirs.",
        root_fields: "[]",
        paths: r#"["/admin", "/admin/*"]"#,
        ages: None,
        bypass: "[]",
        examples: r#"[
            {"name": "the admin UI", "path": "/admin", "cached": false},
            {"name": "a post is being edited", "path": "/admin/posts/17", "cached": false}
        ]"#,
        expected_result: "Nobody ever gets a page of the admin UI that was made for another.",
        rollback_note: "There is nothing to roll back; without it no rule names these pages, and they \
            are not kept either.",
    },
    Seed {
        name: "previews",
        purpose: "Preview links and one-time links show what is not published, or let somebody in.",
        root_fields: "[]",
        paths: r#"["/preview", "/preview/*", "/api/preview", "/api/preview/*", "/api/draft", "/api/draft/*",
            "/link/*"]"#,
        ages: None,
        bypass: "[]",
        examples: r#"[
            {"name": "a preview is opened", "path": "/preview/abc", "cached": false},
            {"name": "draft mode is switched on", "path": "/api/draft?slug=retries", "cached": false},
            {"name": "somebody who was invited comes in", "path": "/link/abc", "cached": false}
        ]"#,
        expected_result: "What was shown to one never reaches another.",
        rollback_note: "There is nothing to roll back; without it no rule names these pages, and they \
            are not kept either.",
    },
];

impl Seed {
    fn insert(&self) -> Result<InsertStatement, DbErr> {
        let json = |text: &str| -> Result<Json, DbErr> {
            text.parse()
                .map_err(|error| DbErr::Json(format!("{error}")))
        };
        let [max_age, shared_max_age, stale_while_revalidate] = self.ages.unwrap_or_default();
        let now = ChronoUtc::now();
        Ok(Query::insert()
            .into_table("cache_rule")
            .columns([
                "name",
                "purpose",
                "root_fields",
                "paths",
                "store",
                "max_age",
                "shared_max_age",
                "stale_while_revalidate",
                "bypass",
                "examples",
                "expected_result",
                "rollback_note",
                "enabled",
                "version",
                "created_at",
                "updated_at",
            ])
            .values_panic([
                self.name.into(),
                self.purpose.into(),
                json(self.root_fields)?.into(),
                json(self.paths)?.into(),
                self.ages.is_some().into(),
                max_age.into(),
                shared_max_age.into(),
                stale_while_revalidate.into(),
                json(self.bypass)?.into(),
                json(self.examples)?.into(),
                self.expected_result.into(),
                self.rollback_note.into(),
                true.into(),
                1.into(),
                now.into(),
                now.into(),
            ])
            .to_owned())
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::statements(manager, UP).await?;
        for seed in &SEEDS {
            manager.execute(seed.insert()?).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::drop_tables(manager, &["cache_rule"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
