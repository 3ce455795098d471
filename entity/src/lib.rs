//! SeaORM entities: one table, one file. No GraphQL, no rules.
//!
//! What a column means is said where it is made, in the migrations, and where it is read, in the
//! domain; here are its name and its type.
#![allow(missing_docs)]

pub mod alarm;
pub mod api_token;
pub mod audit_event;
pub mod autosave;
pub mod cache_rule;
pub mod checklist_tick;
pub mod deployment;
pub mod export_chunk;
pub mod export_run;
pub mod feed;
pub mod idempotency_key;
pub mod import_chunk;
pub mod import_document;
pub mod import_file;
pub mod import_run;
pub mod import_source;
pub mod job;
pub mod job_attempt;
pub mod job_log_line;
pub mod job_pause;
pub mod named_entity;
pub mod one_time_link;
pub mod post;
pub mod post_content;
pub mod post_content_body;
pub mod post_content_entity;
pub mod post_content_stack;
pub mod post_content_tool;
pub mod post_schedule;
pub mod post_search;
pub mod post_slug;
pub mod post_view;
pub mod publication;
pub mod redirect;
pub mod refresh_token;
pub mod release;
pub mod release_item;
pub mod request_minute;
pub mod revision;
pub mod revision_transition;
pub mod schedule;
pub mod score;
pub mod session;
pub mod sign_in_throttle;
pub mod similar_post;
pub mod stack;
pub mod tool;
pub mod user;
pub mod view_salt;
pub mod webhook_attempt;
pub mod webhook_delivery;
pub mod webhook_endpoint;
pub mod webhook_event;
