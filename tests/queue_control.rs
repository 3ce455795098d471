//! Jobs are called off, tried again, paused, limited, watched and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alphanode::queue::{
    self, BackOff, Cancelled, Handler, JobError, JobFilter, JobPlace, Progress, Retried, Status,
};
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::DatabaseTransaction;
use serde_json::json;
use tokio::time::timeout;

use crate::queue::{enqueue, jobs, named, noting, unique};
use crate::support::{Backend, TestStore};
use crate::worker::{Held, PATIENCE, failing, outcomes, run};

async fn begin(test: &TestStore) -> DatabaseTransaction {
    test.store.database.begin().await.unwrap()
}

async fn cancel(test: &TestStore, id: i64) -> Cancelled {
    let change = begin(test).await;
    let cancelled = queue::cancel(&change, &test.store.clock, id).await.unwrap();
    change.commit().await.unwrap();
    cancelled
}

async fn retry(test: &TestStore, id: i64) -> Retried {
    let change = begin(test).await;
    let retried = queue::retry_now(&change, &test.store.clock, id).await;
    change.commit().await.unwrap();
    retried.unwrap()
}

async fn status(test: &TestStore, id: i64) -> Status {
    let job = queue::read(test.store.database.writer(), id).await.unwrap();
    job.unwrap().status
}

#[rstest]
#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_and_tried_when_somebody_wants_it_after_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [unique("a")]).await;
    let id = jobs(&test).await[0].id;
    assert_eq!(retry(&test, id).await, Retried::NotTried);
    assert_eq!(cancel(&test, id).await, Cancelled::AtOnce);
    assert_eq!(cancel(&test, id).await, Cancelled::Over(Status::Cancelled));
    assert_eq!(cancel(&test, 99).await, Cancelled::Unknown);
    assert_eq!(retry(&test, 99).await, Retried::Unknown);
    let (handler, notes) = noting();
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(run(&mut worker).await, 0);

    // Its key was free again meanwhile; both of them run.
    enqueue(&test, [unique("a")]).await;
    assert_eq!(retry(&test, id).await, Retried::Due);
    assert_eq!(run(&mut worker).await, 2);
    assert_eq!(*notes.lock().unwrap(), ["a", "a"]);
    assert_eq!(cancel(&test, id).await, Cancelled::Over(Status::Done));
    assert_eq!(retry(&test, id).await, Retried::Done);
}

#[rstest]
#[case::ends_by_itself(true)]
#[case::has_to_be_stopped(false)]
#[tokio::test]
async fn a_running_job_is_told_to_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] obeys: bool,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let id = jobs(&test).await[0].id;
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = std::sync::Mutex::new(Some(begun));
    let handler = Handler::new("note", "for a test", move |job| {
        if let Some(begun) = begun.lock().unwrap().take() {
            begun.send(()).unwrap();
        }
        async move {
            if !obeys {
                std::future::pending::<()>().await;
            }
            job.cancelled.cancelled().await;
            job.log("tidied up");
            Err(JobError::new("called off half-way"))
        }
    });
    let mut worker = test.worker("one", vec![handler]);
    worker.heartbeat = Duration::from_millis(20);
    worker.grace = Duration::from_millis(if obeys { 60_000 } else { 20 });
    let running = tokio::spawn(async move { worker.run_until_idle().await });
    timeout(PATIENCE, begins).await.unwrap().unwrap();
    assert_eq!(retry(&test, id).await, Retried::Running);
    assert_eq!(cancel(&test, id).await, Cancelled::Requested);
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();

    assert_eq!(status(&test, id).await, Status::Cancelled);
    let attempts = queue::attempts(test.store.database.writer(), id)
        .await
        .unwrap();
    assert_eq!(attempts[0].outcome.as_deref(), Some("cancelled"));
    assert_eq!(attempts[0].lines.len(), usize::from(obeys));
    // It was ended, so it may be begun again, and nobody wants it to end now.
    assert_eq!(retry(&test, id).await, Retried::Due);
    assert_eq!(jobs(&test).await[0].cancel_requested_at, None);
}

