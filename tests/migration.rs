//! Migrations go up and down, on an empty database and on a filled one.

use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::support::{Backend, TestDatabase, TestServer, number};

/// Tables, columns and indexes as the database tells them.
async fn schema(connection: &DatabaseConnection, backend: Backend) -> Vec<String> {
    let sql = match backend {
        Backend::Sqlite => {
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
             WHERE name <> 'sqlite_sequence' AND name NOT LIKE 'sqlite_stat%' ORDER BY name"
        }
        Backend::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
             FROM information_schema.columns WHERE table_schema = 'public'
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
             UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid)
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1"
        }
    };
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

#[rstest]
#[tokio::test]
async fn up_and_down_and_up_again_is_the_same_schema(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::empty(backend).await else {
        return;
    };
    let connection = database.connect().await;
    Migrator::up(&connection, None).await.unwrap();
    let first = schema(&connection, backend).await;
    assert!(first.len() > 40);
    let count = u32::try_from(Migrator::migrations().len()).unwrap();
    // Each alone, there and back, so that a migration that undoes too little is named.
    for step in 1..=count {
        Migrator::down(&connection, Some(1))
            .await
            .unwrap_or_else(|e| panic!("step {step}: {e}"));
    }
    let left = schema(&connection, backend).await;
    assert!(
        left.iter().all(|line| line.contains("seaql_migrations")),
        "{left:#?}"
    );
    Migrator::up(&connection, None).await.unwrap();
    assert_eq!(schema(&connection, backend).await, first);
}

/// The newest migrations are undone and applied again over content: what they did not make is
/// still there.
#[rstest]
#[tokio::test]
async fn a_filled_database_goes_down_and_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(40).await;
    let query = "{ posts(first: 100) { totalCount nodes { title bodyHtml tools { name } } } }";
    let before = server.data(query, serde_json::json!({})).await;
    let writer = server.test.store.database.writer();
    // Down to the posts themselves, and up again.
    let count = u32::try_from(Migrator::migrations().len()).unwrap();
    Migrator::down(writer, Some(count - 2)).await.unwrap();
    Migrator::up(writer, None).await.unwrap();
    assert_eq!(server.data(query, serde_json::json!({})).await, before);
    // And all the way.
    Migrator::down(writer, None).await.unwrap();
    assert!(
        Migrator::get_applied_migrations(writer)
            .await
            .unwrap()
            .is_empty()
    );
    Migrator::up(writer, None).await.unwrap();
    server.create_synthetic(3).await;
}

/// Jobs and their attempts outlive the change of their tables, there and back.
#[rstest]
#[tokio::test]
async fn jobs_are_kept_when_their_tables_change(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const BEFORE: u32 = 13;
    let Some(database) = TestDatabase::empty(backend).await else {
        return;
    };
    let connection = database.connect().await;
    Migrator::up(&connection, Some(BEFORE)).await.unwrap();
    let all = u32::try_from(Migrator::migrations().len()).unwrap();
    connection
        .execute_unprepared(
            "INSERT INTO job (id, kind, payload, unique_key, status, priority, due_at, attempts,
                lease, leased_until, created_at, finished_at)
             VALUES (1, 'a', '{\"n\":1}', 'k', 'waiting', 10, 5, 0, 0, NULL, 1, NULL),
                    (2, 'a', '{}', NULL, 'running', -10, 5, 1, 1, 9, 1, NULL),
                    (3, 'b', '{}', NULL, 'dead', 0, 5, 2, 2, NULL, 1, 8),
                    (4, 'b', '{}', NULL, 'done', 0, 5, 1, 1, NULL, 1, 8);
             INSERT INTO job_attempt (job_id, lease, worker, started_at, finished_at, outcome)
             VALUES (3, 1, 'w', 1, 2, 'lost'), (3, 2, 'w', 3, 4, 'failed'), (4, 1, 'w', 1, 8, 'done')",
        )
        .await
        .unwrap();
    let statuses = || {
        let sql = "SELECT id || ' ' || status || ' ' || priority FROM job ORDER BY id";
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let rows = connection.query_all_raw(statement);
        async {
            let rows = rows.await.unwrap();
            let texts = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
            texts.collect::<Vec<String>>()
        }
    };
    let expected = ["1 waiting 1", "2 running -1", "3 dead 0", "4 done 0"];

    Migrator::up(&connection, None).await.unwrap();
    assert_eq!(statuses().await, expected);
    assert_eq!(
        number(&connection, "SELECT COUNT(*) FROM job_attempt").await,
        3
    );
    // What only the newer tables know becomes the nearest that the older ones do.
    connection
        .execute_unprepared(
            "UPDATE job SET status = 'cancelled', finished_at = 9 WHERE id = 1;
             INSERT INTO job_log_line (job_id, lease, number, at, line) VALUES (3, 2, 0, 3, 'hm')",
        )
        .await
        .unwrap();
    Migrator::down(&connection, Some(all - BEFORE))
        .await
        .unwrap();
    assert_eq!(
        statuses().await,
        ["1 dead 1", "2 running -1", "3 dead 0", "4 done 0"]
    );
    assert_eq!(
        number(&connection, "SELECT COUNT(*) FROM job_attempt").await,
        3
    );
    Migrator::up(&connection, None).await.unwrap();
}
