//! The JSON Schema that is shipped is the one of the code.

use std::path::Path;

#[test]
fn the_schema_in_docs_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/document.schema.json");
    let mut current = serde_json::to_string_pretty(&alphanode::transfer::json_schema()).unwrap();
    current.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == current,
        "docs/document.schema.json differs from the code; write it anew with \
         `UPDATE=1 cargo nextest run -p tests the_schema_in_docs`"
    );
}
