//! `docs/permissions.md` is true: every mutation and every query is tried as everybody.
//!
//! What is tried comes from the schema and what is expected from the table, so that a field that is
//! added is tried too, and fails until it has a row.

use std::collections::BTreeMap;

use alphanode::domain::permission::{Role, Scope};
use alphanode::domain::post::{Content, NewPost, RevisionStatus};
use alphanode::graphql::definition;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use rstest::rstest;
use serde_json::json;

use crate::support::perspective::id;
use crate::support::{Backend, TestServer, TestUser, api_token, note};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    least: Least,
    own_only: bool,
    scope: Option<Scope>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    Anyone,
    InPerson,
    Role(Role),
}

/// The rows below a heading, by field.
fn rows(heading: &str) -> BTreeMap<String, Row> {
    let text = std::fs::read_to_string("../docs/permissions.md").unwrap();
    let section = text
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, field, least, own_only, scope, _note, _] = cells[..] else {
                panic!("not five cells: {line}");
            };
            let least = match least {
                "anyone" => Least::Anyone,
                "in person" => Least::InPerson,
                word => Least::Role(Role::from_word(word).unwrap_or_else(|| panic!("{line}"))),
            };
            let scope = scope.trim_matches('`');
            let scope = (!scope.is_empty()).then(|| Scope::from_word(scope).expect(line));
            assert_eq!(matches!(least, Least::Role(_)), scope.is_some(), "{line}");
            let row = Row {
                least,
                own_only: own_only == "yes",
                scope,
            };
            (field.trim_matches('`').to_owned(), row)
        })
        .collect()
}

/// The types of the schema, by name.
struct Types(BTreeMap<String, TypeDefinition>);

impl Types {
    fn read() -> Self {
        let document = parse_schema(definition()).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else {
                return None;
            };
            let definition = definition.node;
            Some((definition.name.node.to_string(), definition))
        });
        Self(types.collect())
    }

    fn fields(&self, name: &str) -> Vec<FieldDefinition> {
        let TypeKind::Object(object) = &self.0[name].kind else {
            panic!("{name} is no object");
        };
        object
            .fields
            .iter()
            .map(|field| field.node.clone())
            .collect()
    }

    /// A call of a field that is valid: what must be given is, with values that mean nothing but
    /// the ids, which are `id_of` the name of their input field.
    fn call(&self, field: &FieldDefinition, id_of: &dyn Fn(&str) -> String) -> String {
        let arguments = self.values(field.arguments.iter().map(|argument| &argument.node), id_of);
        let arguments = match arguments.is_empty() {
            true => String::new(),
            false => format!("({arguments})"),
        };
        let selection = match self.0.get(named(&field.ty.node)).map(|found| &found.kind) {
            Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)) => {
                " { __typename }"
            }
            _ => "",
        };
        format!("{}{arguments}{selection}", field.name.node)
    }

    fn values<'a>(
        &self,
        inputs: impl Iterator<Item = &'a InputValueDefinition>,
        id_of: &dyn Fn(&str) -> String,
    ) -> String {
        inputs
            .filter(|input| !input.ty.node.nullable && input.default_value.is_none())
            .map(|input| self.named_value(input, id_of))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn named_value(&self, input: &InputValueDefinition, id_of: &dyn Fn(&str) -> String) -> String {
        let name = input.name.node.as_str();
        format!("{name}: {}", self.value(name, &input.ty.node, id_of))
    }

    fn value(&self, name: &str, type_: &Type, id_of: &dyn Fn(&str) -> String) -> String {
        let type_name = match &type_.base {
            BaseType::List(item) => return format!("[{}]", self.value(name, item, id_of)),
            BaseType::Named(type_name) => type_name.as_str(),
        };
        match type_name {
            "ID" => format!("\"{}\"", id_of(name)),
            "Int" | "Float" => "1".to_owned(),
            "Boolean" => "true".to_owned(),
            "DateTime" => "\"2030-01-01T00:00:00Z\"".to_owned(),
            "JSON" => "{}".to_owned(),
            _ => match self.0.get(type_name) {
                Some(TypeDefinition {
                    kind: TypeKind::Enum(values),
                    ..
                }) => values.values[0].node.value.node.to_string(),
                Some(TypeDefinition {
                    kind: TypeKind::InputObject(object),
                    directives,
                    ..
                }) => {
                    let fields = object.fields.iter().map(|field| &field.node);
                    let one_of = directives
                        .iter()
                        .any(|directive| directive.node.name.node == "oneOf");
                    let fields = match one_of {
                        true => self.named_value(&object.fields[0].node, id_of),
                        false => self.values(fields, id_of),
                    };
                    format!("{{ {fields} }}")
                }
                _ => "\"x\"".to_owned(),
            },
        }
    }
}

