//! One binary for every test, so that they link once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checklist_ticks;
mod command_line;
mod document_schema;
mod export_round_trip;
mod export_run;
mod http;
mod import_files;
mod import_hostile;
mod import_json;
mod import_killed;
mod import_manual;
mod import_markdown;
mod import_page_text;
mod import_rule;
mod import_run;
mod isolation;
mod limits;
mod migration;
mod post_filter;
mod post_list;
mod posts;
mod query_plans;
mod queue;
mod revision_diff;
mod schema;
mod scores;
mod search;
mod similar_posts;
mod support;
mod synth;
mod term_changes;
mod terms;
mod visibility;
mod worker;
