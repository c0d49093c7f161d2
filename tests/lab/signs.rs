//! Signs: in which cases each of them fires, and in which a careless rule would fire and it must not.

use std::collections::{BTreeMap, BTreeSet};

use mailwitness::cause::signs::FAMILIES;

use crate::cases::Measured;
use crate::not_yet;

/// Prints the table, and holds the hand-written cases to what they say of signs.
pub(crate) fn check(measured: &[Measured]) {
    let mut fires: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut silent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut faults = Vec::new();
    for case in measured {
        for found in case.everything["cases"].as_array().unwrap() {
            for sign in found["signs"].as_array().unwrap() {
                fires.entry(sign["name"].as_str().unwrap()).or_default().insert(&case.name);
            }
        }
        for want in case.wanted() {
            let names = |key: &str| -> Vec<&str> {
                want[key].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect()
            };
            for name in names("fires") {
                if !fires.get(name).is_some_and(|cases| cases.contains(case.name.as_str())) {
                    faults.push(format!("{}: {name} does not fire", case.name));
                }
            }
            for name in names("silent") {
                silent.entry(name).or_default().insert(&case.name);
                if fires.get(name).is_some_and(|cases| cases.contains(case.name.as_str())) {
                    faults.push(format!("{}: {name} fires", case.name));
                }
            }
        }
    }
    let rules = FAMILIES.iter().flat_map(|family| family.rules);
    for rule in rules {
        let listed = not_yet::SIGNS.iter().any(|(name, _)| *name == rule.name);
        let cases = fires.get(rule.name);
        println!("{:36} fires in {}", rule.name, cases.map_or_else(|| "no case".to_owned(), shown));
        if let Some(cases) = silent.get(rule.name) {
            println!("{:36} must not fire in {}", "", shown(cases));
        }
        match (cases.is_some(), listed) {
            (false, false) => faults.push(format!("{} fires in no case", rule.name)),
            (true, true) => faults.push(format!("{} fires now, and must leave the list", rule.name)),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn shown(cases: &BTreeSet<&str>) -> String {
    const MOST: usize = 4;
    let first: Vec<&str> = cases.iter().copied().take(MOST).collect();
    match cases.len().checked_sub(MOST) {
        None | Some(0) => first.join(", "),
        Some(more) => format!("{}, and {more} more", first.join(", ")),
    }
}
