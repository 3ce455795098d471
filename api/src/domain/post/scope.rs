//! The posts that a list can hold, in SQL, from the tables whose indexes serve best.

use sea_orm::sea_query::{
    Cond, Expr, ExprTrait, JoinType, Order, Query, SelectStatement, SimpleExpr,
};

use super::filter::{PostFilter, Quantifier, TermFilter, Test};
use super::list::PostList;
use super::order::PostOrderField;
use crate::domain::page::{Cursor, Direction, PageRequest, SortKey};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::database::Dialect;

/// A statement over the posts of a filter, before it says what it wants of them.
pub(super) struct Matching {
    pub(super) select: SelectStatement,
    /// Names the content of a row.
    pub(super) id: SimpleExpr,
    /// The value of the order.
    key: SimpleExpr,
}

/// What a request can see at all, in SQL.
pub(super) struct Scope {
    perspective: Perspective,
    dialect: Dialect,
}

impl Scope {
    pub(super) fn of(reader: &Reader) -> Self {
        Self {
            perspective: reader.perspective(),
            dialect: reader.dialect(),
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The posts of a filter.
    pub(super) fn matching(&self, filter: &PostFilter, order: Option<PostOrderField>) -> Matching {
        if self.perspective == Perspective::Published {
            self.matching_live(filter, order)
        } else {
            self.matching_seen(filter, order)
        }
    }

    /// The posts in sight of any perspective, from the joins of a word when all of them have it.
    fn matching_seen(&self, filter: &PostFilter, order: Option<PostOrderField>) -> Matching {
        let id = Expr::col(("s", "content_id"));
        let mut select = Query::select();
        let sql = match filter.required_term() {
            Some((taxonomy, term)) => {
                let of_word = Expr::col(("s", "content_id")).equals(("w", "content_id"));
                select
                    .from_as(taxonomy.join_table(), "w")
                    .join_subquery(JoinType::InnerJoin, self.perspective.seen(), "s", of_word)
                    .and_where(self.has_word(taxonomy, term));
                let rest = without_required_term(filter, taxonomy, term);
                rest.to_sql(self.perspective, self.dialect, &id)
            }
            None => {
                select.from_subquery(self.perspective.seen(), "s");
                filter.to_sql(self.perspective, self.dialect, &id)
            }
        };
        let key_on_post = order.is_some_and(|by| by.is_on_post(self.perspective));
        let key_on_content = order.is_some() && !key_on_post;
        if sql.reads_post || key_on_post {
            let of_post = Expr::col(("p", "id")).equals(("s", "post_id"));
            select.join_as(JoinType::InnerJoin, "post", "p", of_post);
        }
        if sql.reads_content || key_on_content {
            let of_content = Expr::col(("c", "id")).equals(("s", "content_id"));
            select.join_as(JoinType::InnerJoin, "post_content", "c", of_content);
        }
        select.cond_where(sql.condition);
        let key = order.map_or_else(|| Expr::cust("0"), |by| by.to_sql(self.perspective));
        Matching { select, id, key }
    }

    /// Whether a row of the joins `w` is of the one word that `term` names.
    fn has_word(&self, taxonomy: Taxonomy, term: &TermFilter) -> SimpleExpr {
        let word = match term {
            TermFilter::Id(Test::Equal(id)) => Expr::val(*id),
            other => SimpleExpr::from(other.keys(taxonomy, self.dialect)),
        };
        Expr::col(("w", taxonomy.join_column())).eq(word)
    }

    /// The live posts, from the table whose index serves best: the joins of a word when the list is
    /// of one word by date, else the post or its content alone when nothing else is asked.
    fn matching_live(&self, filter: &PostFilter, order: Option<PostOrderField>) -> Matching {
        let by_date = matches!(order, None | Some(PostOrderField::PublishedAt));
        if by_date && let Some((taxonomy, term)) = filter.required_term() {
            return self.matching_by_term(filter, taxonomy, term);
        }
        let key = order.map_or_else(|| Expr::cust("0"), |by| by.to_sql(self.perspective));
        let key_on_post = order.is_some_and(|by| by.is_on_post(self.perspective));
        let key_on_content = order.is_some() && !key_on_post;
        let mut select = Query::select();

        // Through the post, where its index has the order or nothing of the content is asked.
        let live = Expr::col(("p", "live_content"));
        let over_post = filter.to_sql(self.perspective, self.dialect, &live);
        if key_on_post || !(over_post.reads_content || key_on_content) {
            select.from_as("post", "p");
            if over_post.reads_content {
                select.join_as(
                    JoinType::InnerJoin,
                    "post_content",
                    "c",
                    Expr::col(("c", "id")).equals(("p", "live_content")),
                );
            }
            select
                .and_where(Expr::col(("p", "live_content")).is_not_null())
                .cond_where(over_post.condition);
            return Matching {
                select,
                id: live,
                key,
            };
        }
        let id = Expr::col(("c", "id"));
        let over_content = filter.to_sql(self.perspective, self.dialect, &id);
        select
            .from_as("post_content", "c")
            .and_where(Expr::col(("c", "published_at")).is_not_null());
        if over_content.reads_post {
            select
                .join_as(
                    JoinType::InnerJoin,
                    "post",
                    "p",
                    Expr::col(("p", "live_content")).equals(("c", "id")),
                )
                .and_where(Expr::col(("p", "live_content")).is_not_null());
        }
        select.cond_where(over_content.condition);
        Matching { select, id, key }
    }

    /// The live posts with one word, newest first or last, as the index of its joins has them.
    fn matching_by_term(
        &self,
        filter: &PostFilter,
        taxonomy: Taxonomy,
        term: &TermFilter,
    ) -> Matching {
        let id = Expr::col(("w", "content_id"));
        let rest = without_required_term(filter, taxonomy, term);
        let sql = rest.to_sql(self.perspective, self.dialect, &id);
        let mut select = Query::select();
        select
            .from_as(taxonomy.join_table(), "w")
            .and_where(self.has_word(taxonomy, term))
            .and_where(Expr::col(("w", "published_at")).is_not_null());
        if sql.reads_content {
            // The date is the same on both while a content is live; saying so lets an index that
            // is ordered by it answer a test without reading the content's row.
            select.join_as(
                JoinType::InnerJoin,
                "post_content",
                "c",
                Expr::col(("c", "id"))
                    .equals(("w", "content_id"))
                    .and(Expr::col(("c", "published_at")).equals(("w", "published_at"))),
            );
        }
        if sql.reads_post {
            select.join_as(
                JoinType::InnerJoin,
                "post",
                "p",
                Expr::col(("p", "live_content")).equals(("w", "content_id")),
            );
        }
        select.cond_where(sql.condition);
        Matching {
            select,
            id,
            key: Expr::col(("w", "published_at")),
        }
    }

    /// The statement of one page of a list: `arm, id, sort_key`.
    pub(super) fn page_of(
        &self,
        list: &PostList,
        arm: i32,
        request: &PageRequest,
        cursor: Option<&Cursor>,
    ) -> SelectStatement {
        let Matching {
            mut select,
            id,
            key,
        } = self.matching(&list.filter, Some(list.order.by));
        let direction = match request.backward {
            false => list.order.direction,
            true => list.order.direction.reversed(),
        };
        if let Some(cursor) = cursor {
            let value = match &cursor.key {
                SortKey::Integer(number) => Expr::val(*number),
                SortKey::Text(text) => Expr::val(text.clone()),
                SortKey::Time(time) => Expr::val(*time),
            };
            let place = Expr::tuple([key.clone(), id.clone()]);
            let after = Expr::tuple([value, Expr::val(cursor.row)]);
            select.cond_where(Cond::all().add(match direction {
                Direction::Ascending => place.gt(after),
                Direction::Descending => place.lt(after),
            }));
        }
        let sql_order = match direction {
            Direction::Ascending => Order::Asc,
            Direction::Descending => Order::Desc,
        };
        select
            .expr_as(Expr::cust(arm.to_string()), "arm")
            .expr_as(id.clone(), "id")
            .expr_as(key.clone(), "sort_key")
            .order_by_expr(key, sql_order.clone())
            .order_by_expr(id, sql_order)
            .limit(u64::from(request.limit) + 1);
        if request.offset > 0 {
            select.offset(u64::from(request.offset));
        }
        select
    }
}

/// The filter less the test that the index of the word makes already.
fn without_required_term(filter: &PostFilter, taxonomy: Taxonomy, term: &TermFilter) -> PostFilter {
    match filter {
        PostFilter::All(parts) => {
            let mut dropped = false;
            let parts = parts.iter().map(|part| {
                if !dropped && part.required_term() == Some((taxonomy, term)) {
                    dropped = true;
                    without_required_term(part, taxonomy, term)
                } else {
                    part.clone()
                }
            });
            PostFilter::All(parts.collect())
        }
        PostFilter::Terms(of, Quantifier::Some, own) if *of == taxonomy && own == term => {
            PostFilter::All(Vec::new())
        }
        other => other.clone(),
    }
}
