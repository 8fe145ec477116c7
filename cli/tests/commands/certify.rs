//! `devices --certify`: the page and its place in the cache folder, without what differs between machines.

use crate::support::folder::{Folder, Ran, lazurite};

#[test]
fn the_page_has_its_parts_and_is_kept() {
    let folder = Folder::new("certify");
    let cache = folder.path().join("cache");
    let environment = [("LAZURITE_CACHE_DIR", ""), ("XDG_CACHE_HOME", cache.to_str().unwrap())];
    let Ran { code, out, errors } = lazurite(&["devices", "--certify"], folder.path(), &environment);
    if code == Some(1) && std::env::var_os("LAZURITE_REQUIRE_GPU").is_none() {
        assert!(errors.contains("no GPU adapter"), "{errors}");
        return;
    }
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("probed in "), "{errors}");
    let parts = out.lines().filter(|l| !l.starts_with(' ') && !l.is_empty());
    let parts: Vec<&str> = parts.filter_map(|l| l.split_whitespace().next()).collect();
    let dtypes = ["i32", "u32", "i64", "f16", "f32", "f64"];
    let parts: Vec<&str> = parts.into_iter().filter(|p| !dtypes.contains(p)).collect();
    let expected =
        ["lazurite", "adapter", "backend", "driver", "features", "examples", "work-arounds", "left", "promises"];
    assert_eq!(parts, expected, "{out}");
    for row in ["  x + y  ", "  (x + y) - x  ", "  x * 0  ", "  sqrt(x)  ", "  loop of 70,000 rounds  "] {
        let line = out.lines().find(|l| l.starts_with(row)).unwrap_or_else(|| panic!("{row}: {out}"));
        let words = line[row.trim_end().len()..].split_whitespace();
        let known = ["-", "ok", "subnormals", "rounding", "wrong"];
        assert!(words.clone().count() == 5 && words.clone().all(|w| known.contains(&w)), "{line}");
    }
    let kept: Vec<_> = std::fs::read_dir(cache.join("lazurite")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(std::fs::read_to_string(&kept[0]).unwrap(), out);
}

#[test]
fn without_a_gpu_it_says_so() {
    let folder = Folder::new("certify-nothing");
    let environment = [("VK_DRIVER_FILES", "/nonexistent.json"), ("WGPU_BACKEND", "vulkan")];
    let Ran { code, errors, .. } = lazurite(&["devices", "--certify"], folder.path(), &environment);
    assert_eq!(code, Some(1));
    assert!(errors.contains("no GPU adapter was found"), "{errors}");
    assert_eq!(folder.run(&["devices", "--certify", "--calibrate"]).code, Some(2), "one or the other");
}
