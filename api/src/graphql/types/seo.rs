//! What search engines are told about a post, in the shape of Next.js `Metadata`.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use crate::domain::post::{self, path};

/// What search engines are told, in the shape of Next.js `Metadata`: return it from
/// `generateMetadata` as it is.
#[derive(Clone, Debug, SimpleObject)]
pub struct Seo {
    /// Title for search results.
    pub title: String,
    /// Description for search results.
    pub description: String,
    /// Words the post is about: its stack, tools and entities.
    pub keywords: Vec<String>,
    /// Where the post is.
    pub alternates: SeoAlternates,
    /// What search engines may do.
    pub robots: SeoRobots,
    /// What is shown where the post is shared.
    pub open_graph: SeoOpenGraph,
    /// What is shown where the post is shared as a card.
    pub twitter: SeoTwitter,
}

/// Where a post is.
#[derive(Clone, Debug, SimpleObject)]
pub struct SeoAlternates {
    /// The absolute URL of the original.
    pub canonical: String,
}

/// What search engines may do with a post.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct SeoRobots {
    /// Whether to index it; false while the post waits for a person to review it.
    pub index: bool,
    /// Whether to follow its links.
    pub follow: bool,
}

/// What is shown where a post is shared.
#[derive(Clone, Debug, SimpleObject)]
pub struct SeoOpenGraph {
    /// Always `article`.
    #[graphql(name = "type")]
    pub kind: &'static str,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// The absolute URL of the post on this site.
    pub url: String,
    /// When it was first published.
    pub published_time: Option<DateTime<Utc>>,
    /// When its content was last changed.
    pub modified_time: DateTime<Utc>,
    /// Words the post is about.
    pub tags: Vec<String>,
}

/// What is shown where a post is shared as a card.
#[derive(Clone, Debug, SimpleObject)]
pub struct SeoTwitter {
    /// Always `summary`: posts carry no cover image.
    pub card: &'static str,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
}

impl Seo {
    /// The metadata of a post on the site at `site_url`.
    pub(super) fn of(post: &post::Post, site_url: &str) -> Self {
        let title = post.seo.title.clone().unwrap_or_else(|| post.title.clone());
        let description = post
            .seo
            .description
            .clone()
            .unwrap_or_else(|| post.summary.clone());
        let url = format!("{site_url}{}", path(&post.slug));
        let mut keywords: Vec<String> = Vec::new();
        for term in post.stack.iter().chain(&post.tools).chain(&post.entities) {
            if !keywords.contains(&term.name) {
                keywords.push(term.name.clone());
            }
        }
        // Sources write anything here; on a page it must be an address.
        let canonical = post.seo.canonical.clone().filter(|canonical| {
            canonical.starts_with("https://") || canonical.starts_with("http://")
        });
        let index = !post.flags.needs_human_review;
        Self {
            alternates: SeoAlternates {
                canonical: canonical.unwrap_or_else(|| url.clone()),
            },
            robots: SeoRobots {
                index,
                follow: index,
            },
            open_graph: SeoOpenGraph {
                kind: "article",
                title: title.clone(),
                description: description.clone(),
                url,
                published_time: post.published_at,
                modified_time: post.updated_at,
                tags: keywords.clone(),
            },
            twitter: SeoTwitter {
                card: "summary",
                title: title.clone(),
                description: description.clone(),
            },
            title,
            description,
            keywords,
        }
    }
}
