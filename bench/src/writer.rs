//! Who writes: how a post is saved and published through alphanode, and through hand-written SQL.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::FromQueryResult;
use serde_json::{Value, json};

use crate::Result;
use crate::client::Connection;
use crate::contest::Contestant;
use crate::operation::{graphql_as, post};
use crate::process::Server;

const SAVE: &str = "mutation Save($input: UpdatePostInput!) { updatePost(input: $input) {
    post { revision { id } } conflict { current { id } } userErrors { message } } }";

const PUBLISH: &str = "mutation Publish($input: PublishPostInput!) {
    publishPost(input: $input) { userErrors { message } } }";

/// A post that somebody writes.
#[derive(FromQueryResult)]
pub struct Draft {
    pub post: i64,
    pub head: i64,
    pub slug: String,
    pub markdown: String,
    pub html: String,
    pub text: String,
    pub words: i32,
    pub saves: i32,
}

impl Draft {
    /// What its newest save says and no other does.
    pub fn paragraph(&self) -> String {
        format!("Saved after {} others.", self.saves)
    }
}

/// Who writes, and where.
#[derive(Clone)]
pub struct Writer {
    pub contestant: Contestant,
    pub server: Arc<Server>,
    pub user: i64,
    /// Its credential.
    pub headers: String,
}

impl Writer {
    /// Saves the post and publishes what was saved.
    pub async fn write(&self, connection: &mut Connection, draft: &mut Draft) -> Result<()> {
        let paragraph = draft.paragraph();
        let markdown = format!("{}\n\n{paragraph}\n", draft.markdown.trim_end());
        match self.contestant {
            Contestant::Alphanode => {
                let (post, head) = (id("Post", draft.post), id("Revision", draft.head));
                let content = json!({ "body": markdown });
                let input = json!({ "id": post, "basedOn": head, "content": content });
                let saved = self.mutate(connection, SAVE, "updatePost", &input).await?;
                if !saved["conflict"].is_null() {
                    return Err(format!("somebody else wrote it: {saved}").into());
                }
                let revision = &saved["post"]["revision"]["id"];
                let revision = revision
                    .as_str()
                    .ok_or_else(|| format!("not saved: {saved}"))?;
                draft.head = key(revision)?;
                let input = json!({ "id": post, "revision": revision });
                self.mutate(connection, PUBLISH, "publishPost", &input)
                    .await?;
            }
            _ => {
                let save = json!({
                    "post": draft.post,
                    "based_on": draft.head,
                    "user": self.user,
                    "version": format!("1.0.{}", draft.saves),
                    "hash": format!("{:064x}", draft.saves),
                    "markdown": markdown,
                    "html": format!("{}<p>{paragraph}</p>\n", draft.html),
                    "text": format!("{}{paragraph}\n", draft.text),
                    "words": draft.words + 4,
                });
                let saved = connection.ask(&post("/save", "", &save)).await?;
                let saved: Value = serde_json::from_slice(saved)?;
                let revision = saved["revision"].as_i64().ok_or("not saved")?;
                draft.head = revision;
                let publication =
                    json!({ "post": draft.post, "revision": revision, "user": self.user });
                connection.ask(&post("/publish", "", &publication)).await?;
            }
        }
        Ok(())
    }

    async fn mutate(
        &self,
        connection: &mut Connection,
        document: &str,
        field: &str,
        input: &Value,
    ) -> Result<Value> {
        let request = graphql_as(&self.headers, document, &json!({ "input": input }));
        let mut answer: Value = serde_json::from_slice(connection.ask(&request).await?)?;
        let payload = answer["data"][field].take();
        match payload["userErrors"].as_array() {
            Some(errors) if errors.is_empty() => Ok(payload),
            _ => Err(format!("{field}: {answer} {payload}").into()),
        }
    }
}

fn id(kind: &str, key: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}:{key}"))
}

fn key(id: &str) -> Result<i64> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id)?)?;
    let (_, key) = text.split_once(':').ok_or("no id")?;
    Ok(key.parse()?)
}
