//! Signs: the cases in which each must fire, and those in which a careless rule would fire and it must not.
//!
//! `captures/signs.toml` names them; whatever else fires is printed, and bound to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mailwitness::cause::signs::{FAMILIES, Rule};
use serde::Deserialize;

use crate::cases::Measured;

/// What `captures/signs.toml` says of one sign.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    /// Cases in which it must fire.
    fires: Vec<String>,
    /// Cases in which it must not, with what a careless rule takes for it there.
    silent: BTreeMap<String, String>,
}

/// Where one sign was met, and as what.
#[derive(Default)]
struct Met<'a> {
    cases: BTreeSet<&'a str>,
    points_at: BTreeSet<&'a str>,
    /// By rank.
    strengths: BTreeSet<(usize, &'a str)>,
}

/// The words of [`mailwitness::cause::Strength`], the weakest first.
const STRENGTHS: [&str; 4] = ["weak", "moderate", "strong", "decisive"];

/// Holds every rule to what is declared of it, and declares every rule.
pub(crate) fn check(measured: &[Measured]) {
    let (declared, met) = (declared(), met(measured));
    let mut faults = Vec::new();
    for rule in rules() {
        let cases = met.get(rule.name).map(|met| &met.cases);
        println!("{:36} fires in {}", rule.name, cases.map_or_else(|| "no case".to_owned(), shown));
        let Some(told) = declared.get(rule.name) else {
            faults.push(format!("{}: captures/signs.toml does not know it", rule.name));
            continue;
        };
        for (name, why) in &told.silent {
            println!("{:36} must not fire in {name}: {why}", "");
        }
        if told.fires.is_empty() || told.silent.is_empty() {
            faults
                .push(format!("{}: needs a case in which it fires, and one in which it must not", rule.name));
        }
        let fires = |name: &String| cases.is_some_and(|cases| cases.contains(name.as_str()));
        faults.extend(
            told.fires
                .iter()
                .filter(|name| !fires(name))
                .map(|name| format!("{}: does not fire in {name}", rule.name)),
        );
        faults.extend(
            told.silent
                .keys()
                .filter(|name| fires(name))
                .map(|name| format!("{}: fires in {name}", rule.name)),
        );
        faults.extend(told.silent.keys().filter(|name| !is_read(measured, name)).map(|name| {
            format!("{}: no connection is read close up in {name}, so its silence says nothing", rule.name)
        }));
    }
    let known: BTreeSet<&str> = rules().map(|rule| rule.name).collect();
    let unknown = declared.keys().filter(|name| !known.contains(name.as_str()));
    faults.extend(unknown.map(|name| format!("{name}: captures/signs.toml knows it, and nobody else")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The table in Markdown; names are links from `captures/`.
pub(crate) fn table(measured: &[Measured]) -> String {
    let (declared, met) = (declared(), met(measured));
    let link = |name: &str| {
        let forged = measured.iter().any(|case| case.forged && case.name == name);
        if forged {
            format!("[{name}](forged/{name}/case.toml) (by hand)")
        } else {
            format!("[{name}]({name}/about.md)")
        }
    };
    let mut table =
        "| sign | points at | strength | must fire in | must not fire in, though |\n|---|---|---|---|---|\n"
            .to_owned();
    let (mut fire, mut miss) = ([0; 2], [0; 2]);
    for rule in rules() {
        let (Some(told), Some(met)) = (declared.get(rule.name), met.get(rule.name)) else { continue };
        let by_hand =
            |name: &String| usize::from(measured.iter().any(|case| case.forged && case.name == *name));
        fire[told.fires.iter().map(by_hand).min().unwrap_or(1)] += 1;
        miss[told.silent.keys().map(by_hand).min().unwrap_or(1)] += 1;
        let silent: Vec<String> =
            told.silent.iter().map(|(name, why)| format!("{}: {why}", link(name))).collect();
        writeln!(
            table,
            "| `{}` | {} | {} | {} | {} |",
            rule.name,
            met.points_at.iter().copied().collect::<Vec<_>>().join(", "),
            met.strengths.iter().map(|(_, word)| *word).collect::<Vec<_>>().join(", "),
            told.fires.iter().map(|name| link(name)).collect::<Vec<_>>().join("; "),
            silent.join("; "),
        )
        .unwrap();
    }
    format!(
        "\n{} signs. {} have a case from the lab in which they must fire, {} one by hand only; {} have one from the lab \
         in which they must not, {} by hand only.\n\n{table}",
        fire[0] + fire[1],
        fire[0],
        fire[1],
        miss[0],
        miss[1]
    )
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules).copied()
}

fn declared() -> BTreeMap<String, Declared> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/signs.toml");
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn met(measured: &[Measured]) -> BTreeMap<&str, Met<'_>> {
    let mut all: BTreeMap<&str, Met<'_>> = BTreeMap::new();
    for case in measured {
        for found in case.everything["cases"].as_array().unwrap() {
            for sign in found["signs"].as_array().unwrap() {
                let word = |key: &str| sign[key].as_str().unwrap();
                let met = all.entry(word("name")).or_default();
                let rank = STRENGTHS.iter().position(|known| *known == word("strength")).unwrap();
                met.cases.insert(&case.name);
                met.points_at.insert(word("points_at"));
                met.strengths.insert((rank, word("strength")));
            }
        }
    }
    all
}

/// Whether the report has a matched connection in that case, of which signs are read.
fn is_read(measured: &[Measured], name: &str) -> bool {
    measured.iter().filter(|case| case.name == name).any(|case| {
        let cases = case.everything["cases"].as_array().unwrap();
        cases.iter().any(|found| found["match"]["outcome"] == "matched" && !found["wire"].is_null())
    })
}

fn shown(cases: &BTreeSet<&str>) -> String {
    const MOST: usize = 4;
    let first: Vec<&str> = cases.iter().copied().take(MOST).collect();
    match cases.len().checked_sub(MOST) {
        None | Some(0) => first.join(", "),
        Some(more) => format!("{}, and {more} more", first.join(", ")),
    }
}
