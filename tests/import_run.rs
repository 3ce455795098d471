//! Import runs on both databases: what becomes of documents, and what of posts that are there.

use std::path::Path;

use alphanode::domain::actor::Actor;
use alphanode::domain::import::{FindingKind, Manner, RunStatus};
use alphanode::domain::permission::Action;
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::{
    Content, NewRevision, PreparedRevision, RevisionStatus, Standing, publish, revise, whole_posts,
};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::transfer::import::{ImportOptions, Origin};
use alphanode::transfer::{Document, RevisionDetails, Score, synth};
use chrono::TimeDelta;
use entity::{
    audit_event, import_document, import_run, import_source, post, publication, revision,
};
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};

use crate::support::transfer::{documents, export, import, import_file, import_from, import_with};
use crate::support::{Backend, TestStore};

const PUBLISH: Manner = Manner {
    publish: true,
    overwrite: false,
};
const OVERWRITE: Manner = Manner {
    publish: false,
    overwrite: true,
};

fn note(source_id: &str, title: &str, status: RevisionStatus) -> Document {
    Document {
        source_id: Some(source_id.to_owned()),
        content: Content {
            title: title.to_owned(),
            body: format!("About {title}."),
            tools: vec!["cargo".into()],
            ..Content::default()
        },
        revision: RevisionDetails {
            status,
            ..RevisionDetails::default()
        },
        ..Document::default()
    }
}

async fn posts(store: &Store) -> Vec<post::Model> {
    let posts = post::Entity::find().order_by_asc(post::Column::Id);
    posts.all(store.database.reader()).await.unwrap()
}

async fn revisions(store: &Store) -> Vec<revision::Model> {
    let revisions = revision::Entity::find().order_by_asc(revision::Column::Id);
    revisions.all(store.database.reader()).await.unwrap()
}

/// An editor saves another title.
async fn edit(store: &Store, post_id: i64, title: &str) {
    let prepared = PreparedRevision::new(NewRevision {
        content: Content {
            title: title.to_owned(),
            ..Content::default()
        },
        ..NewRevision::default()
    })
    .unwrap();
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    revise(&mut change, post_id, prepared, Standing::Head)
        .await
        .unwrap();
    change.commit().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn the_field_note_stays_a_draft_until_it_is_published(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/field-note.txt"));
    let first = import_file(store, path, ImportOptions::default()).await;
    assert_eq!(first.counts(), [1, 0, 0, 0, 0]);
    assert!(
        first
            .findings
            .iter()
            .all(|f| f.kind == FindingKind::Inferred)
    );
    assert_eq!(posts(store).await[0].live_content, None);

    let published = ImportOptions {
        manner: PUBLISH,
        dry_run: false,
    };
    let second = import_file(store, path, published).await;
    assert_eq!(second.counts(), [0, 0, 1, 0, 0]);
    assert_eq!(second.report.counts.published, 1);
    let third = import_file(store, path, published).await;
    assert_eq!(third.report.counts.published, 0);

    let post = posts(store).await.remove(0);
    assert_eq!(post.live_content, Some(post.head_content));
    let read = documents(&store.database).await.remove(0);
    assert_eq!(read.source_id.as_deref(), Some("alphanode-027899"));
    let score = read.score.unwrap();
    let figures = [score.quality, score.freshness, score.depth, score.clarity];
    assert_eq!(figures, [80, 63, 91, 77]);
    assert_eq!(read.revision.version.as_deref(), Some("1.3.9"));
    assert_eq!(read.revision.status, RevisionStatus::Published);
    assert_eq!(read.content.reading_minutes, Some(13));
    assert_eq!(read.content.checklist.len(), 5);
    assert_eq!(read.content.entities.len(), 3);
    assert_eq!(read.content.tools.len(), 6);
    assert_eq!(read.content.stack.len(), 3);
    assert_eq!(read.content.payload["seed"], 27899);
}

#[rstest]
#[tokio::test]
async fn a_second_import_skips_everything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let notes: Vec<Document> = synth::documents(1, 0..230).collect();
    let first = import(store, &notes).await;
    assert_eq!(first.counts(), [230, 0, 0, 0, 0]);
    let before = export(&store.database).await;
    store.clock.advance(TimeDelta::hours(1));
    assert_eq!(import(store, &notes).await.counts(), [0, 0, 230, 0, 0]);
    assert_eq!(export(&store.database).await, before);

    let reader = store.database.reader();
    let runs = import_run::Entity::find().order_by_asc(import_run::Column::Id);
    let runs = runs.all(reader).await.unwrap();
    assert_eq!((runs[0].created, runs[1].skipped), (230, 230));
    assert!(runs.iter().all(|run| run.status == "finished"));
    let sources = import_source::Entity::find().all(reader).await.unwrap();
    assert!(
        sources
            .iter()
            .all(|source| source.import_run_id == runs[1].id)
    );
}

