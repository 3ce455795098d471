//! Whether the lists that are promised to be quick are ranges of indexes in this database.

use super::{Finding, some_of};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::post;
use crate::foundation::database::Dialect;
use crate::foundation::plan::{Concern, Wanted};

/// Reading all of a smaller table is no matter.
const LARGE: u64 = 10_000;

/// Whether each promised list has its index, and whether the database uses it.
///
/// # Errors
///
/// Those of the database.
pub async fn indexes(reader: &Reader) -> Result<Finding> {
    let promised = post::promised_lists(reader).await?;
    let (mut broken, mut unused) = (Vec::new(), Vec::new());
    for list in &promised {
        let plans = post::plans_of(reader, list, Wanted::WhenLarge).await?;
        if let Some(concern) = plans.iter().flat_map(|plan| &plan.concerns).next() {
            broken.push(format!("{} {concern}", list.name));
            continue;
        }
        if reader.dialect() == Dialect::Sqlite {
            continue;
        }
        let plans = post::plans_of(reader, list, Wanted::Present).await?;
        let mut concerns = plans.iter().flat_map(|plan| &plan.concerns);
        if let Some(concern) = concerns.find(|concern| is_large(concern)) {
            unused.push(format!("{} {concern}", list.name));
        }
    }
    Ok(if !broken.is_empty() {
        Finding::fail(
            format!("an index is missing: {}", some_of(&broken)),
            "compare the indexes with docs/queries.md; who dropped one makes it again",
        )
    } else if !unused.is_empty() {
        Finding::warn(
            format!("not used: {}", some_of(&unused)),
            "`ANALYZE` the tables with psql; see `alphanode explain`",
        )
    } else {
        Finding::ok(format!(
            "{} promised lists are ranges of theirs",
            promised.len()
        ))
    })
}

fn is_large(concern: &Concern) -> bool {
    matches!(concern, Concern::Scan { rows: Some(rows), .. } if *rows > LARGE)
}
