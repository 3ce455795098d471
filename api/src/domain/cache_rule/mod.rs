//! Cache rules: what caches may keep, for how long, and why. What no rule names is never kept.
//!
//! A rule names fields at the root of an operation, and paths of pages. Of all the rules that name
//! something of a request the strictest counts, so rules have no order. Switching one off can only
//! make less be kept: what it names is not, whatever other rules say.
//!
//! Some requests are never kept, and no rule can change that ([`FixedCondition`]).
//!
//! Each rule brings examples. They are tried whenever rules change, those of every rule, for a rule
//! can contradict the example of another ([`check_examples`]).

mod change;
mod check;
mod condition;
mod decide;
mod example;
mod path;
mod policy;
mod read;
mod rule;
mod set;
mod switch;

pub use change::{CacheRulePatch, create, delete, update};
pub use condition::{BypassCondition, ConditionKind, FixedCondition, asks_for_fresh};
pub use decide::{CacheDecision, CacheRequest, Reason};
pub use example::{Contradiction, Example, Header, check_examples};
pub use policy::Policy;
pub use read::{find, find_by_name, list};
pub use rule::CacheRule;
pub use set::{OperationKind, RuleSet, Target};
pub use switch::{Named, disable, enable};