#[rstest]
#[tokio::test]
async fn a_changed_source_becomes_the_next_revision(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let mut source = note("a", "one", RevisionStatus::Published);
    import(store, std::slice::from_ref(&source)).await;
    let live = posts(store).await[0].live_content;

    source.content.body = "More.".into();
    source.revision.status = RevisionStatus::Drafted;
    assert_eq!(
        import(store, std::slice::from_ref(&source)).await.counts(),
        [0, 1, 0, 0, 0]
    );
    let post = posts(store).await.remove(0);
    assert_eq!(post.live_content, live, "a draft keeps what is live");
    assert_ne!(Some(post.head_content), live);

    source.revision.status = RevisionStatus::Published;
    let again = import(store, &[source]).await;
    assert_eq!(again.counts(), [0, 1, 0, 0, 0]);
    assert_eq!(revisions(store).await.len(), 2, "the content is the same");
    let post = posts(store).await.remove(0);
    assert_eq!(post.live_content, Some(post.head_content));
    let publications = publication::Entity::find().count(store.database.reader());
    assert_eq!(publications.await.unwrap(), 2);
}

#[rstest]
#[tokio::test]
async fn figures_change_without_a_revision_and_without_a_conflict(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let score = |quality| Score {
        quality,
        freshness: 1,
        depth: 2,
        clarity: 3,
        ..Score::default()
    };
    let mut source = note("a", "one", RevisionStatus::Published);
    source.score = Some(score(10));
    import(store, std::slice::from_ref(&source)).await;
    edit(store, posts(store).await[0].id, "edited").await;

    source.view_count = Some(70);
    source.redirects = vec!["/old".into()];
    store.clock.advance(TimeDelta::hours(1));
    assert_eq!(
        import(store, std::slice::from_ref(&source)).await.counts(),
        [0, 1, 0, 0, 0]
    );
    source.score = Some(score(20));
    store.clock.advance(TimeDelta::hours(1));
    assert_eq!(import(store, &[source]).await.counts(), [0, 1, 0, 0, 0]);

    assert_eq!(revisions(store).await.len(), 2);
    let post = posts(store).await.remove(0);
    assert_eq!((post.view_count, post.quality), (70, Some(20)));
    let read = documents(&store.database).await.remove(0);
    assert_eq!(read.score_history.len(), 1);
    assert_eq!(read.redirects, ["/old"]);
}

