//! SQLite: a file in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempDir};

use super::{database::migrate, fingerprint};

pub struct SqliteDatabase {
    url: String,
    _directory: TempDir,
}

impl SqliteDatabase {
    pub async fn migrated() -> Self {
        let template = template().await;
        Self::in_file(|file| {
            fs::copy(&template, file).expect("the migrated database can be copied");
        })
    }

    pub fn empty() -> Self {
        Self::in_file(|file| {
            fs::File::create(file).expect("a database file can be made");
        })
    }

    fn in_file(fill: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("alphanode-test-")
            .tempdir()
            .expect("a temporary directory can be made");
        let file = directory.path().join("alphanode.db");
        fill(&file);
        Self {
            url: url(&file),
            _directory: directory,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// The migrated file that tests copy, made by the first test that wants it. Several may make it at
/// the same time: it takes its name when it is whole, and one is like the other.
async fn template() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let template = directory.join(format!("template-{}.db", fingerprint()));
    if template.exists() {
        return template;
    }
    remove_older_templates(directory);
    let file = NamedTempFile::with_prefix_in("migrating-", directory)
        .expect("the directory for tests can be written to")
        .into_temp_path();
    migrate(&url(&file)).await;
    file.persist(&template)
        .expect("the migrated database takes its name");
    template
}

fn remove_older_templates(directory: &Path) {
    for entry in fs::read_dir(directory)
        .expect("the directory for tests can be read")
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with("template-") {
            // Another test may have removed it first.
            let _ = fs::remove_file(entry.path());
        }
    }
}
