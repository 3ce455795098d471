//! Makes one attempt at telling an endpoint of an event.
//!
//! **Safe to run again**: the job does something only while the delivery waits for the very attempt
//! that the job is for. What came of the attempt, and the job of the next, are written in one
//! transaction. A run that is cut off may have sent the message; the run after it sends it again
//! with the same `webhook-id`, by which the receiver knows it.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::webhook::{self, Answer, Attempt, JobPayload, Message};
use crate::outbound::webhook::WebhookClient;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let client = Arc::new(WebhookClient::new(store.destinations.clone()));
    let mut handler = Handler::new(webhook::JOB_KIND, move |job| {
        run(store.clone(), Arc::clone(&client), job)
    });
    handler.purpose = "Makes one attempt at telling a webhook endpoint of an event.";
    // These are failures of ours, such as a database that is away; those of the endpoint are kept
    // with the delivery, which has a schedule of its own.
    handler.max_attempts = 20;
    // An endpoint that takes its time must not take all workers.
    handler.max_running = Some(2);
    // Or the death of a delivery would be delivered.
    handler.announce_dead = false;
    handler
}

async fn run(store: Store, client: Arc<WebhookClient>, job: Job) -> Result<(), JobError> {
    let payload: JobPayload = job.read()?;
    let Some(message) = webhook::message(&store, payload).await? else {
        return Ok(());
    };
    let attempt = send(&client, &message).await;
    job.log(match &attempt.outcome {
        Ok(answer) => format!("the endpoint answered with the status {}", answer.status),
        Err(error) => error.clone(),
    });
    let mut transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
    webhook::record(&mut transaction, &message, attempt).await?;
    transaction.commit().await?;
    Ok(())
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
