//! The schema in the repository is the one the program serves, and it is a manual.

use alphanode::domain::post::PostField;

#[test]
fn the_schema_in_the_repository_is_up_to_date() {
    let written = std::fs::read_to_string("../schema.graphql").unwrap();
    assert!(
        written == alphanode::graphql::definition(),
        "schema.graphql is out of date: run `make schema` and commit it"
    );
}

#[tokio::test]
async fn everything_in_the_schema_has_a_description() {
    let server = crate::support::TestServer::create(crate::support::Backend::Sqlite).await;
    let server = server.unwrap();
    let query = "{ __schema { types {
        name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description }
        enumValues(includeDeprecated: true) { name description }
    } } }";
    let data = server.data(query, serde_json::json!({})).await;
    let mut silent = Vec::new();
    let is_silent = |value: &serde_json::Value| {
        value["description"]
            .as_str()
            .is_none_or(|text| text.trim().is_empty())
    };
    for type_ in data["__schema"]["types"].as_array().unwrap() {
        let name = type_["name"].as_str().unwrap();
        if name.starts_with("__") || name == "ID" {
            continue;
        }
        if is_silent(type_) {
            silent.push(name.to_owned());
        }
        for list in ["fields", "inputFields", "enumValues"] {
            for member in type_[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", member["name"].as_str().unwrap());
                for argument in member["args"].as_array().into_iter().flatten() {
                    // The one input of a mutation is told by its type.
                    if is_silent(argument) && argument["name"] != "input" {
                        silent.push(format!("{path}({})", argument["name"]));
                    }
                }
                if is_silent(member) {
                    silent.push(path);
                }
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

/// A selection that forgets a field would answer its default: each part alone must read the same as
/// all parts together.
#[rstest::rstest]
#[tokio::test]
async fn each_field_of_a_post_reads_the_same_alone_as_together(
    #[values(crate::support::Backend::Sqlite, crate::support::Backend::Postgres)]
    backend: crate::support::Backend,
) {
    let Some(server) = crate::support::TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(12).await;
    let fields = [
        "id",
        "reference",
        "sourceId",
        "generator",
        "sourceHash",
        "slug",
        "path",
        "title",
        "summary",
        "topic",
        "bodyHtml",
        "bodyMarkdown",
        "tableOfContents { id level text }",
        "codeLanguage",
        "difficulty",
        "readingMinutes",
        "wordCount",
        "viewCount",
        "outline { context problem stack recommendedAction }",
        "brief",
        "checklist { id text }",
        "notes",
        "flags { aiGeneratedStyle hasImages imageHeavy needsHumanReview }",
        "payload",
        "seo { title description keywords alternates { canonical } robots { index follow } \
         openGraph { type title description url publishedTime modifiedTime tags } \
         twitter { card title description } }",
        "tools { id name slug }",
        "stack { id name slug }",
        "entities { id name slug type }",
        "score { quality freshness depth clarity }",
        "revision { id number version status author message lastReviewed contentHash savedAt }",
        "publishedAt",
        "updatedAt",
        "createdAt",
    ];
    let all = format!("{{ posts {{ nodes {{ {} }} }} }}", fields.join(" "));
    let together = server.data(&all, serde_json::json!({})).await;
    let together = together["posts"]["nodes"].as_array().unwrap().clone();
    assert!(together.len() > 5);
    for field in fields {
        let name = field.split(' ').next().unwrap();
        let query = format!("{{ posts {{ edges {{ node {{ {field} }} }} }} }}");
        let alone = server.data(&query, serde_json::json!({})).await;
        let alone = alone["posts"]["edges"].as_array().unwrap();
        for (edge, post) in alone.iter().zip(&together) {
            assert_eq!(edge["node"][name], post[name], "{name} of {}", post["slug"]);
        }
    }
    // Every field that is not read by a loader of its own is in the list above.
    let query = "{ __type(name: \"Post\") { fields { name } } }";
    let known = server.data(query, serde_json::json!({})).await;
    let loaded = ["similarPosts", "revisions", "scoreHistory", "editing"];
    for field in known["__type"]["fields"].as_array().unwrap() {
        let name = field["name"].as_str().unwrap();
        let listed = fields
            .iter()
            .any(|field| field.split(' ').next() == Some(name));
        assert!(listed || loaded.contains(&name), "{name} is not tried");
    }
    assert_eq!(PostField::ALL.len(), 31);
}
