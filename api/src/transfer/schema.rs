//! The JSON Schema of a document: what `docs/document.schema.json` holds, and what the import
//! goes by to tell known keys from unknown ones.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document::Document;

/// The JSON Schema (draft 2020-12) of one [`Document`].
pub fn json_schema() -> Value {
    let mut schema: Value = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Document>()
        .into();
    if let Some(members) = schema.as_object_mut() {
        members.insert(String::from("required"), Value::from(vec!["title"]));
    }
    schema
}
