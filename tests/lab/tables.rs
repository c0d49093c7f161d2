//! The tables, in Markdown, and their places in the pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::cases::Measured;
use crate::causes::{self, Judged, Outcome};
use crate::facts::{self, Grade};

const BEGIN: &str = "<!-- measured: written by tests/lab -->\n";
const END: &str = "<!-- end of measured -->\n";
/// Set, it makes the test write the tables instead of comparing them.
const REFRESH: &str = "MAILWITNESS_REFRESH";

/// Compares a page with `tables`, or writes them there.
pub(crate) fn check(name: &str, tables: &str) {
    println!("{tables}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (standing, after) = rest.split_once(END).unwrap();
    if std::env::var_os(REFRESH).is_some() {
        fs::write(&path, format!("{before}{BEGIN}{tables}{END}{after}")).unwrap();
        return;
    }
    assert!(standing == tables, "{name} is stale; refresh it with: {REFRESH}=1 cargo test --test lab tables");
}

/// All tables.
pub(crate) fn all(measured: &[Measured]) -> String {
    format!(
        "\nWhat the wire shows of each message (its ending with who, why and frame; stage; turn), by family of cases:\n\n\
         {}\nThe verdicts; they rest on the log's wording, whose standing is documented, seen, or assumed by us:\n\n\
         {}\nThe causes of messages that were aborted, or not delivered (there `sender` is the remote server):\n\n{}",
        wire(measured),
        verdicts(measured),
        confusion(measured)
    )
}

/// Families in the order of their names, those written by hand last.
fn families<'a>(measured: &'a [Measured]) -> BTreeMap<(bool, String), Vec<&'a Measured>> {
    let mut families: BTreeMap<(bool, String), Vec<&'a Measured>> = BTreeMap::new();
    for case in measured {
        let name = if case.forged { "written by hand" } else { &case.family };
        families.entry((case.forged, name.to_owned())).or_default().push(case);
    }
    families
}

fn wire(measured: &[Measured]) -> String {
    let mut table = format!(
        "| family | cases | messages | {} |\n|---|--:|--:|--:|--:|--:|--:|\n",
        Grade::WORDS.join(" | ")
    );
    let mut all = (0, 0, [0; 4]);
    for ((_, family), cases) in families(measured) {
        let mut counts = [0; 4];
        for case in &cases {
            for (report, wanted) in [(&case.report, case.wanted()), (&case.everything, case.finished())] {
                for want in wanted {
                    counts[facts::wire(Measured::found(report, want), want) as usize] += 1;
                }
            }
        }
        let messages: usize = counts.iter().sum();
        all = (
            all.0 + cases.len(),
            all.1 + messages,
            std::array::from_fn(|index| all.2[index] + counts[index]),
        );
        row(&mut table, &family, &[cases.len(), messages], &counts);
    }
    row(&mut table, "all", &[all.0, all.1], &all.2);
    table
}

fn verdicts(measured: &[Measured]) -> String {
    const STANDINGS: [&str; 3] = ["documented", "seen", "assumed"];
    let mut table = format!(
        "| family | right, documented | right, seen | right, assumed | {} |\n|---|--:|--:|--:|--:|--:|--:|\n",
        Grade::WORDS[1..].join(" | ")
    );
    let mut all = [0; 6];
    for ((_, family), cases) in families(measured) {
        let mut counts = [0; 6];
        for case in cases {
            for want in case.wanted() {
                let found = Measured::found(&case.report, want);
                let place = match facts::verdict(found, want) {
                    Grade::Right => {
                        let standing = found.map_or("", |found| found["standing"].as_str().unwrap());
                        STANDINGS.iter().position(|known| *known == standing).unwrap()
                    }
                    other => 2 + other as usize,
                };
                counts[place] += 1;
            }
        }
        all = std::array::from_fn(|index| all[index] + counts[index]);
        row(&mut table, &family, &[], &counts);
    }
    row(&mut table, "all", &[], &all);
    table
}

fn row(table: &mut String, name: &str, before: &[usize], counts: &[usize]) {
    let cells: Vec<String> = before.iter().chain(counts).map(usize::to_string).collect();
    writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
}

/// The real cause beside the one given; what cannot be known and what was written by hand stand apart.
fn confusion(measured: &[Measured]) -> String {
    let mut rows: BTreeMap<((bool, bool), bool, String, String), (usize, usize, Outcome)> = BTreeMap::new();
    for judged in causes::judged(measured) {
        let Judged { case, .. } = &judged;
        let key = (
            (case.forged, judged.is_delivery()),
            !judged.knowable(),
            judged.real().to_owned(),
            judged.given().to_owned(),
        );
        let count = rows.entry(key).or_insert((0, 0, judged.outcome()));
        if judged.confidence() == "likely" { count.1 += 1 } else { count.0 += 1 }
    }
    let mut table =
        "| cases | really | mailwitness says | named or not visible | likely | |\n|---|---|---|--:|--:|---|\n".to_owned();
    for ((forged, hidden, real, given), (named, likely, outcome)) in rows {
        let cases = match (forged, hidden) {
            ((false, false), false) => "lab",
            ((false, false), true) => "lab, not knowable",
            ((false, true), false) => "lab, delivery",
            ((false, true), true) => "lab, delivery, not knowable",
            ((true, _), false) => "by hand",
            ((true, _), true) => "by hand, not knowable",
        };
        let remark = match outcome {
            Outcome::Right | Outcome::Left => "",
            Outcome::Undetermined => "undetermined",
            Outcome::Wrong => "wrong",
            Outcome::FalselyDetermined => "falsely determined",
        };
        writeln!(table, "| {cases} | {real} | {given} | {named} | {likely} | {remark} |").unwrap();
    }
    table
}
