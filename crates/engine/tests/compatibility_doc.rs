//! docs/casbin-compatibility.md names a test for each deviation, and the test
//! is there.

use std::fs;
use std::path::Path;

/// The rows of the page's first table, as cells.
fn rows(page: &str) -> Vec<Vec<String>> {
    page.lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.replace("\\|", "\u{0}");
            let cells = cells.trim().trim_matches('|').split('|');
            cells
                .map(|cell| cell.trim().replace('\u{0}', "|"))
                .collect()
        })
        .collect()
}

/// The tests that a cell names: `file::test`, in code quotes.
fn named(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|name| name.split_once("::")).collect()
}

#[test]
fn every_deviation_has_a_test() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("../../docs/casbin-compatibility.md")).unwrap();
    let rows = rows(&page);
    assert_eq!(rows.len(), 24, "one row for each finding");
    let mut faults = Vec::new();
    for row in &rows {
        let [reference, doorward, tests] = row.as_slice() else {
            faults.push(format!("not three columns: {row:?}"));
            continue;
        };
        assert!(!reference.is_empty() && !doorward.is_empty());
        let tests = named(tests);
        if tests.is_empty() {
            faults.push(format!("names no test: {reference}"));
        }
        for (file, test) in tests {
            let file = package.join("tests").join(format!("{file}.rs"));
            let text = fs::read_to_string(&file).unwrap_or_default();
            if !text.contains(&format!("#[test]\nfn {test}() {{")) {
                faults.push(format!(
                    "{} has no test {test}: {reference}",
                    file.display()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn cells_and_names_are_read_as_written() {
    let page = "# x\n\n| a | b | c |\n|---|---|---|\n| `x\\|y` | z | `one::two`, `three::four` |\n\n| no |\n";
    let rows = rows(page);
    assert_eq!(rows, [["`x|y`", "z", "`one::two`, `three::four`"]]);
    assert_eq!(named(&rows[0][2]), [("one", "two"), ("three", "four")]);
    assert_eq!(named("none"), []);
}
