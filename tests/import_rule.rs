//! Imports between the folders of the program run one way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each folder may name. Folders that only hold data for others come last.
const MAY_NAME: [(&str, &[&str]); 13] = [
    (
        "cli",
        &[
            "app",
            "config",
            "domain",
            "foundation",
            "graphql",
            "jobs",
            "queue",
            "telemetry",
            "transfer",
        ],
    ),
    (
        "app",
        &[
            "cache",
            "config",
            "domain",
            "foundation",
            "graphql",
            "http",
            "jobs",
            "queue",
            "telemetry",
        ],
    ),
    (
        "http",
        &[
            "cache",
            "domain",
            "foundation",
            "graphql",
            "queue",
            "telemetry",
        ],
    ),
    ("cache", &["domain", "foundation"]),
    ("graphql", &["domain", "foundation"]),
    (
        "jobs",
        &["domain", "foundation", "outbound", "queue", "transfer"],
    ),
    ("outbound", &["foundation"]),
    ("transfer", &["domain", "foundation"]),
    ("domain", &["foundation", "queue"]),
    ("queue", &["foundation"]),
    ("telemetry", &["config", "foundation"]),
    ("config", &["foundation"]),
    ("foundation", &[]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The folder of `api/src` that a file is in, or the file itself where it stands alone.
fn folder_of(path: &Path) -> String {
    let relative = path.strip_prefix("../api/src").unwrap();
    let first = relative.components().next().unwrap().as_os_str();
    first.to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// Every `crate::NAME` of a source, comments left out. `super` can't leave a folder at the top.
fn names(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for part in line.split("crate::").skip(1) {
            let group = part.strip_prefix('{').unwrap_or(part);
            let name: String = group
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            names.insert(name);
        }
    }
    names
}

#[test]
fn imports_run_one_way() {
    let mut sources = Vec::new();
    files(Path::new("../api/src"), &mut sources);
    assert!(sources.len() > 50);
    let mut broken = Vec::new();
    for path in sources {
        let folder = folder_of(&path);
        let source = std::fs::read_to_string(&path).unwrap();
        if ["main", "lib"].contains(&folder.as_str()) {
            continue;
        }
        let (_, allowed) = MAY_NAME
            .iter()
            .find(|(name, _)| *name == folder)
            .unwrap_or_else(|| panic!("{folder} has no rule"));
        for name in names(&source) {
            if name != folder && !allowed.contains(&name.as_str()) {
                broken.push(format!("{} names {name}", path.display()));
            }
        }
        let entities = ["domain", "queue"].contains(&folder.as_str());
        if !entities && (source.contains("use entity") || source.contains("entity::")) {
            let named = source.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with("use entity") || line.contains(" entity::"))
            });
            if named {
                broken.push(format!("{} names the crate entity", path.display()));
            }
        }
        for (of, foreign) in [
            ("domain", "axum"),
            ("domain", "async_graphql"),
            ("queue", "async_graphql"),
        ] {
            if folder == of && source.contains(&format!("use {foreign}")) {
                broken.push(format!("{} names {foreign}", path.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
