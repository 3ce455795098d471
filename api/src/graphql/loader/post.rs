//! Posts by key, and the posts of each of several words.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::page::{Page, PageRequest};
use crate::domain::post::{
    self, NumberField, Post, PostFilter, PostList, PostOrder, PostSelection, Quantifier,
    TermFilter, Test,
};
use crate::domain::taxonomy::Taxonomy;

/// A post, and what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct PostKey {
    pub(in crate::graphql) id: i64,
    pub(in crate::graphql) selection: PostSelection,
}

#[async_graphql::async_trait::async_trait]
impl Loader<PostKey> for Loaders {
    type Value = Post;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[PostKey]) -> Shared<HashMap<PostKey, Post>> {
        let mut found = HashMap::new();
        for (selection, ids) in grouped(keys, |key| (key.selection, key.id)) {
            let filter = PostFilter::Number(NumberField::Id, Test::In(ids));
            for post in post::find(&self.reader, filter, selection).await? {
                found.insert(
                    PostKey {
                        id: post.id,
                        selection,
                    },
                    post,
                );
            }
        }
        Ok(found)
    }
}

/// What is the same for the lists of all parents of a field: its arguments and its selection.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::graphql) struct PostListShape {
    pub(in crate::graphql) filter: PostFilter,
    pub(in crate::graphql) order: PostOrder,
    pub(in crate::graphql) request: PageRequest,
    pub(in crate::graphql) selection: PostSelection,
}

/// The posts of one word, or, with `counted`, their number.
#[derive(Clone, Debug)]
pub(in crate::graphql) struct PostListKey<const COUNTED: bool> {
    pub(in crate::graphql) taxonomy: Taxonomy,
    pub(in crate::graphql) term_id: i64,
    pub(in crate::graphql) shape: Arc<PostListShape>,
}

impl<const COUNTED: bool> PartialEq for PostListKey<COUNTED> {
    fn eq(&self, other: &Self) -> bool {
        (self.taxonomy, self.term_id) == (other.taxonomy, other.term_id)
            && self.shape == other.shape
    }
}

impl<const COUNTED: bool> Eq for PostListKey<COUNTED> {}

impl<const COUNTED: bool> Hash for PostListKey<COUNTED> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.taxonomy, self.term_id).hash(state);
        self.shape.request.hash(state);
    }
}

impl<const COUNTED: bool> PostListKey<COUNTED> {
    /// The list that the key stands for.
    pub(in crate::graphql) fn list(&self) -> PostList {
        let of_term = PostFilter::Terms(
            self.taxonomy,
            Quantifier::Some,
            TermFilter::Id(Test::Equal(self.term_id)),
        );
        PostList {
            filter: PostFilter::All(vec![of_term, self.shape.filter.clone()]),
            order: self.shape.order,
        }
    }
}

#[async_graphql::async_trait::async_trait]
impl Loader<PostListKey<false>> for Loaders {
    type Value = Arc<Page<Post>>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[PostListKey<false>],
    ) -> Shared<HashMap<PostListKey<false>, Arc<Page<Post>>>> {
        let mut found = HashMap::new();
        for (shape, keys) in grouped(keys, |key| (Arc::clone(&key.shape), key.clone())) {
            let lists: Vec<PostList> = keys.iter().map(PostListKey::list).collect();
            let pages =
                post::list_many(&self.reader, &lists, &shape.request, shape.selection).await?;
            found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
        }
        Ok(found)
    }
}

#[async_graphql::async_trait::async_trait]
impl Loader<PostListKey<true>> for Loaders {
    type Value = i64;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[PostListKey<true>]) -> Shared<HashMap<PostListKey<true>, i64>> {
        let lists: Vec<PostList> = keys.iter().map(PostListKey::list).collect();
        let counts = post::count_many(&self.reader, &lists).await?;
        Ok(keys.iter().cloned().zip(counts).collect())
    }
}
