//! Makes one attempt at telling an endpoint of an event.
//!
//! **Safe to run again**: the job does something only while the delivery waits for the very attempt
//! that the job is for. What came of the attempt, and the job of the next, are written in one
//! transaction. A run that is cut off may have sent the message; the run after it sends it again
//! with the same `webhook-id`, by which the receiver knows it.
//!
//! **One endpoint must not keep the others waiting**: only an endpoint that answered quickly the last
//! time is sent several messages at once. A job for any other, while one is on its way there, puts
//! itself back behind those of the others. It counts as no attempt at the delivery.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::webhook::{self, Answer, Attempt, JobPayload, Message};
use crate::outbound::webhook::WebhookClient;
use crate::queue::{self, Handler, Job, JobError};

/// What is answered within this time is answered quickly.
const QUICK: Duration = Duration::from_secs(1);

/// The endpoints that answered quickly the last time that a handler asked them. Each process has to
/// learn that by itself; what it does not know it takes for slow.
#[derive(Debug, Default)]
struct QuickEndpoints(Mutex<HashSet<i64>>);

impl QuickEndpoints {
    fn contains(&self, endpoint_id: i64) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&endpoint_id)
    }

    fn learn(&self, endpoint_id: i64, took: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if took < QUICK {
            known.insert(endpoint_id);
        } else {
            known.remove(&endpoint_id);
        }
    }
}

pub(super) fn handler(store: Store) -> Handler {
    let client = Arc::new(WebhookClient::new(store.destinations.clone()));
    let quick = Arc::new(QuickEndpoints::default());
    let mut handler = Handler::new(
        webhook::JOB_KIND,
        "Makes one attempt at telling a webhook endpoint of an event.",
        move |job| run(store.clone(), Arc::clone(&client), Arc::clone(&quick), job),
    );
    // These are failures of ours, such as a database that is away; those of the endpoint are kept
    // with the delivery, which has a schedule of its own.
    handler.max_attempts = 20;
    // Endpoints that take their time must not take all workers.
    handler.max_running = Some(2);
    // Or the death of a delivery would be delivered.
    handler.announce_dead = false;
    handler
}

async fn run(
    store: Store,
    client: Arc<WebhookClient>,
    quick: Arc<QuickEndpoints>,
    job: Job,
) -> Result<(), JobError> {
    let payload: JobPayload = job.read()?;
    let Some(message) = webhook::message(&store, payload).await? else {
        return Ok(());
    };
    if !quick.contains(message.endpoint_id) && is_busy(&store, &message, &job).await? {
        job.log("the endpoint is busy with another message; this one is sent later");
        let mut transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
        webhook::put_back(&mut transaction, &message);
        transaction.commit().await?;
        return Ok(());
    }
    let attempt = send(&client, &message).await;
    quick.learn(message.endpoint_id, attempt.duration);
    job.log(match &attempt.outcome {
        Ok(answer) => format!("the endpoint answered with the status {}", answer.status),
        Err(error) => error.clone(),
    });
    let mut transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
    webhook::record(&mut transaction, &message, attempt).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a job that began earlier, of whatever process, is sending something to the endpoint.
async fn is_busy(store: &Store, message: &Message, job: &Job) -> Result<bool, JobError> {
    let running = queue::running_before(&store.database, webhook::JOB_KIND, job.id).await?;
    let running: Vec<JobPayload> = running
        .into_iter()
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()?;
    Ok(webhook::is_any_for(store, &running, message.endpoint_id).await?)
}

async fn send(client: &WebhookClient, message: &Message) -> Attempt {
    let headers = [
        ("webhook-id", message.id.clone()),
        ("webhook-timestamp", message.timestamp.to_string()),
        ("webhook-signature", message.signature.clone()),
    ];
    let started = Instant::now();
    let outcome = client
        .post(&message.url, &headers, message.body.clone())
        .await;
    Attempt {
        duration: started.elapsed(),
        outcome: outcome.map(|answer| Answer {
            status: answer.status,
            retry_after: answer.retry_after,
            start: answer.start,
        }),
    }
}