/// Whoever called it off was told that it would end.
#[rstest]
#[tokio::test]
async fn a_job_that_was_called_off_does_not_come_back_when_its_worker_is_gone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let id = jobs(&test).await[0].id;
    let (handler, held) = Held::new();
    let mut killed = test.worker("killed", vec![handler]);
    let killed = tokio::spawn(async move { killed.run_until_idle().await });
    held.until_begun().await;
    killed.abort();
    assert!(killed.await.is_err());
    assert_eq!(cancel(&test, id).await, Cancelled::Requested);
    test.store.clock.advance(TimeDelta::seconds(61));
    assert_eq!(run(&mut test.worker("next", vec![failing()])).await, 0);
    assert_eq!(status(&test, id).await, Status::Cancelled);
    assert_eq!(outcomes(&test).await, [("killed".into(), "lost".into())]);
}

#[rstest]
#[tokio::test]
async fn a_dead_job_gets_all_its_attempts_again_and_keeps_its_history(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let id = jobs(&test).await[0].id;
    let mut handler = failing();
    handler.max_attempts = 2;
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(run(&mut worker).await, 1);
    // It waits for its next attempt; nobody has to.
    assert_eq!(run(&mut worker).await, 0);
    assert_eq!(retry(&test, id).await, Retried::Due);
    assert_eq!(run(&mut worker).await, 1);
    assert_eq!(status(&test, id).await, Status::Dead);
    assert_eq!(retry(&test, id).await, Retried::Due);
    assert_eq!(run(&mut worker).await, 1);
    let job = &jobs(&test).await[0];
    assert_eq!((job.status.as_str(), job.attempts), ("waiting", 1));
    assert_eq!(outcomes(&test).await.len(), 3);
}

