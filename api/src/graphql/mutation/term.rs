//! Changing tools, stacks and named entities: three mutations of the same shape over the words of a
//! taxonomy.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};

use super::{Outcome, change};
use crate::domain::permission::Action;
use crate::domain::taxonomy::{self, NewTerm, Taxonomy, Term, TermPatch};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::{EntityPayload, StackPayload, ToolPayload};
use crate::graphql::types::term::{Entity, Stack, Tool};
use crate::graphql::types::user_error::UserError;

/// A tool or a stack to be created.
#[derive(Clone, Debug, InputObject)]
pub struct CreateTermInput {
    /// As people write it, up to 200 characters. One that was deleted under this name comes back.
    pub name: String,
    /// As paths write it; made from the name when absent.
    pub slug: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A named entity to be created.
#[derive(Clone, Debug, InputObject)]
pub struct CreateEntityInput {
    /// As people write it, up to 200 characters. One that was deleted under this name and type comes
    /// back.
    pub name: String,
    /// What kind of thing it is, e.g. `problem`; kept in lower case.
    #[graphql(name = "type")]
    pub kind: String,
    /// As paths write it; made from the name when absent.
    pub slug: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What changes about a tool or a stack.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTermInput {
    /// Which one.
    pub id: ID,
    /// As people write it, up to 200 characters; stays when absent. Posts show it at once.
    pub name: Option<String>,
    /// As paths write it; stays when absent, also under a new name, and is made from the name when
    /// null.
    pub slug: MaybeUndefined<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What changes about a named entity.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateEntityInput {
    /// Which one.
    pub id: ID,
    /// As people write it, up to 200 characters; stays when absent. Posts show it at once.
    pub name: Option<String>,
    /// What kind of thing it is, e.g. `problem`; stays when absent.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// As paths write it; stays when absent, also under a new name, and is made from the name when
    /// null.
    pub slug: MaybeUndefined<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// Two tools, two stacks or two entities that mean the same.
#[derive(Clone, Debug, InputObject)]
pub struct MergeTermInput {
    /// The one that goes.
    pub id: ID,
    /// The one that stays, and takes its place in every post, old revisions included.
    pub into: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A tool, stack or entity to be deleted.
#[derive(Clone, Debug, InputObject)]
pub struct DeleteTermInput {
    /// Which one.
    pub id: ID,
    /// What takes its place in the posts that use it, old revisions included. Needed when there are
    /// any.
    pub reassign_to: Option<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// Which words, and of which type their ids are.
#[derive(Clone, Copy)]
struct Words(Taxonomy, NodeType);

const TOOLS: Words = Words(Taxonomy::Tool, NodeType::Tool);
const STACKS: Words = Words(Taxonomy::Stack, NodeType::Stack);
const ENTITIES: Words = Words(Taxonomy::Entity, NodeType::Entity);

/// The word to answer with, and what has to be put right.
type Answer = (Option<Term>, Vec<UserError>);

impl Words {
    async fn create(self, context: &Context<'_>, input: CreateEntityInput) -> Result<Answer> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::WriteTerm, key, async |transaction| {
            let new = NewTerm {
                name: input.name.clone(),
                slug: input.slug.clone(),
                kind: input.kind.clone(),
            };
            let id = taxonomy::create(transaction, self.0, new).await?;
            Ok(Some(id))
        });
        self.answer(context, outcome.await?).await
    }

    async fn update(self, context: &Context<'_>, input: UpdateEntityInput) -> Result<Answer> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::WriteTerm, key, async |transaction| {
            let id = self.1.key(&input.id)?;
            let patch = TermPatch {
                name: input.name.clone(),
                slug: match &input.slug {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(slug) => Some(Some(slug.clone())),
                },
                kind: input.kind.clone(),
            };
            taxonomy::update(transaction, self.0, id, patch).await?;
            Ok(Some(id))
        });
        self.answer(context, outcome.await?).await
    }

    async fn merge(self, context: &Context<'_>, input: MergeTermInput) -> Result<Answer> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::MergeTerm, key, async |transaction| {
            let (id, into) = (self.1.key(&input.id)?, self.1.key(&input.into)?);
            taxonomy::merge(transaction, self.0, id, into).await?;
            Ok(Some(into))
        });
        self.answer(context, outcome.await?).await
    }

