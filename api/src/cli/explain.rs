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
use crate::foundation::database::Dialect;
use crate::foundation::plan::{Plan, Wanted, plan};
use crate::foundation::recorder::Recorded;
use crate::graphql::context::{RequestContext, execute};
use crate::graphql::document::{self, complete_variables, only_queries};
use crate::graphql::{cost, limits, perspective};

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

/// A query that was run, and what it took.
struct Explanation {
    answer: Response,
    /// In the order in which they ended.
    statements: Vec<Explained>,
    /// What the answer is made from.
    tags: Vec<String>,
    took: Duration,
    /// What it costs by the rate limits.
    points: u32,
}

/// A statement that was run, with its plan.
struct Explained {
    ran: Recorded,
    plan: Plan,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = read(&arguments.operation)?;
    let (request, points) = prepare(&text, arguments)?;
    let store = open_store(config).await?;
    if arguments.analyze && store.database.dialect() == Dialect::Sqlite {
        let message = "SQLite does not measure plans; leave --analyze out to see them as they are";
        return Err(message.into());
    }
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
    store.database.close().await?;
    let explanation = Explanation {
        answer,
        statements,
        tags: reader.tags().iter().map(ToString::to_string).collect(),
        took,
        points,
    };
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", explanation.to_object())?,
        false => explanation.print(&mut out)?,
    }
    let failed = !explanation.answer.errors.is_empty();
    Ok(ExitCode::from(u8::from(failed)))
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

/// Holds the query to the limits that requests are held to. Answers the points that it costs, too.
fn prepare(text: &str, arguments: &Arguments) -> Result<(Request, u32), Failure> {
    let document = document::parse(text).map_err(said)?;
    if !only_queries(&document) {
        let message = "the operation would be run, and only queries can be without consequences; \
                       give a query, e.g. the fields that the mutation answers";
        return Err(message.into());
    }
    limits::check_variables(arguments.variables.values()).map_err(said)?;
    let mut variables = arguments.variables.clone();
    complete_variables(&document, &mut variables);
    let name = arguments.operation_name.as_deref();
    let points = cost::of_request(&document, name, &variables);
    let variables = Value::Object(variables);
    let request = Request::new(text).variables(Variables::from_json(variables));
    let request = match name {
        Some(name) => request.operation_name(name),
        None => request,
    };
    Ok((request, points))
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
    execute(&schema, request, context).await
}

impl Explanation {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        for error in &self.answer.errors {
            writeln!(out, "error: {}", error.message)?;
        }
        for (Explained { ran, plan }, number) in self.statements.iter().zip(1..) {
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
        writeln!(
            out,
            "{} statements, {} ms in the database, {} ms in all; complexity {}, depth {}, {} points",
            self.statements.len(),
            milliseconds(self.in_database()),
            milliseconds(self.took),
            self.counted("complexity"),
            self.counted("depth"),
            self.points,
        )?;
        writeln!(out, "made from {}", self.tags.join(" "))
    }

    fn to_object(&self) -> Value {
        let statements = self.statements.iter().map(|Explained { ran, plan }| {
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
        let errors = self.answer.errors.iter().map(|error| &error.message);
        json!({
            "statements": statements.collect::<Vec<_>>(),
            "databaseMilliseconds": milliseconds(self.in_database()),
            "milliseconds": milliseconds(self.took),
            "complexity": self.counted("complexity"),
            "depth": self.counted("depth"),
            "points": self.points,
            "tags": self.tags,
            "errors": errors.collect::<Vec<_>>(),
        })
    }

    /// Time spent waiting for the database.
    fn in_database(&self) -> Duration {
        self.statements.iter().map(|one| one.ran.time).sum()
    }

    /// What the library counted.
    fn counted(&self, name: &str) -> Value {
        let analysis = self.answer.extensions.get("analyzer");
        let analysis = analysis.and_then(|value| value.clone().into_json().ok());
        analysis.map_or(Value::Null, |analysis| analysis[name].clone())
    }
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
