//! Posts, and the parts of them a query wants.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, Enum, ID, Json, Lookahead, Object, Result, SelectionField, SimpleObject,
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::connection::PageInfo;
use super::editing::PostEditing;
use super::facet::{Facet, FacetBy, FacetValue};
use super::post_at_hand::PostAtHand;
use super::revision::Revision;
use super::score::{Assessment, Score};
use super::seo::Seo;
use super::similar_post::SimilarPost;
use super::term::{Entity, Stack, Tool};
use crate::domain::error::Error;
use crate::domain::markdown;
use crate::domain::page::{Cursor, Page};
use crate::domain::post::{self, PostField, PostList, PostSelection};
use crate::domain::similar;
use crate::graphql::context::{Site, loaders, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{
    AssessmentsKey, PostKey, PostListKey, RevisionsKey, SimilarPostsKey, TicksKey,
};
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::limit;

/// A field note: an article on one problem in one stack. Cheap to clone and to move, as resolving
/// does with it many times.
#[derive(Clone)]
pub struct Post(pub Arc<post::Post>);

impl From<post::Post> for Post {
    fn from(post: post::Post) -> Self {
        Self(Arc::new(post))
    }
}

/// Who a post is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::post::Difficulty")]
pub enum Difficulty {
    /// No experience with the stack is needed.
    Beginner,
    /// Daily work with the stack is assumed.
    Intermediate,
    /// Deep knowledge of the stack is assumed.
    Advanced,
}

/// A post in four short answers.
#[derive(Clone, Debug, SimpleObject)]
pub struct Outline {
    /// Where the problem appears.
    pub context: Option<String>,
    /// The problem.
    pub problem: Option<String>,
    /// The stack it appears in.
    pub stack: Option<String>,
    /// What the post recommends.
    pub recommended_action: Option<String>,
}

impl From<post::Outline> for Outline {
    fn from(outline: post::Outline) -> Self {
        Self {
            context: outline.context,
            problem: outline.problem,
            stack: outline.stack,
            recommended_action: outline.recommended_action,
        }
    }
}

/// One step of a checklist.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ChecklistItem {
    /// Stable within the post, also when the text is reworded.
    pub id: String,
    /// What to do.
    pub text: String,
    #[graphql(skip)]
    post_id: i64,
}

/// That a step of a checklist was done.
#[derive(Clone, Debug, SimpleObject)]
pub struct ChecklistTick {
    /// The name of the user who did it; null when it was done at the command line.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

#[ComplexObject]
impl ChecklistItem {
    /// Who ticked it off, and when; null while nobody has, and for those who may not read drafts.
    async fn tick(&self, context: &Context<'_>) -> Result<Option<ChecklistTick>> {
        let ticks = loaders(context)
            .load_one(TicksKey(self.post_id))
            .await
            .or_graphql_error(context)?;
        let ticks = ticks.unwrap_or_default();
        let tick = ticks.iter().find(|tick| tick.item_id == self.id);
        Ok(tick.map(|tick| ChecklistTick {
            by: tick.by.clone(),
            at: tick.at,
        }))
    }
}

/// What a reader or reviewer should know about how a post was made.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct Flags {
    /// The text is written in the style of a generated article.
    pub ai_generated_style: bool,
    /// The body contains images.
    pub has_images: bool,
    /// Images carry most of the content.
    pub image_heavy: bool,
    /// A person has to look at it; until then search engines are told not to index it.
    pub needs_human_review: bool,
}

impl From<post::Flags> for Flags {
    fn from(flags: post::Flags) -> Self {
        Self {
            ai_generated_style: flags.ai_generated_style,
            has_images: flags.has_images,
            image_heavy: flags.image_heavy,
            needs_human_review: flags.needs_human_review,
        }
    }
}

/// A heading of a body.
#[derive(Clone, Debug, SimpleObject)]
pub struct Heading {
    /// Its anchor in `bodyHtml`: link to `#id`.
    pub id: String,
    /// 1 to 6.
    pub level: u8,
    /// Its text, without markup.
    pub text: String,
}

impl From<&markdown::Heading> for Heading {
    fn from(heading: &markdown::Heading) -> Self {
        Self {
            id: heading.id.clone(),
            level: heading.level,
            text: heading.text.clone(),
        }
    }
}