#[rstest]
#[tokio::test]
async fn a_paused_kind_waits_and_the_others_do_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let other = queue::NewJob {
        kind: "other",
        ..named("b")
    };
    enqueue(&test, [named("a"), other]).await;
    let change = begin(&test).await;
    let pause = queue::pause(&change, &test.store.clock, "note", "Ann").await;
    assert!(pause.unwrap());
    let again = queue::pause(&change, &test.store.clock, "note", "Bob").await;
    assert!(!again.unwrap(), "it is paused already");
    change.commit().await.unwrap();
    let pauses = queue::pauses(test.store.database.writer()).await.unwrap();
    assert_eq!(pauses.len(), 1);
    assert_eq!((&*pauses[0].kind, &*pauses[0].by), ("note", "Ann"));

    let others = Handler::new("other", "for a test", |_| async { Ok(()) });
    let (handler, notes) = noting();
    let mut worker = test.worker("one", vec![handler, others]);
    assert_eq!(run(&mut worker).await, 1);
    assert!(notes.lock().unwrap().is_empty());

    let change = begin(&test).await;
    assert!(queue::resume(&change, "note").await.unwrap());
    assert!(!queue::resume(&change, "note").await.unwrap());
    change.commit().await.unwrap();
    assert_eq!(run(&mut worker).await, 1);
    assert_eq!(*notes.lock().unwrap(), ["a"]);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_run_no_more_of_a_kind_than_its_limit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, (0..40).map(|number| named(&number.to_string()))).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let mut handler = Handler::new("note", "for a test", move |_| {
        let (now, seen) = (now.clone(), seen.clone());
        async move {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(3)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    handler.max_running = Some(3);
    let workers = (0..8).map(|number| {
        let mut worker = test.worker(&number.to_string(), vec![handler.clone()]);
        tokio::spawn(async move { worker.run_until_idle().await.unwrap() })
    });
    let mut ran = 0;
    for worker in workers.collect::<Vec<_>>() {
        ran += timeout(PATIENCE, worker).await.unwrap().unwrap();
    }
    assert_eq!(ran, 40);
    assert!(most.load(Ordering::SeqCst) <= 3);
    assert!(jobs(&test).await.iter().all(|job| job.slot.is_none()));
}

#[rstest]
#[tokio::test]
async fn what_a_handler_says_stays_when_its_worker_is_killed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let id = jobs(&test).await[0].id;
    let handler = Handler::new("note", "for a test", |job| async move {
        job.log("read the list");
        job.log("wrote the first half");
        job.progress(5, Some(10));
        std::future::pending().await
    });
    let mut killed = test.worker("killed", vec![handler]);
    killed.heartbeat = Duration::from_millis(20);
    let killed = tokio::spawn(async move { killed.run_until_idle().await });
    let connection = test.store.database.writer();
    let attempts = || async { queue::attempts(connection, id).await.unwrap() };
    let written = async {
        while attempts()
            .await
            .first()
            .is_none_or(|one| one.lines.len() < 2)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, written)
        .await
        .expect("the lines are written");
    let running = &attempts().await[0];
    assert_eq!(
        (running.outcome.as_deref(), running.finished_at),
        (None, None)
    );
    let job = queue::read(connection, id).await.unwrap().unwrap();
    let half = Progress {
        done: 5,
        total: Some(10),
    };
    assert_eq!(job.progress, Some(half));

    killed.abort();
    assert!(killed.await.is_err());
    test.store.clock.advance(TimeDelta::seconds(61));
    let saying = Handler::new("note", "for a test", |job| async move {
        job.log(format!("attempt {}", job.attempt));
        Ok(())
    });
    assert_eq!(run(&mut test.worker("next", vec![saying])).await, 1);
    let told: Vec<(Option<String>, Vec<String>)> = attempts()
        .await
        .into_iter()
        .map(|attempt| {
            let lines = attempt.lines.into_iter().map(|line| line.text);
            (attempt.outcome, lines.collect())
        })
        .collect();
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(
        told,
        [
            (
                Some("lost".to_owned()),
                lines(&["read the list", "wrote the first half"])
            ),
            (Some("done".to_owned()), lines(&["attempt 2"])),
        ]
    );
}

#[rstest]
#[tokio::test]
async fn a_death_is_announced_once_and_that_of_an_announcement_is_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let dying = |kind| {
        Handler::new(kind, "for a test", |_| async {
            Err(JobError::give_up("no"))
        })
    };
    let mut quiet = dying("quiet");
    quiet.announce_dead = false;
    let mut worker = test.worker("one", vec![dying("note"), quiet, dying("death")]);
    worker.announce_dead = Some("death");
    assert_eq!(run(&mut worker).await, 2);
    let quiet = queue::NewJob {
        kind: "quiet",
        ..named("b")
    };
    enqueue(&test, [quiet]).await;
    assert_eq!(run(&mut worker).await, 1);
    let jobs = jobs(&test).await;
    let kinds: Vec<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
    assert_eq!(kinds, ["note", "death", "quiet"]);
    assert_eq!(jobs[1].payload, json!({ "jobId": jobs[0].id }));
}

#[rstest]
#[tokio::test]
async fn a_handler_chooses_when_it_is_tried_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const STEPS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("in steps"), named("asks")]).await;
    let mut handler = Handler::new("note", "for a test", |job| async move {
        let error = JobError::new("not now");
        Err(match job.payload.as_str() {
            Some("asks") => error.retry_after(Duration::from_secs(77)),
            _ => error,
        })
    });
    handler.back_off = BackOff::Steps(&STEPS);
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(run(&mut worker).await, 2);
    let waits: Vec<i64> = jobs(&test)
        .await
        .iter()
        .map(|job| (job.due_at - job.started_at.unwrap()) / 1_000_000)
        .collect();
    assert_eq!(waits, [5, 77]);
}

