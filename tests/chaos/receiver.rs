//! A receiver of webhooks that fails at random.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpListener;

/// What came, by `webhook-id`.
#[derive(Clone, Default)]
pub(super) struct Receiver(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    key: Vec<u8>,
    random: Option<ChaCha8Rng>,
    messages: HashMap<String, Received>,
}

/// A message, as often as it came.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) body: String,
    pub(super) times: usize,
    /// Whether it was ever said to be received.
    pub(super) taken: bool,
}

impl Receiver {
    /// Listens on loopback until the test ends.
    pub(super) async fn start() -> (Self, SocketAddr) {
        let receiver = Self::default();
        receiver.0.lock().unwrap().random = Some(ChaCha8Rng::seed_from_u64(5));
        let router = Router::new()
            .route("/", post(receive))
            .with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    /// From now on messages must be signed with this secret.
    pub(super) fn trust(&self, secret: &str) {
        let key = secret.strip_prefix("whsec_").unwrap();
        self.0.lock().unwrap().key = STANDARD.decode(key).unwrap();
    }

    pub(super) fn messages(&self) -> HashMap<String, Received> {
        self.0.lock().unwrap().messages.clone()
    }
}

/// Takes three messages of four.
async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let mut inner = receiver.0.lock().unwrap();
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let id = header("webhook-id");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &inner.key);
    let signed = format!("{id}.{}.{body}", header("webhook-timestamp"));
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    if header("webhook-signature") != format!("v1,{signature}") {
        // The test then finds that the message never came.
        return StatusCode::UNAUTHORIZED;
    }
    let taken = inner.random.as_mut().unwrap().random_range(0..4) > 0;
    let received = inner.messages.entry(id).or_insert_with(|| Received {
        body: body.clone(),
        times: 0,
        taken: false,
    });
    assert_eq!(received.body, body, "a repeated message is the same");
    received.times += 1;
    received.taken |= taken;
    match taken {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}
