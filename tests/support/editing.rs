//! Editing through the API, as an editor's browser does.

use serde_json::{Value, json};

use super::{TestServer, TestUser};

/// What a test asks of a post that was changed.
pub const POST: &str = "id slug title path revision { id number version status author message }
    editing { headRevisionId liveRevisionId hasUnpublishedChanges trashedAt
        schedule { revisionId publishAt unpublishAt } autosave { basedOn content { title body } } }";

/// The outcome of a mutation: the payload.
pub async fn mutate(server: &TestServer, user: &TestUser, field: &str, input: Value) -> Value {
    let name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    let name = match field {
        "duplicatePost" | "trashPost" | "restorePost" | "deletePost" | "unpublishPost"
        | "cancelSchedule" | "discardAutosave" => "PostIdInput".to_owned(),
        "trashPosts" | "restorePosts" => "PostIdsInput".to_owned(),
        "shipRelease" => "ReleaseInput".to_owned(),
        _ => name,
    };
    let wanted = match field {
        "updatePost" | "restoreRevision" => {
            format!(
                "post {{ {POST} }} conflict {{ base {{ id }} current {{ id content {{ title }} }} }}"
            )
        }
        "requestReview" | "approveRevision" | "rejectRevision" => {
            "revision { id status }".to_owned()
        }
        field if field.ends_with("Release") => "release { id status }".to_owned(),
        "updatePosts" | "trashPosts" | "restorePosts" => {
            format!("changes {{ changedFields post {{ {POST} }} }}")
        }
        _ => format!("post {{ {POST} }}"),
    };
    let document = format!(
        "mutation ($input: {name}!) {{ {field}(input: $input) {{ {wanted} userErrors {{ code path message }} }} }}"
    );
    let answer = server
        .ask_as(&user.token, &document, json!({ "input": input }))
        .await;
    answer.data()[field].clone()
}

/// The outcome of a mutation that must succeed.
pub async fn done(server: &TestServer, user: &TestUser, field: &str, input: Value) -> Value {
    let payload = mutate(server, user, field, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{field}");
    payload
}

/// The problems of a mutation that must be refused: code and path of each.
pub async fn problems(
    server: &TestServer,
    user: &TestUser,
    field: &str,
    input: Value,
) -> Vec<(String, String)> {
    let payload = mutate(server, user, field, input).await;
    let errors = payload["userErrors"].as_array().unwrap();
    assert!(!errors.is_empty(), "{field}: {payload:#}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|error| {
            assert!(error["message"].as_str().unwrap().len() > 10);
            let path = error["path"].as_array().unwrap();
            let path: Vec<String> = path.iter().map(text).collect();
            (text(&error["code"]), path.join("."))
        })
        .collect()
}

/// A post that was written, as its ids.
#[derive(Clone, Debug)]
pub struct Written {
    pub id: String,
    /// The newest revision.
    pub head: String,
}

impl Written {
    /// The post of a payload.
    pub fn of(payload: &Value) -> Self {
        let post = &payload["post"];
        Self {
            id: post["id"].as_str().unwrap().to_owned(),
            head: post["editing"]["headRevisionId"]
                .as_str()
                .unwrap()
                .to_owned(),
        }
    }
}

/// Writes a post.
pub async fn write(server: &TestServer, user: &TestUser, content: Value) -> Written {
    let payload = done(server, user, "createPost", json!({ "content": content })).await;
    Written::of(&payload)
}

/// Saves a further revision.
pub async fn revise(
    server: &TestServer,
    user: &TestUser,
    post: &Written,
    content: Value,
) -> Written {
    let input = json!({ "id": post.id, "basedOn": post.head, "content": content });
    Written::of(&done(server, user, "updatePost", input).await)
}

/// Makes the newest revision live.
pub async fn publish(server: &TestServer, user: &TestUser, post: &Written) {
    let input = json!({ "id": post.id, "revision": post.head });
    done(server, user, "publishPost", input).await;
}

/// What the public sees under a slug.
pub async fn public(server: &TestServer, slug: &str) -> Value {
    let document =
        "query ($slug: String!) { post(by: {slug: $slug}) { title bodyMarkdown tools { name } } }";
    server.data(document, json!({ "slug": slug })).await["post"].clone()
}
