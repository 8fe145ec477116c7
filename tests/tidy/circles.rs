//! No circles between files: what a file takes from another, followed to the file that defines it, never leads back.
//!
//! An edge is a `use` or a path in code from one file to an item of another. A name that a module re-exports counts for the file
//! that defines it. A parent that names its descendants makes no edge, since declaring and re-exporting children is what it is for.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{report, rust_files};

/// The absolute path of a module or an item, from the crate's root.
type Path = Vec<String>;

/// A file as a module.
#[derive(Default)]
struct Module {
    file: String,
    /// Names that `use` brings in, with the path each stands for.
    bindings: BTreeMap<String, Path>,
    /// Modules whose names are all brought in.
    globs: Vec<Path>,
    /// Paths in code, with the way they begin.
    paths: Vec<Path>,
}

/// The modules of a crate by their paths.
struct Crate(BTreeMap<Path, Module>);

/// The paths of one `use` tree: segments, and the name each is bound to (`*` for all).
fn expand(tree: &str, prefix: &[String], out: &mut Vec<(Path, String)>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut prefix = prefix.to_vec();
        prefix.extend(tree[..open].split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
        let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let (mut depth, mut from) = (0, 0);
        for (i, c) in inside.char_indices().chain([(inside.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    if !inside[from..i].trim().is_empty() {
                        expand(&inside[from..i], &prefix, out);
                    }
                    from = i + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(p, a)| (p, Some(a.trim())));
    let mut segments = prefix.to_vec();
    segments.extend(path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned));
    if segments.len() > 1 && segments.last().is_some_and(|s| s == "self") {
        segments.pop();
    }
    let name = alias.map(str::to_owned).or_else(|| segments.last().cloned()).unwrap_or_default();
    out.push((segments, name));
}

/// Paths of at least two segments in a piece of code.
fn paths_in(code: &str) -> Vec<Path> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(part_of_name) {
        let mut path = Vec::new();
        let mut after = &rest[start..];
        loop {
            let end = after.find(|c| !part_of_name(c)).unwrap_or(after.len());
            path.push(after[..end].to_owned());
            after = &after[end..];
            match after.strip_prefix("::").filter(|further| further.starts_with(part_of_name)) {
                Some(further) => after = further,
                None => break,
            }
        }
        rest = after;
        if path.len() > 1 {
            found.push(path);
        }
    }
    found
}

impl Crate {
    /// Reads the files below `folder`, whose root is `main`.
    fn read(folder: &str, main: &str) -> Self {
        let mut raw = BTreeMap::new();
        for file in rust_files().iter().filter(|f| f.name().starts_with(folder) && !f.is_test()) {
            let name = file.name();
            let inner = name[folder.len()..].trim_start_matches('/').trim_end_matches(".rs");
            let mut path: Path = inner.split('/').map(str::to_owned).collect();
            if path.last().is_some_and(|s| s == "mod" || (path.len() == 1 && s == main)) {
                path.pop();
            }
            let code: String = file.lines().filter(|l| !l.test).map(|l| format!("{}\n", l.code)).collect();
            raw.insert(path, (name, code));
        }
        let names: BTreeSet<Path> = raw.keys().cloned().collect();
        let modules = raw.into_iter().map(|(path, (file, code))| {
            let module = Module::read(file, &code, &path, &names);
            (path, module)
        });
        Self(modules.collect())
    }

    /// The file that defines what `path` names; `None` for a whole module.
    fn definition(&self, path: &[String], depth: usize) -> Option<(&Module, String)> {
        let mut at: Path = Vec::new();
        for (i, segment) in path.iter().enumerate() {
            at.push(segment.clone());
            if self.0.contains_key(&at) {
                continue;
            }
            at.pop();
            let module = self.0.get(&at)?;
            let follow = |target: &Path| {
                let further: Path = target.iter().chain(&path[i + 1..]).cloned().collect();
                (depth < 8 && further != path).then(|| self.definition(&further, depth + 1)).flatten()
            };
            if let Some(target) = module.bindings.get(segment) {
                return follow(target);
            }
            let glob = module.globs.iter().find(|g| self.0.get(*g).is_some_and(|m| m.bindings.contains_key(segment)));
            if let Some(glob) = glob {
                return follow(&glob.iter().chain([segment]).cloned().collect());
            }
            return Some((module, segment.clone()));
        }
        None
    }

    /// What each file takes from others: file → file → names.
    fn edges(&self) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
        let mut edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (path, module) in &self.0 {
            for taken in module.bindings.values().chain(&module.paths) {
                let Some((to, name)) = self.definition(taken, 0) else { continue };
                let to_path = self.0.iter().find(|(_, m)| m.file == to.file).map(|(p, _)| p);
                if to.file == module.file || to_path.is_some_and(|p| p.starts_with(path)) {
                    continue;
                }
                edges.entry(module.file.clone()).or_default().entry(to.file.clone()).or_default().insert(name);
            }
        }
        edges
    }
}

