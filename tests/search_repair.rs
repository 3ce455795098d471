//! A search index that went wrong is found out and mended.

use alphanode::domain::search_index::{self, Mended};
use alphanode::domain::transaction::Store;
use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use crate::support::{Backend, TestServer};

async fn sql(server: &TestServer, sql: &str) {
    let connection = server.test.store.database.writer();
    connection.execute_unprepared(sql).await.unwrap();
}

async fn mend(store: &Store) -> Mended {
    let mut all = Mended::default();
    let mut next = Some(0);
    while let Some(after) = next {
        let (some, last) = search_index::mend_from(store, after).await.unwrap();
        all.looked_at += some.looked_at;
        all.missing += some.missing;
        all.wrong += some.wrong;
        next = last;
    }
    all
}

/// Every entry, in the order of its content.
async fn entries(server: &TestServer) -> Vec<(i64, String)> {
    let connection = server.test.store.database.writer();
    let select = "SELECT content_id, title || '|' || summary || '|' || terms || '|' || body
                  FROM post_search ORDER BY content_id";
    let statement = Statement::from_string(connection.get_database_backend(), select);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| {
            (
                row.try_get_by_index(0).unwrap(),
                row.try_get_by_index(1).unwrap(),
            )
        })
        .collect()
}

/// The contents that the public sees.
async fn live(server: &TestServer) -> Vec<i64> {
    let connection = server.test.store.database.writer();
    let select = "SELECT id FROM post_content WHERE published_at IS NOT NULL ORDER BY id";
    let statement = Statement::from_string(connection.get_database_backend(), select);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

async fn found(server: &TestServer, query: &str) -> i64 {
    let document = "query($query: String!) { search(query: $query) { totalCount } }";
    let data = server.data(document, json!({ "query": query })).await;
    data["search"]["totalCount"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn what_is_missing_or_wrong_is_mended_and_what_is_right_is_left_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(120).await;
    let store = &server.test.store;
    let right = entries(&server).await;
    let contents = right.len() as u64;
    let nothing = Mended {
        looked_at: contents,
        ..Mended::default()
    };
    assert_eq!(mend(store).await, nothing);
    assert!(!search_index::check_index(store).await.unwrap());

    let ids = live(&server).await;
    sql(
        &server,
        &format!(
            "DELETE FROM post_search WHERE content_id IN ({}, {})",
            ids[0], ids[5]
        ),
    )
    .await;
    for (column, value, id) in [
        ("title", "'xyzzy'", ids[1]),
        ("body", "body || ' xyzzy'", ids[2]),
        ("terms", "''", ids[3]),
        // A word that was renamed is still found by its old name.
        ("terms", "'plugh' || chr(10) || terms", ids[4]),
    ] {
        let value = match backend {
            Backend::Sqlite => value.replace("chr(10)", "char(10)"),
            Backend::Postgres => value.to_owned(),
        };
        let update = format!("UPDATE post_search SET {column} = {value} WHERE content_id = {id}");
        sql(&server, &update).await;
    }
    assert_eq!(found(&server, "xyzzy").await, 2);
    assert_eq!(
        mend(store).await,
        Mended {
            looked_at: contents,
            missing: 2,
            wrong: 3
        }
    );
    assert_eq!(found(&server, "xyzzy").await, 0);
    assert_eq!(mend(store).await, nothing);
    let mut mended = entries(&server).await;
    let renamed = mended.iter_mut().find(|(id, _)| *id == ids[4]).unwrap();
    assert!(renamed.1.contains("plugh"));
    renamed.1 = renamed.1.replace("plugh\n", "");
    for (mended, right) in mended.iter().zip(&right) {
        assert_eq!(mended, right);
    }
    search_index::optimise(store).await.unwrap();
    assert!(!search_index::check_index(store).await.unwrap());
}

#[rstest]
#[tokio::test]
async fn entries_without_a_content_go(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(5).await;
    let store = &server.test.store;
    assert_eq!(search_index::delete_orphans(store).await.unwrap(), 0);
    let insert = "INSERT INTO post_search (content_id, title, summary, terms, body)
                  VALUES (4711, 'xyzzy', '', '', '')";
    match backend {
        Backend::Sqlite => {
            sql(&server, "PRAGMA foreign_keys = OFF").await;
            sql(&server, insert).await;
            sql(&server, "PRAGMA foreign_keys = ON").await;
        }
        Backend::Postgres => {
            let drop = "ALTER TABLE post_search DROP CONSTRAINT post_search_content_id_fkey";
            sql(&server, drop).await;
            sql(&server, insert).await;
        }
    }
    assert_eq!(search_index::delete_orphans(store).await.unwrap(), 1);
    assert_eq!(search_index::delete_orphans(store).await.unwrap(), 0);
}

/// FTS5 keeps its index beside the entries; whatever wrote one without the other, it is built anew.
#[tokio::test]
async fn an_index_that_disagrees_with_its_entries_is_built_anew() {
    let Some(server) = TestServer::create(Backend::Sqlite).await else {
        return;
    };
    server.create_synthetic(30).await;
    let store = &server.test.store;
    let before = found(&server, "sqlite").await;
    for damage in [
        // Entries that the index does not know.
        "INSERT INTO post_search_index (post_search_index) VALUES ('delete-all')",
        // One that the index knows otherwise.
        "INSERT INTO post_search_index (post_search_index, rowid, title, summary, terms, body)
         SELECT 'delete', content_id, title, summary, terms, body FROM post_search LIMIT 1",
        // One that is there no more.
        "INSERT INTO post_search_index (rowid, title, summary, terms, body)
         VALUES (4711, 'xyzzy', '', '', '')",
    ] {
        sql(&server, damage).await;
        assert!(search_index::check_index(store).await.unwrap(), "{damage}");
        assert!(!search_index::check_index(store).await.unwrap());
        assert_eq!(found(&server, "sqlite").await, before);
    }
}
