//! Somebody who is signed in, and asks the schema.

use std::sync::Arc;

use alphanode::domain::actor::{Actor, Caller};
use alphanode::domain::permission::Role;
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::transaction::Store;
use alphanode::graphql::Schema;
use alphanode::graphql::context::{RequestContext, Site};
use async_graphql::{Request, Variables};
use entity::user;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

/// Somebody who is signed in and works on drafts.
pub struct Editor {
    store: Store,
    schema: Schema,
    actor: Actor,
}

impl Editor {
    /// A user of this name and role.
    pub async fn create(store: &Store, name: &str, role: Role) -> Self {
        let email = format!("{name}@example.org");
        let user = user::ActiveModel {
            email: Set(email.clone()),
            email_key: Set(email),
            name: Set(name.to_owned()),
            role: Set(role.as_str().to_owned()),
            password_hash: Set(None),
            disabled_at: Set(None),
            created_at: Set(store.clock.now()),
            ..Default::default()
        };
        let user = user.insert(store.database.writer()).await.unwrap();
        Self::of(
            store,
            Actor::User {
                user_id: user.id,
                role,
                session_id: 1,
            },
        )
    }

    /// The same for any actor.
    pub fn of(store: &Store, actor: Actor) -> Self {
        let site = Site {
            url: "https://example.org".into(),
        };
        Self {
            store: store.clone(),
            schema: alphanode::graphql::schema(site).finish(),
            actor,
        }
    }

    /// Runs an operation. Answers `data`, `errors`, and how many statements reading took.
    pub async fn ask(&self, document: &str, variables: Value) -> (Value, u32) {
        let perspective = match self.actor {
            Actor::Anonymous => Perspective::Published,
            _ => Perspective::Draft,
        };
        let reader = Arc::new(Reader::new(self.store.database.clone(), perspective));
        let caller = Caller::from(self.actor);
        let context = RequestContext::new(self.store.clone(), caller, Arc::clone(&reader));
        let request = Request::new(document)
            .variables(Variables::from_json(variables))
            .data(context);
        let response = self.schema.execute(request).await;
        let answer = json!({
            "data": response.data.into_json().unwrap(),
            "errors": response.errors,
        });
        (answer, reader.statements().count())
    }

    /// Runs an operation that must succeed.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let (answer, _) = self.ask(document, variables).await;
        assert_eq!(answer["errors"], json!([]), "{answer:#}");
        answer["data"].clone()
    }

    /// Runs a mutation with an input; answers its payload.
    pub async fn change(&self, mutation: &str, fields: &str, input: Value) -> Value {
        let type_name = match mutation {
            "createTool" | "createStack" => "CreateTermInput".to_owned(),
            "updateTool" | "updateStack" => "UpdateTermInput".to_owned(),
            "untickChecklistItem" => "TickChecklistItemInput".to_owned(),
            _ if mutation.starts_with("merge") => "MergeTermInput".to_owned(),
            _ if mutation.starts_with("delete") => "DeleteTermInput".to_owned(),
            _ => format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]),
        };
        let document = format!(
            "mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ \
             {fields} userErrors {{ code path message }} }} }}"
        );
        self.data(&document, json!({ "input": input })).await[mutation].clone()
    }

    /// Runs a mutation that must be accepted.
    pub async fn done(&self, mutation: &str, fields: &str, input: Value) -> Value {
        let payload = self.change(mutation, fields, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        payload
    }

    /// Runs a mutation that must be refused with one problem; answers its code, path and message.
    pub async fn refused(&self, mutation: &str, input: Value) -> (String, String, String) {
        let payload = self.change(mutation, "", input).await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{payload:#}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&errors[0]["code"]),
            errors[0]["path"]
                .as_array()
                .unwrap()
                .iter()
                .map(text)
                .collect::<Vec<_>>()
                .join("."),
            text(&errors[0]["message"]),
        )
    }
}
