//! Posts: field notes on one problem in one stack.

mod amend;
mod archive;
mod autosave;
mod bulk;
mod check;
mod checklist;
mod content;
mod create;
mod diff;
mod due;
mod editing;
mod facet;
mod filter;
mod history;
mod insert;
mod list;
mod lock;
mod order;
mod owner;
mod patch;
mod prepare;
mod promised;
mod publish;
mod review;
mod review_queue;
mod revise;
mod rows;
mod schedule;
mod scheduled;
mod scope;
mod search;
mod search_entry;
mod select;
mod switch;
mod tick;
mod trash;
mod update;
mod write;

pub use amend::amend;
pub use archive::{WholePost, contents, whole_posts, whole_posts_of};
pub use autosave::{Autosave, autosaves, discard_autosave, save_automatically, unfinished};
pub use bulk::{BULK_LIMIT, BulkChange, BulkPatch, matching, prepare_bulk, update_many};
pub use check::MAXIMUM_NESTING;
pub use checklist::{ChecklistItem, checklist_id, complete_checklist};
pub use content::{Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo};
pub use create::{SavedPost, create};
pub use diff::{
    BodyDiff, ChangedItem, FieldChange, Hunk, Line, LineKind, ListChange, ListItem, MovedItem,
    RevisionDiff, Segment, compare, diff, diff_body,
};
pub use due::{carry_out_many, due};
pub use editing::{Editing, Schedule, editing};
pub use facet::{FACET_VALUES, FacetBy, FacetValue, facets};
pub use filter::{
    FlagField, NumberField, PostFilter, Quantifier, TermFilter, Test, TextField, TimeField,
};
pub use history::{
    Assessment, Redirect, Transition, assessments, find_revisions, redirect, revisions, transitions,
};
pub use list::{PostList, count_many, find, find_one, list, list_many};
pub(in crate::domain) use lock::{lock, lock_ids, lock_many};
pub use order::{PostOrder, PostOrderField};
pub use owner::change_owner;
pub use patch::{ContentPatch, FlagsPatch, OutlinePatch, SeoPatch};
pub use prepare::{NewPost, NewRevision, NewScore, PreparedPost, PreparedRevision};
pub use promised::{PromisedList, plans_of, promised_lists};
pub(in crate::domain) use publish::{IN_TRASH, ReviewStanding};
pub use publish::{publish, unpublish};
pub use review::{Verdict, request_review, review};
pub use review_queue::{ReviewFilter, ReviewRequest, count_review_requests, review_requests};
pub use revise::{Standing, revise};
pub(in crate::domain) use schedule::FURTHEST;
pub use schedule::{
    JOB_KIND as SCHEDULE_JOB_KIND, JobPayload as ScheduleJobPayload, cancel as cancel_schedule,
    carry_out as carry_out_schedule, give_up as give_up_schedule, schedule,
};
pub use scheduled::{ScheduledFilter, ScheduledPost, count_scheduled_posts, scheduled_posts};
pub use search::{SearchHit, count_hits, search};
pub(in crate::domain) use search_entry::SearchEntry;
pub use select::{CurrentScore, Post, PostField, PostSelection, Revision};
pub(in crate::domain) use switch::{MOST_SWITCHES, Switch, move_to, switch};
pub use tick::{Tick, tick, ticks, untick};
pub(in crate::domain) use trash::trash_all;
pub use trash::{delete, delete_old, restore, trash};
pub(in crate::domain) use update::following;
pub use update::{
    PostUpdate, PreparedUpdate, Updated, prepare_restoration, prepare_update, update,
};
pub use write::{PostDraft, prepare_copy, prepare_post, write};

/// The path of a post on the site.
pub fn path(slug: &str) -> String {
    format!("/posts/{slug}")
}
