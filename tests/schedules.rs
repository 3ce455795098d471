//! Operators read schedules, choose when they run, stop them, and run them now.

use alphanode::queue::schedule::{self, BuiltIn};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::operator::Operator;
use crate::support::perspective::id;

const NIGHTLY: BuiltIn = BuiltIn {
    name: "nightly",
    kind: "note",
    payload: r#"{"text":"night"}"#,
    cron: "30 3 * * *",
    time_zone: "Europe/Berlin",
    purpose: "Notes that a night is over.",
};

const WEEKLY: BuiltIn = BuiltIn {
    name: "weekly",
    cron: "0 5 * * 1",
    time_zone: "UTC",
    ..NIGHTLY
};

const SCHEDULE: &str = "id name purpose kind payload cron timeZone inWords builtInCron
    builtInTimeZone nextRunAt pausedAt pausedBy lastRunAt lastJob { kind askedBy }";

/// An operator of a program that comes with two schedules, and the id of the nightly one.
async fn create(backend: Backend) -> Option<(Operator, String)> {
    let operator = Operator::create(backend).await?;
    let store = &operator.server.test.store;
    schedule::sync(&store.database, &store.clock, &[WEEKLY, NIGHTLY])
        .await
        .unwrap();
    let all = read(&operator).await;
    let nightly = all[0]["id"].as_str().unwrap().to_owned();
    Some((operator, nightly))
}

async fn read(operator: &Operator) -> Value {
    let query = format!("{{ schedules {{ {SCHEDULE} }} }}");
    operator.data(&query, json!({})).await["schedules"].clone()
}

#[rstest]
#[tokio::test]
async fn schedules_are_listed_by_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((operator, nightly)) = create(backend).await else {
        return;
    };
    let all = read(&operator).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let mut found = all[0].clone();
    let next = found["nextRunAt"].take();
    assert!(next.as_str().unwrap().contains(":30:00"), "{next}");
    assert_eq!(
        found,
        json!({
            "id": nightly,
            "name": "nightly",
            "purpose": "Notes that a night is over.",
            "kind": "note",
            "payload": { "text": "night" },
            "cron": "30 3 * * *",
            "timeZone": "Europe/Berlin",
            "inWords": "At 03:30 (Europe/Berlin)",
            "builtInCron": "30 3 * * *",
            "builtInTimeZone": "Europe/Berlin",
            "nextRunAt": null,
            "pausedAt": null,
            "pausedBy": null,
            "lastRunAt": null,
            "lastJob": null,
        })
    );
    assert_eq!(all[1]["name"], "weekly");
    let query = "query($id: ID!) { node(id: $id) { ... on JobSchedule { name } } }";
    let data = operator.data(query, json!({ "id": nightly })).await;
    assert_eq!(data["node"]["name"], "nightly");
}

#[rstest]
#[tokio::test]
async fn a_schedule_is_run_now_also_when_it_is_paused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((operator, nightly)) = create(backend).await else {
        return;
    };
    let before = read(&operator).await[0]["nextRunAt"].clone();
    let input = json!({ "id": nightly });
    let wanted = format!("schedule {{ {SCHEDULE} }} job {{ id status payload askedBy }}");
    let ran = operator.change("runSchedule", input.clone(), &wanted).await;
    let by = format!("user {}", operator.admin.id);
    assert_eq!(ran["job"]["status"], "WAITING");
    assert_eq!(ran["job"]["payload"], json!({ "text": "night" }));
    assert_eq!(ran["job"]["askedBy"], by.as_str());
    assert_eq!(ran["schedule"]["nextRunAt"], before);
    assert_ne!(ran["schedule"]["lastRunAt"], Value::Null);
    assert_eq!(
        ran["schedule"]["lastJob"],
        json!({ "kind": "note", "askedBy": by })
    );
    // While that one waits there is no second.
    let again = operator.change("runSchedule", input.clone(), &wanted).await;
    assert_eq!(again["job"]["id"], ran["job"]["id"]);
    let notes = || {
        vec![alphanode::queue::Handler::new(
            "note",
            "for a test",
            async |_| Ok(()),
        )]
    };
    assert_eq!(operator.work(notes()).await, 1);

    let wanted = "schedule { nextRunAt pausedAt pausedBy }";
    let paused = operator.change("pauseSchedule", input.clone(), wanted);
    let paused = paused.await["schedule"].clone();
    assert_eq!(
        (&paused["nextRunAt"], &paused["pausedBy"]),
        (&Value::Null, &json!(by))
    );
    assert_ne!(paused["pausedAt"], Value::Null);
    let again = operator
        .change("runSchedule", input.clone(), "job { id }")
        .await;
    assert_ne!(again["job"]["id"], ran["job"]["id"]);
    assert_eq!(operator.work(notes()).await, 1);

    let twice = operator
        .change("pauseSchedule", input.clone(), "schedule { pausedAt }")
        .await;
    assert_eq!(twice["schedule"]["pausedAt"], paused["pausedAt"]);
    let resumed = operator.change(
        "resumeSchedule",
        input.clone(),
        "schedule { pausedAt nextRunAt }",
    );
    assert_eq!(
        resumed.await["schedule"],
        json!({ "pausedAt": null, "nextRunAt": before })
    );
    let twice = operator
        .change("resumeSchedule", input, "schedule { pausedAt }")
        .await;
    assert_eq!(twice["userErrors"], json!([]));
    assert_eq!(
        operator.audited(&nightly).await,
        ["resume", "run", "pause", "run", "run"]
    );
}

