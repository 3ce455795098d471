//! The ground under every other test: a database of its own, migrated, and gone afterwards.

use rstest::rstest;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::support::{Backend, TestDatabase};

#[rstest]
#[tokio::test]
async fn a_test_has_a_migrated_database_of_its_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(one) = TestDatabase::create(backend).await else {
        return;
    };
    let Some(other) = TestDatabase::create(backend).await else {
        return;
    };
    let (one, other) = (one.connect().await, other.connect().await);
    assert!(has_table(&one, "seaql_migrations").await);

    one.execute_unprepared("CREATE TABLE only_here (id integer)")
        .await
        .unwrap();
    assert!(has_table(&one, "only_here").await);
    assert!(!has_table(&other, "only_here").await);
}

#[rstest]
#[tokio::test]
async fn a_test_can_start_from_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::empty(backend).await else {
        return;
    };
    assert!(!has_table(&database.connect().await, "seaql_migrations").await);
}

/// Even while somebody is connected, as a test's server may be.
#[rstest]
#[tokio::test]
async fn nothing_is_left_on_the_server(#[values(Backend::Postgres)] backend: Backend) {
    let Some(kept) = TestDatabase::empty(backend).await else {
        return;
    };
    let Some(dropped) = TestDatabase::empty(backend).await else {
        return;
    };
    let name = dropped.url().split(['/', '?']).nth(3).unwrap().to_owned();
    let connection = kept.connect().await;
    let still_connected = dropped.connect().await;
    assert!(has_database(&connection, &name).await);
    drop(dropped);
    assert!(!has_database(&connection, &name).await);
    drop(still_connected);
}

async fn has_table(connection: &DatabaseConnection, name: &str) -> bool {
    connection
        .execute_unprepared(&format!("SELECT 1 FROM {name}"))
        .await
        .is_ok()
}

async fn has_database(connection: &DatabaseConnection, name: &str) -> bool {
    connection
        .query_one_raw(Statement::from_sql_and_values(
            connection.get_database_backend(),
            "SELECT datname FROM pg_database WHERE datname = $1",
            [name.into()],
        ))
        .await
        .unwrap()
        .is_some()
}
