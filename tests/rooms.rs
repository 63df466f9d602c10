//! The house keeps its order: each room of the source imports only from the floors below its own,
//! as the table of `CONTRIBUTING.md` says.

#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of the table with its floor.
fn floors() -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    for line in fs::read_to_string("CONTRIBUTING.md").unwrap().lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let Some(Ok(floor)) = cells.next().map(str::parse) else { continue };
        let rooms = cells.next().unwrap().split(',');
        for room in rooms.map(|it| it.trim().trim_matches('`')) {
            assert_eq!(floors.insert(room.to_owned(), floor), None, "{room} stands twice");
        }
    }
    floors
}

/// Each file of the source with the room that it belongs to.
fn files(folder: &Path, room: Option<&str>, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let room = room.unwrap_or(&name);
        if path.is_dir() {
            files(&path, Some(room), found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push((path, room.to_owned()));
        }
    }
}

/// The rooms that a line names, wherever it does.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|it: char| !it.is_ascii_lowercase() && it != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn a_room_imports_only_from_the_floors_below_its_own() {
    let floors = floors();
    let mut sources = Vec::new();
    files(Path::new("src"), None, &mut sources);
    sources.retain(|(_, room)| room != "lib" && room != "main");
    let mut wrong = Vec::new();
    for (path, room) in &sources {
        let floor = floors.get(room).unwrap_or_else(|| panic!("the table lacks {room}"));
        let text = fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for other in named(line).filter(|other| other != room) {
                if floors.get(other).is_some_and(|it| it >= floor) {
                    wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports from the same floor or from above:\n{}", wrong.join("\n"));
    // A room that is gone leaves the table.
    for room in floors.keys() {
        assert!(sources.iter().any(|(_, it)| it == room), "the table names {room}");
    }
}
