//! What an application downloads, against the budgets of the design. Code is measured the way an application gets it:
//! a small consumer of each entry point, bundled and minified with its peers left out.
//! It must never measure anything but the finished package.

use crate::Outcome;
use crate::command::{program, read};
use crate::paths::Paths;
use crate::progress::note;

/// What is above its budget today, and the bytes it must not pass on the way down. An entry leaves this list with
/// the change that brings its row within the budget; none is added.
const DEBTS: &[(&str, i64)] = &[("loader and core", 5_700), ("hasura", 2_320)];

/// Names as `pkg-template/measure.mjs` prints them, with the bytes of brotli that each may take.
const BUDGETS: &[(&str, i64)] = &[
    ("core wasm", 13_000),
    ("loader and core", 5_000),
    ("react", 1_500),
    ("convex", ADAPTER),
    ("convex-react", ADAPTER),
    ("instant", ADAPTER),
    ("triplit", ADAPTER),
    ("hasura", ADAPTER),
    ("http", ADAPTER),
    ("defineBackend", ADAPTER),
    ("slim, react, convex", 20_000),
    ("inlined, react, convex", 26_000),
];

const ADAPTER: i64 = 1_200;

/// Entry points for development, which no application ships.
const UNLIMITED: &[&str] = &["testing", "doctor", "devtools"];

/// Print the table; anything above its budget (or its debt), or without one, is a failure.
pub fn size(paths: &Paths) -> Outcome {
    let report = read(program("node", &paths.root).arg("pkg-template/measure.mjs").arg(paths.pkg()))?;
    let rows: Vec<Row> = report.lines().map(Row::parse).collect::<Outcome<_>>()?;
    note(format_args!("{:<24} {:>8} {:>8} {:>8} {:>8}", "bytes", "raw", "gzip", "brotli", "budget"));
    let mut wrong = Vec::new();
    for row in &rows {
        let budget = BUDGETS.iter().find(|(name, _)| *name == row.name).map(|(_, bytes)| *bytes);
        let limit = budget.map_or_else(String::new, |bytes| bytes.to_string());
        note(format_args!("{:<24} {:>8} {:>8} {:>8} {limit:>8}", row.name, row.raw, row.gzip, row.brotli));
        let debt = DEBTS.iter().find(|(name, _)| *name == row.name).map(|(_, bytes)| *bytes);
        match budget {
            Some(bytes) if row.brotli > bytes && debt.is_some_and(|debt| row.brotli <= debt) => {
                note(format_args!(
                    "    {} is {} above its budget: a known debt",
                    row.name,
                    row.brotli - bytes
                ));
            }
            Some(bytes) if row.brotli <= bytes && debt.is_some() => {
                wrong.push(format!("{} is within its budget: take it off the debts", row.name));
            }
            Some(bytes) if row.brotli > bytes => wrong.push(format!("{} is above its budget", row.name)),
            None if !UNLIMITED.contains(&row.name) => wrong.push(format!("{} has no budget", row.name)),
            _ => {}
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// One measured thing. A difference between two bundles can be negative.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    raw: i64,
    gzip: i64,
    brotli: i64,
}

impl<'a> Row<'a> {
    /// Four fields between tabs.
    fn parse(line: &'a str) -> Outcome<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |text: &str| text.parse().map_err(|_| format!("`{line}` is not a measurement"));
        match fields[..] {
            [name, raw, gzip, brotli] => {
                Ok(Self { name, raw: number(raw)?, gzip: number(gzip)?, brotli: number(brotli)? })
            }
            _ => Err(format!("`{line}` is not a measurement")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_row_has_a_name_and_three_numbers() {
        assert_eq!(
            Row::parse("react\t300\t200\t-1"),
            Ok(Row { name: "react", raw: 300, gzip: 200, brotli: -1 })
        );
        assert!(Row::parse("react\t300").is_err());
        assert!(Row::parse("react\t300\t200\tmany").is_err());
    }
}
