//! The route handler of docs/webhooks.md is compiled, and receives what a real server sends.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::support::Backend;
use crate::support::editing::{publish, revise, write};
use crate::support::webhook::{Hooks, Received};

/// What of Next.js the handler uses. It keeps what is asked of it.
const NEXT_CACHE: &str = r"
globalThis.dropped = [];
export const revalidateTag = (tag, profile) => globalThis.dropped.push(['tag', tag, profile]);
export const revalidatePath = (path, type) => globalThis.dropped.push(['path', path, type ?? null]);
";

const NEXT_CACHE_TYPES: &str = r#"
export declare function revalidateTag(tag: string, profile: string | { expire?: number }): void;
export declare function revalidatePath(path: string, type?: "layout" | "page"): void;
"#;

/// Serves the handler as Next.js does; a GET answers what was dropped since the last one.
const SERVER: &str = r#"
import { createServer } from "node:http";
import { POST } from "./route.js";
const server = createServer(async (request, response) => {
  if (request.method === "GET") {
    response.end(JSON.stringify(globalThis.dropped.splice(0)));
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const { method, headers } = request;
  const answer = await POST(new Request("http://site" + request.url, { method, headers, body }));
  response.writeHead(answer.status);
  response.end(await answer.text());
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"#;

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/editing/node_modules")
}

/// Whether what the handler is compiled with is there.
fn can_run() -> bool {
    let ready = packages().join(".package-lock.json").exists();
    if !ready {
        let how = "the packages of docs/examples/editing are missing: `make test` installs them, \
                   as does `scripts/ensure-examples`";
        assert!(env::var_os("CI").is_none(), "{how}");
        eprintln!("*** SKIPPED: {how} ***");
    }
    ready
}

/// The handler of the guide, compiled.
fn site() -> TempDir {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/webhooks.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, handler) = guide.split_once("```ts\n// app/api/").unwrap();
    let (handler, _) = handler.split_once("\n```").unwrap();
    let site = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = site.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("route.ts", &format!("// {handler}\n"));
    put("server.js", SERVER);
    put("package.json", r#"{ "type": "module" }"#);
    let exports = json!({ "./cache": { "types": "./cache.d.ts", "default": "./cache.js" } });
    let package = json!({ "name": "next", "type": "module", "exports": exports });
    put("node_modules/next/package.json", &package.to_string());
    put("node_modules/next/cache.js", NEXT_CACHE);
    put("node_modules/next/cache.d.ts", NEXT_CACHE_TYPES);
    let packages = packages().canonicalize().unwrap();
    for name in ["@types", "undici-types"] {
        symlink(
            packages.join(name),
            site.path().join("node_modules").join(name),
        )
        .unwrap();
    }
    let options = json!({
        "compilerOptions": {
            "target": "es2023", "module": "nodenext", "lib": ["es2023"], "types": ["node"],
            "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true,
            "noPropertyAccessFromIndexSignature": true, "skipLibCheck": true,
        },
        "files": ["route.ts"],
    });
    put("tsconfig.json", &options.to_string());
    let compiled = Command::new(packages.join(".bin/tsc"))
        .current_dir(site.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&compiled.stdout);
    assert!(compiled.status.success(), "{said}");
    site
}

/// A process that serves the handler.
struct Site {
    process: Child,
    url: String,
}

impl Site {
    fn start(directory: &Path, secret: &str) -> Self {
        let mut process = Command::new("node")
            .arg("server.js")
            .current_dir(directory)
            .env("ALPHANODE_WEBHOOK_SECRET", secret)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        let url = format!("http://127.0.0.1:{}/api/alphanode", port.trim());
        Self { process, url }
    }

    /// Sends a message that came, maybe another body; answers the status.
    async fn send(&self, message: &Received, body: &str) -> u16 {
        let request = reqwest::Client::new()
            .post(&self.url)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", &message.timestamp)
            .header("webhook-signature", &message.signature)
            .body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    }

    /// What was dropped since this was asked last.
    async fn dropped(&self) -> Vec<Value> {
        let answer = reqwest::get(&self.url).await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[rstest]
#[tokio::test]
async fn the_route_handler_drops_what_changed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    if !can_run() {
        return;
    }
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    // The handler looks at the time, so both must have the same.
    let now = chrono::Utc::now();
    let ahead = now - hooks.server.test.store.clock.now();
    hooks.pass(ahead).await;
    let (id, secret) = hooks.endpoint(json!(null)).await;
    let site = spawn_blocking(move || {
        let directory = site();
        let site = Site::start(directory.path(), &secret);
        (site, directory)
    });
    let (site, _directory) = site.await.unwrap();

    let content = json!({ "title": "One", "slug": "one", "body": "x", "tools": ["tokio"] });
    let (server, admin) = (&hooks.server, &hooks.admin);
    let post = write(server, admin, content).await;
    publish(server, admin, &post).await;
    let first = hooks.deliver().await.remove(0);
    let input = json!({ "id": id, "url": site.url });
    hooks
        .done("updateWebhookEndpoint", "webhookEndpoint { id }", input)
        .await;
    let post = revise(server, admin, &post, json!({ "slug": "two" })).await;
    publish(server, admin, &post).await;
    hooks.work().await;
    let deliveries = hooks.deliveries(json!({ "post": post.id })).await;
    assert_eq!(deliveries.len(), 3);
    for delivery in &deliveries {
        assert_eq!(delivery["status"], "DELIVERED", "{delivery:#}");
    }
    let dropped = site.dropped().await;
    for wanted in [
        json!(["tag", "list:posts", { "expire": 0 }]),
        json!(["path", "/posts/one", null]),
        json!(["path", "/posts/two", null]),
    ] {
        assert!(dropped.contains(&wanted), "{wanted} is not in {dropped:?}");
    }

    // What comes again, or late, does no harm; what is not ours is refused.
    assert_eq!(site.send(&first, &first.text).await, 204);
    let dropped = site.dropped().await;
    assert!(
        dropped.contains(&json!(["path", "/posts/one", null])),
        "{dropped:?}"
    );
    assert_eq!(site.send(&first, "{}").await, 401);
    let mut old = first.clone();
    old.timestamp = (now.timestamp() - 600).to_string();
    assert_eq!(site.send(&old, &old.text).await, 401);
    old.timestamp = "soon".into();
    assert_eq!(site.send(&old, &old.text).await, 401);
    assert_eq!(site.dropped().await, Vec::<Value>::new());
}