impl Module {
    fn read(file: String, code: &str, own: &Path, names: &BTreeSet<Path>) -> Self {
        let mut module = Self { file, ..Self::default() };
        let mut uses = Vec::new();
        let mut others = String::new();
        let mut rest = code;
        while let Some(at) = crate::source::words(rest, "use").next() {
            others.push_str(&rest[..at]);
            let end = rest[at..].find(';').map_or(rest.len(), |e| at + e);
            expand(&rest[at + 3..end], &[], &mut uses);
            rest = &rest[end..];
        }
        others.push_str(rest);
        // Names that are bound here may begin the paths of others, so two rounds are enough for what the code does.
        for _ in 0..2 {
            for (path, name) in &uses {
                let Some(path) = module.absolute(path, own, names) else { continue };
                if name == "*" {
                    module.globs.push(path[..path.len() - 1].to_vec());
                } else if path.last() != Some(&"*".to_owned()) {
                    module.bindings.insert(name.clone(), path);
                }
            }
        }
        module.paths = paths_in(&others).iter().filter_map(|p| module.absolute(p, own, names)).collect();
        module
    }

    /// A path as written in the module `own`, from the crate's root; `None` where it leads out of the crate or into a type.
    fn absolute(&self, path: &[String], own: &[String], names: &BTreeSet<Path>) -> Option<Path> {
        let mut at = own.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &path[1..];
            }
            "self" => rest = &path[1..],
            "super" => {
                while let Some((_, further)) = rest.split_first().filter(|(s, _)| *s == "super") {
                    at.pop()?;
                    rest = further;
                }
            }
            first => {
                let child: Path = own.iter().cloned().chain([first.to_owned()]).collect();
                if !names.contains(&child) {
                    at = self.bindings.get(first)?.clone();
                    rest = &path[1..];
                }
            }
        }
        at.extend(rest.iter().cloned());
        Some(at)
    }
}

/// Groups of files that reach each other, each with the edges inside it.
fn circles(edges: &BTreeMap<String, BTreeMap<String, BTreeSet<String>>>) -> Vec<String> {
    let reach = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = edges.keys().map(|file| (file, reach(file))).collect();
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for file in edges.keys().filter(|file| reached[file].contains(*file)) {
        let circle: BTreeSet<_> =
            reached[file].iter().filter(|other| reached.get(other).is_some_and(|r| r.contains(file))).collect();
        if !done.insert(circle.clone()) {
            continue;
        }
        let mut text = format!("{} files", circle.len());
        for from in &circle {
            for (to, names) in edges[*from].iter().filter(|(to, _)| circle.contains(to)) {
                text += &format!("\n    {from} -> {to}: {}", names.iter().cloned().collect::<Vec<_>>().join(", "));
            }
        }
        found.push(text);
    }
    found
}

#[test]
fn no_files_take_from_each_other_in_a_circle() {
    let mut complaints = circles(&Crate::read("src", "lib").edges());
    complaints.extend(circles(&Crate::read("cli/src", "main").edges()));
    report("files take from each other in a circle", complaints);
}

#[test]
fn circles_are_seen() {
    let file = |name: &str, code: &str| {
        let names = ["a", "a/b", "a/c"].map(|n| n.split('/').map(str::to_owned).collect::<Path>()).into();
        let path: Path = name.split('/').map(str::to_owned).collect();
        (path.clone(), Module::read(name.to_owned(), code, &path, &names))
    };
    let tree = |files: &[(&str, &str)]| Crate(files.iter().map(|(name, code)| file(name, code)).collect());
    let found = |files: [(&str, &str); 3]| circles(&tree(&files).edges());
    // A re-export counts for the file that defines the name, and a parent's own names for the parent.
    let parent = ("a", "mod b; mod c; pub use b::{B, inner::D as E}; fn f() { c::g() }");
    let circle = found([parent, ("a/b", "use super::c::{self, C}; pub struct B;"), ("a/c", "use crate::a::B;")]);
    assert_eq!(circle.len(), 1, "{circle:?}");
    assert!(circle[0].contains("a/b -> a/c: C") && circle[0].contains("a/c -> a/b: B"), "{circle:?}");
    let by_path = found([parent, ("a/b", "use super::c; fn f() { c::g(); }"), ("a/c", "fn g() { super::b::f() }")]);
    assert_eq!(by_path.len(), 1, "{by_path:?}");
    let line = found([parent, ("a/b", "use super::c::C; use super::f;"), ("a/c", "use super::f;")]);
    assert!(line.is_empty(), "{line:?}");
}
