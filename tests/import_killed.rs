//! An import that is killed anywhere and run again ends as one clean run.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::transfer::export::ndjson;
use alphanode::transfer::synth;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;

use crate::support::transfer::export;
use crate::support::{Backend, TestDatabase, program};

const KILLS: usize = 4;

fn start(database: &TestDatabase, file: &Path) -> Child {
    Command::new(program())
        .args(["import", "--database-url", database.url()])
        .arg(file)
        .current_dir(file.parent().unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn exported(database: &TestDatabase) -> String {
    let database = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let text = export(&database).await;
    database.close().await.unwrap();
    text
}

#[rstest]
#[tokio::test]
async fn a_killed_import_that_is_run_again_ends_as_a_clean_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(clean), Some(killed)) = (
        TestDatabase::create(backend).await,
        TestDatabase::create(backend).await,
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.ndjson");
    let mut output = std::fs::File::create(&file).unwrap();
    for document in synth::documents(7, 0..650) {
        ndjson::write(&document, &mut output).unwrap();
    }

    let started = Instant::now();
    assert!(start(&clean, &file).wait().unwrap().success());
    let whole = started.elapsed();

    let mut random = ChaCha8Rng::seed_from_u64(11);
    for _ in 0..KILLS {
        let mut process = start(&killed, &file);
        std::thread::sleep(whole.mul_f64(random.random_range(0.0..0.9)) + Duration::from_millis(5));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert!(start(&killed, &file).wait().unwrap().success());
    let (killed, clean) = (exported(&killed).await, exported(&clean).await);
    assert_eq!(killed.lines().count(), 650);
    assert!(killed == clean, "the exports differ");
}