#[rstest]
#[tokio::test]
async fn when_both_have_changed_the_source_stands_beside_the_head(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let mut source = note("a", "one", RevisionStatus::Published);
    import(store, std::slice::from_ref(&source)).await;
    edit(store, posts(store).await[0].id, "edited").await;
    let before = posts(store).await.remove(0);

    source.content.summary = "New in the source.".into();
    let conflict = import(store, std::slice::from_ref(&source)).await;
    assert_eq!(conflict.counts(), [0, 0, 0, 1, 0]);
    assert!(conflict.finding().contains("edited since the last import"));
    assert_eq!(posts(store).await.remove(0), before, "nothing moved");
    assert_eq!(revisions(store).await.len(), 3);
    assert_eq!(
        import(store, std::slice::from_ref(&source)).await.counts(),
        [0, 0, 1, 0, 0]
    );

    // The conflict is still open, so it can be decided.
    let decided = import_with(store, std::slice::from_ref(&source), OVERWRITE).await;
    assert_eq!(decided.counts(), [0, 1, 0, 0, 0]);
    let post = posts(store).await.remove(0);
    assert_eq!(post.live_content, Some(post.head_content));
    assert_eq!(post.head_content, revisions(store).await[2].id);
    // Now there is none.
    edit(store, post.id, "edited again").await;
    assert_eq!(
        import_with(store, &[source], OVERWRITE).await.counts(),
        [0, 0, 1, 0, 0]
    );
}

#[rstest]
#[tokio::test]
async fn overwriting_goes_on_with_the_source(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let mut source = note("a", "one", RevisionStatus::Drafted);
    import(store, std::slice::from_ref(&source)).await;
    edit(store, posts(store).await[0].id, "edited").await;
    source.content.summary = "New in the source.".into();
    let overwritten = import_with(store, &[source], OVERWRITE).await;
    assert_eq!(overwritten.counts(), [0, 1, 0, 0, 0]);
    let read = documents(&store.database).await.remove(0);
    assert_eq!(read.content.summary, "New in the source.");
    assert_eq!(read.history.len(), 2, "what the editor wrote is kept");
}

#[rstest]
#[tokio::test]
async fn a_post_in_the_trash_stays_there(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let mut source = note("a", "one", RevisionStatus::Drafted);
    import(store, std::slice::from_ref(&source)).await;
    let trashed = post::ActiveModel {
        trashed_at: sea_orm::Set(Some(store.clock.now())),
        ..Default::default()
    };
    let writer = store.database.writer();
    post::Entity::update_many()
        .set(trashed)
        .exec(writer)
        .await
        .unwrap();

    assert_eq!(
        import_with(store, std::slice::from_ref(&source), PUBLISH)
            .await
            .counts(),
        [0, 0, 1, 0, 0]
    );
    source.content.body = "More.".into();
    let conflict = import_with(store, &[source], PUBLISH).await;
    assert_eq!(conflict.counts(), [0, 0, 0, 1, 0]);
    assert!(conflict.finding().contains("in the trash"));
    let post = posts(store).await.remove(0);
    assert!(post.trashed_at.is_some() && post.live_content.is_none());
    assert_eq!(export(&store.database).await, "");
}

#[rstest]
#[tokio::test]
async fn bad_documents_are_reported_and_the_rest_goes_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.ndjson");
    let lines = [
        r#"{"title": "one", "slug": "same"}"#,
        r#"{"title": "broken""#,
        r#"{"title": ""}"#,
        r#"{"title": "two", "sourceId": "x", "slug": "same"}"#,
        r#"{"title": "three", "sourceId": "y"}"#,
        r#"{"title": "another three", "sourceId": "y"}"#,
        r#"{"title": "three", "sourceId": "y"}"#,
        r#"{"title": "four"}"#,
    ];
    std::fs::write(&path, lines.join("\n")).unwrap();
    let imported = import_file(store, &path, ImportOptions::default()).await;
    assert_eq!(imported.counts(), [3, 0, 1, 0, 4]);
    let failed: Vec<(u64, &str)> = imported
        .findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Failed)
        .map(|finding| (finding.line.unwrap(), finding.message.as_str()))
        .collect();
    let lines: Vec<u64> = failed.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 6]);
    assert!(
        failed[2].1.starts_with("slug: `same` belongs to post anp-"),
        "{failed:?}"
    );
    assert!(
        failed[3]
            .1
            .contains("another document of this import has `y` too")
    );

    let reader = store.database.reader();
    let stored = import_document::Entity::find().all(reader).await.unwrap();
    assert_eq!(
        stored.iter().filter(|row| row.outcome == "failed").count(),
        4
    );
    // Again, the same are left out and the same are in.
    let again = import_file(store, &path, ImportOptions::default()).await;
    assert_eq!(again.counts(), [0, 0, 4, 0, 4]);
}