#[rstest]
#[tokio::test]
async fn a_schedule_is_moved_and_moved_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((operator, nightly)) = create(backend).await else {
        return;
    };
    let wanted = "schedule { cron timeZone inWords builtInCron nextRunAt }";
    let update = |mut change: Value| {
        change["id"] = json!(nightly);
        operator.change("updateSchedule", change, wanted)
    };
    let built_in = update(json!({})).await["schedule"].clone();
    assert_eq!(operator.audited(&nightly).await, [] as [&str; 0]);
    let moved = update(json!({ "cron": " 15 4 * * * " })).await["schedule"].clone();
    assert_eq!(moved["cron"], "15 4 * * *");
    assert_eq!(moved["timeZone"], "Europe/Berlin", "left alone");
    assert_eq!(moved["inWords"], "At 04:15 (Europe/Berlin)");
    assert_eq!(moved["builtInCron"], "30 3 * * *");
    assert!(moved["nextRunAt"].as_str().unwrap().contains(":15:00"));
    let zoned = update(json!({ "timeZone": "Asia/Kolkata" })).await["schedule"].clone();
    assert_eq!(zoned["cron"], "15 4 * * *", "left alone");
    assert!(
        zoned["nextRunAt"].as_str().unwrap().contains("22:45:00"),
        "{zoned}"
    );

    // The operator's choice outlives the program's next start.
    let store = &operator.server.test.store;
    schedule::sync(&store.database, &store.clock, &[NIGHTLY])
        .await
        .unwrap();
    assert_eq!(update(json!({})).await["schedule"], zoned);
    let back = update(json!({ "cron": null, "timeZone": null })).await;
    assert_eq!(back["schedule"], built_in);
    assert_eq!(operator.audited(&nightly).await, ["update"; 3]);

    let wrong = update(json!({ "cron": "61 4 * * *", "timeZone": "berlin" })).await;
    assert_eq!(wrong["schedule"], Value::Null);
    let errors = &wrong["userErrors"];
    assert_eq!(errors.as_array().unwrap().len(), 2, "both at once");
    for (error, path, example) in [
        (&errors[0], "cron", "`30 3 * * 1`"),
        (&errors[1], "timeZone", "`Europe/Berlin`"),
    ] {
        assert_eq!(
            (&error["code"], &error["path"]),
            (&json!("INVALID"), &json!([path]))
        );
        assert!(
            error["message"].as_str().unwrap().contains(example),
            "{error}"
        );
    }
    for (cron, said) in [
        ("0-59 0-23 30 2 *".to_owned(), "never comes"),
        ("0-59 0-23 * * *".to_owned(), "1440 times of a day"),
        ("0,".repeat(100_000), "at most 200 bytes"),
    ] {
        let (code, path, message) = operator
            .problem("updateSchedule", json!({ "id": nightly, "cron": cron }))
            .await;
        assert_eq!((&*code, &*path), ("INVALID", "cron"));
        assert!(message.contains(said), "{message}");
    }
    assert_eq!(update(json!({})).await["schedule"], built_in);
    for field in [
        "runSchedule",
        "pauseSchedule",
        "resumeSchedule",
        "updateSchedule",
    ] {
        let missing = json!({ "id": id("JobSchedule", 999_999) });
        let (code, path, _) = operator.problem(field, missing).await;
        assert_eq!((&*code, &*path), ("NOT_FOUND", "id"), "{field}");
    }
}
