//! Keeps the arrows of the house: what each room under `src/` may import.
//!
//! Reads every `crate::`, `super::` and (in the binary) `mailwitness::` path of every source file, not
//! only its `use` lines. Comments are left out: a doc link may point anywhere.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a failed test is a panic by design"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The ground floor: imports nothing but itself.
const GROUND: [&str; 5] = ["time", "net", "cite", "text", "input"];

/// The rooms above it, in the order in which data flows: a room may import those before it.
const ROOMS: [&str; 13] = [
    "capture",
    "smtp",
    "maillog",
    "join",
    "verdict",
    "testimony",
    "cause",
    "case",
    "investigate",
    "redact",
    "report",
    "bundle",
    "cli",
];

/// Rooms that never see each other, whatever their order.
const STRANGERS: [(&str, &str); 2] = [("maillog", "capture"), ("maillog", "smtp")];

#[test]
fn arrows_never_run_back() {
    let mut wrong = Vec::new();
    let mut paths_read = 0;
    for file in sources(&source_root()) {
        let module = module_of(&file);
        let Some(room) = module.first().cloned() else { continue };
        let text = fs::read_to_string(&file).unwrap();
        for (line, target) in targets(&text, module.len()) {
            paths_read += 1;
            if let Err(why) = allowed(&room, &target) {
                wrong.push(format!("{}:{line}: {room} imports {target}: {why}", file.display()));
            }
        }
    }
    assert!(paths_read > 100, "only {paths_read} paths found: the reader of this test is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_known() {
    for entry in fs::read_dir(source_root()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let known = GROUND.contains(&name.as_str())
            || ROOMS.contains(&name.as_str())
            || matches!(name.as_str(), "lib" | "main");
        assert!(known, "{} is no room of the house", path.display());
    }
}

#[test]
fn the_reader_sees_what_it_must() {
    let text = "use crate::smtp::{self, Verb};\n// crate::cli\nlet x = super::super::join::Y; super::z();\n";
    let seen: Vec<String> = targets(text, 2).into_iter().map(|(_, target)| target).collect();
    assert_eq!(seen, ["smtp", "join"]);
    assert!(allowed("maillog", "capture").is_err());
    assert!(allowed("capture", "smtp").is_err());
    assert!(allowed("time", "capture").is_err());
    assert!(allowed("join", "maillog").is_ok());
}

fn allowed(room: &str, target: &str) -> Result<(), &'static str> {
    if room == target || GROUND.contains(&target) {
        return Ok(());
    }
    if room == "lib" || room == "main" {
        return Ok(());
    }
    if GROUND.contains(&room) {
        return Err("the ground floor imports nothing of ours");
    }
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    match (place(room), place(target)) {
        (Some(own), Some(other)) if other > own => Err("the arrow runs back"),
        (Some(_), Some(_)) if STRANGERS.contains(&(room, target)) => Err("these two never see each other"),
        (Some(_), Some(_)) => Ok(()),
        (_, None) => Err("no such room"),
        (None, _) => Err("not a room"),
    }
}

/// The rooms that paths in `text` lead to, each with its line. `depth` is the number of names in the
/// file's own module path: that many `super` lead to the root.
fn targets(text: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for root in ["crate::", "mailwitness::"] {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"') {
                    continue;
                }
                for name in names(&code[at + root.len()..]) {
                    found.push((number + 1, name));
                }
            }
        }
        let mut rest = code;
        while let Some(at) = rest.find("super::") {
            let mut climbed = 0;
            rest = &rest[at..];
            while let Some(after) = rest.strip_prefix("super::") {
                climbed += 1;
                rest = after;
            }
            if climbed >= depth.max(1) && depth > 1 {
                found.extend(names(rest).into_iter().map(|name| (number + 1, name)));
            }
        }
    }
    found
}

/// The first name, or names, behind a root: `smtp::x` or `{smtp::x, net}`.
fn names(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let list = match path.strip_prefix('{') {
        Some(group) => group.split(',').map(|part| word(part.trim())).collect(),
        None => vec![word(path)],
    };
    // Macros and items at the root are no rooms; lower-case names are.
    list.into_iter().filter(|name| name.chars().next().is_some_and(char::is_lowercase)).collect()
}

fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(source_root()).unwrap().with_extension("");
    let mut names: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if names.last().is_some_and(|name| name == "mod") {
        names.pop();
    }
    names
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
