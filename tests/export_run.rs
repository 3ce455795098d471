//! What is exported, imported into an empty database, and exported again is the same to the byte.

use std::collections::HashMap;

use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::whole_posts;
use alphanode::foundation::database::Database;
use alphanode::transfer::export::to_markdown;
use alphanode::transfer::import::{Format, ImportOptions, Origin, find_files};
use alphanode::transfer::{Document, synth};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rstest::rstest;

use crate::export_round_trip::any_document;
use crate::support::transfer::{documents, export, import, import_from};
use crate::support::{Backend, TestStore};

/// Documents that formats and databases like to misread, the same in every run.
fn generated(count: usize) -> Vec<Document> {
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let any = any_document();
    (0..count)
        .map(|_| any.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[rstest]
#[tokio::test]
async fn any_documents_come_back_from_a_second_database(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(one), Some(other)) = (
        TestStore::create(backend).await,
        TestStore::create(backend).await,
    ) else {
        return;
    };
    let mut originals = generated(600);
    for (index, document) in originals.iter_mut().enumerate() {
        // So that it can be found again.
        document.reference = Some(format!("reference {index}"));
    }
    let imported = import(&one.store, &originals).await;
    // Some want a slug or a source id that another has.
    let taken = |message: &str| message.contains("belongs to post") || message.contains("another");
    for finding in &imported.findings {
        assert!(taken(&finding.message), "{}", finding.message);
    }
    assert!(
        imported.report.counts.created > 400,
        "{:?}",
        imported.report
    );

    let first = export(&one.store.database).await;
    let exported = documents(&one.store.database).await;
    let again = import(&other.store, &exported).await;
    assert_eq!(again.findings, []);
    let second = export(&other.store.database).await;
    for (first, second) in first.lines().zip(second.lines()) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());

    let originals: HashMap<_, _> = originals
        .into_iter()
        .map(|document| (document.reference.clone(), document))
        .collect();
    for read in exported {
        same_content(&originals[&read.reference], &read);
    }
}

/// What a document says is what comes back. Words are spelled as their first post spelled them,
/// and times are kept to the microsecond.
fn same_content(original: &Document, read: &Document) {
    assert_eq!(original.source_id, read.source_id);
    assert_eq!(original.generator, read.generator);
    assert_eq!(original.hash, read.hash);
    let (mut before, mut after) = (original.content.clone(), read.content.clone());
    for content in [&mut before, &mut after] {
        content.slug = None;
        content.stack.clear();
        content.tools.clear();
        content.entities.clear();
        content.reading_minutes = content
            .reading_minutes
            .map(|minutes| minutes.min(i32::MAX as u32));
    }
    assert_eq!(before, after);
    assert_eq!(original.revision.author, read.revision.author);
    assert_eq!(original.revision.message, read.revision.message);
    assert_eq!(original.revision.last_reviewed, read.revision.last_reviewed);
    if let Some(time) = original.created_at {
        let kept = read.created_at.unwrap();
        assert!((time - kept).num_microseconds().unwrap().abs() <= 1);
    }
}

#[rstest]
#[tokio::test]
async fn markdown_files_come_back_from_a_second_database(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(one), Some(other)) = (
        TestStore::create(backend).await,
        TestStore::create(backend).await,
    ) else {
        return;
    };
    let notes: Vec<Document> = synth::documents(3, 0..60).collect();
    import(&one.store, &notes).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    let count = to_markdown(&one.store.database, &path, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(count, 60);
    let refused = to_markdown(&one.store.database, &path, &mut |_| {}).await;
    assert!(refused.unwrap_err().to_string().contains("is not empty"));

    let files = find_files(&[path]).unwrap();
    assert_eq!(files.len(), 60);
    let origin = Origin::files("notes", files, Format::Auto);
    import_from(&other.store, origin, ImportOptions::default()).await;
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let first = sorted(export(&one.store.database).await);
    assert_eq!(first, sorted(export(&other.store.database).await));
}

#[rstest]
#[tokio::test]
async fn a_batch_costs_the_same_whatever_its_size(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let notes: Vec<Document> = synth::documents(3, 0..40).collect();
    import(&test.store, &notes).await;
    let one = statements(&test.store.database, 1).await;
    assert_eq!(one, statements(&test.store.database, 40).await);
}

async fn statements(database: &Database, posts: u64) -> u32 {
    let reader = Reader::new(database.clone(), Perspective::Draft);
    let found = whole_posts(&reader, 0, posts).await.unwrap();
    assert_eq!(found.len() as u64, posts);
    reader.statements().count()
}