/// The name of a type without its lists.
fn named(type_: &Type) -> &str {
    match &type_.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(item) => named(item),
    }
}

/// Somebody who asks: in words, and with which token.
struct Asker {
    name: String,
    token: Option<String>,
    role: Option<Role>,
    /// Those of an API token.
    scopes: Option<Vec<Scope>>,
    is_preview: bool,
}

impl Asker {
    /// The code that the table says they get.
    fn expected(&self, row: &Row) -> Option<&'static str> {
        let forbidden_unless = |allowed: bool| (!allowed).then_some("FORBIDDEN");
        match row.least {
            Least::Anyone => None,
            _ if self.is_preview => Some("FORBIDDEN"),
            _ if self.token.is_none() => Some("UNAUTHENTICATED"),
            Least::InPerson => forbidden_unless(self.scopes.is_none()),
            Least::Role(least) => {
                let scopes = self.scopes.as_ref();
                let in_scope = scopes.is_none_or(|scopes| scopes.contains(&row.scope.unwrap()));
                forbidden_unless(self.role.unwrap() >= least && in_scope)
            }
        }
    }
}

/// Everybody, anew: what one of them does must not be in the way of the next.
async fn everybody(server: &TestServer, preview: &str) -> Vec<Asker> {
    let mut askers = vec![
        Asker {
            name: "the public".into(),
            token: None,
            role: None,
            scopes: None,
            is_preview: false,
        },
        Asker {
            name: "a preview link".into(),
            token: Some(preview.to_owned()),
            role: None,
            scopes: None,
            is_preview: true,
        },
    ];
    let mut token_of = |user: &TestUser, role, scopes: Vec<Scope>, token| {
        askers.push(Asker {
            name: format!("a token of {} with {scopes:?}", user.email),
            token: Some(token),
            role: Some(role),
            scopes: Some(scopes),
            is_preview: false,
        });
    };
    let mut people = Vec::new();
    for role in Role::ALL {
        let user = server.sign_in_as(role).await;
        let all = api_token(&server.test.store, user.id, &Scope::ALL).await;
        token_of(&user, role, Scope::ALL.to_vec(), all);
        if role == Role::Admin {
            for scope in Scope::ALL {
                let token = api_token(&server.test.store, user.id, &[scope]).await;
                token_of(&user, role, vec![scope], token);
            }
        }
        people.push(Asker {
            name: user.email,
            token: Some(user.token),
            role: Some(role),
            scopes: None,
            is_preview: false,
        });
    }
    askers.extend(people);
    askers
}

/// The code of a refusal that has to do with who asks.
async fn refusal(server: &TestServer, token: Option<&str>, document: &str) -> Option<String> {
    let answer = match token {
        Some(token) => server.ask_as(token, document, json!({})).await,
        None => server.ask(document, json!({})).await,
    };
    let errors = answer.body["errors"].as_array().into_iter().flatten();
    let mut codes = errors.map(|error| error["extensions"]["code"].as_str().unwrap().to_owned());
    codes.find(|code| {
        assert_ne!(
            code, "GRAPHQL_VALIDATION_FAILED",
            "{document}: {:#}",
            answer.body
        );
        assert_ne!(
            code, "GRAPHQL_PARSE_FAILED",
            "{document}: {:#}",
            answer.body
        );
        assert_ne!(
            code, "INTERNAL_SERVER_ERROR",
            "{document}: {:#}",
            answer.body
        );
        ["UNAUTHENTICATED", "FORBIDDEN"].contains(&code.as_str())
    })
}

