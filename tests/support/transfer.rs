//! Imports and exports over a store that a test has opened.

use std::path::Path;

use alphanode::domain::import::{Finding, Manner};
use alphanode::domain::transaction::Store;
use alphanode::foundation::database::Database;
use alphanode::transfer::Document;
use alphanode::transfer::export::to_ndjson;
use alphanode::transfer::import::{Format, ImportEvent, ImportOptions, ImportReport, Origin, run};
use tokio_util::sync::CancellationToken;

/// What an import said.
pub struct Imported {
    pub report: ImportReport,
    pub findings: Vec<Finding>,
}

impl Imported {
    /// Created, updated, skipped, in conflict, failed.
    pub fn counts(&self) -> [u64; 5] {
        let counts = self.report.counts;
        [
            counts.created,
            counts.updated,
            counts.skipped,
            counts.conflicted,
            counts.failed,
        ]
    }

    /// The only thing there was to say.
    pub fn finding(&self) -> &str {
        assert_eq!(self.findings.len(), 1, "{:?}", self.findings);
        &self.findings[0].message
    }
}

/// Imports what `origin` holds.
pub async fn import_from(store: &Store, origin: Origin, options: ImportOptions) -> Imported {
    let mut findings = Vec::new();
    let mut tell = |event| {
        if let ImportEvent::Found(finding) = event {
            findings.push(finding);
        }
    };
    let report = run(store, origin, options, &CancellationToken::new(), &mut tell)
        .await
        .unwrap();
    Imported { report, findings }
}

/// Imports documents as they are.
pub async fn import_with(store: &Store, documents: &[Document], manner: Manner) -> Imported {
    let options = ImportOptions {
        manner,
        dry_run: false,
    };
    let documents = documents.to_vec();
    let origin = Origin::documents("test", documents.into_iter());
    import_from(store, origin, options).await
}

/// Imports documents as they are, publishing and overwriting nothing.
pub async fn import(store: &Store, documents: &[Document]) -> Imported {
    import_with(store, documents, Manner::default()).await
}

/// Imports a file.
pub async fn import_file(store: &Store, path: &Path, options: ImportOptions) -> Imported {
    let name = path.display().to_string();
    let origin = Origin::files(name, vec![path.to_owned()], Format::Auto);
    import_from(store, origin, options).await
}

/// Every post as a line of JSON.
pub async fn export(database: &Database) -> String {
    let mut bytes = Vec::new();
    to_ndjson(database, &mut bytes, Path::new("memory"), &mut |_| {})
        .await
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Every post as a document.
pub async fn documents(database: &Database) -> Vec<Document> {
    let text = export(database).await;
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