#[rstest]
#[tokio::test]
async fn lists_have_the_newest_first_and_go_both_ways(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    for name in ["a", "b", "c", "d"] {
        enqueue(&test, [unique(name)]).await;
        test.store.clock.advance(TimeDelta::minutes(1));
    }
    let all = jobs(&test).await;
    cancel(&test, all[1].id).await;
    let list = |filter: JobFilter, next_to: Option<usize>, backward| {
        let place = JobPlace {
            next_to: next_to.map(|at: usize| {
                let created_at = chrono::DateTime::from_timestamp_micros(all[at].created_at);
                (created_at.unwrap(), all[at].id)
            }),
            backward,
            limit: 2,
            offset: 0,
        };
        let connection = test.store.database.reader();
        async move {
            let jobs = queue::list(connection, &filter, place).await.unwrap();
            let keys = jobs.into_iter().map(|job| job.unique_key.unwrap());
            keys.collect::<Vec<String>>()
        }
    };
    let everything = JobFilter::default;
    assert_eq!(list(everything(), None, false).await, ["d", "c"]);
    assert_eq!(list(everything(), Some(2), false).await, ["b", "a"]);
    assert_eq!(list(everything(), Some(0), true).await, ["b", "c"]);
    let filters = [
        JobFilter {
            statuses: vec![Status::Cancelled, Status::Dead],
            ..everything()
        },
        JobFilter {
            kinds: vec!["note".into()],
            unique_key: Some("b".into()),
            ..everything()
        },
        JobFilter {
            created_from: chrono::DateTime::from_timestamp_micros(all[1].created_at),
            created_before: chrono::DateTime::from_timestamp_micros(all[2].created_at),
            ..everything()
        },
        JobFilter {
            finished_from: chrono::DateTime::from_timestamp_micros(all[0].created_at),
            finished_before: chrono::DateTime::from_timestamp_micros(i64::MAX / 1_000),
            ..everything()
        },
    ];
    for filter in filters {
        assert_eq!(list(filter.clone(), None, false).await, ["b"], "{filter:?}");
        let connection = test.store.database.reader();
        assert_eq!(queue::count(connection, &filter).await.unwrap(), 1);
    }

    let counts = queue::counts_by_kind(test.store.database.reader(), &test.store.clock).await;
    let counts = counts.unwrap();
    assert_eq!((counts.len(), &*counts[0].kind), (1, "note"));
    assert_eq!(
        (counts[0].waiting, counts[0].running, counts[0].dead),
        (3, 0, 0)
    );
    let oldest = counts[0].oldest_due.unwrap().as_secs();
    assert!((240..270).contains(&oldest), "{oldest}");
}

#[rstest]
#[tokio::test]
async fn what_is_over_is_forgotten_after_its_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let day = Duration::from_secs(86_400);
    let purge = || async {
        let store = &test.store;
        queue::purge(&store.database, &store.clock, day * 7, day * 30)
            .await
            .unwrap()
    };
    enqueue(
        &test,
        [named("is done"), named("dies"), named("is cancelled")],
    )
    .await;
    cancel(&test, jobs(&test).await[2].id).await;
    let handler = Handler::new("note", "for a test", |job| async move {
        job.log("trying");
        match job.payload.as_str() {
            Some("dies") => Err(JobError::give_up("no")),
            _ => Ok(()),
        }
    });
    assert_eq!(run(&mut test.worker("one", vec![handler])).await, 2);
    enqueue(&test, [named("waits")]).await;
    test.store.clock.advance(TimeDelta::days(6));
    assert_eq!(purge().await, 0);
    test.store.clock.advance(TimeDelta::days(2));
    assert_eq!(purge().await, 2);
    assert_eq!(purge().await, 0);
    test.store.clock.advance(TimeDelta::days(23));
    assert_eq!(purge().await, 1);
    let left = jobs(&test).await;
    assert_eq!((left.len(), &left[0].payload), (1, &json!("waits")));
    assert!(outcomes(&test).await.is_empty());
}