fn draft() -> NewPost {
    let content = Content {
        title: "A title".into(),
        summary: "A summary.".into(),
        body: "Some text.".into(),
        ..Content::default()
    };
    note(content, RevisionStatus::Drafted)
}

async fn preview_token(server: &TestServer) -> String {
    let author = server.sign_in_as(Role::Author).await;
    let post = server.create_posts(vec![draft()]).await[0];
    let document = "mutation($id: ID!) { createPreviewLink(input: { post: $id }) { token } }";
    let post = json!({ "id": id("Post", post.post_id) });
    let link = server.ask_as(&author.token, document, post).await;
    let link = link.data()["createPreviewLink"]["token"].clone();
    let document = "mutation($token: String!) { exchangePreviewLink(input: { token: $token }) {
        accessToken } }";
    let exchanged = server.data(document, json!({ "token": link })).await;
    let token = exchanged["exchangePreviewLink"]["accessToken"].as_str();
    token.unwrap().to_owned()
}

#[rstest]
#[case::mutations("Mutation", "mutation")]
#[case::queries("Quer", "query")]
#[tokio::test]
async fn every_field_is_for_those_whom_the_table_names(
    #[case] type_start: &str,
    #[case] operation: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let types = Types::read();
    let type_name = match operation {
        "mutation" => "Mutation",
        _ => "Query",
    };
    let table = rows(type_start);
    let fields = types.fields(type_name);
    let names: Vec<&str> = fields
        .iter()
        .map(|field| field.name.node.as_str())
        .collect();
    let without_field: Vec<_> = table
        .keys()
        .filter(|name| !names.contains(&name.as_str()))
        .collect();
    assert!(
        without_field.is_empty(),
        "rows without a field: {without_field:?}"
    );

    let preview = preview_token(&server).await;
    let mut wrong = Vec::new();
    for field in &fields {
        let name = field.name.node.as_str();
        let Some(row) = table.get(name) else {
            wrong.push(format!("{name} has no row in docs/permissions.md"));
            continue;
        };
        let document = format!(
            "{operation} {{ {} }}",
            types.call(field, &|_| "none".to_owned())
        );
        for asker in everybody(&server, &preview).await {
            let found = refusal(&server, asker.token.as_deref(), &document).await;
            let expected = asker.expected(row);
            if found.as_deref() != expected {
                let who = &asker.name;
                wrong.push(format!(
                    "{name} as {who}: {found:?} instead of {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[rstest]
#[tokio::test]
async fn authors_do_with_posts_of_their_own_what_they_may_not_with_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let types = Types::read();
    let author = server.sign_in_as(Role::Author).await;
    let other = server.sign_in_as(Role::Author).await;
    let mut wrong = Vec::new();
    for field in types.fields("Mutation") {
        let name = field.name.node.as_str();
        if !rows("Mutation").get(name).is_some_and(|row| row.own_only) {
            continue;
        }
        for (owner, expected) in [(&other, Some("FORBIDDEN")), (&author, None)] {
            let mut post = draft();
            post.owner_id = Some(owner.id);
            let post = server.create_posts(vec![post]).await[0];
            let id_of = |name: &str| match name {
                "revision" | "basedOn" => id("Revision", post.revision_id),
                _ => id("Post", post.post_id),
            };
            let document = format!("mutation {{ {} }}", types.call(&field, &id_of));
            let found = refusal(&server, Some(&author.token), &document).await;
            if found.as_deref() != expected {
                let whose = &owner.email;
                wrong.push(format!("{name} with a post of {whose}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
