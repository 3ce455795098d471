//! Which files an import finds.

use std::fs;
use std::path::PathBuf;

use alphanode::transfer::import::find_files;

#[test]
fn directories_are_searched_in_order_for_known_extensions() {
    let directory = tempfile::tempdir().unwrap();
    for name in [
        "b.md",
        "a/z.txt",
        "a/b.JSON",
        "a/.hidden.md",
        ".git/x.md",
        "c.png",
        "a/y",
    ] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let given = directory.path().join("a/y");
    let found = find_files(&[directory.path().to_owned(), given]).unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|path| {
            path.strip_prefix(directory.path())
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    assert_eq!(names, ["a/b.JSON", "a/z.txt", "b.md", "a/y"]);
}

#[test]
fn a_missing_path_is_named() {
    let error = find_files(&[PathBuf::from("no/such/place")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no/such/place: there is no such file or directory"
    );
}
