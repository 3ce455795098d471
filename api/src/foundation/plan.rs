//! How the database would carry out a statement, and what about that gets slower as a site grows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TransactionTrait};
use serde_json::Value;

use super::database::{Database, Dialect};

/// How the database would carry out a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// A step a line, those within others indented.
    pub lines: Vec<String>,
    /// What about it gets slower with every row.
    pub concerns: Vec<Concern>,
}

/// A step that costs more with every row of a table, however few are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Every row of a table is read.
    Scan {
        /// The table, as the statement calls it on SQLite.
        table: String,
        /// About how many rows it has, where the database says so.
        rows: Option<u64>,
    },
    /// Everything that matches is sorted or gathered before the first row is known.
    Sort {
        /// What for, e.g. `ORDER BY`.
        what: String,
    },
}

impl fmt::Display for Concern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan { table, rows: None } => write!(formatter, "reads all of {table}"),
            Self::Scan {
                table,
                rows: Some(rows),
            } => write!(formatter, "reads all of {table}, about {rows} rows"),
            Self::Sort { what } => write!(formatter, "sorts all that matches, for {what}"),
        }
    }
}

/// Which plan is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The one that the database would choose now.
    Present,
    /// The one for tables that are large. While they are small PostgreSQL finds it cheaper to read
    /// all of them; this tells whether it has another choice. SQLite goes by what indexes there are.
    WhenLarge,
    /// The one that PostgreSQL chooses now, with what it took: the statement is run for it.
    Measured,
}

/// Asks for the plan of a statement that reads.
///
/// # Errors
///
/// Those of the database, also when it is SQLite and the plan is to be measured.
pub async fn plan(
    database: &Database,
    mut statement: Statement,
    wanted: Wanted,
) -> Result<Plan, DbErr> {
    let (dialect, text) = (database.dialect(), &statement.sql);
    statement.sql = match (dialect, wanted) {
        (Dialect::Sqlite, Wanted::Measured) => {
            let message = "SQLite does not measure plans; ask for the plan alone";
            return Err(DbErr::Custom(message.into()));
        }
        (Dialect::Sqlite, _) => format!("EXPLAIN QUERY PLAN {text}"),
        (Dialect::Postgres, Wanted::Measured) => {
            format!("EXPLAIN (ANALYZE, FORMAT JSON) {text}")
        }
        (Dialect::Postgres, _) => format!("EXPLAIN (FORMAT JSON) {text}"),
    };
    match dialect {
        Dialect::Sqlite => of_sqlite(&database.reader().query_all_raw(statement).await?),
        Dialect::Postgres => {
            let transaction = database.reader().begin().await?;
            if wanted == Wanted::WhenLarge {
                let large = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;
                    SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off";
                transaction.execute_unprepared(large).await?;
            }
            let row = transaction.query_one_raw(statement).await?;
            let row = row.ok_or_else(|| DbErr::RecordNotFound("a plan".into()))?;
            Ok(of_postgres(&row.try_get_by_index(0)?))
        }
    }
}

/// Each row is a step: its number, that of the step it is within, nothing of use, and its text.
fn of_sqlite(rows: &[QueryResult]) -> Result<Plan, DbErr> {
    let mut depths: BTreeMap<i32, usize> = BTreeMap::new();
    let mut steps = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, within): (i32, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let depth = depths.get(&within).map_or(0, |depth| depth + 1);
        depths.insert(id, depth);
        steps.push((depth, row.try_get_by_index::<String>(3)?));
    }
    Ok(Plan {
        concerns: concerns_of_sqlite(steps.iter().map(|(_, step)| step.as_str()).collect()),
        lines: steps
            .iter()
            .map(|(depth, step)| format!("{:1$}{step}", "", depth * 2))
            .collect(),
    })
}

fn concerns_of_sqlite(steps: Vec<&str>) -> Vec<Concern> {
    // What the statement itself makes is as large as what it selects.
    let made: BTreeSet<&str> = steps
        .iter()
        .filter_map(|step| {
            step.strip_prefix("MATERIALIZE ")
                .or_else(|| step.strip_prefix("CO-ROUTINE "))
        })
        .collect();
    let concern = |step: &str| {
        if let Some(what) = step.strip_prefix("USE TEMP B-TREE FOR ") {
            // Of the later terms only the ties of the first ones are sorted.
            let all = ["ORDER BY", "GROUP BY", "DISTINCT"].contains(&what);
            return all.then(|| Concern::Sort { what: what.into() });
        }
        let table = step.strip_prefix("SCAN ")?;
        let guided = [" USING ", " VIRTUAL TABLE ", "CONSTANT ROW"]
            .iter()
            .any(|guide| table.contains(guide));
        let scans = !guided && !made.contains(table) && !table.starts_with('(');
        scans.then(|| Concern::Scan {
            table: table.to_owned(),
            rows: None,
        })
    };
    steps.into_iter().filter_map(concern).collect()
}

fn of_postgres(plan: &Value) -> Plan {
    let mut read = Plan {
        lines: Vec::new(),
        concerns: Vec::new(),
    };
    add_node(&mut read, &plan[0]["Plan"], 0, false);
    read
}

fn add_node(plan: &mut Plan, node: &Value, depth: usize, limited: bool) {
    let text = |name: &str| node[name].as_str();
    let number = |name: &str| node[name].as_f64();
    let kind = text("Node Type").unwrap_or("unknown step");
    let mut line = format!("{:1$}", "", depth * 2);
    if let Some(name) = text("Subplan Name") {
        line.push_str(&format!("{name}: "));
    }
    line.push_str(kind);
    if text("Scan Direction") == Some("Backward") {
        line.push_str(" backward");
    }
    for (before, name) in [
        (" on ", "Relation Name"),
        (" on ", "CTE Name"),
        (" on ", "Function Name"),
        (" as ", "Alias"),
        (" by ", "Index Name"),
    ] {
        if let Some(value) = text(name) {
            line.push_str(&format!("{before}{value}"));
        }
    }
    for name in [
        "Index Cond",
        "Recheck Cond",
        "Filter",
        "Hash Cond",
        "Join Filter",
    ] {
        if let Some(value) = text(name) {
            line.push_str(&format!(", {}: {value}", name.to_lowercase()));
        }
    }
    let sort_key = node["Sort Key"].as_array();
    let sort_key = sort_key.map(|keys| keys.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    if let Some(keys) = sort_key {
        line.push_str(&format!(", by {}", keys.join(", ")));
    }
    let rows = number("Plan Rows").unwrap_or(0.0);
    line.push_str(&format!(" (about {rows} rows"));
    if let (Some(rows), Some(loops), Some(took)) = (
        number("Actual Rows"),
        number("Actual Loops"),
        number("Actual Total Time"),
    ) {
        line.push_str(&format!(
            "; were {rows}, {loops} times, in {:.3} ms",
            took * loops
        ));
    }
    line.push(')');
    plan.lines.push(line);

    match kind {
        "Seq Scan" => plan.concerns.push(Concern::Scan {
            table: text("Relation Name").unwrap_or("a table").to_owned(),
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate, never below 0"
            )]
            rows: Some(rows as u64),
        }),
        // Without a limit all that is sorted is answered.
        "Sort" if limited => plan.concerns.push(Concern::Sort {
            what: "LIMIT".into(),
        }),
        _ => {}
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        add_node(plan, child, depth + 1, kind == "Limit");
    }
}
