//! Feeds and sitemaps: valid, of what is public alone, and cheap to ask for again.

use std::collections::BTreeMap;

use alphanode::domain::feed::{self, Channel, Entry};
use alphanode::domain::permission::Role;
use alphanode::domain::post::{Content, Flags, NewPost, RevisionStatus, Seo};
use alphanode::domain::transaction::Store;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};

use crate::support::editing::{Written, done, publish, revise, write};
use crate::support::{Answer, Backend, TestServer, note};

/// An element of a document, without its namespace's address.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn all(&self, name: &str) -> Vec<&Element> {
        let children = self.children.iter();
        children.filter(|child| child.name == name).collect()
    }

    fn one(&self, name: &str) -> &Element {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "one {name} in {}", self.name);
        all[0]
    }

    fn text_of(&self, name: &str) -> &str {
        &self.one(name).text
    }
}

/// Parses a document as a parser that knows nothing of us does: whatever is not well formed fails.
fn parse(document: &str) -> Element {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(begin(&start)),
            Event::Empty(start) => {
                let element = begin(&start);
                open.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap();
                open.last_mut().unwrap().children.push(element);
            }
            Event::Text(text) => {
                let text = text.into_inner();
                assert!(text.chars().all(is_allowed), "{text:?}");
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let text = match reference.resolve_char_ref().unwrap() {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_xml_entity(&name)
                        .unwrap_or_else(|| panic!("no entity {name}"))
                        .to_owned(),
                };
                assert!(text.chars().all(is_allowed), "{text:?}");
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::Decl(declaration) => {
                assert_eq!(&*declaration.encoding().unwrap().unwrap(), "UTF-8");
            }
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    let mut top = open.pop().unwrap();
    assert!(open.is_empty());
    assert_eq!(top.children.len(), 1);
    top.children.remove(0)
}

fn begin(start: &quick_xml::events::BytesStart<'_>) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = quick_xml::escape::unescape(&attribute.value).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    Element {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        ..Element::default()
    }
}

/// What XML 1.0 can hold.
fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..
    )
}

fn channel() -> Channel {
    Channel {
        name: "Notes & more".into(),
        site_url: "https://example.org".into(),
        public_url: "https://cms.example.org".into(),
    }
}

/// The store that renders for the site of these tests.
fn store(server: &TestServer) -> Store {
    let mut store = server.test.store.clone();
    store.channel = channel();
    store
}

async fn render(server: &TestServer) -> feed::Rendering {
    feed::render(&store(server)).await.unwrap()
}

