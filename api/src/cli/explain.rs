//! `alphanode explain`: the statements behind a GraphQL query, and how the database goes about each.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::{Request, Response, ServerError, Variables};
use serde_json::{Map, Value, json};

use super::{Failure, open_store};
use crate::app;
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::Store;
use crate::foundation::plan::{Plan, Wanted, plan};
use crate::foundation::recorder::Recorded;
use crate::graphql::context::RequestContext;
use crate::graphql::document::{self, complete_variables, only_queries};
use crate::graphql::{limits, perspective};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The query: a file, - for what comes in, or the text itself
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// Its variables, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = variables, default_value = "{}")]
    variables: Map<String, Value>,
    /// Which operation of the document
    #[arg(long, value_name = "NAME")]
    operation_name: Option<String>,
    /// What it sees, e.g. draft; with `published` it is asked as the public, else as somebody who may
    /// read everything
    #[arg(long, default_value = "published", value_parser = seen)]
    perspective: Perspective,
    /// On PostgreSQL: run each statement once more, and say what each step of it took
    #[arg(long)]
    analyze: bool,
    /// Print an object, for programs
    #[arg(long)]
    json: bool,
}

fn variables(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("give a JSON object: {error}"))
}

fn seen(text: &str) -> Result<Perspective, String> {
    perspective::parse(text).map_err(|error| error.to_string())
}

/// A statement that was run, with its plan.
struct Explained {
    ran: Recorded,
    plan: Plan,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = read(&arguments.operation)?;
    let request = prepare(&text, arguments)?;
    let store = open_store(config).await?;
    let reader = Reader::recording(store.database.clone(), arguments.perspective);
    let reader = Arc::new(reader);
    let started = Instant::now();
    let answer = ask(config, &store, &reader, request).await;
    let took = started.elapsed();

    let wanted = match arguments.analyze {
        true => Wanted::Measured,
        false => Wanted::Present,
    };
    let mut statements = Vec::new();
    for ran in reader.statements().recorded() {
        let plan = plan(&store.database, ran.statement.clone(), wanted).await?;
        statements.push(Explained { ran, plan });
    }
    let tags: Vec<String> = reader.tags().iter().map(ToString::to_string).collect();
    store.database.close().await?;
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => print_object(&mut out, &answer, &statements, &tags, took)?,
        false => print(&mut out, &answer, &statements, &tags, took)?,
    }
    Ok(ExitCode::from(u8::from(!answer.errors.is_empty())))
}

/// The text of the query.
fn read(operation: &str) -> Result<String, Failure> {
    if operation == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    // No path has braces, and every operation does.
    if operation.contains('{') {
        return Ok(operation.to_owned());
    }
    std::fs::read_to_string(operation).map_err(|error| format!("{operation}: {error}").into())
}

/// Holds the query to the limits that requests are held to.
fn prepare(text: &str, arguments: &Arguments) -> Result<Request, Failure> {
    let document = document::parse(text).map_err(said)?;
    if !only_queries(&document) {
        let message = "the operation would be run, and only queries can be without consequences; \
                       give a query, e.g. the fields that the mutation answers";
        return Err(message.into());
    }
    limits::check_variables(arguments.variables.values()).map_err(said)?;
    let mut variables = arguments.variables.clone();
    complete_variables(&document, &mut variables);
    let variables = Value::Object(variables);
    let request = Request::new(text).variables(Variables::from_json(variables));
    Ok(match &arguments.operation_name {
        Some(name) => request.operation_name(name),
        None => request,
    })
}

fn said(error: ServerError) -> Failure {
    error.message.into()
}

async fn ask(config: &Config, store: &Store, reader: &Arc<Reader>, request: Request) -> Response {
    let actor = match reader.perspective() {
        Perspective::Published => Actor::Anonymous,
        _ => Actor::CommandLine,
    };
    let context = RequestContext::new(store.clone(), actor.into(), Arc::clone(reader));
    let schema = app::schema_alone(config, store);
    schema.execute(request.data(context)).await
}

/// What the operation counts for.
fn counted(answer: &Response, name: &str) -> Value {
    let analysis = answer.extensions.get("analyzer");
    let analysis = analysis.and_then(|value| value.clone().into_json().ok());
    analysis.map_or(Value::Null, |analysis| analysis[name].clone())
}

fn print(
    out: &mut impl Write,
    answer: &Response,
    statements: &[Explained],
    tags: &[String],
    took: Duration,
) -> Result<(), Failure> {
    for error in &answer.errors {
        writeln!(out, "error: {}", error.message)?;
    }
    for (explained, number) in statements.iter().zip(1..) {
        let Explained { ran, plan } = explained;
        let rows = ran
            .rows
            .map_or("failed".to_owned(), |rows| format!("{rows} rows"));
        let (took, parameters) = (milliseconds(ran.time), parameters(ran));
        writeln!(out, "{number}. {took} ms, {rows}, {parameters} parameters")?;
        writeln!(out, "   {}\n", ran.statement.sql)?;
        for line in &plan.lines {
            writeln!(out, "   {line}")?;
        }
        for concern in &plan.concerns {
            writeln!(out, "   ! {concern}")?;
        }
        writeln!(out)?;
    }
    let in_database: Duration = statements.iter().map(|one| one.ran.time).sum();
    writeln!(
        out,
        "{} statements, {} ms in the database, {} ms in all; complexity {}, depth {}",
        statements.len(),
        milliseconds(in_database),
        milliseconds(took),
        counted(answer, "complexity"),
        counted(answer, "depth"),
    )?;
    writeln!(out, "made from {}", tags.join(" "))?;
    Ok(())
}

fn print_object(
    out: &mut impl Write,
    answer: &Response,
    statements: &[Explained],
    tags: &[String],
    took: Duration,
) -> Result<(), Failure> {
    let in_database: Duration = statements.iter().map(|one| one.ran.time).sum();
    let statements = statements.iter().map(|Explained { ran, plan }| {
        let concerns = plan.concerns.iter().map(ToString::to_string);
        json!({
            "sql": ran.statement.sql,
            "parameters": parameters(ran),
            "rows": ran.rows,
            "milliseconds": milliseconds(ran.time),
            "plan": plan.lines,
            "concerns": concerns.collect::<Vec<_>>(),
        })
    });
    let errors = answer.errors.iter().map(|error| &error.message);
    let object = json!({
        "statements": statements.collect::<Vec<_>>(),
        "databaseMilliseconds": milliseconds(in_database),
        "milliseconds": milliseconds(took),
        "complexity": counted(answer, "complexity"),
        "depth": counted(answer, "depth"),
        "tags": tags,
        "errors": errors.collect::<Vec<_>>(),
    });
    writeln!(out, "{object}")?;
    Ok(())
}

fn parameters(ran: &Recorded) -> usize {
    ran.statement
        .values
        .as_ref()
        .map_or(0, |values| values.0.len())
}

/// In milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