/// A field note: an article on one problem in one stack.
#[Object]
impl Post {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        NodeType::Post.id(self.0.id)
    }

    /// Its identity across exports and databases; never changes.
    async fn reference(&self) -> &str {
        &self.0.reference
    }

    /// Its identity where it was imported from.
    async fn source_id(&self) -> Option<&str> {
        self.0.source_id.as_deref()
    }

    /// The program that wrote the source it was imported from.
    async fn generator(&self) -> Option<&str> {
        self.0.generator.as_deref()
    }

    /// The content hash that its source stated.
    async fn source_hash(&self) -> Option<&str> {
        self.0.source_hash.as_deref()
    }

    /// The last part of its path.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its path on the site, e.g. `/posts/background-jobs-nextjs`.
    async fn path(&self) -> String {
        post::path(&self.0.slug)
    }

    /// The headline, plain text.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// One or two sentences for lists, plain text.
    async fn summary(&self) -> &str {
        &self.0.summary
    }

    /// What it is about, e.g. `handling background jobs / next.js`.
    async fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// The article as HTML that is safe to put on a page: headings have anchors, code has classes
    /// such as `language-rust`. Leave it out of lists.
    async fn body_html(&self) -> &str {
        &self.0.body_html
    }

    /// The article as Markdown. Leave it out of lists.
    async fn body_markdown(&self) -> &str {
        &self.0.body_markdown
    }

    /// Every heading of the article, in order.
    async fn table_of_contents(&self) -> Vec<Heading> {
        self.0.table_of_contents.iter().map(Heading::from).collect()
    }

    /// The language most of the code is in, e.g. `typescript`.
    async fn code_language(&self) -> Option<&str> {
        self.0.code_language.as_deref()
    }

    /// Who it is written for.
    async fn difficulty(&self) -> Option<Difficulty> {
        self.0.difficulty.map(Difficulty::from)
    }

    /// Minutes to read, as the source states them or computed from the word count.
    async fn reading_minutes(&self) -> i32 {
        self.0.reading_minutes
    }

    /// Words outside code.
    async fn word_count(&self) -> i32 {
        self.0.word_count
    }

    /// Times it was viewed. As old as the cache allows: views do not refresh cached answers.
    async fn view_count(&self) -> i64 {
        self.0.view_count
    }

    /// The post in four short answers.
    async fn outline(&self) -> Outline {
        self.0.outline.clone().into()
    }

    /// How the article is written and why.
    async fn brief(&self) -> Option<&str> {
        self.0.brief.as_deref()
    }

    /// Steps a reader ticks off.
    async fn checklist(&self) -> Vec<ChecklistItem> {
        let items = self.0.checklist.iter();
        items
            .map(|item| ChecklistItem {
                id: item.id.clone(),
                text: item.text.clone(),
                post_id: self.0.id,
            })
            .collect()
    }

    /// Remarks for editors and frontends.
    async fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// How it was made.
    async fn flags(&self) -> Flags {
        self.0.flags.into()
    }

    /// Everything its source said that has no field of its own, as a JSON object.
    async fn payload(&self) -> Json<&RawValue> {
        Json(&self.0.payload)
    }

    /// What search engines are told, in the shape of Next.js `Metadata`.
    async fn seo(&self, context: &Context<'_>) -> Seo {
        Seo::of(&self.0, &context.data_unchecked::<Site>().url)
    }

    /// Its tools, most important first.
    async fn tools(&self) -> Vec<Tool> {
        self.0.tools.iter().cloned().map(Tool).collect()
    }

    /// Its stack, most important first.
    async fn stack(&self) -> Vec<Stack> {
        self.0.stack.iter().cloned().map(Stack).collect()
    }

    /// The named entities it is about, most important first.
    async fn entities(&self) -> Vec<Entity> {
        self.0.entities.iter().cloned().map(Entity).collect()
    }

    /// The newest assessment; absent while nobody has assessed it.
    async fn score(&self) -> Option<Score> {
        self.0.score.map(Score::from)
    }

    /// Its assessments, newest first.
    #[graphql(complexity = "first.clamp(0, 100) as usize * child_complexity")]
    async fn score_history(
        &self,
        context: &Context<'_>,
        #[graphql(default = 10, desc = "How many at most, up to 100.")] first: i32,
    ) -> Result<Vec<Assessment>> {
        let key = AssessmentsKey {
            post_id: self.0.id,
            limit: limit("first", first).or_graphql_error(context)?,
        };
        let found = loaders(context)
            .load_one(key)
            .await
            .or_graphql_error(context)?;
        Ok(found
            .unwrap_or_default()
            .into_iter()
            .map(Assessment)
            .collect())
    }

    /// What editors see of it beside what it says; null unless the request may read drafts.
    async fn editing(&self, context: &Context<'_>) -> Result<Option<PostEditing>> {
        PostEditing::of(context, self.0.id).await
    }

    /// The revision that is shown.
    async fn revision(&self) -> Revision {
        Revision(self.0.revision.clone())
    }

    /// The revisions that are or were published, newest first, and the one that is shown. The
    /// perspectives `draft` and `trash` have all of them.
    #[graphql(complexity = "first.clamp(0, 100) as usize * child_complexity")]
    async fn revisions(
        &self,
        context: &Context<'_>,
        #[graphql(default = 10, desc = "How many at most, up to 100.")] first: i32,
    ) -> Result<Vec<Revision>> {
        let key = RevisionsKey {
            post_id: self.0.id,
            limit: limit("first", first).or_graphql_error(context)?,
        };
        let found = loaders(context)
            .load_one(key)
            .await
            .or_graphql_error(context)?;
        Ok(found
            .unwrap_or_default()
            .into_iter()
            .map(Revision)
            .collect())
    }

    /// Posts that resemble it, most similar first, each with what the two have in common. Computed
    /// in the background after a change.
    #[graphql(complexity = "first.clamp(0, 10) as usize * child_complexity")]
    async fn similar_posts(
        &self,
        context: &Context<'_>,
        #[graphql(default = 5, desc = "How many at most, up to 10.")] first: i32,
    ) -> Result<Vec<SimilarPost>> {
        let limit = u16::try_from(first)
            .ok()
            .filter(|first| *first <= similar::MOST);
        let limit = limit
            .ok_or_else(|| {
                Error::BadArgument(format!(
                    "`first` is {first}; ask for 0 to {}",
                    similar::MOST
                ))
            })
            .or_graphql_error(context)?;
        let key = SimilarPostsKey {
            post_id: self.0.id,
            limit,
        };
        let found = loaders(context)
            .load_one(key)
            .await
            .or_graphql_error(context)?;
        Ok(found
            .unwrap_or_default()
            .into_iter()
            .map(SimilarPost)
            .collect())
    }

    /// When it was first published.
    async fn published_at(&self) -> Option<DateTime<Utc>> {
        self.0.published_at
    }

    /// When its content was last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it was first written.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// The parts of a post that fields of this name read.