#[rstest]
#[tokio::test]
async fn a_dry_run_writes_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    import(store, &[note("a", "one", RevisionStatus::Published)]).await;
    let before = export(&store.database).await;
    let runs = import_run::Entity::find().count(store.database.reader());
    let runs = runs.await.unwrap();

    let mut changed = note("a", "one", RevisionStatus::Published);
    changed.content.body = "More.".into();
    let notes = [changed, note("b", "two", RevisionStatus::Published)];
    let options = ImportOptions {
        dry_run: true,
        ..ImportOptions::default()
    };
    let origin = Origin::documents("test", notes.into_iter());
    let dry = import_from(store, origin, options).await;
    assert_eq!(dry.counts(), [1, 1, 0, 0, 0]);
    assert_eq!(dry.report.status, RunStatus::Finished);

    let reader = store.database.reader();
    assert_eq!(export(&store.database).await, before);
    assert_eq!(
        import_run::Entity::find().count(reader).await.unwrap(),
        runs
    );
    assert_eq!(audit_event::Entity::find().count(reader).await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn a_post_that_no_import_knows_is_found_by_its_reference(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let store = &test.store;
    let mut by_hand = note("a", "one", RevisionStatus::Drafted);
    by_hand.source_id = None;
    import(store, &[by_hand]).await;
    let writer = store.database.writer();
    import_source::Entity::delete_many()
        .exec(writer)
        .await
        .unwrap();

    let mut exported = documents(&store.database).await.remove(0);
    let same = import(store, std::slice::from_ref(&exported)).await;
    assert_eq!(same.counts(), [0, 0, 1, 0, 0], "it says the same");
    assert_eq!(revisions(store).await.len(), 1);

    exported.content.slug = Some("elsewhere".into());
    let other = import(store, std::slice::from_ref(&exported)).await;
    assert_eq!(other.counts(), [0, 0, 0, 0, 1]);
    assert!(
        other
            .finding()
            .contains("is the post imported as `slug:one`")
    );

    import_source::Entity::delete_many()
        .exec(writer)
        .await
        .unwrap();
    exported.content.body = "Something else.".into();
    let conflict = import(store, &[exported]).await;
    assert_eq!(conflict.counts(), [0, 0, 0, 1, 0]);
    assert!(conflict.finding().contains("no import wrote it"));
}

#[rstest]
#[tokio::test]
async fn a_live_revision_before_the_head_stays_live(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(one), Some(other)) = (
        TestStore::create(backend).await,
        TestStore::create(backend).await,
    ) else {
        return;
    };
    let mut source = note("a", "one", RevisionStatus::Published);
    import(&one.store, std::slice::from_ref(&source)).await;
    source.content.title = "two".into();
    source.revision.status = RevisionStatus::Drafted;
    import(&one.store, &[source]).await;

    let exported = documents(&one.store.database).await;
    import(&other.store, &exported).await;
    let reader = Reader::new(other.store.database.clone(), Perspective::Draft);
    let whole = whole_posts(&reader, 0, 10).await.unwrap().remove(0);
    let statuses: Vec<RevisionStatus> = whole.post.revisions.iter().map(|r| r.status).collect();
    assert_eq!(
        statuses,
        [RevisionStatus::Published, RevisionStatus::Drafted]
    );
    let post = posts(&other.store).await.remove(0);
    let mut change = Transaction::begin(&other.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    publish(&mut change, post.id, post.head_content)
        .await
        .unwrap();
    change.commit().await.unwrap();
}
