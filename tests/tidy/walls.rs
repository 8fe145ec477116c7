//! The walls between the rooms: the table in `docs/architecture.md`, held against the imports of the code in both directions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::source::{report, root, rust_files, words};

/// A row of the table.
#[derive(Debug, Default)]
struct Room {
    /// Rooms that it may name.
    knows: BTreeSet<String>,
    /// Outside crates that only it, and rooms whose rows say so too, may name.
    crates: BTreeSet<String>,
}

/// Crates that any room may name.
const EVERYWHERE: &[&str] = &["bytemuck", "half", "hashbrown", "smallvec", "tracing"];

/// Crates that only tests name, and those that tests inside `src/` may name anywhere.
const TEST_CRATES: &[&str] = &["criterion", "lazurite", "microlp", "naga", "pollster", "proptest"];

/// The table of rooms in `docs/architecture.md`: room, what it holds, may know, alone may name.
fn rooms() -> BTreeMap<String, Room> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let table = text.lines().skip_while(|l| !l.starts_with("| room |")).take_while(|l| l.starts_with('|')).skip(2);
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split(',').map(|n| n.trim().trim_matches('`').to_owned()).filter(|n| !n.is_empty() && n != "–").collect()
    };
    let mut rooms = BTreeMap::new();
    for row in table {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [room, _, knows, crates] = cells[..] else { panic!("the row has no four cells: {row}") };
        let name = room.split_whitespace().next().unwrap_or_default().trim_matches('`').to_owned();
        rooms.insert(name, Room { knows: names(knows), crates: names(crates) });
    }
    assert!(rooms.len() > 10, "the table of rooms in docs/architecture.md was not found");
    rooms
}

/// The first name of each path that starts at the crate's root in `line`; a brace gives each of its first names.
pub fn rooms_named(line: &str, depth: usize) -> Vec<String> {
    let from_super = "super::".repeat(depth);
    let mut found = Vec::new();
    for prefix in ["crate::", from_super.as_str()] {
        for (at, _) in line.match_indices(prefix) {
            if line[..at].ends_with("super::") || line[..at].ends_with('$') {
                continue;
            }
            let rest = &line[at + prefix.len()..];
            let names = rest.strip_prefix('{').map_or(vec![rest], |inside| inside.split(", ").collect());
            let first = |n: &&str| n.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            found.extend(names.iter().map(first).filter(|name| !name.is_empty()));
        }
    }
    found
}

#[test]
fn rooms_name_what_the_table_says_and_nothing_else() {
    let rooms = rooms();
    let mut complaints = Vec::new();
    let mut unused: BTreeSet<(&String, &String)> =
        rooms.iter().flat_map(|(room, row)| row.knows.iter().map(move |known| (room, known))).collect();
    let mut without_code: BTreeSet<&String> = rooms.keys().collect();
    for file in rust_files() {
        let Some(room) = file.room() else { continue };
        let Some((room, row)) = rooms.get_key_value(&room) else {
            complaints.push(format!("{}: the room '{room}' is not in the table", file.name()));
            continue;
        };
        without_code.remove(room);
        for line in file.lines() {
            for named in rooms_named(line.code, file.depth(line.test)) {
                let Some((named, _)) = rooms.get_key_value(&named) else { continue };
                if !line.test {
                    unused.remove(&(room, named));
                }
                if named != room && !row.knows.contains(named) && !line.test {
                    complaints.push(format!("{}:{}: '{room}' may not know '{named}'", file.name(), line.number));
                }
            }
        }
    }
    complaints.extend(unused.into_iter().map(|(room, known)| format!("'{room}' does not name '{known}' at all")));
    complaints.extend(without_code.into_iter().map(|room| format!("the room '{room}' has no code")));
    report("the table of rooms in docs/architecture.md and the code differ", complaints);
}

#[test]
fn outside_crates_stay_in_their_rooms() {
    let rooms = rooms();
    let mut complaints = Vec::new();
    let named_somewhere: BTreeSet<&String> = rooms.values().flat_map(|r| &r.crates).collect();
    for (room, file) in rust_files().iter().filter_map(|f| Some((f.room()?, f))) {
        let Some(row) = rooms.get(&room) else { continue };
        for name in named_somewhere.iter().filter(|name| !row.crates.contains(**name)) {
            // A module of the same name is no crate: `mod gemm;` here, or `use super::gemm`.
            let is_module = |line: &str| {
                words(line, name).any(|at| {
                    let before = line[..at].trim_end();
                    before.ends_with("mod")
                        || (before.ends_with("::") && before != "::")
                        || before.ends_with(['{', ','])
                })
            };
            if file.lines().any(|line| is_module(line.code)) {
                continue;
            }
            for line in file.lines() {
                let named = words(line.code, name).any(|at| {
                    line.code[at + name.len()..].starts_with("::") || line.code[..at].trim_start().ends_with("use ")
                });
                if named && !(line.test && TEST_CRATES.contains(&name.as_str())) {
                    complaints.push(format!("{}:{}: '{room}' may not name '{name}'", file.name(), line.number));
                }
            }
        }
    }
    report("an outside crate has left its room", complaints);
}

#[test]
fn every_dependency_has_its_room() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rooms = rooms();
    let mut listed: BTreeSet<&str> = EVERYWHERE.iter().copied().collect();
    listed.extend(rooms.values().flat_map(|r| &r.crates).map(String::as_str));
    let mut section = "";
    let mut complaints = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        // Those of some systems only count as well.
        let ours =
            section == "[dependencies]" || section.starts_with("[target.") && section.ends_with(".dependencies]");
        let Some((name, _)) = line.split_once(" = ").filter(|_| ours) else { continue };
        if !listed.remove(name) {
            complaints.push(format!("'{name}' is a dependency and in no row of the table"));
        }
    }
    complaints.extend(listed.into_iter().map(|name| format!("'{name}' is in the table and no dependency")));
    report("the dependencies and the table of rooms in docs/architecture.md differ", complaints);
}

#[test]
fn no_wall_is_dissolved_by_a_glob() {
    let rooms = rooms();
    let crates: BTreeSet<&String> = rooms.values().flat_map(|r| &r.crates).collect();
    let mut complaints = Vec::new();
    for file in rust_files() {
        let room = file.room();
        for line in file.lines().filter(|l| l.code.contains("use ") && l.code.contains("::*")) {
            let outside = crates.iter().any(|name| line.code.contains(&format!("use {name}::")));
            // A prelude is made to be imported whole: what is in it is named for that.
            let prelude = line.code.contains("::prelude::*");
            let named = rooms_named(line.code, file.depth(line.test));
            let elsewhere = named.into_iter().any(|named| room.as_ref() != Some(&named));
            let own = line.code.contains("use lazurite::") && !prelude;
            if own || (outside && !prelude) || (room.is_some() && elsewhere) {
                complaints.push(format!("{}:{}: {}", file.name(), line.number, line.code.trim()));
            }
        }
    }
    report("a glob import hides who is named", complaints);
}