async fn ask(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn xml(server: &TestServer, path: &str) -> Element {
    let answer = ask(server, path, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    parse(answer.body.as_str().unwrap())
}

fn content(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: format!("Title of {slug}"),
        summary: format!("Summary of {slug}."),
        body: "Text.".into(),
        ..Content::default()
    }
}

/// A live post that was published so many minutes after noon.
fn published(content: Content, minutes: u32) -> NewPost {
    let time = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
    let mut post = note(content, RevisionStatus::Published);
    post.published_at = Some(time + TimeDelta::minutes(minutes.into()));
    post
}

#[rstest]
#[tokio::test]
async fn feeds_hold_the_newest_public_posts_by_the_rules_of_their_formats(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let nasty = Content {
        title: "A < B && \"C\" ]]> \u{1}\u{b}\u{fffe}😀".into(),
        summary: "It's <b>bold</b> &amp; more\u{8}".into(),
        ..content("nasty")
    };
    let mut posts: Vec<NewPost> = (0..60)
        .map(|number| published(content(&format!("post-{number}")), number))
        .collect();
    posts.push(published(nasty, 100));
    posts.push(published(
        Content {
            summary: String::new(),
            ..content("bare")
        },
        101,
    ));
    posts[61].revisions[0].author = Some("Ada & Söhne".into());
    let hidden = Flags {
        needs_human_review: true,
        ..Flags::default()
    };
    posts.push(published(
        Content {
            flags: hidden,
            ..content("unreviewed")
        },
        102,
    ));
    posts.push(note(content("draft"), RevisionStatus::Drafted));
    server.create_posts(posts).await;
    let rendering = render(&server).await;
    assert_eq!((rendering.files, rendering.changed), (5, 5));

    let rss = xml(&server, "/feed.xml").await;
    assert_eq!(
        (rss.name.as_str(), rss.attributes["version"].as_str()),
        ("rss", "2.0")
    );
    let rss = rss.one("channel");
    assert_eq!(rss.text_of("title"), "Notes & more");
    assert_eq!(rss.text_of("link"), "https://example.org/");
    assert!(!rss.text_of("description").is_empty());
    let itself = &rss.one("atom:link").attributes;
    assert_eq!(itself["href"], "https://cms.example.org/feed.xml");
    assert_eq!(itself["rel"], "self");
    let items = rss.all("item");
    assert_eq!(items.len(), 50);
    assert_eq!(items[0].text_of("link"), "https://example.org/posts/bare");
    assert_eq!(items[0].text_of("dc:creator"), "Ada & Söhne");
    assert_eq!(items[0].text_of("description"), "Title of bare");
    assert_eq!(items[1].text_of("title"), "A < B && \"C\" ]]> 😀");
    // Readers take it for HTML, so what was written is escaped once more.
    assert_eq!(
        items[1].text_of("description"),
        "It's &lt;b&gt;bold&lt;/b&gt; &amp;amp; more"
    );
    assert!(items[1].all("dc:creator").is_empty());
    for item in &items {
        let time = item.text_of("pubDate");
        DateTime::parse_from_rfc2822(time).unwrap();
        assert_eq!(item.one("guid").attributes["isPermaLink"], "false");
    }
    let slugs: Vec<&str> = items.iter().map(|item| item.text_of("link")).collect();
    assert!(
        !slugs
            .iter()
            .any(|slug| slug.contains("unreviewed") || slug.contains("draft"))
    );

    let atom = xml(&server, "/atom.xml").await;
    assert_eq!(atom.attributes["xmlns"], "http://www.w3.org/2005/Atom");
    assert!(atom.text_of("id").starts_with("urn:uuid:"));
    DateTime::parse_from_rfc3339(atom.text_of("updated")).unwrap();
    assert_eq!(atom.one("author").text_of("name"), "Notes & more");
    let links = atom.all("link");
    let rels: Vec<&str> = links
        .iter()
        .map(|link| link.attributes["rel"].as_str())
        .collect();
    assert_eq!(rels, ["self", "alternate"]);
    let entries = atom.all("entry");
    assert_eq!(entries.len(), 50);
    let mut ids: Vec<&str> = entries.iter().map(|entry| entry.text_of("id")).collect();
    for (entry, item) in entries.iter().zip(&items) {
        assert_eq!(entry.text_of("id"), item.text_of("guid"));
        assert_eq!(entry.one("link").attributes["href"], item.text_of("link"));
        assert!(!entry.text_of("title").is_empty());
        assert!(!entry.text_of("summary").is_empty());
        let time = |name| DateTime::parse_from_rfc3339(entry.text_of(name)).unwrap();
        assert!(time("published") <= time("updated"));
    }
    assert_eq!(entries[0].one("author").text_of("name"), "Ada & Söhne");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50, "each has an id of its own");

    let json = ask(&server, "/feed.json", &[]).await;
    assert_eq!(
        json.headers["content-type"],
        "application/feed+json; charset=utf-8"
    );
    let json = json.body;
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(json["feed_url"], "https://cms.example.org/feed.json");
    let items = json["items"].as_array().unwrap();
    assert_eq!(items.len(), 50);
    assert_eq!(items[0]["authors"], json!([{ "name": "Ada & Söhne" }]));
    for item in items {
        for field in [
            "id",
            "url",
            "title",
            "content_text",
            "date_published",
            "date_modified",
        ] {
            assert!(!item[field].as_str().unwrap().is_empty(), "{field}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn sitemaps_hold_every_post_that_may_be_indexed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let canonical = |url: &str| Seo {
        canonical: Some(url.to_owned()),
        ..Seo::default()
    };
    let with_seo = |slug: &str, seo: Seo| Content {
        seo,
        ..content(slug)
    };
    let copy = canonical("https://elsewhere.example/original");
    let own = canonical("https://example.org/posts/own");
    server
        .create_posts(vec![
            published(content("one"), 1),
            published(with_seo("copy", copy), 2),
            published(with_seo("own", own), 3),
            note(content("draft"), RevisionStatus::Drafted),
        ])
        .await;
    go_on_after(&server, backend, 25_000).await;
    let far = vec![
        published(content("far"), 4),
        published(content("farther"), 5),
    ];
    server.create_posts(far).await;
    render(&server).await;

    let index = xml(&server, "/sitemap.xml").await;
    assert_eq!(index.name, "sitemapindex");
    let namespace = "http://www.sitemaps.org/schemas/sitemap/0.9";
    assert_eq!(index.attributes["xmlns"], namespace);
    let parts: Vec<&str> = index
        .all("sitemap")
        .iter()
        .map(|part| part.text_of("loc"))
        .collect();
    assert_eq!(
        parts,
        [
            "https://cms.example.org/sitemap-0.xml",
            "https://cms.example.org/sitemap-2.xml"
        ]
    );
    let urls = |part: &Element| -> Vec<String> {
        assert_eq!(part.attributes["xmlns"], namespace);
        let urls = part.all("url");
        let urls = urls.iter().map(|url| url.text_of("loc").to_owned());
        urls.collect()
    };
    let first = xml(&server, "/sitemap-0.xml").await;
    assert_eq!(
        urls(&first),
        [
            "https://example.org/",
            "https://example.org/posts/one",
            "https://example.org/posts/own"
        ]
    );
    DateTime::parse_from_rfc3339(first.all("url")[1].text_of("lastmod")).unwrap();
    let third = xml(&server, "/sitemap-2.xml").await;
    assert_eq!(
        urls(&third),
        [
            "https://example.org/posts/far",
            "https://example.org/posts/farther"
        ]
    );
    for path in [
        "/sitemap-1.xml",
        "/sitemap-.xml",
        "/sitemap-02.xml",
        "/sitemap--1.xml",
    ] {
        assert_eq!(
            ask(&server, path, &[]).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }

    // A part whose last post is gone is gone as well.
    let connection = server.test.store.database.writer();
    for sql in [
        "UPDATE post SET live_content = NULL WHERE id > 20000",
        "UPDATE post_content SET published_at = NULL WHERE post_id > 20000",
    ] {
        connection.execute_unprepared(sql).await.unwrap();
    }
    render(&server).await;
    assert_eq!(xml(&server, "/sitemap.xml").await.all("sitemap").len(), 1);
    let gone = ask(&server, "/sitemap-2.xml", &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

/// The next post gets a key above this one.
async fn go_on_after(server: &TestServer, backend: Backend, key: i64) {
    let sql = match backend {
        Backend::Sqlite => format!("UPDATE sqlite_sequence SET seq = {key} WHERE name = 'post'"),
        Backend::Postgres => format!("SELECT setval(pg_get_serial_sequence('post', 'id'), {key})"),
    };
    let connection = server.test.store.database.writer();
    connection.execute_unprepared(&sql).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn who_has_a_feed_already_is_not_sent_it_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    // Nothing is rendered yet.
    let early = ask(&server, "/feed.xml", &[]).await;
    assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(early.headers["retry-after"], "10");
    assert_eq!(early.headers["cache-control"], "no-store");

    // An empty site has valid feeds.
    render(&server).await;
    assert!(
        xml(&server, "/feed.xml")
            .await
            .one("channel")
            .all("item")
            .is_empty()
    );
    let atom = xml(&server, "/atom.xml").await;
    assert_eq!(atom.text_of("updated"), "1970-01-01T00:00:00Z");
    assert_eq!(xml(&server, "/sitemap.xml").await.all("sitemap").len(), 1);

    server
        .create_posts(vec![published(content("one"), 1)])
        .await;
    render(&server).await;
    let first = ask(&server, "/feed.xml", &[]).await;
    assert_eq!(
        first.headers["cache-control"],
        "public, max-age=600, s-maxage=600, stale-while-revalidate=600"
    );
    // Who wants a new one gets one that nobody keeps.
    let new = ask(&server, "/feed.xml", &[("cache-control", "no-cache")]).await;
    assert_eq!(new.headers["cache-control"], "no-store");
    assert_eq!(
        first.headers["content-type"],
        "application/rss+xml; charset=utf-8"
    );
    let length: usize = first.headers["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(length, first.body.as_str().unwrap().len());
    let etag = first.headers["etag"].to_str().unwrap();
    let modified = first.headers["last-modified"].to_str().unwrap();
    assert_eq!(modified, "Mon, 01 Jun 2026 12:00:00 GMT");

    let weak = format!("W/{etag}");
    let several = format!("\"other\", {etag}");
    for headers in [
        [("if-none-match", etag)],
        [("if-none-match", weak.as_str())],
        [("if-none-match", several.as_str())],
        [("if-none-match", "*")],
        [("if-modified-since", modified)],
        [("if-modified-since", "Mon, 01 Jun 2026 12:00:01 GMT")],
    ] {
        let again = ask(&server, "/feed.xml", &headers).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{headers:?}");
        assert_eq!(again.body, "");
        assert_eq!(again.headers["etag"], etag);
        assert_eq!(
            again.headers["cache-control"],
            "public, max-age=600, s-maxage=600, stale-while-revalidate=600"
        );
    }
    for headers in [
        vec![("if-none-match", "\"other\"")],
        vec![
            ("if-none-match", "\"other\""),
            ("if-modified-since", modified),
        ],
        vec![("if-modified-since", "Mon, 01 Jun 2026 11:59:59 GMT")],
        vec![("if-modified-since", "yesterday")],
    ] {
        let again = ask(&server, "/feed.xml", &headers).await;
        assert_eq!(again.status, StatusCode::OK, "{headers:?}");
    }

    let request = |method: Method| {
        let request = Request::builder().method(method).uri("/feed.xml");
        server.send(request.body(Body::empty()).unwrap())
    };
    let head = request(Method::HEAD).await;
    assert_eq!((head.status, &head.body), (StatusCode::OK, &json!("")));
    assert_eq!(
        head.headers["content-length"],
        first.headers["content-length"]
    );
    assert_eq!(head.headers["etag"], etag);
    assert_eq!(request(Method::POST).await.status, StatusCode::NOT_FOUND);

    // Rendered again it is the same file; a minute later as well.
    server.test.store.clock.advance(TimeDelta::minutes(1));
    let rendering = render(&server).await;
    assert_eq!(rendering.changed, 0);
    let same = ask(&server, "/feed.xml", &[]).await;
    assert_eq!(same.headers["last-modified"], modified);
}

#[rstest]
#[tokio::test]
async fn whatever_changes_what_is_live_is_in_the_feeds_soon(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let titles = || async {
        server.test.store.clock.advance(TimeDelta::seconds(6));
        let handlers = alphanode::jobs::handlers(&store(&server));
        let mut worker = server.test.worker("one", handlers);
        worker.run_until_idle().await.unwrap();
        let feed = ask(&server, "/feed.json", &[]).await.body;
        let items: Vec<(String, String)> = feed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (text(&item["id"]), text(&item["title"])))
            .collect();
        items
    };
    let post = write(&server, &editor, json!({ "title": "One", "slug": "one" })).await;
    publish(&server, &editor, &post).await;
    let first = titles().await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, "One");

    let post = revise(
        &server,
        &editor,
        &post,
        json!({ "title": "Won", "slug": "won" }),
    )
    .await;
    assert_eq!(
        titles().await,
        first,
        "a draft is none of the public's business"
    );
    publish(&server, &editor, &post).await;
    let second = titles().await;
    assert_eq!(second[0].1, "Won");
    assert_eq!(
        second[0].0, first[0].0,
        "it is the same post to its readers"
    );

    let Written { id, .. } = &post;
    done(&server, &editor, "unpublishPost", json!({ "id": id })).await;
    assert!(titles().await.is_empty());
    // Many changes are one job.
    for _ in 0..3 {
        publish(&server, &editor, &post).await;
        done(&server, &editor, "unpublishPost", json!({ "id": id })).await;
    }
    let waiting = entity::job::Entity::find()
        .all(server.test.store.database.writer())
        .await
        .unwrap();
    let waiting = waiting
        .iter()
        .filter(|job| job.kind == feed::JOB_KIND && job.status == "waiting");
    assert_eq!(waiting.count(), 1);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let text = || prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter);
    let entry = (
        text(),
        text(),
        text(),
        prop::option::of(text()),
        0_i64..4_000_000_000,
        0_i64..4_000_000,
    );
    let entry = entry.prop_map(
        |(reference, title, summary, author, published, later)| Entry {
            reference,
            slug: "slug".into(),
            title,
            summary,
            author,
            published_at: DateTime::from_timestamp(published, 0).unwrap(),
            updated_at: DateTime::from_timestamp(published + later, 0).unwrap(),
        },
    );
    prop::collection::vec(entry, 0..4)
}

/// What XML keeps of a text; a parser makes line ends of carriage returns.
fn kept(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|character| is_allowed(*character))
        .collect();
    text.replace('\r', "\n")
}

proptest! {
    #[test]
    fn whatever_is_written_comes_out_of_a_parser_as_it_was(entries in entries()) {
        let channel = channel();
        let atom = parse(&feed::atom(&channel, &entries).unwrap());
        let rss = parse(&feed::rss(&channel, &entries).unwrap());
        let json: Value = serde_json::from_str(&feed::json_feed(&channel, &entries).unwrap()).unwrap();
        let rss = rss.one("channel").all("item");
        for (index, (entry, written)) in atom.all("entry").iter().zip(&entries).enumerate() {
            prop_assert_eq!(entry.text_of("title").replace('\r', "\n"), kept(&written.title));
            prop_assert_eq!(rss[index].text_of("title").replace('\r', "\n"), kept(&written.title));
            prop_assert_eq!(&json["items"][index]["title"], &json!(written.title));
            if let Some(author) = &written.author {
                let name = entry.one("author").text_of("name");
                prop_assert_eq!(name.replace('\r', "\n"), kept(author));
            }
        }
    }
}
