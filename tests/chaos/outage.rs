//! Nothing is lost, and nothing done twice, when the database is out of reach for a while, or dies and
//! starts again.

use std::process::Command;
use std::time::Duration;

use rstest::rstest;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tokio::time::sleep;

use super::Scale;
use super::fleet::Fleet;
use super::publications::{assert_each_was_published_once, plan};
use crate::support::{Backend, Proxy, TestDatabase};

/// How many jobs are not done; none while the server does not answer.
async fn left(url: &str) -> Option<i64> {
    let connection = Database::connect(url).await.ok()?;
    let statement = Statement::from_string(
        DbBackend::Postgres,
        "SELECT COUNT(*) FROM job WHERE kind = 'scheduled_post' AND status <> 'done'",
    );
    let row = connection.query_one_raw(statement).await.ok()??;
    row.try_get_by_index(0).ok()
}

#[rstest]
#[tokio::test]
async fn what_is_due_is_published_once_after_the_database_was_out_of_reach(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let scale = Scale::of_this_run();
    let proxy = Proxy::to(database.url()).await;
    plan(&database, &scale).await;
    let mut fleet = Fleet::start(proxy.url());
    sleep(Duration::from_secs(1)).await;
    proxy.cut();
    sleep(scale.outage).await;
    proxy.mend();
    fleet
        .torment(0, 50..100, async || left(database.url()).await == Some(0))
        .await;
    drop(fleet);
    assert_each_was_published_once(&database, &scale).await;
}

/// When one of its processes is killed, PostgreSQL ends all sessions and starts again from its log.
#[rstest]
#[tokio::test]
async fn what_is_due_is_published_once_though_the_server_dies(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let scale = Scale::of_this_run();
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    plan(&database, &scale).await;
    let mut fleet = Fleet::start(database.url());
    for _ in 0..scale.crashes {
        sleep(Duration::from_secs(2)).await;
        let victim = async {
            let connection = Database::connect(database.url()).await.ok()?;
            let ask = Statement::from_string(DbBackend::Postgres, "SELECT pg_backend_pid()");
            let row = connection.query_one_raw(ask).await.ok()??;
            row.try_get_by_index::<i32>(0).ok()
        };
        let victim = victim.await.expect("the server has started again");
        let killed = Command::new("kill")
            .args(["-9", &victim.to_string()])
            .status();
        assert!(killed.unwrap().success());
    }
    fleet
        .torment(0, 50..100, async || left(database.url()).await == Some(0))
        .await;
    drop(fleet);
    assert_each_was_published_once(&database, &scale).await;
}