fn parts(field: &str) -> &'static [PostField] {
    use PostField as Part;
    match field {
        "reference" => &[Part::Reference],
        "sourceId" => &[Part::SourceId],
        "generator" => &[Part::Generator],
        "sourceHash" => &[Part::SourceHash],
        "slug" | "path" => &[Part::Slug],
        "title" => &[Part::Title],
        "summary" => &[Part::Summary],
        "topic" => &[Part::Topic],
        "bodyHtml" => &[Part::BodyHtml],
        "bodyMarkdown" => &[Part::BodyMarkdown],
        "tableOfContents" => &[Part::TableOfContents],
        "codeLanguage" => &[Part::CodeLanguage],
        "difficulty" => &[Part::Difficulty],
        "readingMinutes" => &[Part::ReadingMinutes],
        "wordCount" => &[Part::WordCount],
        "viewCount" => &[Part::ViewCount],
        "outline" => &[Part::Outline],
        "brief" => &[Part::Brief],
        "checklist" => &[Part::Checklist],
        "notes" => &[Part::Notes],
        "flags" => &[Part::Flags],
        "payload" => &[Part::Payload],
        "seo" => &[
            Part::Seo,
            Part::Title,
            Part::Summary,
            Part::Slug,
            Part::Flags,
            Part::PublishedAt,
            Part::UpdatedAt,
            Part::Stack,
            Part::Tools,
            Part::Entities,
        ],
        "tools" => &[Part::Tools],
        "stack" => &[Part::Stack],
        "entities" => &[Part::Entities],
        "score" => &[Part::Score],
        "revision" => &[Part::Revision],
        "publishedAt" => &[Part::PublishedAt],
        "updatedAt" => &[Part::UpdatedAt],
        "createdAt" => &[Part::CreatedAt],
        // Fields read by a loader, or from the key alone.
        _ => &[],
    }
}

/// The parts of a post that the field looked ahead at wants.
pub(in crate::graphql) fn selection_of(look_ahead: Lookahead<'_>) -> PostSelection {
    let mut selection = PostSelection::default();
    for field in look_ahead.selection_fields() {
        add_parts(field, &mut selection);
    }
    selection
}

fn add_parts(field: SelectionField<'_>, selection: &mut PostSelection) {
    for field in field.selection_set() {
        for part in parts(field.name()) {
            selection.add(*part);
        }
    }
}

/// The parts wanted by the fields named `post` of a selection.
pub(in crate::graphql) fn add_parts_of_post(
    field: SelectionField<'_>,
    selection: &mut PostSelection,
) {
    let posts = field.selection_set().filter(|field| field.name() == "post");
    posts.for_each(|post| add_parts(post, selection));
}

/// The parts of the posts that a mutation's answer holds in its field `name`.
pub(in crate::graphql) fn selection_below(look_ahead: Lookahead<'_>, name: &str) -> PostSelection {
    let mut selection = PostSelection::default();
    for payload in look_ahead.selection_fields() {
        let fields = payload.selection_set();
        fields
            .filter(|field| field.name() == name)
            .for_each(|field| add_parts(field, &mut selection));
    }
    selection
}

