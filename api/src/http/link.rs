//! The page behind a one-time link: a form in which its user chooses a password. It needs no script,
//! so that it works before anything else does.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Server;
use super::authenticate::{Origin, client};
use crate::domain::actor::{Actor, Caller};
use crate::domain::error::{Error, Problem};
use crate::domain::one_time_link::{Follow, LinkDescription, Purpose, describe, follow};
use crate::domain::session;
use crate::foundation::sentence::sentence;
use crate::graphql::context::refresh_cookie;

/// The largest form, in bytes.
pub(super) const FORM_BYTES: usize = 16 * 1024;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:10vh auto;\
    padding:0 1rem;color:#1a1a1a;background:#fff}label{display:block;margin-top:1rem;\
    font-weight:600}input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px \
    solid #6b6b6b;border-radius:.25rem}input[aria-invalid]{border-color:#b00020}.error{color:\
    #b00020;margin:.25rem 0 0}.hint{color:#555;margin:.25rem 0 0}button{font:inherit;\
    margin-top:1.5rem;padding:.5rem 1rem}@media(prefers-color-scheme:dark){body{color:#eee;\
    background:#161616}.hint{color:#aaa}.error{color:#ff8a80}input{color:#eee;background:#222}}";

/// Nothing is loaded and nothing is run; the one style is known by its hash.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// What the form sends.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// Shows the form.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    origin: Origin,
    Path(token): Path<String>,
) -> Response {
    match describe(&server.store, &token).await {
        Ok(link) => form(StatusCode::OK, &link, "", "", &[]),
        Err(error) => failed(error, &origin),
    }
}

/// Follows the link with what was typed, or shows the form again with what has to be put right.
pub(super) async fn post(
    State(server): State<Arc<Server>>,
    origin: Origin,
    Path(token): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let followed = tokio::time::timeout(server.request_timeout, async {
        match Form::<Fields>::from_request(request, &()).await {
            Ok(Form(fields)) => run(&server, origin, token, &headers, fields).await,
            Err(rejection) => unreadable(&rejection),
        }
    });
    followed.await.unwrap_or_else(|_| {
        let text = "<p>It took too long. Go back and try again.</p>";
        page(StatusCode::REQUEST_TIMEOUT, "That took too long", text)
    })
}

async fn run(
    server: &Server,
    origin: Origin,
    token: String,
    headers: &HeaderMap,
    fields: Fields,
) -> Response {
    let link = match describe(&server.store, &token).await {
        Ok(link) => link,
        Err(error) => return failed(error, &origin),
    };
    let caller = Caller {
        actor: Actor::Anonymous,
        request_id: Some(origin.request_id.clone()),
        address: origin.address,
    };
    let input = Follow {
        token,
        password: fields.password,
        email: Some(fields.email.clone()),
        name: Some(fields.name.clone()),
        user_agent: client(headers).user_agent,
    };
    let (keys, passwords) = (&server.keys, &server.passwords);
    match follow(&server.store, keys, passwords, caller, input).await {
        Ok(signed_in) => {
            let text = format!(
                "<p>You are signed in as <strong>{}</strong>. From now on sign in with this \
                 address and your password. You can close this page.</p>",
                escape(&signed_in.user.email)
            );
            let mut response = page(StatusCode::OK, "Your password is set", &text);
            let cookie = refresh_cookie(&signed_in.refresh_token, session::IDLE.num_seconds());
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(Error::Refused(problems))
            if problems.iter().all(|problem| problem.field != "token") =>
        {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            form(status, &link, &fields.name, &fields.email, &problems)
        }
        Err(error) => failed(error, &origin),
    }
}

/// The form, with what was typed but the password, and with each problem beside its field.
fn form(
    status: StatusCode,
    link: &LinkDescription,
    name: &str,
    email: &str,
    problems: &[Problem],
) -> Response {
    let (title, button) = match link.purpose {
        Purpose::Setup => ("Set up alphanode", "Create the first admin"),
        Purpose::Invitation => ("Welcome to alphanode", "Set password and sign in"),
        Purpose::PasswordReset => ("Choose another password", "Set password and sign in"),
    };
    let mut text = String::from("<form method=\"post\">");
    match &link.user {
        None => {
            text.push_str(&input("name", "Your name", "text", "name", name, problems));
            text.push_str(&input(
                "email",
                "Your e-mail address",
                "email",
                "username",
                email,
                problems,
            ));
        }
        // For password managers, which keep a password with its account.
        Some(user) => {
            let _ = write!(
                text,
                "<p>{}</p><label for=\"email\">Your e-mail address</label><input id=\"email\" \
                 type=\"email\" autocomplete=\"username\" value=\"{}\" readonly>",
                match link.purpose {
                    Purpose::PasswordReset => "This ends your other sessions.",
                    _ => "Choose the password you will sign in with.",
                },
                escape(&user.email)
            );
        }
    }
    text.push_str(&input(
        "password",
        "New password",
        "password",
        "new-password",
        "",
        problems,
    ));
    let _ = write!(
        text,
        "<p class=\"hint\" id=\"password-hint\">At least 12 characters. A few words are easiest to \
         remember.</p><button>{button}</button></form>"
    );
    page(status, title, &text)
}

/// A field with its label and what is wrong with it.
fn input(
    name: &str,
    label: &str,
    kind: &str,
    autocomplete: &str,
    value: &str,
    problems: &[Problem],
) -> String {
    let problem = problems.iter().find(|problem| problem.field == name);
    let hint = if name == "password" {
        "password-hint "
    } else {
        ""
    };
    let mut text = format!(
        "<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" \
         type=\"{kind}\" autocomplete=\"{autocomplete}\" value=\"{}\" required \
         aria-describedby=\"{hint}{name}-error\"",
        escape(value)
    );
    match problem {
        Some(problem) => {
            let _ = write!(
                text,
                " aria-invalid=\"true\" autofocus><p class=\"error\" id=\"{name}-error\" \
                 role=\"alert\">{}</p>",
                escape(&sentence(&problem.message))
            );
        }
        None => {
            let _ = write!(text, "><p class=\"error\" id=\"{name}-error\" hidden></p>");
        }
    }
    text
}

/// Says why a link can't be followed.
fn failed(error: Error, origin: &Origin) -> Response {
    match error {
        Error::Refused(problems) => {
            let reasons = problems.iter();
            let reasons = reasons
                .map(|problem| format!("<p>{}</p>", escape(&sentence(&problem.message))))
                .collect::<String>();
            page(StatusCode::GONE, "This link does not work", &reasons)
        }
        error => {
            let request_id = &origin.request_id;
            tracing::error!(request_id, %error, "a link could not be followed");
            let text = format!(
                "<p>Something went wrong on our side, and nothing was changed. Quote request \
                 <code>{}</code>.</p>",
                escape(request_id)
            );
            page(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                &text,
            )
        }
    }
}

fn unreadable(rejection: &FormRejection) -> Response {
    let text = "<p>The form could not be read. Go back and send it again.</p>";
    page(rejection.status(), "That did not arrive", text)
}

fn page(status: StatusCode, title: &str, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}\
         </style></head><body><main><h1>{title}</h1>{text}</main></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(policy) = &*POLICY {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