    async fn delete(self, context: &Context<'_>, input: DeleteTermInput) -> Result<Answer> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::DeleteTerm, key, async |transaction| {
            let id = self.1.key(&input.id)?;
            let successor = input.reassign_to.as_ref().map(|id| self.1.key(id));
            let successor = successor.transpose()?;
            taxonomy::delete(transaction, self.0, id, successor).await?;
            Ok(successor)
        });
        self.answer(context, outcome.await?).await
    }

    /// The word of an outcome as it is now, whether posts in sight use it or not.
    async fn answer(self, context: &Context<'_>, outcome: Outcome<Option<i64>>) -> Result<Answer> {
        let id = match outcome {
            Ok(Some(id)) => id,
            Ok(None) => return Ok((None, Vec::new())),
            Err(user_errors) => return Ok((None, user_errors)),
        };
        let found = taxonomy::find_to_edit(reader(context), self.0, id).await;
        Ok((found.or_graphql_error(context)?, Vec::new()))
    }
}

impl From<CreateTermInput> for CreateEntityInput {
    fn from(input: CreateTermInput) -> Self {
        Self {
            name: input.name,
            kind: String::new(),
            slug: input.slug,
            idempotency_key: input.idempotency_key,
        }
    }
}

impl From<UpdateTermInput> for UpdateEntityInput {
    fn from(input: UpdateTermInput) -> Self {
        Self {
            id: input.id,
            name: input.name,
            kind: None,
            slug: input.slug,
            idempotency_key: input.idempotency_key,
        }
    }
}

macro_rules! term_mutation {
    (
        $mutation:ident, $words:expr, $payload:ident { $field:ident: $type:ident }, $description:literal,
        $create:ident($create_input:ident): $create_description:literal,
        $update:ident($update_input:ident): $update_description:literal,
        $merge:ident: $merge_description:literal,
        $delete:ident: $delete_description:literal $(,)?
    ) => {
        #[doc = $description]
        #[derive(Default)]
        pub struct $mutation;

        #[Object]
        impl $mutation {
            #[doc = $create_description]
            async fn $create(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "What it is to be.")] input: $create_input,
            ) -> Result<$payload> {
                Ok($words.create(context, input.into()).await?.into())
            }

            #[doc = $update_description]
            async fn $update(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Which one, and what changes.")] input: $update_input,
            ) -> Result<$payload> {
                Ok($words.update(context, input.into()).await?.into())
            }

            #[doc = $merge_description]
            async fn $merge(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Which goes, and which stays.")] input: MergeTermInput,
            ) -> Result<$payload> {
                Ok($words.merge(context, input).await?.into())
            }

            #[doc = $delete_description]
            async fn $delete(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Which one, and what takes its place.")] input: DeleteTermInput,
            ) -> Result<$payload> {
                Ok($words.delete(context, input).await?.into())
            }
        }

        impl From<Answer> for $payload {
            fn from((term, user_errors): Answer) -> Self {
                Self {
                    $field: term.map($type),
                    user_errors,
                }
            }
        }
    };
}

term_mutation!(
    ToolMutation,
    TOOLS,
    ToolPayload { tool: Tool },
    "Changing tools.",
    create_tool(CreateTermInput): "Creates a tool. Saving a post with a new tool creates it too.",
    update_tool(UpdateTermInput): "Renames a tool, or gives it another slug.",
    merge_tool: "Puts one tool in the place of another. The old slug leads to it from then on.",
    delete_tool: "Deletes a tool that no post uses, or one that another takes the place of.",
);
term_mutation!(
    StackMutation,
    STACKS,
    StackPayload { stack: Stack },
    "Changing stacks.",
    create_stack(CreateTermInput): "Creates a stack. Saving a post with a new stack creates it too.",
    update_stack(UpdateTermInput): "Renames a stack, or gives it another slug.",
    merge_stack: "Puts one stack in the place of another. The old slug leads to it from then on.",
    delete_stack: "Deletes a stack that no post uses, or one that another takes the place of.",
);
term_mutation!(
    EntityMutation,
    ENTITIES,
    EntityPayload { entity: Entity },
    "Changing named entities.",
    create_entity(CreateEntityInput): "Creates an entity. Saving a post with a new one creates it too.",
    update_entity(UpdateEntityInput): "Renames an entity, or gives it another type or slug.",
    merge_entity: "Puts one entity in the place of another, also of another type. The old type and slug lead to it from then on.",
    delete_entity: "Deletes an entity that no post uses, or one that another takes the place of.",
);