/// A post by key, as far as the request may see it.
pub(in crate::graphql) async fn load_post(
    context: &Context<'_>,
    id: i64,
    selection: PostSelection,
) -> Result<Option<Post>> {
    let key = PostKey { id, selection };
    let post = loaders(context)
        .load_one(key)
        .await
        .or_graphql_error(context)?;
    Ok(post.map(Post::from))
}

/// A page of posts.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PostConnection {
    /// Where the page stands in the list.
    pub page_info: PageInfo,
    #[graphql(skip)]
    rows: Vec<(Cursor, Post)>,
    #[graphql(skip)]
    totals: Totals,
}

/// Where the total and the facets of a list come from.
enum Totals {
    List(PostList),
    OfTerm(PostListKey<true>),
}

/// A post and its place in the list.
#[derive(SimpleObject)]
pub struct PostEdge {
    /// Its place: pass it as `after` or `before`.
    pub cursor: String,
    /// The post.
    pub node: PostAtHand,
}

#[ComplexObject]
impl PostConnection {
    /// The posts of the page.
    async fn nodes(&self) -> Vec<PostAtHand> {
        let posts = self.rows.iter().map(|(_, post)| post.clone());
        posts.map(PostAtHand).collect()
    }

    /// The posts of the page with their places.
    async fn edges(&self) -> Vec<PostEdge> {
        let rows = self.rows.iter();
        rows.map(|(cursor, post)| PostEdge {
            cursor: cursor.encode(),
            node: PostAtHand(post.clone()),
        })
        .collect()
    }

    /// How many posts the whole list has. Counted only when it is asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        match &self.totals {
            Totals::List(list) => {
                let counts = post::count_many(reader(context), std::slice::from_ref(list));
                let counts = counts.await.or_graphql_error(context)?;
                Ok(counts.first().copied().unwrap_or(0))
            }
            Totals::OfTerm(key) => {
                let count = loaders(context).load_one(key.clone()).await;
                Ok(count.or_graphql_error(context)?.unwrap_or(0))
            }
        }
    }

    /// How the posts of the whole list are spread over their values. Counted only when asked for.
    #[graphql(complexity = "10 * by.len()")]
    async fn facets(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to count by; each at most once.")] by: Vec<FacetBy>,
    ) -> Result<Vec<Facet>> {
        let wanted: Vec<post::FacetBy> = by.iter().copied().map(Into::into).collect();
        if wanted
            .iter()
            .enumerate()
            .any(|(index, by)| wanted[..index].contains(by))
        {
            return Err(Error::BadArgument(
                "`by` names a facet twice; name each once".into(),
            ))
            .or_graphql_error(context);
        }
        let list = match &self.totals {
            Totals::List(list) => list.clone(),
            Totals::OfTerm(key) => key.list(),
        };
        let facets = post::facets(reader(context), &list, &wanted);
        let facets = facets.await.or_graphql_error(context)?;
        Ok(by
            .into_iter()
            .zip(facets)
            .map(|(by, values)| Facet {
                by,
                values: values.into_iter().map(FacetValue::from).collect(),
            })
            .collect())
    }
}

fn rows_of(page: Page<post::Post>) -> Vec<(Cursor, Post)> {
    let rows = page.rows.into_iter();
    rows.map(|(cursor, post)| (cursor, post.into())).collect()
}

impl PostConnection {
    /// A page of a list of its own.
    pub(in crate::graphql) fn of_list(page: Page<post::Post>, list: PostList) -> Self {
        Self {
            page_info: PageInfo::from(&page),
            rows: rows_of(page),
            totals: Totals::List(list),
        }
    }

    /// A page of the posts of a word.
    pub(in crate::graphql) fn of_term(page: Arc<Page<post::Post>>, key: PostListKey<true>) -> Self {
        Self {
            page_info: PageInfo::from(&*page),
            rows: rows_of(Arc::unwrap_or_clone(page)),
            totals: Totals::OfTerm(key),
        }
    }

    /// The parts of a post that a field of this type wants, through `nodes` and `edges`.
    pub(in crate::graphql) fn selection(context: &Context<'_>) -> PostSelection {
        let mut selection = PostSelection::default();
        for connection in context.look_ahead().selection_fields() {
            for field in connection.selection_set() {
                match field.name() {
                    "nodes" => add_parts(field, &mut selection),
                    "edges" => {
                        let nodes = field.selection_set().filter(|field| field.name() == "node");
                        nodes.for_each(|node| add_parts(node, &mut selection));
                    }
                    _ => {}
                }
            }
        }
        selection
    }
}
