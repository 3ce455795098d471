//! One post by each of its names, and revisions by theirs.

use serde_json::json;

use super::world::{CONTENTS, LIVE, PUBLIC, World, reference};
use crate::support::perspective::{id, see};

const LOOK_UP: &str = "query($slug: String!, $reference: String!, $id: ID!, $revision: ID!) {
    bySlug: post(by: {slug: $slug}) { slug }
    byReference: post(by: {reference: $reference}) { slug revisions { id } }
    byId: post(by: {id: $id}) { slug }
    node(id: $id) { ... on Post { slug } }
    nodes(ids: [$id, $revision]) { id } }";

/// Looks for every content there is, whether or not the perspective shows it.
pub async fn check(world: &World, perspective: &str, seen: &[&str], for_editors: bool) {
    for (of, slug, ..) in CONTENTS {
        let (post_id, content_id) = world.keys[slug];
        let (post, revision) = (id("Post", post_id), id("Revision", content_id));
        let variables = json!({ "slug": slug, "reference": of, "id": post, "revision": revision });
        let data = see(&world.server.test, perspective, LOOK_UP, variables).await;
        let why = format!("{slug} in {perspective}: {data:#}");

        let shown = seen.iter().find(|shown| reference(shown) == of);
        let answer = shown.map(|shown| json!({ "slug": shown }));
        for field in ["byId", "node"] {
            assert_eq!(data[field], json!(answer), "{why}");
        }
        assert_eq!(data["byReference"]["slug"], json!(shown), "{why}");
        assert_eq!(
            data["nodes"][0]["id"].as_str(),
            shown.map(|_| &*post),
            "{why}"
        );
        let by_slug = seen.contains(&slug).then(|| json!({ "slug": slug }));
        assert_eq!(data["bySlug"], json!(by_slug), "{why}");

        let visible = |slug: &str| {
            let live = LIVE.iter().any(|live| reference(live) == reference(slug));
            for_editors || (live && PUBLIC.contains(&slug)) || seen.contains(&slug)
        };
        let found = data["nodes"][1]["id"].as_str();
        assert_eq!(found, visible(slug).then_some(&*revision), "{why}");
        if shown.is_some() {
            let contents = CONTENTS.iter().rev().map(|content| content.1);
            let revisions = contents.filter(|slug| reference(slug) == of && visible(slug));
            let revisions =
                revisions.map(|slug| json!({ "id": id("Revision", world.keys[slug].1) }));
            let revisions: Vec<_> = revisions.collect();
            assert_eq!(data["byReference"]["revisions"], json!(revisions), "{why}");
        }
    }
}
