//! Where webhooks may go, and how much of an endpoint's answer is read.

use std::net::IpAddr;
use std::time::Duration;

use alphanode::foundation::destination::Destinations;
use alphanode::outbound::webhook::WebhookClient;
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::Backend;
use crate::support::webhook::{Hooks, Receiver, Reply};

fn destinations(items: &[&str]) -> Destinations {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    Destinations::read(&items).unwrap()
}

/// Every form of an address that is nobody's business, and URLs that are none.
#[rstest]
#[case::loopback("https://127.0.0.1/")]
#[case::all_of_loopback("https://127.255.255.254:8443/hook")]
#[case::as_a_number("https://2130706433/")]
#[case::in_hexadecimal("https://0x7f.1/")]
#[case::in_octal("https://0177.0.0.1/")]
#[case::shortened("https://127.1/")]
#[case::in_wide_digits("https://１２７.0.0.1/")]
#[case::percent_encoded("https://%31%32%37.0.0.1/")]
#[case::private("https://10.1.2.3/")]
#[case::private_too("https://172.31.255.255/")]
#[case::at_home("https://192.168.1.1/")]
#[case::metadata("https://169.254.169.254/latest/meta-data/")]
#[case::carrier("https://100.64.0.1/")]
#[case::unspecified("https://0.0.0.0/")]
#[case::this_network("https://0.1.2.3/")]
#[case::broadcast("https://255.255.255.255/")]
#[case::multicast("https://224.0.0.1/")]
#[case::reserved("https://240.0.0.1/")]
#[case::documentation("https://192.0.2.1/")]
#[case::documentation_too("https://203.0.113.7/")]
#[case::benchmark("https://198.18.0.1/")]
#[case::protocol("https://192.0.0.8/")]
#[case::v6_loopback("https://[::1]/")]
#[case::v6_unspecified("https://[::]/")]
#[case::v6_mapped("https://[::ffff:127.0.0.1]/")]
#[case::v6_mapped_in_hexadecimal("https://[::ffff:a9fe:a9fe]/")]
#[case::v6_compatible("https://[::127.0.0.1]/")]
#[case::v6_translated("https://[64:ff9b::a9fe:a9fe]/")]
#[case::v6_translated_locally("https://[64:ff9b:1::1]/")]
#[case::v6_of_6to4("https://[2002:7f00:1::]/")]
#[case::v6_of_teredo("https://[2001::1]/")]
#[case::v6_unique_local("https://[fd00::1]/")]
#[case::v6_link_local("https://[fe80::1]/")]
#[case::v6_site_local("https://[fec0::1]/")]
#[case::v6_multicast("https://[ff02::1]/")]
#[case::v6_documentation("https://[2001:db8::1]/")]
#[case::v6_documentation_too("https://[3fff::1]/")]
#[case::v6_discarded("https://[100::1]/")]
#[case::credentials("https://user:password@example.org/")]
#[case::a_user("https://user@example.org/")]
#[case::not_encrypted("http://example.org/")]
#[case::a_file("file:///etc/passwd")]
#[case::gopher("gopher://example.org/")]
#[case::no_scheme("example.org/hook")]
#[case::relative("/hook")]
#[case::nothing("")]
#[case::no_host("https://")]
#[case::no_such_port("https://example.org:99999/")]
fn what_is_not_public_is_refused(#[case] url: &str) {
    let reason = destinations(&[]).read_url(url).unwrap_err();
    assert!(reason.len() > 10, "{reason}");
}

#[rstest]
#[case("https://example.org/hook?token=x")]
#[case("https://EXAMPLE.org.:8443/")]
#[case("https://bücher.example/")]
#[case("https://93.184.216.34/")]
#[case("https://[2606:4700::1111]/")]
#[case("https://[::ffff:93.184.216.34]/")]
fn what_is_public_is_accepted(#[case] url: &str) {
    destinations(&[]).read_url(url).unwrap();
}

#[test]
fn the_operator_allows_names_addresses_and_networks() {
    let some = destinations(&["Receiver.Internal", "127.0.0.1", "10.0.0.0/8", "fd00::/16"]);
    for url in [
        "http://receiver.internal:3000/hook",
        "https://RECEIVER.internal./hook",
        "http://127.0.0.1:1/",
        "http://[::ffff:127.0.0.1]/",
        "https://10.200.0.1/",
        "http://[fd00:1::1]/",
    ] {
        some.read_url(url).unwrap();
    }
    for url in [
        "https://127.0.0.2/",
        "https://[fe80::1]/",
        "http://other.internal/",
    ] {
        some.read_url(url).unwrap_err();
    }
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(some.allow("receiver.internal", address("192.168.0.1")));
    assert!(!some.allow("other.internal", address("192.168.0.1")));
    assert!(some.allow("other.internal", address("10.0.0.1")));
    assert!(some.allow("other.internal", address("93.184.216.34")));
    for wrong in [
        "10.0.0.0/40",
        "http://example.org",
        "a b",
        "example.org/path",
    ] {
        assert!(Destinations::read(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}

/// A name is judged by the address that it leads to, when it is connected to.
#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = WebhookClient::new(destinations(&[]));
    let url = format!("https://localhost:{port}/");
    let refused = client.post(&url, &[], "{}".into()).await.unwrap_err();
    assert!(refused.contains("no public address"), "{refused}");
    let refused = client.post("https://127.0.0.1/", &[], "{}".into()).await;
    assert!(refused.unwrap_err().contains("no public address"));

    let receiver = Receiver::start().await;
    let url = receiver.url.replace("127.0.0.1", "localhost");
    let client = WebhookClient::new(destinations(&["localhost"]));
    let answer = client.post(&url, &[], "{}".into()).await.unwrap();
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let client = WebhookClient::new(destinations(&["127.0.0.1"]));
    for status in [301, 302, 303, 307, 308] {
        receiver.answer_next([Reply::status(status).with("location", &elsewhere.url)]);
        let answer = client.post(&receiver.url, &[], "{}".into()).await.unwrap();
        assert_eq!(answer.status, status);
    }
    assert_eq!(elsewhere.take().len(), 0);
}

#[tokio::test]
async fn an_endpoint_has_so_long_and_no_longer() {
    let receiver = Receiver::start().await;
    receiver.answer(Reply {
        delay: Duration::from_secs(600),
        ..Reply::status(200)
    });
    let mut client = WebhookClient::new(destinations(&["127.0.0.1"]));
    client.limit = Duration::from_millis(300);
    let error = client.post(&receiver.url, &[], "{}".into()).await;
    assert_eq!(error.unwrap_err(), "there was no answer within 300ms");
}

/// The status says enough; a body that does not end keeps nobody.
#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 4_096]).await.unwrap();
        assert!(read > 0);
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nso far";
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut client = WebhookClient::new(destinations(&["127.0.0.1"]));
    client.limit = Duration::from_millis(300);
    let answer = client.post(&url, &[], "{}".into()).await.unwrap();
    assert_eq!((answer.status, answer.start.as_str()), (200, "so far"));

    let receiver = Receiver::start().await;
    receiver.answer(Reply {
        body: "x".repeat(1_000_000),
        ..Reply::status(200)
    });
    let answer = client.post(&receiver.url, &[], "{}".into()).await.unwrap();
    assert_eq!(answer.start, "x".repeat(1_024));
}

#[rstest]
#[tokio::test]
async fn the_api_refuses_such_urls(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    for url in ["https://169.254.169.254/", "http://example.org/", "x", ""] {
        let input = json!({ "url": url });
        let problems = hooks
            .problems("createWebhookEndpoint", "secret", input)
            .await;
        assert_eq!(problems, ["INVALID url"], "{url}");
        let input = json!({ "id": id, "url": url });
        let selection = "webhookEndpoint { id }";
        let problems = hooks
            .problems("updateWebhookEndpoint", selection, input)
            .await;
        assert_eq!(problems, ["INVALID url"], "{url}");
    }

    // What was saved while it was allowed is looked at again when it is sent to.
    hooks
        .done(
            "testWebhookEndpoint",
            "webhookDelivery { id }",
            json!({ "id": id }),
        )
        .await;
    let mut store = hooks.server.test.store.clone();
    store.destinations = Destinations::default();
    let handlers = alphanode::jobs::handlers(&store);
    let mut worker = hooks.server.test.worker("strict", handlers);
    worker.run_until_idle().await.unwrap();
    assert_eq!(hooks.receiver.take().len(), 0);
    let delivery = &hooks.deliveries(json!(null)).await[0];
    assert_eq!(delivery["status"], "PENDING");
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["statusCode"], json!(null));
    assert!(
        attempt["error"]
            .as_str()
            .unwrap()
            .contains("no public address")
    );
}
